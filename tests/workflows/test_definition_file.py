"""Definition files: what is right loads, and all that is wrong is told with its place."""

from pathlib import Path
from textwrap import dedent

import pytest

from connectors.connector import Actions
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
steps:
  before:
    uses: shop.current@1
  switch:
    uses: shop.switch@1
    needs: [before]
    with: {version: "${ inputs.version }"}
    undo: {uses: shop.switch@1, with: {version: "${ steps.before.version }"}}
"""


@pytest.fixture
def actions() -> Actions:
    return Actions([ShopConnector(Target())])


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "wf.yaml"


def faults_of(file: Path, text: str, actions: Actions | None = None) -> list[str]:
    file.write_text(dedent(text))
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


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("name: go", "name: Go!", "A name is lower-case letters, digits, `-` and `_`."),
        ("command: go", "command: come", "It begins with the workflow's name, `go`."),
        ("<version>", "<versionx>", "`versionx` is no input. Did you mean `version`?"),
        (
            "<version>",
            "",
            "The input `version` is required, and `command` has no place for it.",
        ),
        ("<version>", "[version]", "The input `version` is required: write <version>."),
        ("<version>", "to", "`to` stands before nothing."),
        ("type: version", "type: versionx", "There is no type `versionx`"),
        ("type: version", "type: choice", "A choice needs `choices`."),
        ("{type: version}", "{type: version, default: '??'}", "is no version"),
        ("{type: version}", "{pattern: '(('}", "is no regular expression"),
        ("{type: version}", "{required: perhaps}", "`required` is true or false."),
        (
            "  version: {type: version}",
            "  t: {type: text}",
            "`t` is what buttons carry: rename it.",
        ),
        ("shop.current@1", "shop.currentx@1", "There is no action `shop.currentx@1`."),
        ("uses: shop.current@1", "title: Nothing", "either `uses` an action or has a `wait`."),
        (
            "uses: shop.current@1",
            "{uses: shop.current@1, wait: 1s}",
            "either `uses` an action or has a `wait`.",
        ),
        ("needs: [before]", "needs: [switch]", "A step cannot need itself."),
        ("needs: [before]", "needs: before", "`needs` is a list"),
        ("uses: shop.current@1", "{uses: shop.current@1, for_each: x}", "`for_each` is not"),
        ("uses: shop.current@1", "{uses: shop.current@1, retries: 3}", "`retries` is no key here"),
        (
            "uses: shop.current@1",
            "{uses: shop.current@1, retry: {attempts: 0}}",
            "`attempts` is a number from 1 to 20.",
        ),
        (
            "uses: shop.current@1",
            "{uses: shop.current@1, retry: {backoff: 1ms}}",
            "A pause of less than 100ms helps nobody.",
        ),
        ('"${ inputs.version }"', '"${ inputs.versionx }"', "There is no input `versionx`."),
        ('"${ inputs.version }"', '"${ inputs. }"', "cannot be read"),
        ('"${ inputs.version }"', '"${ environ.HOME }"', "`environ`"),
        ('{version: "${ inputs.version }"}', "{verzion: v1}", "shop.switch@1 has no input"),
        ("needs: [before]", "needs: []", "There is no step that is done by then `before`."),
        ("undo: {uses: shop.switch@1, with:", "undo: {with:", "An undo says what it `uses`."),
        ("steps:", "lock: ${ steps.before.version }\nsteps:", "`steps.before.version`"),
        ("name: go", "name: go\nname: gone", "The key `name` is given twice."),
    ],
)
def test_a_fault_is_told(file, actions, old, new, fault):
    assert old in SWITCH

    faults = faults_of(file, SWITCH.replace(old, new, 1), actions)

    assert any(fault in each for each in faults), faults


def test_what_a_writing_step_gives_cannot_be_planned_with(file, actions):
    text = f"""{SWITCH}\
  after:
    uses: shop.switch@1
    needs: [switch]
    with: {{version: "${{ steps.switch.version }}"}}
"""

    (fault,) = faults_of(file, text, actions)

    assert "`steps.switch.version` is known only when `switch` has run" in fault


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
        (folder / "recycle.yaml").write_text(RECYCLE)

    with pytest.raises(DefinitionFaults) as refusal:
        load_all([first, second])

    assert str(first / "recycle.yaml") in str(refusal.value)
    assert str(second / "recycle.yaml") in str(refusal.value)


def test_folders_are_read_in_their_order_and_one_may_be_missing(tmp_path):
    (tmp_path / "recycle.yaml").write_text(RECYCLE)

    assert list(load_all([tmp_path, tmp_path / "nowhere"])) == ["recycle"]
