"""What somebody last said to us in a place, so that `again` says it once more."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from domain.actor import ObjectId, TenantId
from storage.schema import on_conflict, recents


def _upsert(insert: Callable[[sa.Table], Any]) -> sa.Insert:
    new = insert(recents)
    return new.on_conflict_do_update(  # type: ignore[no-any-return]  # the dialect's own Insert
        index_elements=["tenant", "conversation_id", "actor_id"],
        set_={name: new.excluded[name] for name in ("command", "arguments", "at")},
    )


_REMEMBER = on_conflict(_upsert)
_LAST = sa.select(recents.c.command, recents.c.arguments).where(
    recents.c.tenant == sa.bindparam("of_tenant"),
    recents.c.conversation_id == sa.bindparam("in_conversation"),
    recents.c.actor_id == sa.bindparam("of_actor"),
)
_FORGET = sa.delete(recents).where(recents.c.at < sa.bindparam("before"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """A command as it was bound."""

    command: str
    arguments: Mapping[str, str]


class Recents:
    """The table of latest commands, one for each person in each place."""

    def __init__(self, connection: sa.Connection, now: datetime) -> None:
        self._connection = connection
        self._now = now

    def remember(
        self, tenant: TenantId, conversation_id: str, actor: ObjectId, said: Said
    ) -> None:
        """Keep *said* as the latest."""
        self._connection.execute(
            _REMEMBER[self._connection.dialect.name],
            {
                "tenant": tenant,
                "conversation_id": conversation_id,
                "actor_id": actor,
                "command": said.command,
                "arguments": dict(said.arguments),
                "at": self._now,
            },
        )

    def last(self, tenant: TenantId, conversation_id: str, actor: ObjectId) -> Said | None:
        """What *actor* last said there; None where they said nothing yet."""
        row = self._connection.execute(
            _LAST,
            {"of_tenant": tenant, "in_conversation": conversation_id, "of_actor": actor},
        ).first()
        return Said(command=row.command, arguments=row.arguments) if row else None

    def forget(self, before: datetime) -> int:
        """Drop what was said before that moment; how many rows went."""
        return self._connection.execute(_FORGET, {"before": before}).rowcount
