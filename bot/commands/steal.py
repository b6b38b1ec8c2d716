"""`steal <service> in <environment>`: take a lock over from whoever has it, and say why."""

from bot.command import Context, Work, command
from bot.locking import (
    ENVIRONMENT,
    LENGTH,
    REASON,
    SERVICE,
    asked,
    one_card,
    robbed,
)
from cards.waits import run_words
from domain.command import Effect, Invocation, Reply
from storage.unit import UnitOfWork
from workflows.engine.holds import Stolen


@command(
    'steal <service> in <environment> --reason "…" [--for 2h]',
    group="Locks",
    effect=Effect.WRITE,
    fields=(SERVICE, ENVIRONMENT, LENGTH, REASON),
)
async def steal(invocation: Invocation, context: Context) -> Work:
    """Take a lock over from somebody else; a run that has it is stopped."""
    wanted, holds = asked(invocation), context.installation.holds

    def taken(unit: UnitOfWork) -> Reply:
        stolen = holds.steal(unit, wanted)
        if stolen.former is not None:
            said = robbed(unit, stolen.former, invocation.actor, wanted.reason)
            unit.outbox.put(stolen.former.conversation, said)
        return one_card(unit, invocation, context, _note(stolen))

    return taken


def _note(stolen: Stolen) -> str:
    former = f" over from {stolen.former.by_name}" if stolen.former else ""
    sentences = [f"You took the lock of {stolen.hold.name}{former}."]
    for run in stolen.stopped:
        if run.carrier is None:
            sentences.append(f"{run_words(run).capitalize()} is stopped.")
        else:
            sentences.append(
                f"{run_words(run).capitalize()} stops after the step under way, "
                "and changes things until then."
            )
    sentences += [
        f"{run_words(run).capitalize()} cannot be stopped now, and changes things until its end."
        for run in stolen.ending
    ]
    return " ".join(sentences)
