"""`run <id>`: the card of one run, as it is now or was at an event; or its history."""

from datetime import tzinfo
import re

from bot.command import Context, Work, command
from bot.history import card_then, timeline
from cards.answers import lines_card
from domain.command import Card, Effect, Invocation, Reply, RunCard, Trigger
from domain.conversation import ConversationKind
from domain.errors import BadArguments, Bug
from domain.field import Field, FieldType
from domain.run import Run
from storage.unit import UnitOfWork
from workflows.values import shown as say

_EVENT = re.compile(r"[1-9][0-9]{0,14}")
_NUMBERS = "`run <id> --history` lists them."


@command(
    "run <id> [--at event] [--history]",
    group="Runs",
    effect=Effect.READ,
    fields=(
        Field(name="id", type=FieldType.RUN, description="The run's id"),
        Field(
            name="at",
            required=False,
            flag_only=True,
            description="The number of an event, such as 12: what the run was then",
        ),
        Field(
            name="history",
            type=FieldType.BOOLEAN,
            required=False,
            flag_only=True,
            description="What became of it, with the numbers of the events",
        ),
    ),
)
async def run(invocation: Invocation, context: Context) -> Work:
    """One run: its plan, its approvals and its steps."""
    asked, actor, views = context.run, invocation.actor, context.installation.views
    if asked is None:
        raise Bug("`run` was carried out without a run.")
    if (past := _past(invocation, asked, context.installation.zone)) is not None:
        return past
    approvers = await views.approvers(await views.rule(asked.id))

    def shown(unit: UnitOfWork) -> Reply:
        if invocation.trigger is not Trigger.COMMAND:
            return RunCard(asked.id)
        if invocation.conversation.kind is ConversationKind.PERSONAL:
            return Card(views.personal(unit, asked.id, actor))
        # Everybody reads it here: no buttons, but a refresh for those who may press some.
        return Card(views.shared_card(unit, asked.id, approvers))

    return shown


def _past(invocation: Invocation, run: Run, zone: tzinfo) -> Work | None:
    """What shows what *run* was; None where it is to be shown as it is now."""
    given = invocation.arguments
    if given.get("history") == "true":
        title, subtitle = f"History of run {run.id}", "oldest first, times in UTC"
        return lambda unit: Card(lines_card(title, subtitle, timeline(unit, run)))
    if (text := given.get("at")) is None:
        return None
    if not _EVENT.fullmatch(text):
        raise BadArguments(f"{say(text)} is no number of an event.", hint=_NUMBERS)
    return lambda unit: Card(card_then(unit, run, int(text), zone))
