"""The database, opened: work is handed in and runs inside one transaction, off the event loop."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from datetime import timedelta
import time
from typing import Any, Self, TypeVar

import sqlalchemy as sa

from domain.errors import Bug, Unavailable
from domain.ports import Clock, Ids
from storage.database import READERS, WRITERS, parse_url, reading_engine, writing_engine
from storage.migrate import upgrade
from storage.shared_commit import SharedCommit
from storage.unit import UnitOfWork

T = TypeVar("T")

_ATTEMPTS = 5
_WINNERS_LEAD = timedelta(milliseconds=20)
"""How long who lost a race waits: else it may have the row again before the winner wakes up."""

_LOST_A_RACE = {"40001", "40P01"}
"""PostgreSQL's serialization failure and deadlock: nothing happened, and again it may work.
https://www.postgresql.org/docs/current/errcodes-appendix.html"""

_TOOK_TOO_LONG = {"25P03", "25P04"}
"""PostgreSQL has ended the transaction of a process that stood still: nothing happened."""


_Committed = tuple[T, list[Callable[[], None]]]
"""What the work has given, and what is to follow."""


class Store:
    """Signalbox's database."""

    def __init__(
        self,
        url: str,
        *,
        writing: sa.Engine,
        reading: sa.Engine,
        audit_key: bytes,
        clock: Clock,
        ids: Ids,
    ) -> None:
        self.url = url
        self._writing = writing
        self._reading = reading
        self._audit_key = audit_key
        self._clock = clock
        self._ids = ids
        writers = 1 if writing.dialect.name == "sqlite" else WRITERS
        self._writers = ThreadPoolExecutor(writers, thread_name_prefix="signalbox-write")
        self._shared = SharedCommit(writing) if writing.dialect.name == "sqlite" else None
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="signalbox-read")

    @classmethod
    def open(cls, url: str, *, audit_key: bytes, clock: Clock, ids: Ids) -> Self:
        """The database at *url*, made or brought to the newest schema.

        Raises:
            Refused: *url* names no database of ours, or one of a newer version.
            Unavailable: the database does not answer.
        """
        parsed = parse_url(url)
        return cls(
            url,
            writing=_upgraded(parsed),
            reading=reading_engine(parsed),
            audit_key=audit_key,
            clock=clock,
            ids=ids,
        )

    async def transaction(self, work: Callable[[UnitOfWork], T]) -> T:
        """Run *work* in a transaction that may write; what it returns comes back.

        Anything that *work* raises undoes all of it, and is raised here. It runs in another
        thread, and on PostgreSQL again if it lost a race: what it does besides the database
        belongs into `after_commit`. A caller that is cancelled meanwhile does not learn whether
        it committed.

        Raises:
            Unavailable: the database did not answer.
            Bug: a constraint of the database does not hold.
        """
        loop = asyncio.get_running_loop()
        if self._shared is None:
            committed: Future[_Committed[T]] = self._writers.submit(self._commit, work)
        else:
            committed = self._shared.put(lambda connection: self._carried_out(connection, work))
        committed.add_done_callback(lambda done: _follow(loop, done))
        if self._shared is not None:
            loop.run_in_executor(self._writers, self._shared.commit)
        try:
            result, _ = await asyncio.wrap_future(committed)
        except sa.exc.StatementError as error:
            raise _foreign(error) from error
        return result

    async def read(self, work: Callable[[UnitOfWork], T]) -> T:
        """Run *work* on one consistent state of the database; it cannot write.

        Raises:
            Unavailable: the database did not answer.
        """
        return await asyncio.get_running_loop().run_in_executor(self._readers, self._read, work)

    def close(self) -> None:
        """Wait for what is under way, and close the connections."""
        self._writers.shutdown()
        self._readers.shutdown()
        self._reading.dispose()
        self._writing.dispose()

    def _commit(self, work: Callable[[UnitOfWork], T]) -> _Committed[T]:
        attempt = 1
        while True:
            try:
                with self._writing.begin() as connection:
                    return self._carried_out(connection, work)
            except sa.exc.StatementError as error:
                if attempt < _ATTEMPTS and getattr(error.orig, "sqlstate", "") in _LOST_A_RACE:
                    time.sleep(attempt * _WINNERS_LEAD.total_seconds())
                    attempt += 1
                    continue
                raise _foreign(error) from error

    def _carried_out(
        self, connection: sa.Connection, work: Callable[[UnitOfWork], T]
    ) -> _Committed[T]:
        unit = self._unit(connection)
        result = work(unit)
        unit.write()
        return result, unit.callbacks

    def _read(self, work: Callable[[UnitOfWork], T]) -> T:
        try:
            with self._reading.begin() as connection:
                unit = self._unit(connection)
                result = work(unit)
                unit.write()  # there is nothing to write, or this fails as it should
                return result
        except sa.exc.StatementError as error:
            raise _foreign(error) from error

    def _unit(self, connection: sa.Connection) -> UnitOfWork:
        return UnitOfWork(
            connection, now=self._clock.now(), ids=self._ids, audit_key=self._audit_key
        )


def _follow(loop: asyncio.AbstractEventLoop, done: Future[_Committed[Any]]) -> None:
    """Have run on *loop* what is to follow, though whoever asked for it may have gone away."""
    if not done.cancelled() and done.exception() is None:
        for callback in done.result()[1]:
            loop.call_soon_threadsafe(callback)


def upgrade_database(url: str) -> None:
    """Make the database at *url*, or bring it to the newest schema.

    Raises:
        Refused, Unavailable: as `Store.open`.
    """
    _upgraded(parse_url(url)).dispose()


def _upgraded(url: sa.URL) -> sa.Engine:
    """The writing engine of the database at *url*, which has the newest schema."""
    with ExitStack() as on_failure:
        writing = writing_engine(url)
        on_failure.callback(writing.dispose)
        try:
            upgrade(writing)
        except sa.exc.DBAPIError as error:
            raise _foreign(error) from error
        on_failure.pop_all()
    return writing


def _foreign(error: sa.exc.StatementError) -> Unavailable | Bug:
    """*error* in our words."""
    is_away = isinstance(error, sa.exc.OperationalError | sa.exc.InterfaceError)
    if is_away or getattr(error.orig, "sqlstate", "") in _TOOK_TOO_LONG:
        return Unavailable("The database did not answer.", hint="Try again in a moment.")
    if not isinstance(error, sa.exc.DBAPIError):
        return Bug(f"A value cannot be stored: {error.orig}")
    return Bug("The database refused what was written.")
