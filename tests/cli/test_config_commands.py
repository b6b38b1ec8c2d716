"""`signalbox policy` and `signalbox workflows`, over the demo's world and spoilt copies of it."""

import json
from pathlib import Path
import re
import shlex
import shutil

import pytest

from bot.settings import DEMO_WORLD
from workflows.definition import CATALOG


@pytest.fixture
def world(tmp_path: Path) -> Path:
    """A copy of the demo's config folder, to be spoilt."""
    copy = tmp_path / "world"
    shutil.copytree(DEMO_WORLD, copy)
    return copy


def spoil(file: Path, old: str, new: str) -> int:
    """Put *new* in the place of the only *old* in *file*; the line is given back."""
    text = file.read_text()
    assert text.count(old) == 1
    file.write_text(text.replace(old, new))
    return text[: text.index(old)].count("\n") + 1


@pytest.mark.parametrize("arguments", [["policy", "lint"], ["policy", "test"]])
def test_the_demos_policy_is_right(signalbox, arguments):
    ended = signalbox(*arguments, str(DEMO_WORLD))

    assert (ended.code, ended.err) == (0, "")
    assert re.fullmatch(
        r"The policy is right for all [0-9]+ commands\.\n"
        r"|([0-9]+) of \1 cases are answered as expected\.\n",
        ended.out,
    )


def test_the_config_folder_may_be_a_setting(signalbox):
    assert signalbox("policy", "lint", CONFIG_DIR=str(DEMO_WORLD)).code == 0
    assert signalbox("policy", "lint", PROFILE="demo").code == 0
    assert signalbox("workflows", "lint", PROFILE="demo").code == 0


def test_a_misspelled_action_is_found_where_it_stands(signalbox, world: Path):
    policy = world / "policy" / "policy.cedar"
    policy.write_text(
        f"{policy.read_text()}\n"
        '@id("odd")\n@reason("odd")\n'
        'permit (principal, action == Signalbox::Action::"depoly", resource);\n'
    )
    line = policy.read_text().count("\n")

    ended = signalbox("policy", "lint", str(world))

    assert (ended.code, ended.err) == (1, "")
    assert ended.out.startswith(f"{policy}:{line}:")
    assert "`deploy`" in ended.out


def test_another_answer_than_expected_is_told(signalbox, world: Path):
    cases = world / "policy" / "cases.yaml"
    line = spoil(
        cases,
        "{who: viewer, says: logs shop in staging, expect: deny}",
        "{who: viewer, says: logs shop in staging, expect: allow}",
    )

    ended = signalbox("policy", "test", str(world))

    assert ended.code == 1
    first, last = ended.out.splitlines()
    assert first.startswith(f"{cases}:{line}:")
    assert first.endswith("viewer says `logs shop in staging`: expected allow, got deny.")
    right, of_all = map(int, re.findall("[0-9]+", last))
    assert last == f"{right} of {of_all} cases are answered as expected."
    assert right == of_all - 1


@pytest.mark.parametrize(
    ("who", "command", "answer"),
    [
        (
            "dev-1",
            "deploy shop v1.1.0 to prod",
            (
                "dev-1 may deploy shop in prod, after 2 approvals from prod-approvers, "
                "not by the requester, within 30 minutes; "
                "incident-commanders are called after 15 minutes."
            ),
        ),
        ("dev-1", "deploy shop", "dev-1 may not deploy shop."),
        ("viewer", "restart shop in prod", "viewer may not restart shop in prod."),
        ("operator", 'restart shop in prod --reason "it hangs"', "operator may restart shop"),
        ("viewer+prod-approver", "help", "viewer + prod-approver may use help."),
        ("guest", "help", "Guests have no access."),
        ("stranger", "help", "I do not find you in the directory"),
    ],
)
def test_why_tells_what_the_policy_says(signalbox, who, command, answer):
    ended = signalbox("policy", "why", "--as", who, *shlex.split(command), PROFILE="demo")

    assert (ended.code, ended.err) == (0, "")
    assert ended.out.startswith(answer)
    assert "\nRule: " in ended.out


def test_why_about_a_run_depends_on_whose_it_is(signalbox):
    question = ["policy", "why", "--as", "developer"]

    own = signalbox(*question, "--own-run", "confirm", "k7f3q2ma", PROFILE="demo")
    other = signalbox(*question, "--other-run", "confirm", "k7f3q2ma", PROFILE="demo")

    assert own.out.startswith("developer may confirm this run.")
    assert other.out.startswith("developer may not confirm this run")


