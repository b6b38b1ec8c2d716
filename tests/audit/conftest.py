"""An audit log with a few events in it, and the hands that tamper with it."""

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
import itertools
from pathlib import Path
import sqlite3

import pytest

from bot.audit import Checkpoints, Verdict, verify
from domain.actor import Actor, ActorKind, ObjectId, TenantId
from domain.audit import Event
from storage.store import Store

KEY = b"the key that is not in the database"


@dataclass
class TickingClock:
    """Every look at it is a second later."""

    moment: datetime = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)

    def now(self) -> datetime:
        self.moment += timedelta(seconds=1)
        return self.moment


@dataclass
class NumberedIds:
    """Counts."""

    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def uuid(self) -> str:
        return f"00000000-0000-4000-8000-{next(self.numbers):012x}"

    def run_id(self) -> str:
        return "k7f3q2ma"


@pytest.fixture
def key() -> bytes:
    return KEY


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return tmp_path / "state of things" / "signalbox.db"


@pytest.fixture
def url(database: Path) -> str:
    return f"sqlite:///{database}"


@pytest.fixture
def directory(database: Path) -> Path:
    return database.parent / "audit"


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    opened = Store.open(url, audit_key=KEY, clock=TickingClock(), ids=NumberedIds())
    yield opened
    opened.close()


@pytest.fixture
def record(store: Store) -> Callable:
    """Record an event."""
    actor = Actor(
        tenant=TenantId("00000000-0000-4000-8000-00000000aaaa"),
        id=ObjectId("00000000-0000-4000-8000-000000000001"),
        name="dev-1 ✓",
        kind=ActorKind.USER,
    )

    async def append(event_type: str = "run.started", **values):
        values = {"actor": actor, "subject": "run/k7f3q2ma", "outcome": "ok", **values}
        event = Event(type=event_type, **values)

        def write(unit):
            unit.audit.append(event)
            return unit.audit.latest(1)[0]

        return await store.transaction(write)

    return append


@pytest.fixture
def checkpoints(store: Store, directory: Path) -> Checkpoints:
    return Checkpoints(store, directory, KEY, TickingClock())


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """A log of ten events, a checkpoint over the first seven, and nobody has it open."""

    database: Path
    directory: Path

    def verify(self, database: Path | None = None, key: bytes = KEY) -> Verdict:
        return verify(f"sqlite:///{database or self.database}", key, self.directory)

    def tamper(self, *statements: str) -> None:
        """Change the database as somebody with write access to the file would."""
        with closing(sqlite3.connect(self.database, isolation_level=None)) as connection:
            for verb in ("update", "delete"):
                connection.execute(f"DROP TRIGGER IF EXISTS audit_events_no_{verb}")
            for statement in statements:
                connection.execute(statement)
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


@pytest.fixture
async def evidence(record, checkpoints, store, database: Path, directory: Path) -> Evidence:
    for number in range(1, 11):
        await record(run_id=f"run{number:05d}", data={"amount": number})
        if number == 7:
            await checkpoints.write_now()
    store.close()
    return Evidence(database=database, directory=directory)
