"""The channels and chats that we have been spoken to in: what it takes to write there again."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import sqlalchemy as sa

from domain.actor import TenantId
from domain.conversation import Conversation
from storage import codec
from storage.schema import on_conflict, places


def _upsert(insert: Callable[[sa.Table], Any]) -> sa.Insert:
    new = insert(places)
    return new.on_conflict_do_update(  # type: ignore[no-any-return]  # the dialect's own Insert
        index_elements=["tenant", "id"],
        set_={"conversation": new.excluded.conversation},
        where=places.c.conversation != new.excluded.conversation,
    )


_REMEMBER = on_conflict(_upsert)
_GET = sa.select(places.c.conversation).where(
    places.c.tenant == sa.bindparam("of_tenant"), places.c.id == sa.bindparam("of_id")
)


class Places:
    """The table of places."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def remember(self, conversation: Conversation) -> None:
        """Keep how to write into the channel or chat of *conversation*; the newest counts."""
        place = replace(conversation, id=conversation.roster_id)
        self._connection.execute(
            _REMEMBER[self._connection.dialect.name],
            {
                "tenant": place.tenant,
                "id": place.id,
                "conversation": codec.conversation_to_json(place),
            },
        )

    def get(self, tenant: TenantId, channel: str) -> Conversation | None:
        """The channel or chat of that id; None where nobody has spoken to us there."""
        found = self._connection.scalar(_GET, {"of_tenant": tenant, "of_id": channel})
        return codec.conversation_from_json(found) if found else None
