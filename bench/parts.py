"""What the parts of a command cost: a card, a decision, an entry of the audit log."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
import itertools
import json
from pathlib import Path
import statistics
import tempfile
import time

from bench.figures import Figure
from bot.config import build_authorizer
from bot.offline import open_folder
from bot.settings import DEMO_WORLD
from bot.system import RandomIds, SystemClock
from domain.actor import Actor, ObjectId, TenantId
from domain.audit import Event
from domain.policy import Request
from storage.store import Store
from storage.unit import UnitOfWork
from tests.cards.states import waiting_for_approval

ROUNDS = 7
TIMES = 200
DEV = Actor(
    tenant=TenantId("00000000-0000-4000-8000-00000000aaaa"),
    id=ObjectId("00000000-0000-4000-8000-000000000001"),
    name="dev-1",
    roles=frozenset({"developer", "viewer"}),
)


def main() -> Sequence[Figure]:
    """Measure."""
    with tempfile.TemporaryDirectory() as folder:
        return [
            _each("run card, built and written", lambda: json.dumps(waiting_for_approval())),
            *_decisions(Path(folder)),
            *asyncio.run(_audit_entries(Path(folder))),
        ]


def _decisions(state: Path) -> Iterator[Figure]:
    folder = open_folder(DEMO_WORLD, state)
    authorizer = build_authorizer(folder.config, folder.commands.effects)
    numbers = itertools.count(1)

    def decide(version: str) -> None:
        asked = Request(
            actor=DEV,
            action="deploy",
            service="shop",
            environment="prod",
            attributes={"version": version},
        )
        if not authorizer.decide(asked).allowed:
            raise RuntimeError("the demo's policy no longer lets dev-1 ask for a deploy")

    yield _each("decision, never asked before", lambda: decide(f"v1.0.{next(numbers)}"))
    yield _each("decision, asked before", lambda: decide("v1.0.0"))


async def _audit_entries(state: Path) -> list[Figure]:
    clock, ids = SystemClock(), RandomIds()
    store = Store.open(f"sqlite:///{state}/audit.db", audit_key=b"k" * 32, clock=clock, ids=ids)
    event = Event(type="command.parsed", actor=DEV, subject="command/whoami", outcome="ok")

    def one(unit: UnitOfWork) -> None:
        unit.audit.append(event)

    def many(unit: UnitOfWork) -> None:
        for _ in range(TIMES):
            one(unit)

    alone, together = [], []
    for _ in range(ROUNDS):
        begun = time.perf_counter()
        for _ in range(TIMES):
            await store.transaction(one)
        half = time.perf_counter()
        await store.transaction(many)
        alone.append(half - begun)
        together.append(time.perf_counter() - half)
    store.close()
    return [
        _figure("audit entry, with its own commit", alone),
        _figure("audit entry, among others", together),
    ]


def _each(name: str, work: Callable[[], object]) -> Figure:
    work()
    took = []
    for _ in range(ROUNDS):
        begun = time.perf_counter()
        for _ in range(TIMES):
            work()
        took.append(time.perf_counter() - begun)
    return _figure(name, took)


def _figure(name: str, took: Sequence[float]) -> Figure:
    """One time of *TIMES*, in the median of the rounds that *took* so many seconds."""
    return Figure(name, statistics.median(took) / TIMES * 1e6, "µs")
