"""The real store, with somebody who watches what commits."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import TypeVar

from domain.notice import Notice
from storage.store import Store
from storage.unit import UnitOfWork
from workflows.rehearsal.queue import VirtualQueue

T = TypeVar("T")

Seen = Callable[[Sequence[Notice]], None]
"""Called after each commit, with what people are to be told."""

_AT_ONCE = 100


class WatchedStore(Store):
    """As `Store`. What is enqueued by a transaction that does not commit never was."""

    queue: VirtualQueue
    seen: Seen

    async def transaction(self, work: Callable[[UnitOfWork], T]) -> T:
        """As `Store.transaction`; notices are taken out of the outbox, and told."""

        def watched(unit: UnitOfWork) -> tuple[T, list[Notice]]:
            return work(unit), _taken(unit)

        mark = self.queue.mark()
        try:
            result, notices = await super().transaction(watched)
        except BaseException:
            self.queue.back_to(mark)
            raise
        self.seen(notices)
        return result


def _taken(unit: UnitOfWork) -> list[Notice]:
    """All notices in the outbox, oldest first; they are not there any more."""
    found: list[Notice] = []
    while items := unit.outbox.due(unit.now, "rehearsal", timedelta(), _AT_ONCE):
        unit.outbox.done([item.id for item in items])
        found += [item.message for item in items if isinstance(item.message, Notice)]
    return found
