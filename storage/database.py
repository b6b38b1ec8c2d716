"""Connections: how each kind of database is opened.

SQLite: one connection writes, a few read, all in WAL mode, so readers and the writer do not wait
for each other. `BEGIN IMMEDIATE` takes the write lock at the start: a transaction that reads
first and writes later would else fail when another process wrote in between.
`synchronous=FULL` costs an fsync per commit; NORMAL would lose the last commits in a power cut,
and an approval that was shown to people must not be lost.
https://www.sqlite.org/wal.html
https://docs.sqlalchemy.org/en/21/dialects/sqlite.html#enabling-non-legacy-sqlite-transactional-modes-with-the-sqlite3-or-aiosqlite-driver
"""

from pathlib import Path
import sqlite3
from typing import Any

import sqlalchemy as sa

from domain.errors import Refused

READERS = 4
WRITERS = 8
"""Connections that write at once; SQLite has one."""

_LONGEST_SILENCE_MS = 5_000
"""How long a transaction on PostgreSQL may wait for its process. One that stands still (a frozen
machine, a cable that was pulled) holds its locks, and with them all who write to the audit chain:
the server ends it before the process's lease is over.
https://www.postgresql.org/docs/current/runtime-config-client.html#GUC-IDLE-IN-TRANSACTION-SESSION-TIMEOUT"""

_LONGEST_TRANSACTION_MS = 10_000
"""How long it may last at all, where PostgreSQL has a limit for that, from 17 on. Silence after
many rows at once, which the driver sends in a pipeline, is not counted as silence (seen on 18.6).
https://www.postgresql.org/docs/current/runtime-config-client.html#GUC-TRANSACTION-TIMEOUT"""

_HAS_TRANSACTION_TIMEOUT = 170_000

_KEEP_ALIVE = {"connect_timeout": 10, "keepalives_idle": 5, "keepalives_interval": 2}
"""A server that is gone is noticed within seconds.
https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-PARAMKEYWORDS"""

_LOCK_WAIT_MS = 30_000
_SQLITE_PRAGMAS = (
    f"PRAGMA busy_timeout={_LOCK_WAIT_MS}",
    "PRAGMA journal_mode=WAL",
    "PRAGMA synchronous=FULL",
    "PRAGMA foreign_keys=ON",
)


def parse_url(url: str) -> sa.URL:
    """*url* with the driver that we use.

    Raises:
        Refused: it is no database that we know, or a database in memory.
    """
    try:
        parsed = sa.make_url(url)
    except sa.exc.ArgumentError as error:
        raise Refused("The database URL cannot be read.", hint=_URL_HINT) from error
    match parsed.get_backend_name():
        case "sqlite":
            if parsed.database in {None, "", ":memory:"}:
                raise Refused("The database must be a file.", hint=_URL_HINT)
            return parsed.set(drivername="sqlite")
        case "postgresql":
            return parsed.set(drivername="postgresql+psycopg")
        case other:
            raise Refused(f"Signalbox does not run on {other}.", hint=_URL_HINT)


_URL_HINT = "Set SIGNALBOX_DATABASE_URL to sqlite:///<file> or postgresql://…"


def writing_engine(url: sa.URL) -> sa.Engine:
    """Connections whose transactions may write."""
    if url.get_backend_name() != "sqlite":
        return _postgresql(url, pool_size=WRITERS)
    Path(str(url.database)).parent.mkdir(parents=True, exist_ok=True)
    return _sqlite(url, pool_size=1, begin="BEGIN IMMEDIATE", pragmas=_SQLITE_PRAGMAS)


def reading_engine(url: sa.URL) -> sa.Engine:
    """Connections whose transactions see one state of the database, and cannot write."""
    if url.get_backend_name() != "sqlite":
        return _postgresql(url, pool_size=READERS).execution_options(
            isolation_level="REPEATABLE READ", postgresql_readonly=True
        )
    pragmas = (*_SQLITE_PRAGMAS, "PRAGMA query_only=ON")
    return _sqlite(url, pool_size=READERS, begin="BEGIN", pragmas=pragmas)


def read_only_engine(url: sa.URL) -> sa.Engine:
    """One connection for a look at a database that is not ours to change, or to trust.

    Raises:
        Refused: there is no such file.
    """
    if url.get_backend_name() != "sqlite":
        return sa.create_engine(url, poolclass=sa.NullPool).execution_options(
            isolation_level="REPEATABLE READ", postgresql_readonly=True
        )
    file = Path(str(url.database)).absolute()
    if not file.is_file():
        raise Refused(f"There is no database at {file}.", hint=_URL_HINT)

    def connect() -> sqlite3.Connection:
        connection = sqlite3.connect(f"{file.as_uri()}?mode=ro", uri=True)
        connection.execute(_SQLITE_PRAGMAS[0])
        # A damaged text is to be seen and judged, not to stop the reading.
        connection.text_factory = lambda raw: raw.decode(errors="replace")
        return connection

    return sa.create_engine("sqlite://", creator=connect, poolclass=sa.NullPool)


def _postgresql(url: sa.URL, *, pool_size: int) -> sa.Engine:
    engine = sa.create_engine(
        url,
        pool_size=pool_size,
        max_overflow=0,
        pool_pre_ping=True,
        connect_args={key: _KEEP_ALIVE[key] for key in _KEEP_ALIVE.keys() - url.query.keys()},
    )

    @sa.event.listens_for(engine, "connect")
    def configure(connection: Any, _record: object) -> None:
        connection.execute(f"SET idle_in_transaction_session_timeout = {_LONGEST_SILENCE_MS}")
        if connection.info.server_version >= _HAS_TRANSACTION_TIMEOUT:
            connection.execute(f"SET transaction_timeout = {_LONGEST_TRANSACTION_MS}")
        connection.commit()

    return engine


def _sqlite(url: sa.URL, *, pool_size: int, begin: str, pragmas: tuple[str, ...]) -> sa.Engine:
    engine = sa.create_engine(url, pool_size=pool_size, max_overflow=0)

    @sa.event.listens_for(engine, "connect")
    def configure(connection: Any, _record: object) -> None:
        connection.isolation_level = None  # the driver begins nothing by itself: we do
        for pragma in pragmas:
            connection.execute(pragma)

    @sa.event.listens_for(engine, "begin")
    def start(connection: sa.Connection) -> None:
        connection.exec_driver_sql(begin)

    return engine
