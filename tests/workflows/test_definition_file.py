"""Definition files: what is right loads, and all that is wrong is told with its place."""

from dataclasses import replace
from pathlib import Path

import pytest

from connectors.connector import Actions, Inputs
from domain.approval import CommentRule
from domain.field import Field, FieldType
from tests.engine.world import ShopConnector, Target
from workflows.definition import DefinitionFaults, Retry, Undo
from workflows.definition_file import load_all, read_definition
from workflows.lint import lint

RECYCLE = """\
name: recycle
title: Recycle a service
command: recycle <service> in <environment>
inputs:
  service: {type: service, description: What to recycle}
  environment: {type: environment, description: Where}
lock: ${ inputs.service + "/" + inputs.environment }
steps:
  restart:
    uses: supervisor.restart@1
    with: {service: "${ inputs.service }", environment: "${ inputs.environment }"}
    timeout: 1m
    retry: {attempts: 2, backoff: 1s}
  settle:
    needs: [restart]
    wait: 1s
"""

SWITCH = """\
name: go
title: Go
command: go <version>
inputs:
  version: {type: version}
lock: shop/${ inputs.version }
steps:
  before:
    uses: shop.current@1
  switch:
    needs: [before]
    uses: shop.switch@1
    with: {version: "${ inputs.version }"}
    undo:
      uses: shop.switch@1
      with: {version: "${ steps.before.version }"}
  settle:
    needs: [switch]
    wait: 1s
"""

Faults = tuple[str, str, list[str]]


def written_faults() -> list[Faults]:
    """The blocks of faults.txt: what is replaced by what, and the faults, a line each."""
    text = (Path(__file__).parent / "faults.txt").read_text(encoding="utf-8")
    found = []
    for block in text.split("\n\n")[1:]:
        head, *faults = block.strip("\n").split("\n")
        old, _, new = head.replace("\\n", "\n").partition("  ->")
        found.append((old, new.removeprefix("  "), [each.strip() for each in faults]))
    return found


@pytest.fixture
def actions() -> Actions:
    return Actions([ShopConnector(Target())])


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "wf.yaml"


def faults_of(file: Path, text: str, actions: Actions | None = None) -> list[str]:
    file.write_text(text)
    return [str(fault).removeprefix(f"{file}:") for fault in lint([file], actions)]


def test_the_example_of_the_contract_loads(file):
    file.write_text(RECYCLE)

    workflow = read_definition(file)

    assert (workflow.name, workflow.title) == ("recycle", "Recycle a service")
    assert workflow.inputs == (
        Field(name="service", type=FieldType.SERVICE, description="What to recycle"),
        Field(name="environment", type=FieldType.ENVIRONMENT, description="Where"),
    )
    restart, settle = workflow.steps
    assert restart.retry == Retry(attempts=2, backoff=settle.wait)
    assert (settle.uses, settle.needs, settle.title) == (None, ("restart",), "Settle")


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("type: number, default: 1.5", "1.5"),
        ("type: boolean, default: yes", "true"),
        ("type: boolean, default: false", "false"),
        ("type: choice, choices: [Red, Blue], default: red", "Red"),
        ("default: two words", "two words"),
        ("default: null", None),
    ],
)
def test_an_input_with_a_default_may_be_left_out(file, written, expected):
    file.write_text(SWITCH.replace("type: version", written))

    (field,) = read_definition(file).inputs

    assert (field.required, field.default) == (False, expected)


@pytest.mark.parametrize("command", ["go [--version]", "go"])
def test_an_input_without_a_place_in_the_line_is_given_by_its_name(file, command):
    text = SWITCH.replace("go <version>", command)
    file.write_text(text.replace("type: version", "required: false"))

    assert read_definition(file).inputs == (Field(name="version", required=False, flag_only=True),)


@pytest.mark.parametrize(
    ("line", "rule"),
    [
        ("", None),
        ("approval:\n", None),
        ("approval: {}\n", None),
        ("approval: {comment: optional}\n", CommentRule.OPTIONAL),
        ("approval: {comment: on_reject}\n", CommentRule.ON_REJECT),
        ("approval: {comment: required}\n", CommentRule.REQUIRED),
    ],
)
def test_a_workflow_says_which_votes_must_say_why(file, line, rule):
    file.write_text(SWITCH.replace("steps:", f"{line}steps:"))

    assert read_definition(file).comment is rule


def test_an_undo_may_use_what_was_known_before(file, actions):
    file.write_text(SWITCH)

    step = read_definition(file, actions=actions).step("switch")

    assert step.undo == Undo(
        uses="shop.switch@1", arguments={"version": "${ steps.before.version }"}
    )


def test_all_faults_of_a_file_come_at_once_each_with_its_place(file):
    text = RECYCLE.replace("title:", "titlex:").replace("wait: 1s", "wait: soon")
    text = text.replace("[restart]", "[restat]")

    assert faults_of(file, text) == [
        "1:1: `title` is missing.",
        "2:1: `titlex` is no key here. Did you mean `title`?",
        "15:13: There is no step `restat`. Did you mean `restart`?",
        "16:11: `soon` is no duration; write 500ms, 30s, 10m, 4h or 3d.",
    ]


@pytest.mark.parametrize(("old", "new", "expected"), written_faults())
def test_a_fault_is_told_with_its_place(file, actions, old, new, expected):
    assert old in SWITCH
    assert expected

    assert faults_of(file, SWITCH.replace(old, new, 1), actions) == expected


