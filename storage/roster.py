"""How Teams addresses people: cards are refreshed, and people mentioned, by Teams id."""

from collections.abc import Callable, Iterable
from typing import Any

import sqlalchemy as sa

from domain.actor import ObjectId, TenantId
from storage.schema import members, on_conflict


def _upsert(insert: Callable[[sa.Table], Any]) -> sa.Insert:
    new = insert(members)
    return new.on_conflict_do_update(  # type: ignore[no-any-return]  # the dialect's own Insert
        index_elements=["tenant", "object_id"],
        set_={"teams_id": new.excluded.teams_id, "name": new.excluded.name},
    )


_REMEMBER = on_conflict(_upsert)
_IS_KNOWN = sa.select(sa.literal(1)).where(
    members.c.tenant == sa.bindparam("tenant"),
    members.c.object_id == sa.bindparam("object_id"),
    members.c.teams_id == sa.bindparam("teams_id"),
    members.c.name == sa.bindparam("name"),
)
"""Asked first: an insertion that changes nothing locks the row all the same, on PostgreSQL, and
whoever writes much would wait for their own messages.
https://www.postgresql.org/docs/current/sql-insert.html#SQL-ON-CONFLICT"""

_TEAMS_IDS = sa.select(members.c.object_id, members.c.teams_id).where(
    members.c.tenant == sa.bindparam("of_tenant"),
    members.c.object_id.in_(sa.bindparam("object_ids", expanding=True)),
)


class Roster:
    """The table of people met."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def remember(self, tenant: TenantId, object_id: ObjectId, teams_id: str, name: str) -> None:
        """Keep how Teams addresses somebody; the newest word counts."""
        person = {"tenant": tenant, "object_id": object_id, "teams_id": teams_id, "name": name}
        if self._connection.execute(_IS_KNOWN, person).first() is None:
            self._connection.execute(_REMEMBER[self._connection.dialect.name], person)

    def teams_ids(self, tenant: TenantId, object_ids: Iterable[ObjectId]) -> dict[ObjectId, str]:
        """The Teams ids of those of *object_ids* that are known."""
        wanted = list(object_ids)
        if not wanted:
            return {}
        found = self._connection.execute(_TEAMS_IDS, {"of_tenant": tenant, "object_ids": wanted})
        return {ObjectId(row.object_id): row.teams_id for row in found}
