"""What the commands about locks have in common: their inputs, their cards, and whom they tell."""

from collections.abc import Mapping, Sequence
from html import escape as html

from bot.card_tokens import Press
from bot.command import Context
from bot.run_views import holders_of
from cards.locks import LockRow, locks_card
from cards.text import escape, plain
from cards.view import Button
from domain.actor import Actor
from domain.command import Card, Invocation
from domain.conversation import ConversationKind
from domain.field import Field, FieldType
from domain.lock import Hold, Line
from domain.notice import Mention, Message
from storage.unit import UnitOfWork
from workflows.durations import parse, text_of
from workflows.engine.holds import USUAL, Asked

SERVICE = Field(name="service", type=FieldType.SERVICE, description="What is locked")
ENVIRONMENT = Field(name="environment", type=FieldType.ENVIRONMENT, description="Where")
LENGTH = Field(
    name="for",
    type=FieldType.DURATION,
    required=False,
    default=text_of(USUAL),
    flag_only=True,
    description="How long, at most 24h",
)
REASON = Field(name="reason", flag_only=True, description="Why, for those who wait")

_MOST_BUTTONS = 5
_MOST_LINES = 50
_MOST_RUNS = 10  #: of a line; the card counts the others


def lock_name(arguments: Mapping[str, str]) -> str:
    """What the lock of a service in an environment is called: as in the workflows that ship."""
    return f"{arguments['service']}/{arguments['environment']}"


def asked(invocation: Invocation) -> Asked:
    """The lock as *invocation* asks for it."""
    given = invocation.arguments
    return Asked(
        name=lock_name(given),
        by=invocation.actor,
        reason=given[REASON.name],
        length=parse(given[LENGTH.name]),
        conversation=invocation.conversation,
    )


def card_of(
    unit: UnitOfWork,
    lines: Sequence[Line],
    invocation: Invocation,
    context: Context,
    *,
    title: str = "Locks",
    note: str = "",
) -> Card:
    """*lines* as a card; each lock of the actor's own can be let go of there."""
    return Card(
        locks_card(
            [_row(unit, line, invocation.actor) for line in lines[:_MOST_LINES]],
            now=unit.now,
            zone=context.installation.zone,
            title=title,
            note=note,
            halt=unit.halts.current(),
            buttons=_buttons(lines, invocation.actor, context),
        )
    )


def one_card(unit: UnitOfWork, invocation: Invocation, context: Context, note: str) -> Card:
    """The lock that *invocation* is about, as a card, with *note*."""
    given = invocation.arguments
    line = unit.locks.line(lock_name(given))
    title = f"{given['service']} in {given['environment']}"
    lines = [line] if line.is_taken else []
    return card_of(unit, lines, invocation, context, title=title, note=note)


def robbed(unit: UnitOfWork, former: Hold, thief: Actor, reason: str) -> Message:
    """What *former*'s owner is told, where they took it."""
    name = plain(former.by_name, limit=60)
    called, mentions = escape(name, limit=60), tuple[Mention, ...]()
    known = unit.members.teams_ids(thief.tenant, [former.by])
    if former.by in known and former.conversation.kind is not ConversationKind.PERSONAL:
        called = f"<at>{html(name, quote=False)}</at>"
        mentions = (Mention(teams_id=known[former.by], name=name, text=called),)
    taken = escape(f"{thief.name} took the lock of {former.name} over from you: {reason}")
    return Message(markdown=f"{called}: {taken}", mentions=mentions)


def _row(unit: UnitOfWork, line: Line, actor: Actor) -> LockRow:
    """*line* with the runs in it, as far as they are of *actor*'s tenant."""
    waiting = (unit.runs.get(each.run_id) for each in line.waiting[:_MOST_RUNS])
    own = [run for run in waiting if run is not None and run.requester.tenant == actor.tenant]
    holders = (r for r in holders_of(unit, line) if r.requester.tenant == actor.tenant)
    return LockRow(line=line, holders=tuple(holders), waiting=tuple(own))


def _buttons(lines: Sequence[Line], actor: Actor, context: Context) -> list[Button]:
    installation = context.installation
    made: list[Button] = []
    for line in lines:
        service, _, environment = line.name.partition("/")
        is_own = line.hold is not None and line.hold.by == actor.id
        if is_own and environment and len(made) < _MOST_BUTTONS:
            press = Press(
                verb="unlock", arguments={"service": service, "environment": environment}
            )
            title = "Unlock" if len(lines) == 1 else f"Unlock {line.name}"
            token = installation.tokens.sign(press)
            made.append(Button(title=plain(title, limit=20), verb="unlock", token=token))
    return made
