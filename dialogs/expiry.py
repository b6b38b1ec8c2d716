"""Ends dialogs whose question nobody has answered in time."""

import asyncio
from datetime import timedelta
from functools import partial

import structlog

from dialogs.flow import ended
from domain.audit import Event
from domain.dialog import Dialog, DialogState
from domain.errors import Unavailable
from domain.ports import Clock
from storage.store import Store
from storage.unit import UnitOfWork

log = structlog.get_logger(__name__)

EVERY = timedelta(seconds=15)


class Expiry:
    """Looks for them, four times a minute. Any number of processes may."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            await asyncio.sleep(EVERY.total_seconds())
            try:
                await self.sweep()
            except Unavailable as unavailable:
                log.warning("dialogs not expired", problem=str(unavailable))

    async def sweep(self) -> None:
        """Look once.

        Raises:
            Unavailable: the database did not answer.
        """
        now = self._clock.now()
        for dialog in await self._store.read(lambda unit: unit.dialogs.overdue(now)):
            await self._store.transaction(partial(_expire, dialog=dialog))


def _expire(unit: UnitOfWork, dialog: Dialog) -> None:
    """End *dialog*, unless it has moved on meanwhile."""
    if unit.dialogs.save(ended(dialog, DialogState.EXPIRED)):
        unit.cards.touch(dialog.subject, dialog.conversation)
        unit.audit.append(closed(dialog, DialogState.EXPIRED))


def closed(dialog: Dialog, state: DialogState) -> Event:
    """What the audit log says of a dialog that came to nothing."""
    return Event(
        type="form.closed",
        actor=dialog.owner,
        subject=f"command/{dialog.command}",
        outcome="ok",
        reason=state.value,
        conversation_id=dialog.conversation.id,
        data={"dialog_id": dialog.id, "arguments": dict(dialog.values)},
    )
