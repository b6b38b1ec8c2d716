"""From a verified object id to an actor: the directory's word counts, the activity's does not."""

from collections.abc import Callable
import re
import unicodedata

from bot.access.roles import Roles
from domain.actor import Actor, ObjectId, Person, TenantId
from domain.policy import Decision
from domain.ports import Authorizer, Directory

_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_LONGEST_NAME = 80


class Identity:
    """Knows who acts, and who could."""

    def __init__(self, directory: Directory, authorizer: Authorizer) -> None:
        self._directory = directory
        self._authorizer = authorizer

    async def actor(self, tenant: TenantId, object_id: ObjectId, *, fresh: bool = False) -> Actor:
        """Who *object_id* is. A stranger or a disabled account is not known and has no role.

        With *fresh*, no cache answers: for whatever changes something.

        Raises:
            Unavailable: the directory did not answer; what it said before does not count.
        """
        key = ObjectId(object_id.lower())
        if not _GUID.fullmatch(key):  # a role's name, a mail address, a list made into a string
            return stranger(tenant, key)
        person = await self._directory.person(key, fresh=fresh)
        if person is None:
            return stranger(tenant, key)
        return actor_from(person, tenant, self._authorizer.roles_of)

    async def helpers(self, decision: Decision, roles: Roles) -> tuple[str, ...]:
        """The names of those who have the lightest role that *decision* says would do.

        Raises:
            Unavailable: the directory did not answer; a denial can do without names.
        """
        if not decision.would_need:
            return ()
        names: dict[str, None] = {}
        for group_id in roles.groups_behind(decision.would_need[0]):
            for person in await self._directory.members(group_id):
                if person.is_enabled and not person.is_guest:
                    names[readable(person.name)] = None
        return tuple(names)


def actor_from(
    person: Person, tenant: TenantId, roles_of: Callable[[frozenset[str]], frozenset[str]]
) -> Actor:
    """*person* as an actor. A guest has no roles, whatever groups somebody put the account in."""
    if not person.is_enabled:
        return stranger(tenant, person.id)
    name = readable(person.name) or person.id
    if person.is_guest:
        return Actor(tenant=tenant, id=person.id, name=name, is_guest=True)
    return Actor(
        tenant=tenant,
        id=person.id,
        name=name,
        roles=roles_of(person.groups),
        groups=person.groups,
    )


def stranger(tenant: TenantId, object_id: ObjectId) -> Actor:
    """Somebody the directory does not know: called by the id, because any name is a claim."""
    shown = readable(object_id)
    return Actor(tenant=tenant, id=object_id, name=f"a stranger ({shown})", is_known=False)


def readable(name: str) -> str:
    """*name* without what hides or reorders text: control, bidi and zero-width characters."""
    shown = "".join(
        " " if unicodedata.category(sign)[0] in "ZC" else sign
        for sign in name
        if unicodedata.category(sign) != "Cf"
    )
    return " ".join(shown.split())[:_LONGEST_NAME]
