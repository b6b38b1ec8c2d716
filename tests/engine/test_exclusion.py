"""Exclusive work: lines before locks, groups, people's holds, stealing, the halt, and rates."""

from dataclasses import replace
from datetime import timedelta
import json

import pytest

from domain.approval import Choice
from domain.errors import BadArguments, NotNow, NotPermitted, Refused, Unavailable
from domain.lock import Need
from domain.rate import Limits
from domain.run import RunState
from domain.step import StepState
from tests.engine.test_review import answers_nothing, planned, sweep_of
from tests.engine.world import (
    APPROVER_1,
    APPROVER_2,
    DEV,
    PLACE,
    TWO,
    Killed,
    ShopConnector,
    deploy,
    person,
)
from workflows.definition import Concurrency
from workflows.engine import lines
from workflows.engine.halts import refuse_while_halted
from workflows.engine.holds import Asked
from workflows.engine.rates import Limited, Rates
from workflows.engine.rates import limited as limited_actions

SRE = person("sre-1")
LONG = timedelta(minutes=5)
SHOP = "shop/prod"


def slow(**changes):
    return replace(deploy(wait=LONG), **changes)


async def ask_all(world, *versions, **changes):
    """Runs in line, in this order: each a second after the other."""
    asked = []
    for version in versions:
        asked.append(await world.ask(version, **changes))
        await world.work(timedelta())
        world.clock.moment += timedelta(seconds=1)
    return asked


async def passes(world, time):
    """Carry out what is due meanwhile, and let the time go by."""
    until = world.clock.now() + time
    await world.work(time)
    world.clock.moment = max(world.clock.now(), until)


async def states(world, *run_ids):
    return [(await world.run(run_id)).state for run_id in run_ids]


async def line(world, name=SHOP):
    return await world.store.read(lambda unit: unit.locks.line(name))


async def in_line(world, name=SHOP):
    return [each.run_id for each in (await line(world, name)).waiting]


async def nothing_is_left(world):
    """No lock, and no place in a line, of a run that has ended."""
    left = await world.store.read(lambda unit: unit.locks.all())
    assert [each.name for each in left if each.is_taken] == []


async def all_events(world, kind):
    entries = await world.store.read(lambda unit: unit.audit.entries())
    found = [json.loads(entry.text) for entry in entries]
    return [each for each in found if each["type"] == f"signalbox.{kind}"]


def asked(by=SRE, *, length=timedelta(hours=1), reason="looking at the database", name=SHOP):
    return Asked(name=name, by=by, reason=reason, length=length, conversation=PLACE)


async def lock(world, by=SRE, **changes):
    return await world.store.transaction(lambda u: world.holds.lock(u, asked(by, **changes)))


async def unlock(world, by=SRE):
    return await world.store.transaction(lambda u: world.holds.unlock(u, SHOP, by=by))


async def steal(world, by=SRE, **changes):
    return await world.store.transaction(lambda u: world.holds.steal(u, asked(by, **changes)))


async def halt(world, by=SRE, reason="the wrong cluster"):
    return await world.store.transaction(lambda u: world.halting.halt(u, by=by, reason=reason))


async def unhalt(world, by=SRE):
    return await world.store.transaction(lambda u: world.halting.unhalt(u, by=by))


# -- lines ----------------------------------------------------------------------------------


async def test_runs_have_their_turn_first_come_first_served(world):
    first, *others = await ask_all(world, "v1.1.0", "v1.2.1", "v1.3.0", "v1.4.0", workflow=slow())

    assert await in_line(world) == others
    assert [(await line(world)).position(each) for each in others] == [1, 2, 3]
    await world.cancel(others[1])
    assert await in_line(world) == [others[0], others[2]]

    await world.work(timedelta(hours=1))

    assert [version for _, version in world.target.effects] == ["v1.1.0", "v1.2.1", "v1.4.0"]
    assert await states(world, first, *others) == [
        RunState.SUCCEEDED,
        RunState.SUCCEEDED,
        RunState.CANCELLED,
        RunState.SUCCEEDED,
    ]
    await nothing_is_left(world)


