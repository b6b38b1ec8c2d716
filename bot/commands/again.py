"""`again`: what you last said here, said once more."""

from bot.command import Context, Work, command
from domain.command import Effect, Invocation
from domain.errors import Bug


@command("again", group="About", effect=Effect.READ, repeats=True)
async def again(_: Invocation, __: Context) -> Work:
    """Say once more what you last said here; it is permitted, planned and approved anew."""
    raise Bug("`again` stands for another command, and is never carried out itself.")
