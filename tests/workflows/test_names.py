"""A word calls one command: two that would be called the same are told with file and line."""

from pathlib import Path

import pytest

from workflows.definition import CATALOG, DefinitionFaults
from workflows.definition_file import load_all, read_definition
from workflows.lint import lint


def written(folder: Path, name: str, aliases: str = "") -> Path:
    file = folder / f"{name}.yaml"
    file.write_text(
        f"name: {name}\ntitle: X\ncommand: {name}\naliases: [{aliases}]\n"
        "steps: {one: {wait: 1s}}\n"
    )
    return file


def test_aliases_are_what_a_command_is_called_too(tmp_path):
    assert read_definition(written(tmp_path, "go", "walk, run-fast")).aliases == (
        "walk",
        "run-fast",
    )
    assert read_definition(written(tmp_path, "go")).aliases == ()


@pytest.mark.parametrize(
    ("name", "aliases", "expected"),
    [
        ("walk", "", "1:7: `walk` is an alias of the workflow `go` in {home}/go.yaml."),
        ("jog", "walk", "4:11: `walk` is an alias of the workflow `go` in {home}/go.yaml."),
        ("jog", "run, go", "4:16: There is a workflow `go` already, in {home}/go.yaml."),
        ("jog", "help", "4:11: There is a command `help` already."),
        ("help", "", "1:7: There is a command `help` already."),
    ],
)
def test_a_word_that_calls_another_command_is_a_fault(tmp_path, name, aliases, expected):
    first, second = written(tmp_path, "go", "walk"), written(tmp_path, name, aliases)

    (fault,) = lint([first, second], taken={"help"})

    assert str(fault) == f"{second}:{expected.format(home=tmp_path)}"


def test_what_ships_keeps_its_names(tmp_path):
    file = written(tmp_path, "launch", "ship")

    with pytest.raises(DefinitionFaults) as refusal:
        load_all([CATALOG, tmp_path])

    assert str(refusal.value) == (
        f"{file}:4:11: `ship` is an alias of the workflow `deploy` in {CATALOG}/deploy.yaml."
    )


def test_a_workflow_without_aliases_is_pinned_as_it_was_before_there_were_any(tmp_path):
    assert "aliases" not in read_definition(written(tmp_path, "go")).pinned