async def test_runs_that_need_several_locks_wait_with_none_and_all_have_their_turn(
    world, monkeypatch
):
    needs = {"v1.1.0": "xy", "v1.2.1": "yz", "v1.3.0": "zx", "v1.4.0": "x", "v1.5.0": "w"}
    monkeypatch.setattr(
        lines, "locks_of", lambda run: tuple(Need(name=n) for n in needs[run.inputs["version"]])
    )

    runs = await ask_all(world, *needs, workflow=slow())

    # The second and third wait for a part of what they need: they hold nothing of the rest.
    assert await states(world, *runs) == [
        RunState.RUNNING,
        RunState.QUEUED,
        RunState.QUEUED,
        RunState.QUEUED,
        RunState.RUNNING,
    ]
    assert (await line(world, "z")).held == ()
    assert await in_line(world, "x") == [runs[2], runs[3]]
    await world.work(timedelta(hours=1))
    assert {*await states(world, *runs)} == {RunState.SUCCEEDED}
    order = [version for _, version in world.target.effects]
    assert order.index("v1.2.1") < order.index("v1.3.0") < order.index("v1.4.0")
    await nothing_is_left(world)


async def test_a_new_plan_that_needs_more_lets_go_of_what_it_has_first(world, monkeypatch):
    more = [Need(name="x")]
    monkeypatch.setattr(lines, "locks_of", lambda _run: tuple(more))
    first = await world.ask("v1.1.0")
    kind, work_id, args = await planned(world)
    world.target.version = "v1.0.5"  # the plan is to be made anew
    await world.worker.work[kind](work_id, *args)
    assert (await line(world, "x")).held[0].run_id == first
    await world.store.transaction(
        lambda u: (u.locks.line_up("other", DEV.id, (), u.now), u.runs.get(first))
    )
    more.append(Need(name="y"))
    kind, work_id, args = world.queue.take(until=world.clock.now())

    await world.worker.work[kind](work_id, *args)

    assert (await line(world, "x")).held == ()
    assert await in_line(world, "x") == await in_line(world, "y") == [first]
    await world.work()
    assert await states(world, first) == [RunState.SUCCEEDED]
    await nothing_is_left(world)


async def test_of_a_group_so_many_runs_are_under_way_and_the_others_wait(world):
    group = Concurrency(group="releases", limit=2)

    runs = await ask_all(
        world, "v1.1.0", "v1.2.1", "v1.3.0", workflow=slow(lock=None, concurrency=group)
    )

    assert await states(world, *runs) == [RunState.RUNNING, RunState.RUNNING, RunState.QUEUED]
    assert await in_line(world, "group:releases") == [runs[2]]
    await world.work(timedelta(hours=1))
    assert {*await states(world, *runs)} == {RunState.SUCCEEDED}
    assert [e["data"]["lock"] for e in await all_events(world, "lock.acquired")] == [
        "group:releases"
    ] * 3
    await nothing_is_left(world)


async def test_groups_are_those_of_the_inputs(world):
    group = Concurrency(group="${ inputs.version }", limit=1)

    runs = await ask_all(
        world, "v1.1.0", "v1.1.0", "v1.3.0", workflow=slow(lock=None, concurrency=group)
    )

    assert await states(world, *runs) == [RunState.RUNNING, RunState.QUEUED, RunState.RUNNING]


async def test_a_group_that_is_no_text_fails_the_plan(world):
    workflow = slow(concurrency=Concurrency(group="${ 1 }", limit=1))

    [run] = await ask_all(world, "v1.1.0", workflow=workflow)

    assert (await world.run(run)).outcome.startswith("The concurrency group of this workflow")


