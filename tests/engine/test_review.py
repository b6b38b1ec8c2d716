"""What a second look found: doubts, races, answers lost on the way, and processes that wake up."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from domain.errors import Ambiguous, Refused, Unavailable
from domain.run import RunState
from domain.step import StepState, idempotency_key
from storage.locks import Locks
from tests.engine.world import TWO, Ids, Killed, deploy
from workflows.engine.durable import Kind
from workflows.engine.plans import Plans
from workflows.engine.progress import Progress
from workflows.engine.sweep import Sweep
from workflows.engine.turns import Turns


async def planned(world):
    """Plan the run that was asked for last; the piece of work that carries it out comes back."""
    kind, work_id, args = world.queue.take(until=world.clock.now())
    await world.worker.work[kind](work_id, *args)
    return world.queue.take(until=world.clock.now())


def answers_nothing(world, times, error):
    """Have the target not say whether an effect is there, so many times."""
    left, applied = [error] * times, world.target.applied

    async def asked(inputs, key):
        if left:
            raise left.pop()
        return await applied(inputs, key)

    world.target.applied = asked
    world.worker = world.new_worker()


@pytest.mark.parametrize("error", [Unavailable("Gone."), Refused("Who are you?")])
async def test_what_may_have_happened_in_an_earlier_attempt_is_undone(world, error):
    world.target.lost = Ambiguous("No answer came.")
    answers_nothing(world, 2, error)
    run_id = await world.ask()

    await world.work()

    assert (await world.run(run_id)).state is RunState.ROLLED_BACK
    assert world.target.version == "v1.0.0"


async def test_what_may_have_happened_before_a_crash_is_undone(world):
    world.target.lost = Killed()
    answers_nothing(world, 1, Unavailable("Gone."))
    run_id = await world.ask(workflow=deploy(attempts=1))
    kind, work_id, args = await planned(world)
    with pytest.raises(Killed):
        await world.worker.work[kind](work_id, *args)

    await world.worker.work[kind](work_id, *args)

    assert (await world.run(run_id)).state is RunState.ROLLED_BACK
    assert world.target.version == "v1.0.0"


async def test_a_doubt_that_the_target_has_cleared_up_undoes_nothing(world):
    world.target.script.extend([Ambiguous("No answer came."), Unavailable("Gone.")])
    run_id = await world.ask(workflow=deploy(attempts=2))

    await world.work()

    assert (await world.run(run_id)).state is RunState.FAILED
    assert world.target.effects == []


async def test_a_lock_that_another_process_takes_in_between_is_not_shared(world, monkeypatch):
    first = await world.ask("v1.1.0", workflow=deploy(wait=timedelta(minutes=5)))
    await world.work()
    second = await world.ask("v1.2.1")
    kind, work_id, args = await planned(world)
    looks, lines_at = iter([True]), Locks.lines_at
    # PostgreSQL shows each statement what was committed before it: here, that it is free.

    def shows_it_free(self, names):
        lines = lines_at(self, names)
        return tuple(replace(each, held=()) for each in lines) if next(looks, False) else lines

    monkeypatch.setattr(Locks, "lines_at", shows_it_free)

    await world.worker.work[kind](work_id, *args)

    assert (await world.run(second)).state is RunState.QUEUED
    assert (await world.run(first)).state is RunState.RUNNING
    assert world.target.version == "v1.1.0"
    await world.work(timedelta(minutes=10))
    assert (await world.run(second)).state is RunState.SUCCEEDED


@pytest.mark.parametrize(
    ("version", "end", "effects"),
    [
        ("v1.1.0", RunState.SUCCEEDED, [("v1.1.0", 1)]),
        ("v1.2.0", RunState.ROLLED_BACK, [("v1.2.0", 1), ("v1.0.0", 2)]),
    ],
)
async def test_a_commit_whose_answer_is_lost_is_not_put_down_twice(
    world, monkeypatch, version, end, effects
):
    monkeypatch.setattr("workflows.engine.worker._DATABASE_PAUSES", (0.0,))
    commit, losses = world.store.transaction, 0

    async def loses_every_first_answer(work):
        nonlocal losses
        answer = await commit(work)
        losses += 1
        if losses % 2:
            raise Unavailable("The database did not answer.")
        return answer

    run_id = await world.ask(version)
    monkeypatch.setattr(world.store, "transaction", loses_every_first_answer)

    await world.work()

    assert (await world.run(run_id)).state is end
    assert world.target.effects == [
        (idempotency_key(run_id, "switch", generation), version) for version, generation in effects
    ]
    events = await world.events(run_id)
    assert events.count("step.finished") == 3
    assert events.count("run.started") == events.count("run.finished") == 1


async def test_a_process_that_sleeps_through_its_take_over_does_not_begin_anything(world):
    run_id = await world.ask(workflow=deploy(wait=timedelta(seconds=3)))
    kind, work_id, args = await planned(world)
    asleep, wakes = asyncio.Event(), asyncio.Event()
    checking, answers = asyncio.Event(), asyncio.Event()
    health, checks = world.target.health, 0
    zombie = world.new_worker()

    async def sleeps(_until):
        asleep.set()
        await wakes.wait()

    async def slow(inputs, key):
        nonlocal checks
        checks += 1
        checking.set()
        await answers.wait()
        return await health(inputs, key)

    zombie._sleep_until = sleeps
    sleeping = asyncio.create_task(zombie.work[kind](work_id, *args))
    await asleep.wait()
    world.target.health = slow
    zombie._actions = world.new_worker()._actions
    world.worker = world.new_worker()
    heir = asyncio.create_task(world.worker.work[kind](work_id, *args))
    await checking.wait()

    wakes.set()
    await sleeping
    answers.set()
    await heir

    assert checks == 1
    assert (await world.run(run_id)).state is RunState.SUCCEEDED


async def test_a_step_that_was_under_way_at_a_mistake_of_ours_is_not_called_skipped(
    world, monkeypatch
):
    def mistaken(*_args, **_kwargs):
        raise ZeroDivisionError

    monkeypatch.setattr("workflows.engine.progress.Progress.record", mistaken)
    run_id = await world.ask()

    await world.work()

    states = [step.state for step in (await world.steps(run_id)).values()]
    assert states == [StepState.FAILED, StepState.SKIPPED, StepState.SKIPPED]


async def test_work_that_comes_again_after_a_nap_takes_the_run_over_from_its_dead_self(world):
    run_id = await world.ask(workflow=deploy(wait=timedelta(seconds=3)))
    kind, work_id, args = await planned(world)

    async def dies(_until):
        raise Killed

    world.worker._sleep_until = dies
    with pytest.raises(Killed):
        await world.worker.work[kind](work_id, *args)
    world.worker = world.new_worker()

    await world.worker.work[Kind.STRETCH]("another", run_id)
    assert (await world.run(run_id)).state is RunState.RUNNING
    await world.worker.work[kind](work_id, *args)

    assert (await world.run(run_id)).state is RunState.SUCCEEDED


async def test_a_run_that_waits_for_nobody_keeps_its_lock_while_it_is_planned_anew(world):
    first = await world.ask("v1.1.0")
    kind, work_id, args = await planned(world)
    second = await world.ask("v1.3.0")
    world.target.version = "v1.0.5"  # somebody was faster

    await world.worker.work[kind](work_id, *args)

    assert (await world.run(first)).state is RunState.PLANNING
    holder = await world.store.read(lambda unit: unit.locks.holder("shop/prod"))
    assert holder.run_id == first
    await world.work()
    assert [version for _, version in world.target.effects] == ["v1.1.0", "v1.3.0"]
    assert (await world.run(first)).rev == 2
    assert (await world.run(second)).state is RunState.SUCCEEDED


async def test_a_plan_that_never_holds_is_given_up_in_the_end(world):
    plan, looks = world.target.plan, iter(range(100))

    async def never_the_same(inputs):
        world.target.version = f"v0.{next(looks)}"
        return await plan(inputs)

    world.target.plan = never_the_same
    world.worker = world.new_worker()
    run_id = await world.ask()

    await world.work()

    run = await world.run(run_id)
    assert (run.state, run.rev) == (RunState.FAILED, 10)
    assert "each time the world had changed" in run.outcome
    assert await world.store.read(lambda unit: unit.locks.holder("shop/prod")) is None


def sweep_of(world, ended):
    async def have_ended(ids):
        return ended & set(ids)

    progress = Progress(world.queue, Ids())
    return Sweep(
        world.store,
        Plans(world.queue, Ids()),
        Turns(world.queue, progress),
        world.clock,
        ended=have_ended,
    )


async def test_a_run_whose_carrier_is_no_more_finds_another_one(world):
    world.target.lost = Killed()
    run_id = await world.ask()
    kind, work_id, args = await planned(world)
    with pytest.raises(Killed):
        await world.worker.work[kind](work_id, *args)
    world.worker = world.new_worker()

    await sweep_of(world, set()).sweep()
    await world.work()
    assert (await world.run(run_id)).state is RunState.RUNNING

    await sweep_of(world, {work_id}).sweep()
    await sweep_of(world, {work_id}).sweep()
    await world.work()

    assert (await world.run(run_id)).state is RunState.SUCCEEDED
    assert len(world.target.effects) == 1


async def test_a_gate_whose_alarm_did_not_ring_expires_all_the_same(world):
    run_id = await world.ask(rule=TWO)
    await world.work()
    world.queue.waiting.clear()
    sweep = sweep_of(world, set())

    world.clock.moment += TWO.expires + timedelta(seconds=29)
    await sweep.sweep()
    assert (await world.run(run_id)).state is RunState.AWAITING_APPROVAL
    world.clock.moment += timedelta(seconds=2)
    await sweep.sweep()

    assert (await world.run(run_id)).state is RunState.EXPIRED
