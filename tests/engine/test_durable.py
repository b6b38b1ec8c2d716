"""The queue over the real DBOS: exactly what was committed is carried out, by who lives."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest

from domain.errors import Refused
from domain.run import RunState
from storage.store import Store
from tests.engine.world import AUDIT_KEY, DEV, FREE, PLACE, TENANT, Clock, FakeQueue, Ids, deploy
from workflows.engine import durable
from workflows.engine.durable import Durable, Kind
from workflows.engine.lifecycle import Lifecycle, RunRequest
from workflows.engine.recovery import LEASE, Recovery
from workflows.engine.retention import ACTIVITIES, Retention

pytestmark = pytest.mark.timeout(60)


class Rolled(Exception):
    """The caller thought better of it."""


class House:
    """A database, and processes that work on it, one after the other: DBOS has one per process."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.clock = Clock(datetime.now(UTC))  # noqa: TID251 - DBOS goes by the real clock
        self.ids = Ids()
        self.store = Store.open(url, audit_key=AUDIT_KEY, clock=self.clock, ids=self.ids)
        Durable.prepare(url)
        self.done: list[tuple[str, tuple[str, ...]]] = []
        self.gate: asyncio.Event | None = None
        self.durable = Durable(url)

    async def start(self, executor: str) -> None:
        async def work(work_id: str, *args: str) -> None:
            if self.gate is not None:
                await self.gate.wait()
            self.done.append((work_id, args))

        await self.durable.start(executor, dict.fromkeys(Kind, work))

    async def enqueue(self, work_id: str, *args: str, delay: timedelta | None = None) -> None:
        await self.store.transaction(
            lambda unit: self.durable.enqueue(
                unit.connection, Kind.PLAN, work_id, *args, delay=delay
            )
        )

    async def until(self, count: int, seconds: float = 10) -> None:
        async with asyncio.timeout(seconds):
            while len(self.done) < count:  # noqa: ASYNC110 - what is waited for is DBOS
                await asyncio.sleep(0.02)

    async def end(self) -> None:
        await self.durable.stop()
        self.durable.close()
        self.durable = Durable(self.url)

    def recovery(self) -> Recovery:
        return Recovery(self.store, self.durable, self.clock, self.ids)


@pytest.fixture
async def house(database_url: str) -> AsyncIterator[House]:
    made = House(database_url)
    yield made
    await made.end()
    made.durable.close()
    made.store.close()


async def test_work_exists_if_and_only_if_its_transaction_was_committed(house):
    def thinks_better(unit):
        house.durable.enqueue(unit.connection, Kind.PLAN, "never", "1")
        raise Rolled

    await house.start("one")
    with pytest.raises(Rolled):
        await house.store.transaction(thinks_better)
    await house.enqueue("run/1/plan", "run", "1")

    await house.until(1)
    await asyncio.sleep(0.3)
    assert house.done == [("run/1/plan", ("run", "1"))]


def test_what_the_database_knows_work_by_stays_as_it_is():
    """Another word here strands what processes of an earlier Signalbox have begun."""
    known = (durable._APPLICATION, durable._VERSION, durable._QUEUE, [k.value for k in Kind])

    kinds = ["plan", "stretch", "timer", "schedule", "reminder"]
    assert known == ("signalbox", "rows-1", "signalbox", kinds)


async def test_the_same_id_is_the_same_piece_of_work(house):
    await house.start("one")
    for _ in range(3):
        await house.enqueue("run/1/plan", "run", "1")
    await house.until(1)
    await house.enqueue("run/1/plan", "run", "1")

    await house.enqueue("other", "x")
    await house.until(2)
    assert [work_id for work_id, _ in house.done] == ["run/1/plan", "other"]


async def test_an_alarm_rings_when_its_time_has_come(house):
    await house.start("one")
    await house.enqueue("late", delay=timedelta(seconds=1.5))
    await house.enqueue("soon")

    await house.until(1)
    assert house.done == [("soon", ())]
    await house.until(2)


async def test_what_was_enqueued_while_nobody_worked_is_carried_out_later(house):
    await house.enqueue("early")

    await house.start("one")

    await house.until(1)


async def test_a_second_one_in_the_process_is_refused_and_takes_nothing_from_the_first(house):
    await house.start("one")
    other = Durable(house.url)

    with pytest.raises(Refused, match="carries out work in this process already"):
        await other.start("two", {})
    await other.stop()
    other.close()

    await house.enqueue("still")
    await house.until(1)
    await house.durable.stop()
    await house.start("two")


async def test_work_that_a_stop_interrupts_is_begun_again_by_the_next_process(house, monkeypatch):
    monkeypatch.setattr("workflows.engine.durable._LAST_WORDS", timedelta(seconds=0.2))
    house.gate = asyncio.Event()
    first = house.recovery()
    await first.begin()
    await house.start(first.executor_id)
    await house.enqueue("long")
    await asyncio.sleep(2)
    await house.durable.stop()
    await first.end()
    assert house.done == []

    house.gate = None
    house.durable.close()
    house.durable = Durable(house.url)
    await house.start("second")

    await house.until(1)
    assert house.done == [("long", ())]


