"""A command: what it is called, what it takes, and what it does; and all of them by name.

A command's file holds one decorated function, whose docstring's first line is its help text:

    @command("runs", group="Runs", effect=Effect.READ)
    async def runs(invocation: Invocation, context: Context) -> Work: ...

The function looks at what it needs to know; what it returns is carried out inside the one
transaction that also records the request. It sees the actor verified, the arguments bound, and
the policy's yes.
"""

from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import tzinfo
import importlib
import inspect
import pkgutil

from bot import commands as home
from bot.access.identity import Identity
from bot.access.roles import Roles
from bot.card_tokens import CardTokens
from bot.parsing import Choices
from bot.run_views import RunViews, about
from bot.schedule_views import ScheduleViews
from bot.synonyms import MEANT
from connectors.connector import Actions
from domain.actor import Actor
from domain.command import Effect, Invocation, Reply
from domain.errors import Refused, UnknownCommand
from domain.field import Field, FieldType
from domain.policy import Decision, GateKind, Request
from domain.ports import Authorizer, Catalogue, Directory
from domain.run import Run, RunState
from storage.unit import UnitOfWork
from workflows.engine.halts import Halting
from workflows.engine.holds import Holds
from workflows.engine.lifecycle import Lifecycle
from workflows.engine.reminders import Reminders
from workflows.engine.schedules import Schedules
from workflows.nearest import nearest, offered
from workflows.syntax import Syntax, parse
from workflows.values import shown

Work = Callable[[UnitOfWork], Reply]
"""The part of a command that belongs into the transaction.

It may run twice, where the database lost a race, and does nothing but through its unit of work.
"""