@pytest.mark.parametrize(
    ("who", "command", "sentence"),
    [
        ("nobody", "help", "`nobody` is no role, and nobody in directory.yaml.\n"),
        ("dev-1", "depoly shop", "I know no command `depoly`. Did you mean `deploy`"),
        ("dev-1", "deploy shop --now", "There is no `--now` here."),
    ],
)
def test_why_needs_a_question(signalbox, who, command, sentence):
    ended = signalbox("policy", "why", "--as", who, *command.split(), PROFILE="demo")

    assert (ended.code, ended.out) == (2, "")
    assert ended.err.startswith(sentence)


@pytest.mark.parametrize("path", [CATALOG, CATALOG / "deploy.yaml"])
def test_the_workflows_that_ship_are_fine(signalbox, path: Path):
    ended = signalbox("workflows", "lint", str(path))

    assert (ended.code, ended.out, ended.err) == (0, "Nothing is wrong.\n", "")


def test_faults_are_told_with_their_places(signalbox, tmp_path: Path):
    for name in ("one", "two"):
        shutil.copy(CATALOG / "deploy.yaml", tmp_path / f"{name}.yaml")
    line = spoil(tmp_path / "one.yaml", "name: deploy", "name: Deploy it")

    ended = signalbox("workflows", "lint", str(tmp_path))

    assert (ended.code, ended.err) == (1, "")
    assert ended.out.startswith(f"{tmp_path}/one.yaml:{line}:")
    assert all(each.startswith(f"{tmp_path}/one.yaml:") for each in ended.out.splitlines())


def test_a_workflow_of_the_folder_may_not_take_the_name_of_another(signalbox, world: Path):
    shutil.copy(CATALOG / "deploy.yaml", world / "workflows" / "mine.yaml")

    ended = signalbox("workflows", "lint", CONFIG_DIR=str(world))

    assert (ended.code, ended.err) == (1, "")
    assert "mine.yaml:" in ended.out


def test_an_action_that_no_connection_has_is_a_fault(signalbox, world: Path):
    mine = world / "workflows" / "mine.yaml"
    mine.write_text(
        "name: mine\ntitle: Mine\ncommand: mine\nsteps:\n  only: {uses: rockets.launch@1}\n"
    )

    ended = signalbox("workflows", "lint", str(mine))

    assert (ended.code, ended.err) == (1, "")
    assert ended.out.startswith(f"{mine}:5:")
    assert "rockets.launch@1" in ended.out


def test_a_folder_without_workflows_is_no_answer(signalbox, tmp_path: Path):
    ended = signalbox("workflows", "lint", str(tmp_path))

    assert (ended.code, ended.out) == (2, "")
    assert ended.err == f"There is no workflow file in {tmp_path}.\n"


def test_a_workflow_is_drawn_as_text(signalbox):
    ended = signalbox("workflows", "show", str(CATALOG / "restart.yaml"))

    assert (ended.code, ended.err) == (0, "")
    assert ended.out == (
        "restart: Restart\n"
        "  command  restart <service> in <environment>\n"
        "  aliases  bounce\n"
        '  lock     ${ inputs.service + "/" + inputs.environment }\n'
        "\n"
        "  ○ current  releases.current@1\n"
        "  ├─╮\n"
        "  │ ○ restart  supervisor.restart@1\n"
        "  │ │   within 1m\n"
        "  │ │   2 attempts, 1s apart at first\n"
        "  ├─╯\n"
        "  ○ health  releases.health@1\n"
        "      within 30s\n"
    )


def test_all_workflows_are_shown_with_a_line_between(signalbox):
    ended = signalbox("workflows", "show")

    titles = [block.partition(":")[0] for block in ended.out.split("\n\n")[::2]]
    assert (ended.code, titles) == (0, ["deploy", "restart", "rollback"])


def test_workflows_are_drawn_for_pages(signalbox):
    ended = signalbox("workflows", "show", "--mermaid", str(CATALOG / "restart.yaml"))

    assert (ended.code, ended.err) == (0, "")
    assert ended.out.startswith("flowchart TD\n  command")


def test_the_schema_names_the_actions_that_there_are(signalbox):
    ended = signalbox("workflows", "schema", PROFILE="demo")

    assert (ended.code, ended.err) == (0, "")
    assert "supervisor.restart@1" in ended.out
    assert json.loads(ended.out)["required"] == ["name", "title", "command", "steps"]
