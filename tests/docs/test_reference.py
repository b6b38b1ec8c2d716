"""What docs/reference says is what the code says."""

from pathlib import Path

import pytest

from bot.command import choices, discover
from bot.offline import open_folder
from bot.parsing import bind, head
from bot.settings import DEMO_WORLD, VARIABLES
from docs.generate import PAGES, REFERENCE, written
from domain.approval import GateEvent, GateState
from domain.run import RunEvent, RunState
from domain.step import StepEvent, StepState
from workflows.definition import CATALOG
from workflows.definition_file import load_all


@pytest.mark.parametrize("name", PAGES)
def test_a_generated_page_is_current(name):
    assert (REFERENCE / name).read_text(encoding="utf-8") == written(name), "Run `make docs`."


def test_every_setting_has_its_line():
    page = written("settings.md")

    assert all(f"| `{name}` |" in page for name in VARIABLES)


@pytest.mark.parametrize(
    ("place", "states", "events"),
    [(1, RunState, RunEvent), (3, StepState, StepEvent), (5, GateState, GateEvent)],
)
def test_every_state_and_event_is_in_the_picture(place, states, events):
    picture = written("run-states.md").split("```")[place]

    assert all(f" {state} -->" in picture for state in states)
    assert all(f": {event}\n" in picture for event in events)


def test_every_command_is_described():
    page = written("command-line.md")

    for command in (
        "demo",
        "serve",
        "worker",
        "chat",
        "init",
        "audit verify",
        "policy why",
        "db upgrade",
    ):
        assert f"## `signalbox {command}`" in page


def test_every_chat_command_is_described():
    page = written("commands.md")

    names = [*discover(), *load_all([CATALOG]).values()]
    assert {each.name for each in names} >= {"deploy", "help", "approve"}
    assert all(f"### `{each.name}`\n" in page for each in names)
    assert all(f"`{alias}`" in page for each in names for alias in each.aliases)


def test_every_example_of_a_chat_command_can_be_typed():
    folder = open_folder(DEMO_WORLD, Path("state"))
    blocks = written("commands.md").split("```text\n")[1:]
    lines = [line for block in blocks for line in block.partition("```")[0].splitlines()]

    assert len(lines) > len(list(folder.commands))
    for line in lines:
        name, rest = head(line)
        asked = folder.commands.find(name)
        bind(rest, asked.syntax, asked.fields, choices(asked, folder.config.catalogue))


def test_every_chat_command_has_an_example():
    sections = written("commands.md").split("\n### ")[1:]

    assert [each.partition("\n")[0] for each in sections if "```text" not in each] == []