Prepare = Callable[[Invocation, "Context"], Awaitable[Work]]
"""The part before: it reads the directory and live systems, and changes nothing.

Raises:
    Refused: it makes no sense; nothing happens.
    Unavailable: a system that it needs did not answer.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """Something that can be said, typed or pressed."""

    syntax: Syntax
    fields: tuple[Field, ...]
    summary: str  #: one sentence for the help
    group: str  #: the help's heading over it
    effect: Effect
    prepare: Prepare
    aliases: tuple[str, ...] = ()  #: what calls it, too
    steps: tuple[str, ...] = ()  #: the titles of what a run of it does; empty where it makes none
    decides_at: GateKind = GateKind.NONE  #: the kind of gate at which it is somebody's word
    needs_identity: bool = True  #: False: answered even while the directory does not answer
    repeats: bool = False  #: it stands for whatever the person said here before
    makes_sense_in: tuple[RunState, ...] = tuple(RunState)  #: states of the run that it is about
    looks_back: bool = False  #: it can tell of a run that is not kept any more
    digest: str = ""  #: of the workflow that it makes runs of; empty where it makes none

    @property
    def name(self) -> str:
        """What it is called."""
        return self.syntax.name

    def field_of(self, kind: FieldType) -> Field | None:
        """The first field of that type; None where it has none."""
        return next((each for each in self.fields if each.type is kind), None)

    def argument(self, kind: FieldType, arguments: Mapping[str, str]) -> str:
        """The value in *arguments* of the first field of that type; empty where it has none."""
        found = self.field_of(kind)
        return arguments.get(found.name, "") if found else ""


def command(
    syntax: str,
    *,
    group: str,
    effect: Effect,
    fields: Iterable[Field] = (),
    aliases: tuple[str, ...] = (),
    decides_at: GateKind = GateKind.NONE,
    needs_identity: bool = True,
    repeats: bool = False,
    makes_sense_in: tuple[RunState, ...] = tuple(RunState),
    looks_back: bool = False,
) -> Callable[[Prepare], Command]:
    """Make a `Command` of the decorated function."""

    def made(prepare: Prepare) -> Command:
        summary = (inspect.getdoc(prepare) or "").partition("\n")[0]
        return Command(
            syntax=parse(syntax),
            fields=tuple(fields),
            summary=summary,
            group=group,
            effect=effect,
            prepare=prepare,
            aliases=aliases,
            decides_at=decides_at,
            needs_identity=needs_identity,
            repeats=repeats,
            makes_sense_in=makes_sense_in,
            looks_back=looks_back,
        )

    return made


def discover() -> tuple[Command, ...]:
    """The commands of `bot/commands/`, by file name."""
    modules = (
        importlib.import_module(f"{home.__name__}.{each.name}")
        for each in sorted(pkgutil.iter_modules(home.__path__), key=lambda each: each.name)
    )
    return tuple(
        value
        for module in modules
        for value in vars(module).values()
        if isinstance(value, Command)
    )


def callings(commands: Iterable[Command]) -> frozenset[str]:
    """All words that call one of *commands*."""
    return frozenset(word for each in commands for word in (each.name, *each.aliases))


def unknown(word: str, guesses: Sequence[str] = ()) -> UnknownCommand:
    """The refusal of *word*, which calls no command; *guesses* are names that may be meant."""
    return UnknownCommand(
        f"I know no command {shown(word)}.{offered(guesses)}",
        hint="Say `help` for all of them.",
        word=word,
    )


class Commands:
    """All commands, by name and alias."""

    def __init__(self, commands: Iterable[Command]) -> None:
        """Take *commands*, in the order in which the help shows them.

        Raises:
            Refused: two are called the same.
        """
        self._by_name: dict[str, Command] = {}
        self._names: list[str] = []
        for each in commands:
            self._names.append(each.name)
            for name in (each.name, *each.aliases):
                if name in self._by_name:
                    raise Refused(f"Two commands are called `{name}`.")
                self._by_name[name] = each

    def __iter__(self) -> Iterator[Command]:
        return (self._by_name[name] for name in self._names)

    def find(self, word: str) -> Command:
        """The command that *word* calls, in upper or lower case.

        Raises:
            UnknownCommand: there is none. The sentence names no other: which ones may be named
                depends on who asks; see `near`.
        """
        # Only ASCII: a full-width or dotless letter is another letter.
        found = self._by_name.get(word.lower()) if word.isascii() else None
        if found is None:
            raise unknown(word)
        return found

    def near(self, word: str) -> tuple[Command, ...]:
        """The commands that *word*, which calls none, may stand for; the likeliest first."""
        meant = [name for name in MEANT.get(word.lower(), ()) if name in self._names]
        alike = nearest(word, self._by_name, limit=len(self._by_name))
        found = (self._by_name[each] for each in (*meant, *alike))
        return tuple({each.name: each for each in found}.values())

    @property
    def effects(self) -> Mapping[str, Effect]:
        """What each command does to the world: the actions that the policy speaks of."""
        return {each.name: each.effect for each in self}


@dataclass(frozen=True, slots=True, kw_only=True)
class Installation:
    """What there is to work with; the same for every request."""

    commands: Commands
    authorizer: Authorizer
    directory: Directory
    identity: Identity
    roles: Roles
    catalogue: Catalogue
    actions: Actions
    lifecycle: Lifecycle
    holds: Holds
    halting: Halting
    views: RunViews
    schedules: Schedules
    reminders: Reminders
    schedule_views: ScheduleViews
    tokens: CardTokens
    zone: tzinfo


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What goes with one invocation."""

    installation: Installation
    decision: Decision  #: the policy's yes, and the gate that goes with it
    activity_id: str  #: what the answer answers
    run: Run | None = None  #: the run in question, as it was when the policy was asked
    gate_id: str | None = None  #: the gate whose button was pressed; None for a typed command


def question(
    asked: Command, arguments: Mapping[str, str], actor: Actor, run: Run | None = None
) -> Request:
    """What the policy is asked when *actor* uses a command; *run* is the run in question."""
    if run is not None:
        return about(run, asked.name, actor, arguments)
    return Request(
        actor=actor,
        action=asked.name,
        service=asked.argument(FieldType.SERVICE, arguments),
        environment=asked.argument(FieldType.ENVIRONMENT, arguments),
        attributes=arguments,
    )


def choices(asked: Command, catalogue: Catalogue) -> Choices:
    """What there is to choose from for the fields of a command.

    The environments are those of the service, where that is given.
    """

    def known(field: Field, before: Mapping[str, str]) -> Sequence[str] | None:
        match field.type:
            case FieldType.SERVICE:
                return catalogue.services()
            case FieldType.ENVIRONMENT:
                service = asked.argument(FieldType.SERVICE, before)
                return catalogue.environments(service or None)
            case _:
                return None

    return known
