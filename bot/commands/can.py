"""`can <person> <command…>`: what the policy would say to somebody else."""

from bot.access.identity import actor_from
from bot.command import Context, Installation, Work, command
from bot.explaining import explain
from domain.actor import Actor, ObjectId, Person, TenantId
from domain.command import Effect, Invocation
from domain.errors import BadArguments
from domain.field import Field, FieldType
from workflows.values import shown


@command(
    "can <person> <command…>",
    group="About",
    effect=Effect.READ,
    fields=(
        Field(name="person", description="A name in the directory, or an object id"),
        Field(name="command", type=FieldType.REST, description="What they would type"),
    ),
)
async def can(invocation: Invocation, context: Context) -> Work:
    """Whether somebody may do something, and by which rule."""
    named = invocation.arguments["person"].removeprefix("@")
    person = await _actor(named, invocation.actor.tenant, context.installation)
    return explain(invocation.arguments["command"], person, context.installation)


async def _actor(named: str, tenant: TenantId, installation: Installation) -> Actor:
    """Who *named* is: found by object id, or among the members of the groups that give roles.

    Raises:
        BadArguments: nobody is called that, or two people are.
    """
    by_id = await installation.directory.person(ObjectId(named.lower()))
    if by_id is not None:
        return actor_from(by_id, tenant, installation.roles.of)
    found: dict[ObjectId, Person] = {}
    for group_id in dict.fromkeys(installation.roles.groups.values()):
        for each in await installation.directory.members(group_id):
            if each.name.lower() == named.lower():
                found[each.id] = each
    match list(found.values()):
        case [person]:
            return actor_from(person, tenant, installation.roles.of)
        case []:
            raise BadArguments(
                f"Nobody who has a role is called {shown(named)}.",
                hint="Who has no role may do nothing.",
            )
        case _:
            raise BadArguments(
                f"Several people are called {shown(named)}.", hint="Give the object id."
            )
