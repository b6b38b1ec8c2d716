"""Locks, the lines before them, holds, the halt and rates: as rows, also among processes."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from domain.lock import Halt, Held, Hold, Line, Need, Waiting

SHOP, BILLING = Need(name="shop/prod"), Need(name="billing/prod")


@pytest.fixture
def runs(store, a_run):
    """Has runs of these ids in the database."""

    async def insert(*run_ids: str) -> None:
        def work(unit):
            for run_id in run_ids:
                unit.runs.insert(a_run(run_id))

        await store.transaction(work)

    return insert


@pytest.fixture
def hold(place, clock) -> Hold:
    return Hold(
        name="shop/prod",
        by="sre",
        by_name="sre-1",
        reason="looking at the database",
        since=clock.now(),
        until=clock.now() + timedelta(hours=1),
        conversation=place,
    )


def line_up(unit, run_id, *needs, after=0):
    unit.locks.line_up(run_id, f"of-{run_id}", needs, unit.now + timedelta(seconds=after))


def take(unit, run_id):
    return unit.locks.take(run_id, unit.locks.lines_of(run_id))


async def test_who_waits_for_a_lock_stands_in_line_first_come_first(store, runs, clock):
    await runs("late", "b", "a", "other")

    def work(unit):
        line_up(unit, "late", SHOP, after=9)
        line_up(unit, "b", SHOP)
        line_up(unit, "a", SHOP, BILLING)
        line_up(unit, "a", SHOP, after=60)  # again: its place stays
        line_up(unit, "other", BILLING, after=1)
        return unit.locks.line("shop/prod"), unit.locks.lines_of("a"), unit.locks.lines()

    shop, of_a, lines = await store.transaction(work)
    assert shop == Line(
        name="shop/prod",
        waiting=tuple(
            Waiting(
                run_id=run_id,
                requester=f"of-{run_id}",
                places=1,
                since=clock.now() + timedelta(seconds=after),
            )
            for run_id, after in (("a", 0), ("b", 0), ("late", 9))
        ),
    )
    assert [line.name for line in of_a] == ["billing/prod", "shop/prod"]
    assert [line.name for line in lines] == ["billing/prod", "shop/prod"]


async def test_a_lock_has_one_holder_until_it_is_released(store, runs, clock):
    await runs("a", "b")

    def work(unit):
        line_up(unit, "a", SHOP, BILLING)
        line_up(unit, "b", SHOP)
        return [
            take(unit, "a"),
            take(unit, "b"),
            unit.locks.holder("shop/prod"),
            unit.locks.needs("a"),
            unit.locks.needs("b"),
            unit.locks.release("b"),
            unit.locks.release("a", ["shop/prod"]),
            unit.locks.release("a"),
            take(unit, "b"),
            unit.locks.held_by("b"),
        ]

    assert await store.transaction(work) == [
        True,
        False,
        Held(run_id="a", since=clock.now()),
        (),
        (SHOP,),
        (),
        ("shop/prod",),
        ("billing/prod",),
        True,
        ("shop/prod",),
    ]


async def test_who_cannot_have_all_has_nothing(store, runs):
    await runs("a", "b")

    def work(unit):
        line_up(unit, "a", SHOP)
        take(unit, "a")
        line_up(unit, "b", BILLING, SHOP)
        return take(unit, "b"), unit.locks.held_by("b"), len(unit.locks.needs("b"))

    assert await store.transaction(work) == (False, (), 2)


async def test_a_group_has_its_places_and_a_free_one_is_used_again(store, runs):
    await runs(*"abcd")

    def work(unit):
        for run_id in "abcd":
            line_up(unit, run_id, Need(name="group:prod", places=2))
        taken = [take(unit, run_id) for run_id in "abc"]
        unit.locks.release("a")
        taken.append(take(unit, "d"))
        return taken, [(each.run_id, each.place) for each in unit.locks.line("group:prod").held]

    taken, held = await store.transaction(work)
    assert taken == [True, True, False, True]
    assert held == [("d", 0), ("b", 1)]


@pytest.mark.parametrize(("places", "winners"), [(1, 1), (3, 3)])
async def test_of_fifty_who_race_no_more_win_than_there_are_places(
    open_store, runs, places, winners
):
    stores = [open_store() for _ in range(4)]
    racing = [f"r{number:02}" for number in range(50)]
    await runs(*racing)
    need = Need(name="shop/prod", places=places)

    def enter(unit):
        for run_id in racing:
            line_up(unit, run_id, need)

    await stores[0].transaction(enter)

    taken = await asyncio.gather(
        *(
            stores[number % 4].transaction(lambda unit, run_id=run_id: take(unit, run_id))
            for number, run_id in enumerate(racing)
        )
    )

    assert sum(taken) == winners
    line = await stores[0].read(lambda unit: unit.locks.line("shop/prod"))
    assert {each.run_id for each in line.held} == {
        run_id for run_id, has in zip(racing, taken, strict=True) if has
    }
    assert len(line.waiting) == 50 - winners


async def test_of_fifty_people_who_race_one_has_the_lock(open_store, hold):
    stores = [open_store() for _ in range(4)]

    taken = await asyncio.gather(
        *(
            stores[number % 4].transaction(
                lambda unit, number=number: unit.holds.put(replace(hold, by=f"person-{number}"))
            )
            for number in range(50)
        )
    )

    assert sum(taken) == 1
    found = await stores[0].read(lambda unit: unit.holds.get("shop/prod"))
    assert found == replace(hold, by=f"person-{taken.index(True)}")


async def test_a_hold_is_in_force_until_its_end_and_is_due_then(store, hold, clock):
    assert await store.transaction(lambda unit: unit.holds.put(hold))

    clock.move(timedelta(hours=1) - timedelta(microseconds=1))
    assert await store.read(lambda unit: unit.locks.line("shop/prod").hold) == hold
    assert await store.read(lambda unit: unit.holds.due(unit.now)) == []
    clock.move(timedelta(microseconds=1))

    assert await store.read(lambda unit: unit.locks.line("shop/prod").hold) is None
    assert await store.read(lambda unit: unit.holds.due(unit.now)) == ["shop/prod"]
    assert await store.read(lambda unit: unit.holds.all()) == (hold,)


async def test_only_the_hold_that_was_seen_is_removed(store, hold):
    def work(unit):
        unit.holds.put(hold)
        newer = replace(hold, since=hold.since + timedelta(seconds=1))
        return unit.holds.remove(newer), unit.holds.remove(hold), unit.holds.remove(hold)

    assert await store.transaction(work) == (False, True, False)


async def test_all_that_is_held_or_waited_for_is_listed(store, runs, hold):
    await runs("a", "b")

    def work(unit):
        line_up(unit, "a", BILLING)
        take(unit, "a")
        line_up(unit, "b", Need(name="group:prod", places=2))
        unit.holds.put(hold)
        return [line.name for line in unit.locks.all()]

    assert await store.transaction(work) == ["billing/prod", "group:prod", "shop/prod"]


async def test_the_halt_is_one_switch(store, clock):
    halt = Halt(by="sre", by_name="sre-1", reason="the wrong cluster", since=clock.now())

    def work(unit):
        return [
            unit.halts.current(),
            unit.halts.put(halt),
            unit.halts.put(replace(halt, by="other")),
            unit.halts.watch(),
            unit.halts.remove(),
            unit.halts.remove(),
            unit.halts.current(),
        ]

    assert await store.transaction(work) == [None, True, False, halt, True, False, None]


async def test_a_rate_is_moved_by_who_has_seen_it_last(store, clock):
    now = clock.now()

    def work(unit):
        return [
            unit.rates.full_at("github"),
            unit.rates.move("github", None, now),
            unit.rates.move("github", None, now + timedelta(seconds=1)),
            unit.rates.move("github", now, now + timedelta(seconds=2)),
            unit.rates.move("github", now, now + timedelta(seconds=3)),
            unit.rates.full_at("github"),
        ]

    expected = [None, True, False, True, False, now + timedelta(seconds=2)]
    assert await store.transaction(work) == expected
