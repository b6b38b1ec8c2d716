"""Guided dialogs: what somebody has answered so far."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa

from domain.actor import ObjectId
from domain.dialog import DIALOG, Dialog, DialogState, Style
from storage import codec
from storage.schema import dialogs, living_cards

_INSERT = sa.insert(dialogs)
_GET = sa.select(dialogs).where(dialogs.c.id == sa.bindparam("of_id"))
_OPEN = sa.select(dialogs).where(
    dialogs.c.conversation_id == sa.bindparam("in_conversation"),
    dialogs.c.owner_id == sa.bindparam("of_owner"),
    dialogs.c.state == DialogState.OPEN.value,
)
_SAVE = sa.update(dialogs).where(
    dialogs.c.id == sa.bindparam("of_id"), dialogs.c.rev == sa.bindparam("at_rev")
)
_OVERDUE = (
    sa.select(dialogs)
    .where(dialogs.c.state == DialogState.OPEN.value, dialogs.c.expires_at <= sa.bindparam("now"))
    .order_by(dialogs.c.expires_at)
    .limit(100)
)
_IS_OLD = sa.and_(
    dialogs.c.state != DialogState.OPEN.value, dialogs.c.expires_at < sa.bindparam("before")
)
_FORGET_CARDS = sa.delete(living_cards).where(
    living_cards.c.subject.in_(sa.select(sa.literal(f"{DIALOG}/") + dialogs.c.id).where(_IS_OLD))
)
_FORGET = sa.delete(dialogs).where(_IS_OLD)


class Dialogs:
    """The table of guided dialogs."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def insert(self, dialog: Dialog) -> None:
        """Add *dialog*."""
        self._connection.execute(
            _INSERT,
            {
                "id": dialog.id,
                "tenant": dialog.owner.tenant,
                "owner_id": dialog.owner.id,
                "owner": codec.actor_to_json(dialog.owner),
                "conversation_id": dialog.conversation.id,
                "conversation": codec.conversation_to_json(dialog.conversation),
                "command": dialog.command,
                "opened_at": dialog.opened_at,
                **_moving(dialog),
            },
        )

    def get(self, dialog_id: str) -> Dialog | None:
        """The dialog of that id; None where there is none."""
        row = self._connection.execute(_GET, {"of_id": dialog_id}).first()
        return _dialog(row) if row else None

    def open_of(self, conversation_id: str, owner: ObjectId) -> tuple[Dialog, ...]:
        """The dialogs in which *owner* is being asked in that conversation, the latest first."""
        rows = self._connection.execute(
            _OPEN, {"in_conversation": conversation_id, "of_owner": owner}
        )
        return tuple(sorted(map(_dialog, rows), key=lambda each: each.opened_at, reverse=True))

    def save(self, dialog: Dialog) -> bool:
        """Put *dialog* in place of its revision before; False where somebody was faster."""
        saved = self._connection.execute(
            _SAVE, {"of_id": dialog.id, "at_rev": dialog.rev - 1, **_moving(dialog)}
        )
        return saved.rowcount == 1

    def overdue(self, now: datetime) -> tuple[Dialog, ...]:
        """Open dialogs whose time is over, at most a hundred."""
        return tuple(map(_dialog, self._connection.execute(_OVERDUE, {"now": now})))

    def forget(self, before: datetime) -> int:
        """Drop dialogs that ended and whose time was over before that moment; how many went.

        Their messages stay as they are, and are shown no more.
        """
        self._connection.execute(_FORGET_CARDS, {"before": before})
        return self._connection.execute(_FORGET, {"before": before}).rowcount


def _moving(dialog: Dialog) -> dict[str, Any]:
    """What changes in a dialog's life."""
    return {
        "style": dialog.style.value,
        "answers": dict(dialog.values),
        "drafts": dict(dialog.drafts),
        "state": dialog.state.value,
        "rev": dialog.rev,
        "expires_at": dialog.expires_at,
        "run_id": dialog.run_id,
        "result": dialog.result,
    }


def _dialog(row: sa.Row[Any]) -> Dialog:
    return Dialog(
        id=row.id,
        owner=codec.actor_from_json(row.owner),
        conversation=codec.conversation_from_json(row.conversation),
        command=row.command,
        style=Style(row.style),
        values=row.answers,
        drafts=row.drafts,
        state=DialogState(row.state),
        rev=row.rev,
        opened_at=row.opened_at,
        expires_at=row.expires_at,
        run_id=row.run_id,
        result=row.result,
    )
