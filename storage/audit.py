"""Append to the audit chain, in the transaction of what is recorded; and read it back.

The rows can be neither changed nor deleted (triggers). Who may drop the triggers can: that is
what the chain, the MACs and the signed checkpoints are for.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from domain.audit import GENESIS, Entry, Event, cloud_event, link
from domain.errors import Refused, Unavailable
from domain.ports import Ids
from storage.database import parse_url, read_only_engine
from storage.journal import BECAME, EVENTS, Change
from storage.schema import audit_events

_SEQ = audit_events.c.seq
_CHAIN = sa.select(
    _SEQ,
    audit_events.c.text,
    audit_events.c.prev_hash,
    audit_events.c.hash,
    audit_events.c.mac,
)
_HEAD = sa.select(_SEQ, audit_events.c.hash).order_by(_SEQ.desc()).limit(1)
_AFTER = _CHAIN.where(sa.bindparam("after_seq") < _SEQ).order_by(_SEQ)
_ENTRIES = _AFTER.limit(sa.bindparam("limit"))
_LATEST = _CHAIN.order_by(_SEQ.desc()).limit(sa.bindparam("limit"))
_OF_RUN = _CHAIN.where(audit_events.c.run_id == sa.bindparam("of_run")).order_by(_SEQ)
_STORED = _AFTER.add_columns(
    audit_events.c.id,
    sa.type_coerce(audit_events.c.at, sa.Text).label("at"),
    audit_events.c.type,
    audit_events.c.run_id,
)
_APPEND = sa.insert(audit_events)

_ONE_WRITER = sa.text("SELECT pg_advisory_xact_lock(7521014311)")
"""PostgreSQL has many writers; a chain has one at a time. The number is ours alone."""

_CHUNK = 500


class Damaged(Unavailable):
    """The database file cannot be read any further."""


class AuditLog:
    """The chain of what happened.

    An event gets its place in the chain when it is written: when the transaction ends, or the
    log is read. Until then the last one about a run is told what else becomes of that run.
    """

    def __init__(
        self,
        connection: sa.Connection,
        now: datetime,
        ids: Ids,
        key: bytes,
        *,
        changes: Callable[[], Iterable[Change]] = tuple,
    ) -> None:
        """*changes* gives what became of runs since it was last asked."""
        self._connection = connection
        self._now = now
        self._ids = ids
        self._key = key
        self._changes = changes
        self._appended: list[tuple[str, Event]] = []  # by id
        self._head: tuple[int, str] | None = None  # known from the first that was written on

    def append(self, event: Event) -> None:
        """Put *event* at the end of the chain."""
        self._appended.append((self._ids.uuid(), event))

    def write(self) -> None:
        """Write what was appended, and what became of runs."""
        for change in self._changes():
            self._attach(change)
        if self._appended:
            self._connection.execute(_APPEND, list(self._linked()))
            self._appended = []

    def _attach(self, change: Change) -> None:
        """Let the last event about a run tell its *change*; one is made where there is none."""
        about = [n for n, (_, each) in enumerate(self._appended) if each.run_id == change.run.id]
        if not about:
            self.append(change.event)
        place = about[-1] if about else -1
        event_id, event = self._appended[place]
        told = {**change.became, EVENTS: len(about)} if len(about) > 1 else change.became
        self._appended[place] = (event_id, replace(event, data={**event.data, BECAME: told}))

    def _linked(self) -> Iterator[dict[str, Any]]:
        """The rows of what was appended, each linked to the one before."""
        if self._head is None:
            if self._connection.dialect.name == "postgresql":
                self._connection.execute(_ONE_WRITER)
            self._head = newest_of(self._connection)
        for event_id, event in self._appended:
            cloud = cloud_event(event, id=event_id, at=self._now)
            seq, prev_hash = self._head
            entry = link(cloud, seq=seq + 1, prev_hash=prev_hash, key=self._key)
            self._head = (entry.seq, entry.hash)
            yield {
                "seq": entry.seq,
                "id": event_id,
                "at": self._now,
                "type": cloud["type"],
                "run_id": cloud["data"].get("run_id", ""),
                "text": entry.text,
                "prev_hash": entry.prev_hash,
                "hash": entry.hash,
                "mac": entry.mac,
            }

    def head(self) -> tuple[int, str]:
        """Place and hash of the newest event; 0 and `GENESIS` before the first."""
        self.write()
        return newest_of(self._connection)

    def entries(self, after_seq: int = 0, limit: int = 1000) -> list[Entry]:
        """Up to *limit* entries behind *after_seq*, in order."""
        self.write()
        found = self._connection.execute(_ENTRIES, {"after_seq": after_seq, "limit": limit})
        return [_entry(row) for row in found]

    def latest(self, limit: int) -> list[Entry]:
        """The newest *limit* entries, in order."""
        self.write()
        found = self._connection.execute(_LATEST, {"limit": limit})
        return [_entry(row) for row in found][::-1]

    def of_run(self, run_id: str) -> list[Entry]:
        """What happened to a run, in order."""
        self.write()
        return entries_of_run(self._connection, run_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """An entry with the columns that stand beside it for queries.

    The columns repeat what the text says. Nothing has been checked: the file may have been
    tampered with.
    """

    entry: Entry
    id: str
    at: str
    type: str
    run_id: str


def stored_events(url: str, *, after_seq: int = 0) -> Iterator[Stored]:
    """The chain behind *after_seq* as it lies in the database, in order, streamed.

    Opens the database for reading only, makes no migration, and needs no key.

    Raises:
        Refused: there is no audit log at *url*.
        Damaged: the database file is damaged; what was readable came before.
        Unavailable: the database does not answer.
    """
    with reading(url) as connection:
        streamed = connection.execution_options(yield_per=_CHUNK)
        for row in streamed.execute(_STORED, {"after_seq": after_seq}):
            yield Stored(
                entry=_entry(row),
                id=str(row.id),
                at=str(row.at),
                type=str(row.type),
                run_id=str(row.run_id),
            )


def newest_of(connection: sa.Connection) -> tuple[int, str]:
    """Place and hash of the newest event; 0 and `GENESIS` before the first."""
    row = connection.execute(_HEAD).first()
    return (row.seq, row.hash) if row else (0, GENESIS)


def entries_of_run(connection: sa.Connection, run_id: str) -> list[Entry]:
    """What happened to a run, in order."""
    return [_entry(row) for row in connection.execute(_OF_RUN, {"of_run": run_id})]


def newest_entries(url: str, limit: int) -> list[Entry]:
    """The newest *limit* entries in the database at *url*, in order.

    Raises:
        Refused, Damaged, Unavailable: as `stored_events`.
    """
    with reading(url) as connection:
        return [_entry(row) for row in connection.execute(_LATEST, {"limit": limit})][::-1]


@contextmanager
def reading(url: str) -> Iterator[sa.Connection]:
    """A connection to the database at *url*, which is not ours to change, or to trust.

    Raises:
        Refused, Damaged, Unavailable: as `stored_events`.
    """
    engine = read_only_engine(parse_url(url))
    try:
        with engine.connect() as connection:
            yield connection
    except sa.exc.DBAPIError as error:
        raise _unreadable(error) from error
    except UnicodeDecodeError as error:  # SQLite's own words on a damaged schema quote it
        raise Damaged(_DAMAGED, hint=_RESTORE) from error
    finally:
        engine.dispose()


def _entry(row: sa.Row[*tuple[Any, ...]]) -> Entry:
    return Entry(
        seq=row.seq,
        text=str(row.text),  # what was tampered with may have any type
        prev_hash=str(row.prev_hash),
        hash=str(row.hash),
        mac=str(row.mac),
    )


_DAMAGED = "The database file is damaged."
_RESTORE = "Restore it from a backup."
_CUT_OFF = ("SQLITE_BUSY", "SQLITE_LOCKED", "SQLITE_CANTOPEN", "SQLITE_IOERR", "SQLITE_PERM")


def _unreadable(error: sa.exc.DBAPIError) -> Refused | Unavailable:
    problem = error.orig
    if "no such table" in str(problem) or getattr(problem, "sqlstate", "") == "42P01":
        return Refused("This database holds no audit log.", hint="Check the database URL.")
    if "no such column" in str(problem) or getattr(problem, "sqlstate", "") == "42703":
        return Refused("This database is an older one.", hint="Run `signalbox db upgrade`.")
    sqlite_says = getattr(problem, "sqlite_errorname", "")
    if sqlite_says and not sqlite_says.startswith(_CUT_OFF):
        return Damaged(_DAMAGED, hint=_RESTORE)
    return Unavailable("The database did not answer.", hint="Check the database URL.")
