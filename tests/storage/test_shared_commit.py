"""Transactions that wait together are committed together, and fail alone."""

import asyncio
import threading

import pytest
import sqlalchemy as sa

from domain.run import RunState
from storage.schema import runs


class Changed(Exception):
    """The caller thought better of it."""


@pytest.fixture
def commits():
    """How many transactions were committed."""
    seen = []

    def committed(connection) -> None:
        seen.append(connection)

    sa.event.listen(sa.Engine, "commit", committed)
    yield seen
    sa.event.remove(sa.Engine, "commit", committed)


@pytest.fixture
async def at_once(store):
    """Have work wait for the writer, then let it all go on; what came of each."""

    async def carried_out(*work):
        free = threading.Event()
        first = asyncio.create_task(store.transaction(lambda _: free.wait(10)))
        await asyncio.sleep(0.05)
        rest = [asyncio.create_task(store.transaction(each)) for each in work]
        await asyncio.sleep(0.05)
        free.set()
        await first
        return await asyncio.gather(*rest, return_exceptions=True)

    return carried_out


def is_shared(store) -> bool:
    return store.url.startswith("sqlite")


async def test_those_that_wait_share_a_commit(store, a_run, at_once, commits):
    def insert(name):
        return lambda unit: unit.runs.insert(a_run(name))

    names = [f"aaaaaaa{each}" for each in "abcdefgh"]
    before = len(commits)

    await at_once(*map(insert, names))

    if is_shared(store):
        assert len(commits) - before == 2
    assert len(await store.read(lambda unit: unit.runs.in_state(RunState.PLANNING))) == 8


async def test_one_that_fails_is_undone_alone(store, a_run, at_once):
    def insert(name):
        return lambda unit: unit.runs.insert(a_run(name))

    def fails(unit):
        unit.runs.insert(a_run("bbbbbbbb"))
        unit.connection.execute(sa.select(sa.func.count()).select_from(runs))
        raise Changed

    said = await at_once(insert("aaaaaaaa"), fails, insert("aaaaaaaa"), insert("cccccccc"))

    kinds = [type(each).__name__ for each in said]
    assert sorted(kinds) == ["Bug", "Changed", "NoneType", "NoneType"]
    assert kinds[1] == "Changed"
    if is_shared(store):  # elsewhere they race
        assert kinds[2] == "Bug"
    found = await store.read(lambda unit: unit.runs.in_state(RunState.PLANNING))
    assert sorted(found) == ["aaaaaaaa", "cccccccc"]


async def test_where_the_whole_transaction_is_undone_nobody_is_told_otherwise(
    store, a_run, at_once
):
    if not is_shared(store):
        return

    def breaks(unit):
        unit.connection.exec_driver_sql("ROLLBACK")
        raise Changed

    said = await at_once(lambda unit: unit.runs.insert(a_run("aaaaaaaa")), breaks)

    assert all(isinstance(each, Exception) for each in said)
    assert await store.read(lambda unit: unit.runs.get("aaaaaaaa")) is None
    await store.transaction(lambda unit: unit.runs.insert(a_run("bbbbbbbb")))


async def test_who_went_away_while_waiting_has_done_nothing(store, a_run):
    free = threading.Event()
    first = asyncio.create_task(store.transaction(lambda _: free.wait(10)))
    await asyncio.sleep(0.05)
    gone = asyncio.create_task(store.transaction(lambda unit: unit.runs.insert(a_run("aaaaaaaa"))))
    await asyncio.sleep(0.05)
    gone.cancel()
    await asyncio.sleep(0)
    free.set()
    await first
    await store.transaction(lambda unit: unit.runs.insert(a_run("bbbbbbbb")))

    if is_shared(store):
        assert await store.read(lambda unit: unit.runs.get("aaaaaaaa")) is None


async def test_each_sees_what_those_before_it_have_done(store, at_once, a_run):
    def insert(unit):
        unit.runs.insert(a_run("aaaaaaaa"))

    said = await at_once(insert, lambda unit: unit.runs.lock("aaaaaaaa").id)

    if is_shared(store):
        assert said == [None, "aaaaaaaa"]
