"""`approve <id>`: somebody's word at a run's gate."""

from bot.command import Context, Work, command
from bot.voting import COMMENT, RUN, vote
from domain.approval import Choice
from domain.command import Effect, Invocation
from domain.policy import GateKind


@command(
    "approve <id> [comment…]",
    group="Decisions",
    effect=Effect.WRITE,
    fields=(RUN, COMMENT),
    decides_at=GateKind.APPROVAL,
)
async def approve(invocation: Invocation, context: Context) -> Work:
    """Say yes to a run that waits for approval."""
    return vote(invocation, context, Choice.APPROVE)
