"""One transaction, as those see it who work inside.

What they save, touch and append is collected, and written in a few statements at the end. Where
a query must see it, it is written before; they need not know.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from domain.ports import Ids
from storage.audit import AuditLog
from storage.dialogs import Dialogs
from storage.executors import Executors
from storage.gates import Gates
from storage.halts import Halts
from storage.holds import Holds
from storage.inbox import Inbox
from storage.journal import Journal
from storage.living_cards import LivingCards
from storage.locks import Locks
from storage.outbox import Outbox
from storage.past import Past
from storage.places import Places
from storage.rates import Rates
from storage.recents import Recents
from storage.reminders import Reminders
from storage.roster import Roster
from storage.runs import Runs, Steps
from storage.schedules import Schedules


class UnitOfWork:
    """The tables, within one transaction."""

    connection: Any
    """The database connection, for work that must commit with ours; opaque to callers."""

    now: datetime
    """The moment of this transaction; it does not move."""

    def __init__(
        self, connection: sa.Connection, *, now: datetime, ids: Ids, audit_key: bytes
    ) -> None:
        self.connection = connection
        self.now = now
        self.callbacks: list[Callable[[], None]] = []  #: for the store, once it has committed
        self.runs = Runs(connection, on_lock=self._look_again)
        self.steps = Steps(connection)
        self.gates = Gates(connection)
        self.locks = Locks(connection, now)
        self.holds = Holds(connection, now)
        self.halts = Halts(connection)
        self.rates = Rates(connection)
        self.audit = AuditLog(
            connection,
            now,
            ids,
            audit_key,
            changes=Journal(self.runs, self.steps, self.gates).changes,
        )
        self.inbox = Inbox(connection, now)
        self.outbox = Outbox(connection, now)
        self.cards = LivingCards(connection, now)
        self.dialogs = Dialogs(connection)
        self.recents = Recents(connection, now)
        self.executors = Executors(connection)
        self.members = Roster(connection)
        self.schedules = Schedules(connection)
        self.reminders = Reminders(connection)
        self.places = Places(connection)
        self.past = Past(connection)

    def write(self) -> None:
        """Write what was saved, touched and appended; the audit log last.

        Nobody else can append to it from then on until the transaction ends.
        """
        for table in (self.runs, self.steps, self.gates, self.cards, self.audit):
            table.write()

    def _look_again(self, run_id: str) -> None:
        """Forget what was read of a run before it was locked."""
        self.steps.forget(run_id)
        self.gates.forget(run_id)

    def after_commit(self, callback: Callable[[], None]) -> None:
        """Have *callback* run on the event loop once this transaction has committed."""
        self.callbacks.append(callback)