@pytest.mark.parametrize(
    ("end", "version", "rule", "state"),
    [
        ("succeeds", "v1.1.0", None, RunState.SUCCEEDED),
        ("is rolled back", "v1.2.0", None, RunState.ROLLED_BACK),
        ("cannot be undone", "v1.2.0", None, RunState.ROLLBACK_FAILED),
        ("fails", "v1.1.0", None, RunState.FAILED),
        ("is cancelled", "v1.1.0", None, RunState.CANCELLED),
        ("is rejected", "v1.1.0", TWO, RunState.REJECTED),
        ("expires", "v1.1.0", TWO, RunState.EXPIRED),
        ("loses its votes", "v1.1.0", TWO, RunState.EXPIRED),
        ("is killed and taken over", "v1.1.0", None, RunState.SUCCEEDED),
        ("is killed before it starts", "v1.1.0", None, RunState.SUCCEEDED),
    ],
)
async def test_whatever_the_end_nothing_is_held_any_more_and_the_next_one_starts(
    world, end, version, rule, state
):
    if end == "fails":
        world.target.script.append(Refused("No."))
    run_id = await world.ask(version, **({"rule": rule} if rule else {"workflow": slow()}))
    match end:
        case "cannot be undone":
            await world.work(timedelta(seconds=2))
            world.target.script.append(Refused("Cannot."))
        case "is cancelled":
            await world.work(timedelta(seconds=2))
            await world.cancel(run_id)
        case "is rejected":
            await world.work()
            await world.vote(run_id, APPROVER_1, Choice.REJECT, "no")
        case "loses its votes":
            await world.work()
            await world.vote(run_id, APPROVER_1)
            await world.vote(run_id, APPROVER_2)
            world.electors.gone[APPROVER_1.id] = "has left the group"
        case "is killed and taken over" | "is killed before it starts":
            begun = await planned(world)
            script = world.target.script
            if "taken over" in end:
                script.append(Killed())
            else:
                world.target.plan = killed_once(world.target.plan)
                world.worker = world.new_worker()
            with pytest.raises(Killed):
                await world.worker.work[begun[0]](begun[1], *begun[2])
            world.worker = world.new_worker()
            await world.worker.work[begun[0]](begun[1], *begun[2])

    await world.work(timedelta())
    world.clock.moment += timedelta(seconds=1)
    other = await world.ask("v1.3.0", workflow=deploy())
    await world.work(timedelta(hours=2))

    assert await states(world, run_id, other) == [state, RunState.SUCCEEDED]
    await nothing_is_left(world)


def killed_once(plan):
    killed = []

    async def plans(inputs):
        if not killed:
            killed.append(True)
            raise Killed
        return await plan(inputs)

    return plans


async def test_whom_nobody_woke_is_woken_by_the_sweep(world):
    await ask_all(world, "v1.1.0", "v1.2.1", workflow=slow())
    first, second = [
        each.run_id for each in (*(await line(world)).held, *(await line(world)).waiting)
    ]
    await world.store.transaction(lambda u: u.locks.release(first))  # and no word to the next
    swept = sweep_of(world, set())

    await swept.sweep()
    world.clock.moment += timedelta(seconds=30)
    assert await states(world, second) == [RunState.QUEUED]  # it may be on its way
    await swept.sweep()
    await world.work(timedelta())

    assert await states(world, second) == [RunState.RUNNING]


# -- holds ----------------------------------------------------------------------------------


async def test_a_persons_lock_keeps_others_out_until_it_is_let_go_of(world):
    hold, holders = await lock(world)
    assert (hold.until - hold.since, holders) == (timedelta(hours=1), ())

    others, own = await world.ask("v1.1.0"), await world.ask("v1.3.0", requester=SRE)
    await world.work()

    assert await states(world, others, own) == [RunState.QUEUED, RunState.SUCCEEDED]
    await unlock(world)
    await world.work()
    assert await states(world, others) == [RunState.SUCCEEDED]
    assert [e["type"] for e in await all_events(world, "lock.released")] != []
    await nothing_is_left(world)


async def test_a_persons_lock_is_over_by_its_alarm(world):
    await lock(world, length=timedelta(minutes=10))
    run = await world.ask("v1.1.0")

    await passes(world, timedelta(minutes=9))
    assert await states(world, run) == [RunState.QUEUED]
    await passes(world, timedelta(minutes=2))

    assert await states(world, run) == [RunState.SUCCEEDED]
    [expired] = await all_events(world, "lock.expired")
    assert (expired["subject"], expired["data"]["holder"]) == ("lock/shop/prod", SRE.id)
    await nothing_is_left(world)


async def test_a_persons_lock_is_over_though_its_alarm_is_lost(world):
    await lock(world, length=timedelta(minutes=10))
    run = await world.ask("v1.1.0")
    await passes(world, timedelta(minutes=1))
    world.queue.waiting.clear()

    world.clock.moment += timedelta(minutes=10)
    await sweep_of(world, set()).sweep()
    await world.work()

    assert await states(world, run) == [RunState.SUCCEEDED]


async def test_a_lock_that_was_taken_anew_is_not_ended_by_the_old_alarm(world):
    await lock(world, length=timedelta(minutes=10))
    world.clock.moment += timedelta(minutes=5)
    await lock(world, length=timedelta(minutes=10), reason="still looking")

    await passes(world, timedelta(minutes=7))
    assert (await line(world)).hold.reason == "still looking"
    await passes(world, timedelta(minutes=4))

    assert (await line(world)).hold is None


