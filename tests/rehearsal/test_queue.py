"""The queue of rehearsals: as the durable one, work is there if and only if it was committed."""

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from domain.errors import Refused
from domain.notice import Notice, NoticeKind
from domain.run import RUN_ID_ALPHABET, RUN_ID_LENGTH
from storage.unit import UnitOfWork
from tests.engine.world import AUDIT_KEY, PLACE
from workflows.engine.durable import Kind
from workflows.rehearsal.clock import BEGINNING, VirtualClock
from workflows.rehearsal.queue import CountingIds, VirtualQueue
from workflows.rehearsal.store import WatchedStore


@pytest.fixture
def queue() -> VirtualQueue:
    return VirtualQueue(VirtualClock())


@pytest.fixture
def store(queue: VirtualQueue, tmp_path: Path) -> Iterator[WatchedStore]:
    made = WatchedStore.open(
        f"sqlite:///{tmp_path}/signalbox.db",
        audit_key=AUDIT_KEY,
        clock=queue.clock,
        ids=CountingIds(),
    )
    made.queue, made.seen = queue, lambda _: None
    yield made
    made.close()


def test_work_comes_in_the_order_in_which_it_is_due(queue):
    for name, hours in (("late", 2), ("soon", 0), ("also soon", 0), ("early", 1)):
        queue.enqueue(None, Kind.TIMER, name, "x", delay=timedelta(hours=hours))

    far = BEGINNING + timedelta(hours=1)
    taken = [queue.take(until=far) for _ in range(4)]

    assert [each and each.id for each in taken] == ["soon", "also soon", "early", None]
    assert queue.next_due == BEGINNING + timedelta(hours=2)


def test_the_same_id_is_the_same_piece_of_work(queue):
    queue.enqueue(None, Kind.PLAN, "one")
    queue.enqueue(None, Kind.PLAN, "one")
    queue.enqueue(None, Kind.STRETCH, "one")
    assert len(queue.waiting) == 2

    queue.take(until=BEGINNING)
    queue.enqueue(None, Kind.PLAN, "one")

    assert len(queue.waiting) == 1, "it has been carried out, and is not again"


async def test_what_does_not_commit_never_was(store):
    def work(unit: UnitOfWork) -> None:
        store.queue.enqueue(unit.connection, Kind.PLAN, "one")
        raise Refused("No.")

    with pytest.raises(Refused):
        await store.transaction(work)
    assert store.queue.waiting == []

    await store.transaction(lambda u: store.queue.enqueue(u.connection, Kind.PLAN, "one"))
    assert [each.id for each in store.queue.waiting] == ["one"]


async def test_notices_are_told_once_when_they_have_committed(store):
    told = []
    store.seen = told.extend
    notices = [Notice(kind=kind, run_id="one") for kind in (NoticeKind.TOLD, NoticeKind.ENDED)]

    await store.transaction(lambda unit: [unit.outbox.put(PLACE, each) for each in notices])
    await store.transaction(lambda unit: None)

    assert told == notices
    assert await asyncio.wait_for(store.read(lambda u: u.outbox.is_due(u.now)), 5) is False


def test_ids_are_counted(queue):
    del queue
    ids = CountingIds()

    found = [ids.run_id() for _ in range(40)]

    assert len(set(found)) == 40
    assert all(len(each) == RUN_ID_LENGTH and set(each) <= {*RUN_ID_ALPHABET} for each in found)