async def test_whoever_uses_the_loops_threads_during_a_stop_is_not_turned_away(house):
    """The sweep and the retention look at the queue while it stops: that took the process down."""
    await house.start("one")
    stopped = asyncio.Event()

    async def busy() -> int:
        times = 0
        while not stopped.is_set():
            times += await asyncio.to_thread(lambda: 1)
        return times

    others = asyncio.create_task(busy())
    await house.durable.stop()
    stopped.set()

    assert await others > 0


async def test_a_dead_processs_work_is_taken_over_at_once_on_its_own_machine(house, monkeypatch):
    monkeypatch.setattr("workflows.engine.durable._LAST_WORDS", timedelta(seconds=0.2))
    house.gate = asyncio.Event()
    first = house.recovery()
    await first.begin()
    await house.start(first.executor_id)
    await house.enqueue("orphan")
    await asyncio.sleep(2)
    await house.end()
    monkeypatch.setattr("workflows.engine.recovery.lives", lambda _pid, _at: False)

    house.gate = None
    second = house.recovery()
    await second.begin()
    await house.start(second.executor_id)

    await house.until(1)
    alive = await house.store.read(lambda unit: [e.id for e in unit.executors.all()])
    assert alive == [second.executor_id]


async def test_a_process_elsewhere_is_left_alone_until_its_lease_is_over(house):
    other = "elsewhere/1/x"
    start = house.clock.now()
    await house.store.transaction(
        lambda unit: unit.executors.beat(other, "elsewhere", 1, start, unit.now)
    )
    me = house.recovery()

    async def known():
        return await house.store.read(lambda unit: {e.id for e in unit.executors.all()})

    await me.begin()
    assert await known() == {other, me.executor_id}
    house.clock.moment += LEASE + timedelta(seconds=1)
    await me._round()
    assert await known() == {me.executor_id}


async def test_what_is_old_is_forgotten_and_nothing_else(house):
    await house.start("one")
    await house.enqueue("done")
    await house.until(1)
    await asyncio.sleep(0.5)
    claim = partial(
        house.store.transaction,
        lambda unit: unit.inbox.claim(
            tenant="t", conversation_id="c", activity_id="1", activity_type="message"
        ),
    )
    assert await claim()
    retention = Retention(house.store, house.durable, house.clock)

    await retention.sweep()
    assert not await claim()
    house.clock.moment += ACTIVITIES + timedelta(minutes=1)
    await retention.sweep()
    assert await claim()

    await house.enqueue("done")
    tomorrow = datetime.now(UTC) + timedelta(days=1)  # noqa: TID251 - DBOS goes by the real clock
    assert await house.durable.forget(tomorrow) == 1
    assert await house.durable.forget(tomorrow) == 0
    assert house.done == [("done", ())]


@pytest.mark.parametrize(
    ("kept", "left"), [(timedelta(days=9), 1), (timedelta(days=10, minutes=1), 2), (None, 2)]
)
async def test_runs_are_kept_for_as_long_as_the_operator_says(house, monkeypatch, kept, left):
    monkeypatch.setattr("workflows.engine.retention._MOST", 1)
    now = house.clock.now()
    lifecycle = Lifecycle(FakeQueue(house.clock), house.ids)
    asked = RunRequest(
        workflow=deploy(),
        inputs={"version": "v1"},
        reason="",
        requester=DEV,
        conversation=PLACE,
        reply_to="1",
        gate_rule=FREE,
    )

    def ended(unit, at) -> None:
        run = lifecycle.request(unit, asked)
        unit.runs.save(replace(run, state=RunState.SUCCEEDED, finished_at=at))

    for ago in (timedelta(days=10), timedelta(days=1)):
        await house.store.transaction(lambda unit, ago=ago: ended(unit, now - ago))

    await Retention(house.store, house.durable, house.clock, runs=kept).sweep()

    assert len(await house.store.read(lambda unit: unit.runs.latest(TENANT))) == left


async def test_the_queue_is_looked_into_less_often_while_there_is_nothing_to_do(
    house, monkeypatch
):
    monkeypatch.setattr("workflows.engine.durable._A_WHILE", timedelta(seconds=0.3))
    monkeypatch.setattr("workflows.engine.durable._PACE", timedelta(seconds=0.1))
    await house.start("one")

    await looks_every(house, 0.5)
    await house.enqueue("first")
    await house.until(1)
    await looks_every(house, 0.1)
    await looks_every(house, 0.5)


async def looks_every(house: House, seconds: float) -> None:
    """Return once the queue is looked into that often."""
    queues = "dbos.queues" if house.url.startswith("postgresql") else "queues"
    query = f"SELECT polling_interval_sec FROM {queues} WHERE name = 'signalbox'"  # noqa: S608 - ours
    async with asyncio.timeout(10):
        while True:
            found = await house.store.read(lambda u: u.connection.exec_driver_sql(query).scalar())
            if found == seconds:
                return
            await asyncio.sleep(0.02)