async def test_a_run_that_has_the_lock_goes_on_under_a_new_hold(world):
    first, second = await ask_all(world, "v1.1.0", "v1.3.0", workflow=slow())

    _, holders = await lock(world)

    assert [run.id for run in holders] == [first]
    await passes(world, timedelta(minutes=20))
    assert await states(world, first, second) == [RunState.SUCCEEDED, RunState.QUEUED]


async def test_what_is_not_ones_own_cannot_be_locked_or_unlocked(world):
    with pytest.raises(NotNow, match="Nobody holds the lock of shop/prod"):
        await unlock(world)
    run, *_ = await ask_all(world, "v1.1.0", workflow=slow())
    with pytest.raises(NotNow, match=f"Run {run} has the lock of shop/prod while it is under way"):
        await unlock(world)
    await lock(world)

    with pytest.raises(NotNow, match="sre-1 holds the lock of shop/prod: looking at the database"):
        await lock(world, DEV)
    with pytest.raises(NotPermitted, match="dev-1 may not unlock shop/prod: sre-1 holds it"):
        await unlock(world, DEV)
    with pytest.raises(BadArguments, match="at most 24 hours"):
        await lock(world, length=timedelta(hours=24, minutes=1))
    with pytest.raises(BadArguments):
        await lock(world, length=timedelta())
    assert (await line(world)).hold.by == SRE.id


async def test_a_lock_is_stolen_from_a_person_with_a_reason(world):
    await lock(world, DEV)
    run = await world.ask("v1.1.0", requester=DEV, workflow=deploy())
    with pytest.raises(NotNow, match="You hold the lock of shop/prod already"):
        await steal(world, DEV)

    stolen = await steal(world, reason="an incident")

    assert (stolen.former.by, stolen.hold.by, stolen.stopped) == (DEV.id, SRE.id, ())
    await world.work()
    assert await states(world, run) == [RunState.QUEUED]
    [event] = await all_events(world, "lock.stolen")
    assert event["data"]["reason"] == "an incident"
    assert (event["data"]["from"], event["data"]["actor"]["id"]) == (DEV.id, SRE.id)
    with pytest.raises(NotPermitted):
        await unlock(world, DEV)


async def test_what_nobody_has_cannot_be_stolen(world):
    with pytest.raises(NotNow, match="Nobody holds the lock of shop/prod"):
        await steal(world)


async def test_a_run_whose_lock_is_stolen_stops_before_anybody_else_starts(world):
    """It waits between two steps: it is over at once, and the thief's own run may start."""
    run, *_ = await ask_all(world, "v1.1.0", workflow=slow())

    stolen = await steal(world)

    assert [each.id for each in stolen.stopped] == [run]
    own = await world.ask("v1.3.0", requester=SRE)
    await passes(world, timedelta(minutes=20))
    assert await states(world, run, own) == [RunState.CANCELLED, RunState.SUCCEEDED]
    assert (await all_events(world, "lock.stolen"))[0]["data"]["stopped"] == [run]


async def test_a_lock_stolen_during_a_step_is_free_when_the_step_has_ended(world):
    run = await world.ask("v1.1.0")
    own = None
    switch = world.target.switch

    async def stolen_meanwhile(inputs, key):
        nonlocal own
        if own is None:
            stolen = await steal(world)
            assert [(each.id, each.state) for each in stolen.stopped] == [(run, RunState.RUNNING)]
            own = await world.ask("v1.3.0", requester=SRE)
            kind, work_id, args = world.queue.take(until=world.clock.now())
            while kind != "stretch":
                await world.worker.work[kind](work_id, *args)
                kind, work_id, args = world.queue.take(until=world.clock.now())
            await world.worker.work[kind](work_id, *args)
            assert await states(world, run, own) == [RunState.RUNNING, RunState.QUEUED]
            assert world.target.effects == []
        return await switch(inputs, key)

    world.target.switch = stolen_meanwhile
    world.worker = world.new_worker()
    await passes(world, timedelta(minutes=1))

    assert await states(world, run, own) == [RunState.CANCELLED, RunState.SUCCEEDED]
    assert [version for _, version in world.target.effects] == ["v1.1.0", "v1.3.0"]


# -- the halt -------------------------------------------------------------------------------


