"""`whoami`: the verified identity, and what follows from it."""

from bot.command import Context, Work, command
from cards.answers import whoami_card
from domain.command import Card, Effect, Invocation


@command("whoami", group="About", aliases=("me", "id"), effect=Effect.READ)
async def whoami(invocation: Invocation, context: Context) -> Work:
    """Who you are to me: name, roles, groups, and in which time zone I speak."""
    actor, roles = invocation.actor, context.installation.roles
    card = whoami_card(
        zone=context.installation.zone,
        name=actor.name,
        object_id=actor.id,
        tenant=actor.tenant,
        roles=roles.in_order(actor.roles),
        groups=[name for name, group_id in roles.groups.items() if group_id in actor.groups],
    )
    return lambda _: Card(card)
