"""`why <command…>`: what the policy says to you, and by which rule."""

from bot.command import Context, Work, command
from bot.explaining import explain
from domain.command import Effect, Invocation
from domain.field import Field, FieldType


@command(
    "why <command…>",
    group="About",
    effect=Effect.READ,
    fields=(Field(name="command", type=FieldType.REST, description="What you would type"),),
)
async def why(invocation: Invocation, context: Context) -> Work:
    """Whether you may do something, and by which rule."""
    return explain(invocation.arguments["command"], invocation.actor, context.installation)