async def test_while_everything_is_halted_no_step_begins_and_then_all_goes_on(world):
    current, is_begun = world.target.current, False

    async def halted_meanwhile(inputs, key):
        nonlocal is_begun
        if key and not is_begun:  # it is no look of a planner
            is_begun = True
            under_way = await halt(world)
            assert [(each.run.id, each.step) for each in under_way] == [(run, "Note what runs")]
        return await current(inputs, key)

    world.target.current = halted_meanwhile
    world.worker = world.new_worker()
    run = await world.ask("v1.1.0")
    await world.work(timedelta())
    queued = await world.ask("v1.3.0", workflow=deploy())
    await passes(world, timedelta(minutes=10))

    steps = await world.steps(run)
    assert steps["previous"].state is StepState.SUCCEEDED
    assert steps["switch"].state is StepState.PENDING
    assert world.target.effects == []
    assert await states(world, run, queued) == [RunState.RUNNING, RunState.QUEUED]
    assert (await world.run(run)).carrier is None
    with pytest.raises(NotNow, match="Everything is halted by sre-1: the wrong cluster"):
        await halt(world, DEV)

    over = await unhalt(world)
    await passes(world, timedelta(minutes=10))

    assert over.reason == "the wrong cluster"
    assert await states(world, run, queued) == [RunState.SUCCEEDED, RunState.SUCCEEDED]
    assert [version for _, version in world.target.effects] == ["v1.1.0", "v1.3.0"]
    assert len(await all_events(world, "halt.started")) == 1
    assert len(await all_events(world, "halt.ended")) == 1
    with pytest.raises(NotNow, match="Nothing is halted"):
        await unhalt(world)
    await nothing_is_left(world)


async def test_a_retry_and_an_undo_wait_for_the_end_of_the_halt(world):
    world.target.script.append(Unavailable("Busy."))
    retried, undone = await ask_all(world, "v1.1.0", "v1.2.0", workflow=deploy(wait=LONG))
    await passes(world, timedelta(seconds=3))
    await world.cancel(retried)
    await passes(world, timedelta(minutes=4))
    await halt(world)  # the health check of the second is still to come

    await passes(world, timedelta(minutes=10))
    assert await states(world, undone) == [RunState.RUNNING]
    assert world.target.version == "v1.2.0"
    await unhalt(world)
    await passes(world, timedelta(minutes=10))

    assert await states(world, undone) == [RunState.ROLLED_BACK]
    assert world.target.version == "v1.1.0"


async def test_what_a_dead_process_had_begun_waits_for_the_end_of_the_halt(world):
    world.target.script.append(Killed())
    run = await world.ask("v1.1.0")
    with pytest.raises(Killed):
        await world.work()
    await halt(world)
    world.worker = world.new_worker()
    carrier = (await world.run(run)).carrier
    await sweep_of(world, {carrier.partition("@")[0]}).sweep()

    await world.work()
    assert (await world.steps(run))["switch"].attempt == 1
    assert await states(world, run) == [RunState.RUNNING]
    await unhalt(world)
    await world.work()

    assert await states(world, run) == [RunState.SUCCEEDED]


async def test_an_undo_does_not_begin_while_everything_is_halted(world):
    health = world.target.health

    async def halted_meanwhile(inputs, key):
        await halt(world)
        return await health(inputs, key)

    world.target.health = halted_meanwhile
    world.worker = world.new_worker()
    run = await world.ask("v1.2.0")
    await passes(world, timedelta(minutes=10))

    assert await states(world, run) == [RunState.ROLLING_BACK]
    assert world.target.version == "v1.2.0"
    await unhalt(world)
    await passes(world, timedelta(minutes=10))
    assert await states(world, run) == [RunState.ROLLED_BACK]


async def test_what_waits_for_the_end_of_a_halt_takes_no_lock_and_can_be_cancelled(world):
    await halt(world)
    run, other = await ask_all(world, "v1.1.0", "v1.3.0", workflow=deploy())
    assert await states(world, run, other) == [RunState.QUEUED, RunState.QUEUED]
    assert (await line(world)).held == ()

    await world.cancel(run)

    assert await states(world, run) == [RunState.CANCELLED]
    await unhalt(world)
    await world.work()
    assert await states(world, other) == [RunState.SUCCEEDED]


async def test_nothing_new_is_taken_on_while_everything_is_halted(world):
    await world.store.transaction(refuse_while_halted)
    await halt(world)

    with pytest.raises(NotNow, match="Everything is halted by sre-1: the wrong cluster") as told:
        await world.store.transaction(refuse_while_halted)

    assert "Nothing new is taken on" in told.value.hint


# -- rates ----------------------------------------------------------------------------------


