"""`unlock <service> in <environment>`: let others go on."""

from bot.command import Context, Work, command
from bot.locking import ENVIRONMENT, SERVICE, lock_name, one_card
from cards.times import duration
from domain.command import Effect, Invocation, Reply
from storage.unit import UnitOfWork


@command(
    "unlock <service> in <environment>",
    group="Locks",
    effect=Effect.WRITE,
    fields=(SERVICE, ENVIRONMENT),
)
async def unlock(invocation: Invocation, context: Context) -> Work:
    """Let go of a lock that is yours."""
    name, holds = lock_name(invocation.arguments), context.installation.holds

    def unlocked(unit: UnitOfWork) -> Reply:
        hold = holds.unlock(unit, name, by=invocation.actor)
        note = f"You unlocked {name}. It was yours for {duration(unit.now - hold.since)}."
        return one_card(unit, invocation, context, note)

    return unlocked
