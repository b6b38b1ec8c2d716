"""Write the pages of docs/reference that say what the code says.

`python -m docs.generate` writes them; with `--check` it only tells which ones are not current.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from enum import StrEnum
import inspect
from itertools import groupby
from pathlib import Path
import re
import sys
from typing import Any

import click
from pydantic_core import PydanticUndefined

from bot.cli import signalbox
from bot.command import Command
from bot.examples import A_RUN_ID, Subjects, examples
from bot.offline import open_folder
from bot.settings import DEMO_WORLD, Settings, variable
from bot.usage import input_usage
from bot.workflow_command import GROUP as WORKFLOWS
from domain import errors
from domain.approval import GATE_TRANSITIONS, GateEvent, GateState
from domain.command import Effect
from domain.errors import SignalboxError
from domain.ports import Catalogue
from domain.run import TRANSITIONS, RunEvent, RunState
from domain.step import STEP_TRANSITIONS, StepEvent, StepState

REFERENCE = Path(__file__).parent / "reference"

_MEMBER = re.compile(r'^ +(?P<name>[A-Z_]+) = "[a-z_]+"(?: +#: (?P<words>.+))?$', re.MULTILINE)
Transitions = Mapping[Any, Mapping[Any, Any]]

_WRITTEN = "<!-- Written by `make docs`. Do not edit. -->"


def settings_page() -> Iterator[str]:
    """Every setting."""
    yield "# Settings"
    yield ""
    yield "Settings are environment variables."
    yield "A name that begins with `SIGNALBOX_` and is not listed here is refused at start."
    yield "What is blank counts as not set."
    yield ""
    yield "`production` refuses a blank app id, missing keys, and endpoints but Microsoft's."
    yield "There, `worker` and `serve --no-worker` refuse SQLite."
    yield "`test` asks for tokens as production does; its endpoints may be stand-ins on loopback."
    yield "`demo` believes activities without a token, and is bound to loopback."
    yield ""
    yield "| variable | default | what it says |"
    yield "|---|---|---|"
    for name, field in Settings.model_fields.items():
        words = (field.description or "").replace("|", "\\|")
        yield f"| `{variable(name)}` | {_default(field.default)} | {words} |"


def _default(value: Any) -> str:
    if value in (None, (), PydanticUndefined):
        return ""
    return f"`{value}`"


def run_states_page() -> Iterator[str]:
    """The lives of a run, of its steps, and of the approval requests that it waits at."""
    yield "# Run states"
    yield ""
    yield "What moves a run stands in one table, and so does what moves its steps and its gates."
    yield "An event that a table has no place for is refused."
    yield from _machine("A run", "domain/run.py", TRANSITIONS, RunState, RunEvent)
    yield from _machine("A step", "domain/step.py", STEP_TRANSITIONS, StepState, StepEvent)
    yield from _machine(
        "An approval request", "domain/approval.py", GATE_TRANSITIONS, GateState, GateEvent
    )


def _machine(
    title: str, home: str, transitions: Transitions, states: type[StrEnum], events: type[StrEnum]
) -> Iterator[str]:
    """One state machine: a picture, and what each state and event means."""
    yield ""
    yield f"## {title}"
    yield ""
    yield f"The table is in `{home}`."
    yield ""
    yield "```mermaid"
    yield "stateDiagram-v2"
    yield f"    [*] --> {next(iter(transitions))}"
    for state, moves in transitions.items():
        for event, following in moves.items():
            yield f"    {state} --> {following}: {event}"
        if not moves:
            yield f"    {state} --> [*]"
    yield "```"
    yield ""
    words = _member_words(states)
    yield "| state | | what can happen |"
    yield "|---|---|---|"
    for state, moves in transitions.items():
        happens = ", ".join(f"{event} → `{following}`" for event, following in moves.items())
        yield f"| `{state}` | {words[state.name]} | {happens or 'nothing: it is final'} |"
    yield ""
    words = _member_words(events)
    yield "| event | |"
    yield "|---|---|"
    for event in events:
        if words[event.name]:
            yield f"| {event} | {words[event.name]} |"


def _member_words(enum: type) -> Mapping[str, str]:
    """What is said of each member, behind `#:`."""
    source = inspect.getsource(enum)
    return {match["name"]: match["words"] or "" for match in _MEMBER.finditer(source)}


def errors_page() -> Iterator[str]:
    """Every error a person can meet."""
    yield "# Errors"
    yield ""
    yield "Whatever goes wrong is said in a sentence to the person in the channel."
    yield "The command line says it in the same words."
    yield "There are three kinds, and they tell what to do:"
    yield ""
    yield "- **Refused**: you may not, or it makes no sense; asking again changes nothing."
    yield "- **Unavailable**: a system did not answer; again later may work."
    yield "- **Bug**: our mistake; it is logged under the id that the message tells."
    yield ""
    yield "| error | kind | what it means |"
    yield "|---|---|---|"
    for error in _errors():
        kind = next(base.__name__ for base in error.__mro__ if SignalboxError in base.__bases__)
        yield f"| `{error.__name__}` | {kind} | {_first_line(error)} |"


def _errors() -> list[type[SignalboxError]]:
    """The classes of `domain.errors`, in its order, without the base of all."""
    return [
        value
        for value in vars(errors).values()
        if isinstance(value, type)
        and issubclass(value, SignalboxError)
        and value is not SignalboxError
    ]


def commands_page() -> Iterator[str]:
    """Every command that can be said in a conversation."""
    yield "# Commands"
    yield ""
    yield "What people say to the bot, in a channel after its mention, or to it alone."
    yield "Who may say what is the policy's to decide; `help` shows each person their own."
    yield "`<x>` must be given, `[x]` may be, and `--x` goes by name."
    yield "The words `to`, `in`, `on`, `from` and `with` may be left out."
    yield "Names and examples are those of the demo's world."
    folder = open_folder(DEMO_WORLD, Path("state"))
    catalogue = folder.config.catalogue
    places = [
        (service, environment)
        for service in catalogue.services()
        for environment in catalogue.environments(service)
    ]
    deploy = folder.commands.find("deploy")
    asked_about = Subjects(person="dev-1", lines=("deploy",), run_id=A_RUN_ID)
    lines = examples(deploy, places, asked_about, catalogue)
    subjects = replace(asked_about, lines=lines)
    commands = sorted(
        folder.commands, key=lambda each: (each.group == WORKFLOWS, each.group, each.name)
    )
    for group, members in groupby(commands, key=lambda each: each.group):
        yield ""
        yield f"## {group}"
        if group == WORKFLOWS:
            yield ""
            yield "Each workflow is a command; these ship with Signalbox."
        for each in members:
            yield from _command(each, examples(each, places, subjects, catalogue), catalogue)


def _command(each: Command, lines: Sequence[str], catalogue: Catalogue) -> Iterator[str]:
    """One command: how it is said, what it takes, what it does to the world."""
    yield ""
    yield f"### `{each.name}`"
    yield ""
    yield f"`{each.syntax.text}`"
    yield ""
    yield each.summary
    yield _EFFECTS[each.effect]
    if each.aliases:
        yield f"Also: {', '.join(f'`{alias}`' for alias in each.aliases)}."
    if each.fields:
        yield ""
        yield "| input | takes | |"
        yield "|---|---|---|"
    for field in each.fields:
        told = input_usage(field, catalogue)
        takes = told.takes.replace("|", "\\|")
        yield f"| `{told.name}` | {takes} | {told.needed} |"
    if lines:
        yield ""
        yield "```text"
        yield from lines
        yield "```"


_EFFECTS = {
    Effect.READ: "It changes nothing.",
    Effect.WRITE: "It changes something.",
    Effect.DESTRUCTIVE: "It destroys something.",
}


def command_line_page() -> Iterator[str]:
    """Every command of `signalbox`."""
    yield "# Command line"
    yield ""
    yield "Exit codes: 0 fine, 1 the thing checked is not fine, 2 usage or configuration error."
    yield "What exits with 2 is told in one sentence on the error stream."
    yield from _described(signalbox, click.Context(signalbox, info_name="signalbox"))


def _described(command: click.Command, context: click.Context) -> Iterator[str]:
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            inner = command.get_command(context, name)
            if inner is not None:
                yield from _described(inner, click.Context(inner, context, info_name=name))
        return
    pieces = " ".join(command.collect_usage_pieces(context))
    yield ""
    yield f"## `{context.command_path}`"
    yield ""
    yield f"`{context.command_path} {pieces}`"
    yield ""
    yield inspect.cleandoc(command.help or "")
    records = [record for each in command.params if (record := each.get_help_record(context))]
    if any(map(all, records)):
        yield ""
        yield "| option | |"
        yield "|---|---|"
    for option, words in filter(all, records):
        yield f"| `{option.replace('|', chr(92) + '|')}` | {words} |"


def _first_line(documented: object) -> str:
    return (inspect.getdoc(documented) or "").partition("\n")[0]


PAGES: Mapping[str, Callable[[], Iterator[str]]] = {
    "settings.md": settings_page,
    "run-states.md": run_states_page,
    "errors.md": errors_page,
    "commands.md": commands_page,
    "command-line.md": command_line_page,
}


def written(name: str) -> str:
    """The text of the page *name*."""
    return "\n".join([_WRITTEN, "", *PAGES[name]()]) + "\n"


def main() -> int:
    """Write all pages, or tell which ones differ."""
    stale = [
        name
        for name in PAGES
        if not (REFERENCE / name).is_file()
        or (REFERENCE / name).read_text(encoding="utf-8") != written(name)
    ]
    if "--check" in sys.argv[1:]:
        for name in stale:
            print(f"docs/reference/{name} is not current: run `make docs`.")
        return 1 if stale else 0
    REFERENCE.mkdir(exist_ok=True)
    for name in stale:
        (REFERENCE / name).write_text(written(name), encoding="utf-8")
        print(f"docs/reference/{name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