def limited(world, **limits):
    """The world's worker, for whom the shop does not bear everything."""

    async def sleep(seconds):
        world.clock.moment += timedelta(seconds=seconds)

    worker = world.new_worker()
    worker._rates = Rates(
        store=world.store,
        limited={
            f"shop.{name}@1": Limited(connection="shop", limits=Limits(**limits))
            for name in ("current", "switch", "health")
        },
        sleep=sleep,
        chance=lambda: 0.0,
    )
    world.worker = worker
    return worker


async def test_a_step_whose_turn_has_not_come_waits_and_that_is_no_attempt(world):
    limited(world, per_minute=1)
    begun = world.clock.now()
    run = await world.ask("v1.1.0", workflow=deploy(attempts=1))

    await passes(world, timedelta(seconds=10))
    steps = await world.steps(run)
    assert steps["switch"].state is StepState.WAITING
    assert steps["switch"].attempt == 0
    assert steps["switch"].detail == ("Waits for its turn: shop is used at most 1 times a minute.")
    await passes(world, timedelta(minutes=5))

    assert await states(world, run) == [RunState.SUCCEEDED]
    assert [step.attempt for step in (await world.steps(run)).values()] == [1, 1, 1]
    took = (await world.run(run)).finished_at - begun
    assert timedelta(minutes=2) <= took < timedelta(minutes=3)


async def test_an_undo_waits_for_its_turn_too(world):
    limited(world, per_minute=2)
    run = await world.ask("v1.2.0", workflow=deploy(attempts=1))

    await passes(world, timedelta(minutes=10))

    assert await states(world, run) == [RunState.ROLLED_BACK]
    assert (await world.steps(run))["switch"].undo_attempt == 1


async def test_what_was_in_doubt_stays_so_while_it_waits_for_its_turn(world):
    """We were killed before the target said that it had done it: then it is undone, if need be."""
    limited(world, per_minute=2)
    world.target.lost = Killed()
    run = await world.ask("v1.1.0", workflow=deploy(attempts=2))
    with pytest.raises(Killed):
        await passes(world, timedelta(minutes=10))
    limited(world, per_minute=2)
    carrier = (await world.run(run)).carrier
    await sweep_of(world, {carrier.partition("@")[0]}).sweep()

    await world.work(timedelta(seconds=1))
    assert (await world.steps(run))["switch"].state is StepState.WAITING
    answers_nothing(world, 1, Refused("The record is gone."))
    limited(world, per_minute=2)

    await passes(world, timedelta(minutes=10))

    assert await states(world, run) == [RunState.ROLLED_BACK]
    assert world.target.version == "v1.0.0"


async def test_a_wait_whose_answer_is_lost_is_not_put_down_twice(world, monkeypatch):
    monkeypatch.setattr("workflows.engine.worker._DATABASE_PAUSES", (0.0,))
    limited(world, per_minute=1)
    commit, lost = world.store.transaction, set()

    async def loses_every_first_answer(work):
        answer = await commit(work)
        if "record" in work.__code__.co_names and work.__code__ not in lost:
            lost.add(work.__code__)
            raise Unavailable("The answer was lost.")
        lost.discard(work.__code__)
        return answer

    world.store.transaction = loses_every_first_answer
    run = await world.ask("v1.1.0", workflow=deploy(attempts=1))
    await passes(world, timedelta(minutes=10))

    assert await states(world, run) == [RunState.SUCCEEDED]
    assert len(world.target.effects) == 1
    assert max(step.attempt for step in (await world.steps(run)).values()) <= 2


async def test_so_many_attempts_are_under_way_at_once_and_no_more(world):
    worker = limited(world, at_once=1)

    async with worker._rates.admission("shop.switch@1") as wait:
        assert wait == timedelta()
        async with worker._rates.admission("shop.switch@1") as other:
            assert other > timedelta()
    async with worker._rates.admission("shop.health@1") as wait:
        assert wait == timedelta()
    async with worker._rates.admission("billing.switch@1") as wait:
        assert wait == timedelta()


def test_the_actions_of_a_connection_share_its_limits(world):
    connectors = [ShopConnector(world.target), ShopConnector(world.target)]

    found = limited_actions({"shop": Limits(at_once=2), "free": Limits()}, connectors)

    assert {*found} == {"shop.current@1", "shop.switch@1", "shop.health@1"}
    assert {*found.values()} == {Limited(connection="shop", limits=Limits(at_once=2))}
