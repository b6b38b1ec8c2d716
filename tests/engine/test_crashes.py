"""The worker dies in the middle, and another one goes on: one effect per key, the right end."""

import asyncio
from datetime import timedelta

import pytest

from domain.errors import Unavailable
from domain.run import RunState
from domain.step import idempotency_key
from tests.engine.world import APPROVER_1, APPROVER_2, TWO, Killed, deploy
from workflows.engine.durable import Kind


async def killed(world):
    """Work until the worker is killed; the piece of work that it left comes back."""
    until = world.clock.now() + timedelta(seconds=10)
    while taken := world.queue.take(until=until):
        kind, work_id, args = taken
        try:
            await world.worker.work[kind](work_id, *args)
        except Killed:
            world.worker = world.new_worker()
            return taken
    raise AssertionError("nobody was killed")


async def again(world, left):
    kind, work_id, args = left
    await world.worker.work[kind](work_id, *args)
    await world.work()


async def approved(world, version="v1.1.0"):
    run_id = await world.ask(version, rule=TWO)
    await world.work()
    await world.vote(run_id, APPROVER_1)
    await world.vote(run_id, APPROVER_2)
    return run_id


async def test_killed_before_the_effect_it_happens_once(world):
    run_id = await approved(world)
    world.target.script.append(Killed())

    await again(world, await killed(world))

    assert (await world.run(run_id)).state is RunState.SUCCEEDED
    assert world.target.effects == [(idempotency_key(run_id, "switch", 1), "v1.1.0")]


async def test_killed_after_the_effect_before_it_was_recorded_it_is_not_repeated(world):
    run_id = await approved(world)
    world.target.lost = Killed()

    await again(world, await killed(world))

    assert (await world.run(run_id)).state is RunState.SUCCEEDED
    assert world.target.effects == [(idempotency_key(run_id, "switch", 1), "v1.1.0")]


async def test_a_death_is_not_held_against_the_step(world):
    run_id = await world.ask(workflow=deploy(attempts=2))
    world.target.script.extend([Killed(), Unavailable("shop does not answer.")])

    await again(world, await killed(world))

    assert (await world.run(run_id)).state is RunState.SUCCEEDED
    step = (await world.steps(run_id))["switch"]
    assert (step.attempt, step.lost) == (3, 1)


async def test_a_step_that_takes_its_process_with_it_each_time_is_given_up(world):
    run_id = await world.ask(workflow=deploy(attempts=1))
    world.target.script.extend([Killed()] * 6 + [Unavailable("shop does not answer.")])

    left = await killed(world)
    for _ in range(5):
        with pytest.raises(Killed):
            await again(world, left)
    await again(world, left)

    assert (await world.run(run_id)).state is RunState.FAILED


async def test_killed_while_undoing_the_undo_happens_once(world):
    run_id = await approved(world, "v1.2.0")
    world.target.script.extend(["fine", Killed()])
    left = await killed(world)
    world.target.lost = Killed()
    kind, work_id, args = left
    with pytest.raises(Killed):
        await world.worker.work[kind](work_id, *args)

    await again(world, left)

    assert (await world.run(run_id)).state is RunState.ROLLED_BACK
    assert world.target.effects == [
        (idempotency_key(run_id, "switch", 1), "v1.2.0"),
        (idempotency_key(run_id, "switch", 2), "v1.0.0"),
    ]


async def test_a_piece_of_work_done_already_does_nothing_when_it_comes_again(world):
    run_id = await world.ask()
    pieces = []
    until = world.clock.now() + timedelta(seconds=10)
    while taken := world.queue.take(until=until):
        pieces.append(taken)
        await world.worker.work[taken[0]](taken[1], *taken[2])
    before = await world.events(run_id)

    for kind, work_id, args in pieces:
        await world.worker.work[kind](work_id, *args)

    assert await world.events(run_id) == before
    assert len(world.target.effects) == 1


async def test_two_pieces_of_work_for_one_run_do_not_both_carry_it_out(world):
    run_id = await world.ask()
    plan = world.queue.take(until=world.clock.now())
    await world.worker.work[plan[0]](plan[1], *plan[2])

    await asyncio.gather(
        world.worker.work[Kind.STRETCH]("one", run_id),
        world.worker.work[Kind.STRETCH]("two", run_id),
    )

    assert (await world.run(run_id)).state is RunState.SUCCEEDED
    assert len(world.target.effects) == 1
    assert (await world.events(run_id)).count("step.started") == 3


async def test_a_process_that_wakes_up_after_a_take_over_is_not_listened_to(world):
    run_id = await world.ask()
    plan = world.queue.take(until=world.clock.now())
    await world.worker.work[plan[0]](plan[1], *plan[2])
    kind, work_id, args = world.queue.take(until=world.clock.now())
    frozen, thaw = asyncio.Event(), asyncio.Event()
    switch = world.target.switch

    async def freezes(inputs, key):
        frozen.set()
        await thaw.wait()
        return await world.target.applied(inputs, key) or await switch(inputs, key)

    world.target.switch = freezes
    zombie = world.new_worker()
    world.target.switch = switch
    world.worker = world.new_worker()
    sleeping = asyncio.create_task(zombie.work[kind](work_id, *args))
    await frozen.wait()

    await world.worker.work[kind](work_id, *args)
    thaw.set()
    await sleeping

    assert (await world.run(run_id)).state is RunState.SUCCEEDED
    assert len(world.target.effects) == 1
    assert (await world.events(run_id)).count("run.finished") == 1


async def test_killed_during_a_wait_the_wait_is_not_longer(world):
    run_id = await world.ask(workflow=deploy(wait=timedelta(seconds=3)))
    sleep = world.worker._sleep_until

    async def dies(until):
        raise Killed

    world.worker._sleep_until = dies
    left = await killed(world)
    assert sleep is not None
    due = (await world.steps(run_id))["settle"].due_at
    world.clock.moment += timedelta(seconds=2)

    await again(world, left)

    run = await world.run(run_id)
    assert run.state is RunState.SUCCEEDED
    assert run.finished_at - due < timedelta(seconds=1)


@pytest.mark.parametrize(
    ("broken", "version", "end"),
    [
        ("plans.Plans.planned", "v1.1.0", RunState.FAILED),
        ("turns.Turns.admit", "v1.1.0", RunState.FAILED),
        ("progress.Progress.record", "v1.1.0", RunState.FAILED),
        ("progress.Progress._record_undo", "v1.2.0", RunState.ROLLBACK_FAILED),
    ],
)
async def test_a_mistake_of_ours_ends_the_run_and_frees_its_lock(
    world, monkeypatch, broken, version, end
):
    def mistaken(*_args, **_kwargs):
        raise ZeroDivisionError

    monkeypatch.setattr(f"workflows.engine.{broken}", mistaken)
    run_id = await world.ask(version)

    await world.work()

    run = await world.run(run_id)
    assert run.state is end
    assert run.outcome.endswith("That was our mistake; it is logged as 7f3a.")
    assert await world.store.read(lambda unit: unit.locks.holder("shop/prod")) is None
