"""What a second look found: doubts, races, answers lost on the way, and processes that wake up."""

import asyncio
from datetime import timedelta

import pytest

from domain.errors import Ambiguous, Refused, Unavailable
from domain.run import RunState
from domain.step import StepState, idempotency_key
from storage.locks import Locks
from tests.engine.world import Killed, deploy
from workflows.engine.durable import Kind


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
    looks = iter([None])
    holder = Locks.holder
    # PostgreSQL shows each statement what was committed before it: here, that it is free.
    monkeypatch.setattr(Locks, "holder", lambda self, name: next(looks, holder(self, name)))

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