def test_what_an_action_needs_must_be_there(file):
    class Picky(ShopConnector):
        def actions(self):
            return [replace(each, inputs=Picked) for each in super().actions()]

    class Picked(Inputs):
        version: str

    text = SWITCH.replace("  settle:\n    needs: [switch]\n    wait: 1s\n", "")

    assert faults_of(file, text, Actions([Picky(Target())])) == [
        "8:3: shop.current@1 needs the input `version`."
    ]


@pytest.mark.parametrize(
    ("line", "inputs", "names"),
    [
        ("go <version>", "{type: version}", ["version", "reason"]),
        ("go <version> [reason]", "{}\n  reason: {required: false}", ["version", "reason"]),
    ],
)
def test_every_workflow_takes_a_reason_once(file, line, inputs, names):
    text = SWITCH.replace("go <version>", line).replace("{type: version}", inputs)
    file.write_text(text)

    assert [each.name for each in read_definition(file).fields] == names


def test_a_pattern_has_to_be_one(file):
    (fault,) = faults_of(file, SWITCH.replace("type: version", "pattern: '(('"))

    assert fault.startswith("5:22: `((` is no regular expression: ")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("command: go <version>", "command: go <version> --reason"),
        ("{type: version}", "{type: version, required: false}"),
        ("{type: version}", "{type: choice, choices: [v1, v2]}"),
        ("{type: version}", "{pattern: 'v[0-9]+'}"),
        ("{type: version}", ""),
        ("lock: shop/${ inputs.version }\n", ""),
        ("lock:", "concurrency: {group: '${ inputs.version }', limit: 2}\nlock:"),
        ("lock:", "concurrency: {group: releases}\nlock:"),
        ("uses: shop.current@1", "uses: shop.current@1\n    title: Look"),
        ("steps.before.version", "plan.digest + run.id + run.requester"),
        ('"${ inputs.version }"', '"$${ no.expression }"'),
    ],
)
def test_what_is_right_is_no_fault(file, actions, old, new):
    assert old in SWITCH

    assert faults_of(file, SWITCH.replace(old, new, 1), actions) == []


def test_without_actions_any_will_do(file):
    text = SWITCH.replace("shop.switch@1", "rockets.launch@7").replace("{version:", "{thrust:")

    assert faults_of(file, text) == []


def test_what_a_later_version_brings_is_refused_and_not_ignored(file):
    text = "name: go\ntitle: Go\ncommand: go\nsteps:\n  one:\n    secrets: x\n"

    assert faults_of(file, text) == ["6:5: `secrets` is not supported by this version."]


@pytest.mark.parametrize("count", [0, 101])
def test_a_workflow_has_steps_and_not_too_many(file, count):
    steps = "".join(f"  s{number}: {{wait: 1s}}\n" for number in range(count)) or "  {}\n"

    (fault,) = faults_of(file, f"name: go\ntitle: Go\ncommand: go\nsteps:\n{steps}")

    words = "at least one step." if count == 0 else "at most 100 steps."
    assert fault.endswith(f": A workflow has {words}")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a: b: c", "1:5: This is no YAML: mapping values are not allowed here."),
        ("name: *x", "1:7: `*x` stands for nothing that ended before it."),
        ("name: go\nname: gone\n", "2:1: The key `name` is given twice."),
    ],
)
def test_what_is_no_yaml_is_a_fault_like_another(file, text, expected):
    assert faults_of(file, text) == [expected]


@pytest.mark.parametrize("text", ["[]", "just words", "", "7"])
def test_what_is_no_mapping_is_no_workflow(file, text):
    assert faults_of(file, text) == ["1:1: A workflow is a mapping that begins with `name:`."]


def test_a_file_that_is_missing_is_a_fault_like_another(file):
    with pytest.raises(DefinitionFaults, match="cannot be read"):
        read_definition(file)


def test_two_workflows_of_one_name_are_refused_and_both_files_named(tmp_path):
    first, second = tmp_path / "a", tmp_path / "b"
    for folder in (first, second):
        folder.mkdir()
        (folder / "recycle.yaml").write_text(f"# {folder.name}\n{RECYCLE}")

    with pytest.raises(DefinitionFaults) as refusal:
        load_all([first, second])

    assert str(refusal.value) == (
        f"{second}/recycle.yaml:2:7: "
        f"The workflow `recycle` is defined in {first}/recycle.yaml, too."
    )


def test_a_file_that_is_named_twice_is_read_once(file):
    file.write_text(RECYCLE)

    assert lint([file, file]) == ()


def test_the_faults_of_all_files_come_at_once(tmp_path):
    for name in ("b", "a"):
        (tmp_path / f"{name}.yaml").write_text("name: x\ntitle: X\ncommand: x\n")

    with pytest.raises(DefinitionFaults) as refusal:
        load_all([tmp_path])

    assert str(refusal.value) == (
        f"{tmp_path}/a.yaml:1:1: `steps` is missing.\n{tmp_path}/b.yaml:1:1: `steps` is missing."
    )


def test_folders_are_read_in_their_order_and_one_may_be_missing(tmp_path):
    (tmp_path / "recycle.yaml").write_text(RECYCLE)

    assert list(load_all([tmp_path, tmp_path / "nowhere"])) == ["recycle"]
