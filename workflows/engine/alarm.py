"""Alarms: work that waits in the queue until something is due.

When it is due is a column of ours, and an alarm that rings late, or twice, finds nothing to do.
None waits longer than a day: it is set again when it rings, so what lies months ahead is one
piece of work at a time.
"""

from datetime import datetime, timedelta
from math import ceil

from storage.unit import UnitOfWork
from workflows.engine.durable import Kind, Queue

AT_MOST = timedelta(days=1)
_EARLY = timedelta(minutes=1)


def ring(
    queue: Queue, unit: UnitOfWork, kind: Kind, *, subject: str, due: datetime, key: str = ""
) -> None:
    """Have work of that *kind* done about *subject* at *due*, or whole days before.

    *key* tells this due time of *subject* from its others: twice set is set once.
    """
    days = max(ceil((due - unit.now) / AT_MOST) - 1, 0)
    wake = due - days * AT_MOST
    # One that rings early is set again, and must not be taken for the one that rings.
    early = "" if wake - unit.now > _EARLY else f"/{unit.now.timestamp()}"
    work_id = f"{kind.value}/{subject}/{key}/{wake:%Y%m%dT%H%M%S}{early}"
    queue.enqueue(unit.connection, kind, work_id, subject, delay=wake - unit.now)
