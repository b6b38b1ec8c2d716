import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
import os
from pathlib import Path
import signal
import subprocess
import sys
import textwrap
import threading

import pytest

from domain.audit import GENESIS, Event, entry_hash
from domain.errors import Bug, Refused, Unavailable
from domain.lock import Line, Need
from domain.notice import Message
from storage.store import Store

HELLO = Message(markdown="hello")


def claim(activity_id: str):
    return lambda unit: unit.inbox.claim(
        tenant="t", conversation_id="c", activity_id=activity_id, activity_type="message"
    )


async def test_a_claim_that_is_taken_back_can_be_made_again_and_no_other(store):
    def work(unit):
        first = [claim("1")(unit), claim("2")(unit)]
        unit.inbox.release(
            tenant="t", conversation_id="c", activity_id="1", activity_type="message"
        )
        for other in (
            ("x", "c", "2", "message"),
            ("t", "x", "2", "message"),
            ("t", "c", "2", "x"),
        ):
            names = ("tenant", "conversation_id", "activity_id", "activity_type")
            unit.inbox.release(**dict(zip(names, other, strict=True)))
        return first, [claim("1")(unit), claim("2")(unit)]

    assert await store.transaction(work) == ([True, True], [True, False])


async def test_what_was_committed_can_be_read(store, a_run):
    await store.transaction(lambda unit: unit.runs.insert(a_run()))

    assert await store.read(lambda unit: unit.runs.get("k7f3q2ma")) == a_run()


async def test_an_exception_undoes_all_of_it(store, a_run, place, requester):
    def work(unit):
        unit.runs.insert(a_run())
        unit.audit.append(Event(type="run.started", actor=requester))
        unit.outbox.put(place, HELLO)
        unit.cards.touch("k7f3q2ma", place)
        unit.locks.line_up("k7f3q2ma", requester.id, [Need(name="shop/prod")], unit.now)
        claim("1")(unit)
        raise KeyError("x")

    with pytest.raises(KeyError):
        await store.transaction(work)

    def look(unit):
        return (
            unit.runs.get("k7f3q2ma"),
            unit.audit.head(),
            unit.outbox.due(unit.now, "me", timedelta(minutes=1), 9),
            unit.cards.get("k7f3q2ma"),
            unit.locks.line("shop/prod"),
            claim("1")(unit),
        )

    assert await store.transaction(look) == (
        None,
        (0, GENESIS),
        [],
        None,
        Line(name="shop/prod"),
        True,
    )


async def test_what_is_to_follow_runs_on_the_loop_once_it_is_committed(store, a_run):
    seen = []

    def work(unit):
        unit.after_commit(lambda: seen.append(asyncio.get_running_loop()))
        unit.runs.insert(a_run())
        assert seen == []

    await store.transaction(work)

    assert seen == [asyncio.get_running_loop()]


async def test_what_is_to_follow_does_not_run_after_a_rollback(store):
    seen = []

    def work(unit):
        unit.after_commit(lambda: seen.append("committed"))
        raise KeyError

    with pytest.raises(KeyError):
        await store.transaction(work)
    await store.transaction(lambda unit: None)

    assert seen == []


async def test_what_is_to_follow_runs_although_the_caller_went_away(store):
    inside, go_on = threading.Event(), threading.Event()
    followed = asyncio.Event()

    def work(unit):
        inside.set()
        go_on.wait(10)
        unit.after_commit(followed.set)

    caller = asyncio.create_task(store.transaction(work))
    await asyncio.to_thread(inside.wait, 10)
    caller.cancel()
    go_on.set()

    async with asyncio.timeout(10):
        await followed.wait()


async def test_who_loses_a_race_tries_again(database_url, open_store, a_run):
    if not database_url.startswith("postgresql"):
        return  # SQLite has one writer: there is nothing to lose
    store = open_store()
    both = threading.Barrier(2, timeout=10)
    began = []

    def insert(unit):
        unit.runs.insert(a_run("a"))
        unit.runs.insert(a_run("b"))

    def lock(*run_ids):
        def work(unit):
            began.append(run_ids)
            unit.runs.lock(run_ids[0])
            if len(began) <= 2:
                both.wait()
            unit.after_commit(lambda: began.append("committed"))
            return unit.runs.lock(run_ids[1]).id

        return work

    await store.transaction(insert)
    answers = await asyncio.gather(
        store.transaction(lock("a", "b")), store.transaction(lock("b", "a"))
    )

    assert answers == ["b", "a"]
    assert (len(began), began.count("committed")) == (5, 2)


async def test_one_transaction_has_one_moment(store, clock):
    def work(unit):
        before = unit.now
        clock.move(timedelta(hours=1))
        return before, unit.now

    before, after = await store.transaction(work)

    assert before == after


async def test_a_read_cannot_write(store, a_run):
    with pytest.raises((Unavailable, Bug)):
        await store.read(lambda unit: unit.runs.insert(a_run()))

    assert await store.read(lambda unit: unit.runs.get("k7f3q2ma")) is None


async def test_a_read_sees_one_state_of_the_database(store, a_run):
    loop = asyncio.get_running_loop()

    def work(unit):
        before = unit.runs.get("k7f3q2ma")
        insert = store.transaction(lambda other: other.runs.insert(a_run()))
        asyncio.run_coroutine_threadsafe(insert, loop).result()
        return before, unit.runs.get("k7f3q2ma")

    assert await store.read(work) == (None, None)
    assert await store.read(lambda unit: unit.runs.get("k7f3q2ma")) == a_run()


