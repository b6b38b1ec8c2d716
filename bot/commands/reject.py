"""`reject <id>`: somebody's word at a run's gate."""

from bot.command import Context, Work, command
from bot.voting import COMMENT, REASON, RUN, vote
from domain.approval import Choice
from domain.command import Effect, Invocation
from domain.policy import GateKind


@command(
    "reject <id> [comment…]",
    group="Decisions",
    effect=Effect.WRITE,
    fields=(RUN, COMMENT, REASON),
    decides_at=GateKind.APPROVAL,
)
async def reject(invocation: Invocation, context: Context) -> Work:
    """Say no to a run that waits for approval; it ends."""
    return vote(invocation, context, Choice.REJECT)
