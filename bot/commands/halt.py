"""`halt`: stop everything."""

from bot.card_tokens import Press
from bot.command import Context, Work, command
from bot.locking import REASON
from cards.locks import StepRow, halt_card
from cards.view import Button
from domain.command import Card, Effect, Invocation, Reply
from domain.errors import Bug
from storage.unit import UnitOfWork


@command(
    'halt --reason "…"',
    group="Locks",
    effect=Effect.WRITE,
    fields=(REASON,),
    aliases=("stop-everything",),
)
async def halt(invocation: Invocation, context: Context) -> Work:
    """Stop everything: no step of any run begins until somebody says `unhalt`."""
    installation = context.installation

    def halted(unit: UnitOfWork) -> Reply:
        under_way = installation.halting.halt(
            unit, by=invocation.actor, reason=invocation.arguments[REASON.name]
        )
        in_force = unit.halts.current()
        if in_force is None:
            raise Bug("Everything was halted, and is not.")
        token = installation.tokens.sign(Press(verb="unhalt"))
        return Card(
            halt_card(
                in_force,
                [StepRow(run=each.run, step=each.step) for each in under_way],
                now=unit.now,
                zone=installation.zone,
                buttons=[Button(title="Go on", verb="unhalt", token=token)],
            )
        )

    return halted
