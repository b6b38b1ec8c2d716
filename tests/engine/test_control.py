"""What people do to runs that are under way: stop them, have them stand still, leave steps out."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from domain.errors import NotPermitted, Refused
from domain.run import RunState
from tests.engine.boxes import GATED, ask, carried_out, ended
from tests.engine.world import APPROVER_1, APPROVER_2, DEV, Ids
from workflows.engine.progress import Progress
from workflows.engine.turns import Turns

THREE = """
    one: {uses: box.put@1, with: {box: one}, undo: {uses: box.out@1, with: {box: one}}}
    wait: {needs: [one], wait: 1h}
    two: {needs: [wait], uses: box.put@1, with: {box: two}}
    last: {always: true, uses: box.put@1, with: {box: last}}
"""


async def paused(world, run_id):
    return await world.store.transaction(
        lambda unit: world.lifecycle.pause(unit, run_id, actor=DEV)
    )


async def test_a_paused_run_stands_still_until_it_is_resumed(world, boxes, workflow):
    run_id = await carried_out(world, workflow(THREE))
    await paused(world, run_id)
    await world.work(timedelta(hours=3))

    assert (await ended(world, run_id))[0] is RunState.PAUSED
    await world.store.transaction(lambda unit: world.lifecycle.resume(unit, run_id, actor=DEV))
    await world.work()
    assert (await ended(world, run_id))[0] is RunState.SUCCEEDED


async def test_a_run_is_paused_behind_the_step_under_way(world, boxes, workflow):
    async def pause():
        await paused(world, run_id)

    boxes.on("put", "one", pause)
    run_id = await ask(world, workflow(THREE))
    await world.work()

    state, steps = await ended(world, run_id)
    assert (state, steps["one"], steps["wait"]) == (RunState.PAUSED, "succeeded", "pending")


@pytest.mark.parametrize(
    ("takes_back", "end", "one"),
    [(False, RunState.CANCELLED, "succeeded"), (True, RunState.ROLLED_BACK, "compensated")],
)
@pytest.mark.parametrize("is_paused", [False, True])
async def test_a_stopped_run_ends_as_it_is_or_as_it_was(  # noqa: PLR0917 - the cases
    world, boxes, workflow, takes_back, end, one, is_paused
):
    run_id = await carried_out(world, workflow(THREE))
    if is_paused:
        await paused(world, run_id)
        await world.work()
    await world.store.transaction(
        lambda unit: world.lifecycle.cancel(unit, run_id, actor=DEV, takes_back=takes_back)
    )
    await world.work()

    assert await ended(world, run_id) == (
        end,
        {"one": one, "wait": "cancelled", "two": "cancelled", "last": "succeeded"},
    )


async def test_a_step_is_left_out(world, boxes, workflow):
    run_id = await carried_out(world, workflow(THREE))
    await world.store.transaction(
        lambda unit: world.lifecycle.skip(unit, run_id, "wait", actor=DEV, reason="in a hurry")
    )
    await world.work()

    assert (await ended(world, run_id))[0] is RunState.SUCCEEDED
    step = (await world.steps(run_id))["wait"]
    assert (step.state.value, step.detail) == ("skipped", "skipped by dev-1: in a hurry")


async def test_a_run_goes_on_from_the_results_of_another(world, boxes, workflow):
    boxes.on("put", "bad", "fail")
    steps = """
        one: {uses: box.put@1, with: {box: one}}
        bad: {needs: [one], uses: box.put@1, with: {box: bad}}
        told: {needs: [bad], notify: "one is ${ steps.one.box }"}
    """
    go = workflow(steps.replace("needs: [bad]", "needs: [one, bad]"))
    first = await carried_out(world, go)
    run = await world.run(first)
    assert run.state is RunState.FAILED

    second = await carried_out(world, go, repeats=run)

    again = await world.run(second)
    assert (again.state, again.repeats) == (RunState.SUCCEEDED, first)
    assert boxes.done == [("put", "one"), ("put", "bad")]
    assert (await world.steps(second))["one"].detail == f"done in run {first}"
    third = await carried_out(world, go, repeats=again, repeats_from="bad")
    assert (await world.run(third)).state is RunState.SUCCEEDED
    assert boxes.done[2:] == [("put", "bad")]


@pytest.mark.parametrize("waits", [True, False])
async def test_what_is_for_people_to_decide_is_not_left_out(world, boxes, workflow, waits):
    go = workflow(GATED)
    if waits:
        run_id = await carried_out(world, go)
    else:

        async def skip() -> None:
            with pytest.raises(NotPermitted, match="for others to decide"):
                await skipped()

        boxes.on("put", "one", skip)
        run_id = await ask(world, go)

    async def skipped() -> None:
        await world.store.transaction(
            lambda unit: world.lifecycle.skip(unit, run_id, "sure", actor=DEV, reason="hurry")
        )

    if waits:
        with pytest.raises(NotPermitted, match="for others to decide"):
            await skipped()
    await world.work()

    assert (await ended(world, run_id))[1]["sure"] == "waiting"
    assert boxes.done == [("put", "one")]


async def test_people_are_asked_again_when_a_run_goes_on_from_another(world, boxes, workflow):
    go = workflow(GATED)
    first = await carried_out(world, go)
    await world.vote(first, APPROVER_1)
    await world.work()

    second = await carried_out(
        world, go, repeats=await world.run(first), repeats_from="two", requester=APPROVER_1
    )

    assert (await ended(world, second))[1] == {
        "one": "succeeded",
        "sure": "waiting",
        "two": "pending",
    }
    with pytest.raises(NotPermitted, match="four-eyes"):
        await world.vote(second, APPROVER_1)
    await world.vote(second, APPROVER_2)
    await world.work()
    assert (await ended(world, second))[0] is RunState.SUCCEEDED
    assert boxes.done == [("put", "one"), ("put", "two"), ("put", "two")]


async def test_who_needs_what_is_left_out_still_waits_for_what_comes_before(
    world, boxes, workflow
):
    async def skip() -> None:
        await world.store.transaction(
            lambda unit: world.lifecycle.skip(unit, run_id, "told", actor=DEV, reason="known")
        )
        await asyncio.sleep(1.3)  # the bell is heard meanwhile
        raise Refused("one is stuck.")

    boxes.on("put", "one", skip)
    run_id = await ask(
        world,
        workflow(
            """
            one: {uses: box.put@1, with: {box: one}}
            told: {needs: [one], notify: "one is there"}
            two: {needs: [told], uses: box.put@1, with: {box: two}}
            """
        ),
    )
    await world.work()

    assert boxes.done == []


async def test_what_is_done_always_is_done_in_a_retry_too(world, boxes, workflow):
    boxes.on("put", "bad", "fail")
    go = workflow(
        """
        bad: {uses: box.put@1, with: {box: bad}}
        clean: {always: true, uses: box.out@1, with: {box: clean}}
        """
    )
    first = await world.run(await carried_out(world, go))
    await carried_out(world, go, repeats=first)

    assert boxes.done == [("out", "clean"), ("put", "bad"), ("out", "clean")]


async def test_a_mistake_of_somebody_else_ends_no_run(world, boxes, workflow):
    run_id = await carried_out(world, workflow(THREE))
    run = replace(await world.run(run_id), carrier="its/own@1")
    await world.store.transaction(lambda unit: unit.runs.save(run))
    turns = Turns(world.queue, Progress(world.queue, Ids()))

    await world.store.transaction(
        lambda unit: turns.give_up(unit, run_id, "Oh.", carrier="another@2", rev=1)
    )

    assert (await world.run(run_id)).state is RunState.RUNNING