async def test_the_event_loop_goes_on_while_a_transaction_waits(store):
    ticked = asyncio.Event()
    loop = asyncio.get_running_loop()

    async def tick():
        ticked.set()

    def work(unit):
        asyncio.run_coroutine_threadsafe(tick(), loop).result(timeout=10)

    await store.transaction(work)

    assert ticked.is_set()


async def test_an_activity_is_new_once(store):
    answers = [await store.transaction(claim(each)) for each in ("1", "2", "1")]

    assert answers == [True, True, False]


async def test_an_activity_is_new_to_one_of_many_processes(open_store: Callable[[], Store]):
    stores = [open_store() for _ in range(4)]

    answers = await asyncio.gather(*(each.transaction(claim("1")) for each in stores))

    assert sorted(answers) == [False, False, False, True]


async def test_what_was_seen_long_ago_is_forgotten(store, clock):
    await store.transaction(claim("old"))
    later = clock.move(timedelta(days=2))
    await store.transaction(claim("new"))

    gone = await store.transaction(lambda unit: unit.inbox.forget(later - timedelta(days=1)))

    assert gone == 1
    assert await store.transaction(claim("new")) is False
    assert await store.transaction(claim("old")) is True


async def test_the_chain_has_no_fork_however_many_write(open_store, requester):
    stores = [open_store() for _ in range(4)]

    async def fifty(store, number):
        for each in range(50):
            event = Event(type="run.started", actor=requester, data={"n": [number, each]})
            await store.transaction(lambda unit, event=event: unit.audit.append(event))

    await asyncio.gather(*(fifty(store, number) for number, store in enumerate(stores)))

    entries = await stores[0].read(lambda unit: unit.audit.entries())
    assert [each.seq for each in entries] == list(range(1, 201))
    previous = GENESIS
    for each in entries:
        assert each.prev_hash == previous
        assert each.hash == entry_hash(each.seq, previous, each.text)
        previous = each.hash


async def test_several_events_of_one_transaction_follow_each_other(store, requester):
    def work(unit):
        unit.audit.append(Event(type="run.started", actor=requester, run_id="k7f3q2ma"))
        unit.audit.append(Event(type="run.finished", actor=requester))

    await store.transaction(work)

    first, second = await store.read(lambda unit: unit.audit.entries())

    assert (first.seq, second.seq, second.prev_hash) == (1, 2, first.hash)
    assert await store.read(lambda unit: unit.audit.head()) == (2, second.hash)
    assert await store.read(lambda unit: unit.audit.entries(after_seq=1)) == [second]
    assert await store.read(lambda unit: unit.audit.latest(1)) == [second]
    assert await store.read(lambda unit: unit.audit.of_run("k7f3q2ma")) == [first]


@pytest.mark.parametrize(
    "statement",
    ["UPDATE audit_events SET text = 'x'", "DELETE FROM audit_events WHERE seq = 1"],
)
async def test_the_audit_log_can_only_grow(store, requester, statement):
    await store.transaction(
        lambda unit: unit.audit.append(Event(type="run.started", actor=requester))
    )
    written = await store.read(lambda unit: unit.audit.entries())

    with pytest.raises(Bug):
        await store.transaction(lambda unit: unit.connection.exec_driver_sql(statement))

    assert await store.read(lambda unit: unit.audit.entries()) == written


async def test_a_moment_comes_back_in_utc(store, a_run):
    eastern = datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=timezone(timedelta(hours=-5)))
    await store.transaction(lambda unit: unit.runs.insert(a_run(created_at=eastern)))

    kept = await store.read(lambda unit: unit.runs.get("k7f3q2ma"))

    assert kept.created_at == eastern
    assert kept.created_at.tzinfo == UTC


async def test_a_moment_without_a_zone_is_a_bug(store, a_run):
    naive = datetime(2026, 1, 2)  # noqa: DTZ001 - the point of the test

    with pytest.raises(Bug, match="no time zone"):
        await store.transaction(lambda unit: unit.runs.insert(a_run(created_at=naive)))


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:", "mysql://x/y", "nonsense"])
def test_a_url_that_cannot_work_is_refused(url, clock):
    with pytest.raises(Refused):
        Store.open(url, audit_key=b"k", clock=clock, ids=None)


def test_a_database_that_is_not_there_is_unavailable(clock):
    with pytest.raises(Unavailable):
        Store.open("postgresql://127.0.0.1:1/x", audit_key=b"k", clock=clock, ids=None)


@pytest.mark.crash
def test_a_process_killed_within_a_transaction_leaves_nothing(database_url, store):
    asyncio.run(store.transaction(claim("before")))
    child = textwrap.dedent(
        """
        import asyncio, sys, time
        from datetime import UTC, datetime
        from storage.store import Store

        class Clock:
            def now(self): return datetime(2026, 1, 1, tzinfo=UTC)

        def work(unit):
            assert unit.inbox.claim(
                tenant="t", conversation_id="c", activity_id="1", activity_type="message"
            )
            print("in the transaction", flush=True)
            time.sleep(60)

        store = Store.open(sys.argv[1], audit_key=b"k", clock=Clock(), ids=None)
        asyncio.run(store.transaction(work))
        """
    )
    with subprocess.Popen(
        [sys.executable, "-c", child, database_url],
        stdout=subprocess.PIPE,
        cwd=Path(__file__).parents[2],
        env={**os.environ, "PYTHONPATH": "."},
    ) as process:
        assert process.stdout.readline() == b"in the transaction\n"
        process.send_signal(signal.SIGKILL)

    assert asyncio.run(store.transaction(claim("before"))) is False
    assert asyncio.run(store.transaction(claim("1"))) is True
