"""`can <person> <command…>`: what the policy would say to somebody else."""

from collections.abc import Sequence

from bot.access.identity import actor_from
from bot.command import Context, Installation, Work, command
from bot.explaining import explain
from bot.parsing import head
from domain.actor import Actor, ObjectId, Person, TenantId
from domain.command import Effect, Invocation
from domain.errors import BadArguments
from domain.field import Field, FieldType
from workflows.values import shown

_MOST_WORDS = 6  #: of a name


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
    line, installation = invocation.arguments["command"], context.installation
    tenant = invocation.actor.tenant
    by_id = await installation.directory.person(ObjectId(named.lower()))
    if by_id is not None:
        person = actor_from(by_id, tenant, installation.roles.of)
        return explain(line, person, installation)
    people = await _people(installation)
    named, line = _taken_apart(named, line, {each.name.lower() for each in people})
    return explain(line, _actor(named, people, tenant, installation), installation)


async def _people(installation: Installation) -> tuple[Person, ...]:
    """The members of the groups that give roles, each once."""
    found: dict[ObjectId, Person] = {}
    for group_id in dict.fromkeys(installation.roles.groups.values()):
        for each in await installation.directory.members(group_id):
            found[each.id] = each
    return tuple(found.values())


def _taken_apart(named: str, line: str, names: set[str]) -> tuple[str, str]:
    """The name and the line, where a name of several words was mentioned: it comes unquoted."""
    longest, name, rest = (named, line), named, line
    for _ in range(_MOST_WORDS - 1):
        word, rest = head(rest)
        name = f"{name} {word}"
        if word and name.lower() in names:
            longest = name, rest
    return longest


def _actor(
    named: str, people: Sequence[Person], tenant: TenantId, installation: Installation
) -> Actor:
    """Who of *people* is called that.

    Raises:
        BadArguments: nobody is, or two are.
    """
    match [each for each in people if each.name.lower() == named.lower()]:
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
