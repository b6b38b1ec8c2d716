"""`unhalt`: go on where everything stood."""

from bot.command import Context, Work, command
from cards.locks import unhalted_card
from domain.command import Card, Effect, Invocation, Reply
from domain.field import Field
from storage.unit import UnitOfWork


@command(
    'unhalt [--reason "…"]',
    group="Locks",
    effect=Effect.WRITE,
    fields=(Field(name="reason", required=False, flag_only=True, description="Why it is over"),),
)
async def unhalt(invocation: Invocation, context: Context) -> Work:
    """Go on where everything stood when it was halted."""
    installation, actor = context.installation, invocation.actor

    def gone_on(unit: UnitOfWork) -> Reply:
        reason = invocation.arguments.get("reason", "")
        halt = installation.halting.unhalt(unit, by=actor, reason=reason)
        return Card(unhalted_card(halt, actor.name, now=unit.now, zone=installation.zone))

    return gone_on
