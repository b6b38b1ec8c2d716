"""`lock <service> in <environment>`: keep everybody else's runs out, for a while."""

from bot.command import Context, Work, command
from bot.locking import ENVIRONMENT, LENGTH, REASON, SERVICE, asked, one_card
from cards.waits import run_words
from domain.command import Effect, Invocation, Reply
from storage.unit import UnitOfWork


@command(
    'lock <service> in <environment> --reason "…" [--for 2h]',
    group="Locks",
    effect=Effect.WRITE,
    fields=(SERVICE, ENVIRONMENT, LENGTH, REASON),
)
async def lock(invocation: Invocation, context: Context) -> Work:
    """Keep a service to yourself for a while: no run of anybody else starts there."""
    wanted, holds = asked(invocation), context.installation.holds

    def locked(unit: UnitOfWork) -> Reply:
        hold, runs = holds.lock(unit, wanted)
        note = f"You hold the lock of {hold.name}; only your own runs start there."
        for run in runs:
            note += f" {run_words(run).capitalize()} was first, and goes on to its end."
        return one_card(unit, invocation, context, note)

    return locked
