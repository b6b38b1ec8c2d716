"""`locks`: who holds what, until when, and who waits for it."""

from bot.command import Context, Work, command
from bot.locking import card_of
from domain.command import Effect, Invocation, Reply
from domain.field import Field, FieldType
from domain.lock import Line
from storage.unit import UnitOfWork


@command(
    "locks [service] [in environment]",
    group="Locks",
    effect=Effect.READ,
    fields=(
        Field(
            name="service",
            type=FieldType.SERVICE,
            required=False,
            description="Only locks of this one",
        ),
        Field(
            name="environment",
            type=FieldType.ENVIRONMENT,
            required=False,
            description="Only locks in this one",
        ),
    ),
)
async def locks(invocation: Invocation, context: Context) -> Work:
    """Who holds what, until when, and who waits for it."""
    given = invocation.arguments
    wanted = {given.get("service", ""), given.get("environment", "")} - {""}

    def is_asked_for(line: Line) -> bool:
        return wanted <= set(line.words.split("/"))

    def listed(unit: UnitOfWork) -> Reply:
        lines = [line for line in unit.locks.all() if line.is_taken and is_asked_for(line)]
        return card_of(unit, lines, invocation, context)

    return listed
