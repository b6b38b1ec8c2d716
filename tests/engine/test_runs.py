"""From the request to the end: gates, steps, undo, locks, drift, cancelling."""

from dataclasses import replace
from datetime import timedelta

import pytest

from domain.approval import AlreadyVoted, Choice, GateState
from domain.errors import Ambiguous, NotNow, NotPermitted, Unavailable, UnknownRun
from domain.run import RunState
from domain.step import StepState, idempotency_key
from tests.engine.world import APPROVER_1, APPROVER_2, CONFIRM, DEV, TWO, deploy, person


async def test_a_run_without_a_gate_is_planned_and_carried_out(world):
    run_id = await world.ask("v1.1.0")

    await world.work()

    run = await world.run(run_id)
    assert (run.state, run.outcome, run.carrier) == (RunState.SUCCEEDED, "", None)
    assert world.target.effects == [(idempotency_key(run_id, "switch", 1), "v1.1.0")]
    assert {s.state for s in (await world.steps(run_id)).values()} == {StepState.SUCCEEDED}
    assert await world.events(run_id) == [
        "plan.created",
        "lock.acquired",
        "run.started",
        "step.started",
        "step.finished",
        "step.started",
        "step.finished",
        "step.started",
        "step.finished",
        "run.finished",
    ]


async def test_nothing_is_done_before_the_gate_is_passed(world):
    run_id = await world.ask(rule=TWO)
    await world.work()
    await world.vote(run_id, APPROVER_1)
    await world.work()

    assert (await world.run(run_id)).state is RunState.AWAITING_APPROVAL
    assert world.target.effects == []
    assert world.target.looks == 0


async def test_two_approvals_let_the_approved_plan_run(world):
    run_id = await world.ask(rule=TWO)
    await world.work()
    planned = await world.run(run_id)

    await world.vote(run_id, APPROVER_1)
    await world.vote(run_id, APPROVER_2)
    await world.work()

    run, gate = await world.run(run_id), await world.gate(run_id)
    assert run.state is RunState.SUCCEEDED
    assert gate.state is GateState.APPROVED
    assert gate.plan_digest == planned.plan.digest == run.plan.digest
    assert world.target.version == "v1.1.0"


async def test_one_person_has_one_vote(world):
    run_id = await world.ask(rule=TWO)
    await world.work()
    await world.vote(run_id, APPROVER_1)

    with pytest.raises(AlreadyVoted):
        await world.vote(run_id, APPROVER_1)

    assert (await world.gate(run_id)).approvals == 1
    assert (await world.events(run_id)).count("approval.voted") == 1


@pytest.mark.parametrize(
    ("voter", "reason"),
    [
        (person("dev-1", "group-of-approvers"), "self"),
        (person("viewer-1", "group-of-viewers"), "not_eligible"),
    ],
)
async def test_who_may_not_vote_is_told_and_changes_nothing(world, voter, reason):
    run_id = await world.ask(rule=TWO)
    await world.work()

    with pytest.raises(NotPermitted) as refusal:
        await world.vote(run_id, voter)

    assert refusal.value.reason == reason
    assert (await world.gate(run_id)).votes == ()


async def test_a_rejection_wins_over_approvals(world):
    run_id = await world.ask(rule=TWO)
    await world.work()
    await world.vote(run_id, APPROVER_1)
    await world.vote(run_id, APPROVER_2, Choice.REJECT, "not on a Friday")
    await world.work()

    run = await world.run(run_id)
    assert (run.state, run.outcome) == (
        RunState.REJECTED,
        "Rejected by approver-2: not on a Friday",
    )
    assert world.target.effects == []
    with pytest.raises(NotNow):
        await world.vote(run_id, APPROVER_1)


async def test_a_gate_expires_at_its_time_and_not_before(world):
    run_id = await world.ask(rule=TWO)
    await world.work(timedelta(minutes=29))
    assert (await world.run(run_id)).state is RunState.AWAITING_APPROVAL

    await world.work(timedelta(minutes=31))

    assert (await world.run(run_id)).state is RunState.EXPIRED
    assert (await world.gate(run_id)).state is GateState.EXPIRED
    assert "approval.expired" in await world.events(run_id)


async def test_a_vote_after_the_deadline_does_not_count_though_the_alarm_is_late(world):
    run_id = await world.ask(rule=TWO)
    await world.work()
    world.clock.moment += timedelta(minutes=30)

    with pytest.raises(NotNow):
        await world.vote(run_id, APPROVER_1)


async def test_an_alarm_that_comes_too_early_changes_nothing_and_comes_again(world):
    run_id = await world.ask(rule=TWO)
    await world.work()
    gate = await world.gate(run_id)

    await world.worker.timer("early", gate.id)
    assert (await world.run(run_id)).state is RunState.AWAITING_APPROVAL
    await world.work(timedelta(hours=1))

    assert (await world.run(run_id)).state is RunState.EXPIRED


async def test_a_confirmation_is_the_requesters_alone(world):
    run_id = await world.ask(rule=CONFIRM)
    await world.work()

    with pytest.raises(NotPermitted):
        await world.confirm(run_id, APPROVER_1)
    await world.confirm(run_id)
    with pytest.raises(NotNow):
        await world.confirm(run_id)
    await world.work()

    assert (await world.run(run_id)).state is RunState.SUCCEEDED


async def test_a_plan_that_cannot_be_made_ends_the_run_with_its_reason(world):
    run_id = await world.ask("v9")

    await world.work()

    run = await world.run(run_id)
    assert run.state is RunState.FAILED
    assert "There is no release v9." in run.outcome


async def test_drift_makes_a_new_plan_and_voids_the_votes(world):
    run_id = await world.ask(rule=TWO)
    await world.work()
    first = await world.gate(run_id)
    await world.vote(run_id, APPROVER_1)
    world.target.version = "v1.0.5"  # somebody was faster

    await world.vote(run_id, APPROVER_2)
    await world.work()

    run, gate = await world.run(run_id), await world.gate(run_id)
    assert (run.state, run.rev) == (RunState.AWAITING_APPROVAL, 2)
    assert (gate.state, gate.votes, gate.rev) == (GateState.OPEN, (), 2)
    assert world.target.effects == []
    assert "plan.drifted" in await world.events(run_id)
    with pytest.raises(NotNow, match="earlier plan"):
        await world.vote(run_id, APPROVER_1, gate_id=first.id)

    await world.vote(run_id, APPROVER_1, gate_id=gate.id)
    await world.vote(run_id, APPROVER_2)
    await world.work()
    assert (await world.run(run_id)).state is RunState.SUCCEEDED


async def test_a_failed_health_step_rolls_back_and_says_why(world):
    run_id = await world.ask("v1.2.0")

    await world.work()

    run, steps = await world.run(run_id), await world.steps(run_id)
    assert run.state is RunState.ROLLED_BACK
    assert run.outcome == (
        "Check the health: shop in prod answers 503 on v1.2.0."
        " shop in prod has version v1.0.0 again."
    )
    assert (steps["switch"].state, steps["health"].state) == (
        StepState.COMPENSATED,
        StepState.FAILED,
    )
    assert world.target.effects == [
        (idempotency_key(run_id, "switch", 1), "v1.2.0"),
        (idempotency_key(run_id, "switch", 2), "v1.0.0"),
    ]
    assert (await world.events(run_id))[-2:] == ["step.compensated", "run.finished"]


async def test_an_unavailable_target_is_tried_again_under_the_same_key(world):
    world.target.script.extend([Unavailable("Not now."), Unavailable("Not now.")])
    run_id = await world.ask()

    await world.work()

    assert (await world.run(run_id)).state is RunState.SUCCEEDED
    assert (await world.steps(run_id))["switch"].attempt == 3
    assert world.target.effects == [(idempotency_key(run_id, "switch", 1), "v1.1.0")]
    assert (await world.events(run_id)).count("step.retried") == 2


async def test_when_nothing_was_done_there_is_nothing_to_undo(world):
    world.target.script.extend([Unavailable("Not now.")] * 3)
    run_id = await world.ask()

    await world.work()

    run = await world.run(run_id)
    assert run.state is RunState.FAILED
    assert run.outcome == "Switch the version: Not now. It was tried 3 times."


async def test_a_lost_answer_is_reconciled_not_repeated(world):
    world.target.lost = Ambiguous("No answer came.")
    run_id = await world.ask()

    await world.work()

    assert (await world.run(run_id)).state is RunState.SUCCEEDED
    assert len(world.target.effects) == 1


async def test_what_may_have_happened_is_undone(world):
    world.target.lost = Ambiguous("No answer came.")
    run_id = await world.ask(workflow=deploy(attempts=1))

    await world.work()

    assert (await world.run(run_id)).state is RunState.ROLLED_BACK
    assert world.target.version == "v1.0.0"


async def test_a_mistake_in_a_connector_fails_the_step_without_a_traceback(world):
    world.target.script.append(ZeroDivisionError("oops"))
    run_id = await world.ask()

    await world.work()

    run = await world.run(run_id)
    assert run.state is RunState.ROLLED_BACK
    assert "That was our mistake; it is logged as 7f3a." in run.outcome
    assert "oops" not in run.outcome


async def test_an_undo_that_cannot_be_done_is_told(world):
    run_id = await world.ask("v1.2.0", rule=CONFIRM)
    await world.work()
    await world.confirm(run_id)
    world.target.script.extend(["fine", *[Unavailable("Gone.")] * 9])

    await world.work(timedelta(minutes=2))

    run = await world.run(run_id)
    assert run.state is RunState.ROLLBACK_FAILED
    assert "Switch the version could not be undone: Gone." in run.outcome


async def test_a_run_waits_for_its_lock_and_starts_when_it_is_free(world):
    first = await world.ask("v1.1.0", workflow=deploy(wait=timedelta(minutes=5)))
    await world.work()
    second = await world.ask("v1.2.1")
    third = await world.ask("v1.3.0")
    await world.work()

    assert (await world.run(first)).state is RunState.RUNNING
    assert (await world.run(second)).state is RunState.QUEUED
    holder = await world.store.read(lambda unit: unit.locks.holder("shop/prod"))
    assert holder.run_id == first

    await world.work(timedelta(minutes=10))

    # The third run was planned before the second one changed what it starts from.
    runs = [await world.run(each) for each in (first, second, third)]
    assert [run.state for run in runs] == [RunState.SUCCEEDED] * 3
    assert [run.rev for run in runs] == [1, 1, 2]
    assert [version for _, version in world.target.effects] == ["v1.1.0", "v1.2.1", "v1.3.0"]


async def test_a_cancelled_run_in_the_queue_lets_the_next_one_through(world):
    first = await world.ask("v1.1.0", workflow=deploy(wait=timedelta(minutes=5)))
    await world.work()
    second, third = await world.ask("v1.2.1"), await world.ask("v1.3.0")
    await world.work()

    await world.cancel(second)
    await world.work(timedelta(minutes=10))

    assert (await world.run(first)).state is RunState.SUCCEEDED
    assert (await world.run(second)).state is RunState.CANCELLED
    assert (await world.run(third)).state is RunState.SUCCEEDED


@pytest.mark.parametrize("rule", [CONFIRM, TWO])
async def test_a_run_at_its_gate_is_cancelled_at_once(world, rule):
    run_id = await world.ask(rule=rule)
    await world.work()

    await world.cancel(run_id)

    run = await world.run(run_id)
    assert (run.state, run.outcome) == (RunState.CANCELLED, "Cancelled by dev-1")
    assert (await world.gate(run_id)).state is GateState.CANCELLED
    assert {s.state for s in (await world.steps(run_id)).values()} == {StepState.CANCELLED}
    with pytest.raises(NotNow):
        await world.cancel(run_id)


async def test_a_parked_run_is_cancelled_at_once_and_frees_its_lock(world):
    run_id = await world.ask(workflow=deploy(wait=timedelta(hours=1)))
    await world.work()
    assert (await world.run(run_id)).carrier is None

    await world.cancel(run_id)
    await world.work(timedelta(hours=2))

    assert (await world.run(run_id)).state is RunState.CANCELLED
    assert await world.store.read(lambda unit: unit.locks.holder("shop/prod")) is None
    assert (await world.steps(run_id))["health"].state is StepState.CANCELLED


async def test_a_running_run_stops_after_the_step_under_way(world):
    run_id = await world.ask(rule=CONFIRM)
    await world.work()
    await world.confirm(run_id)
    applied = world.target.switch

    async def cancelled_meanwhile(inputs, key):
        await world.cancel(run_id)
        return await applied(inputs, key)

    world.target.switch = cancelled_meanwhile
    world.worker = world.new_worker()
    await world.work()

    run = await world.run(run_id)
    assert (run.state, run.outcome) == (
        RunState.CANCELLED,
        "Cancelled by dev-1 after 2 of 3 steps. What was done stays as it is.",
    )


async def test_a_wait_is_measured_from_its_beginning(world):
    run_id = await world.ask(workflow=deploy(wait=timedelta(hours=3)))
    await world.work()
    due = (await world.steps(run_id))["settle"].due_at

    await world.work(timedelta(hours=2))
    assert (await world.run(run_id)).state is RunState.RUNNING
    await world.work(timedelta(hours=4))

    run = await world.run(run_id)
    assert run.state is RunState.SUCCEEDED
    assert run.finished_at >= due


async def test_an_unknown_run_is_refused(world):
    with pytest.raises(UnknownRun):
        await world.vote("nosuchrn", APPROVER_1)
    with pytest.raises(UnknownRun):
        await world.cancel("nosuchrn", DEV)


async def test_what_is_done_is_what_was_approved_though_a_read_finds_something_else(world):
    workflow = deploy()
    previous, switch, health = workflow.steps
    again = replace(switch, arguments={"version": "${ steps.previous.version }"})
    run_id = await world.ask(
        rule=CONFIRM, workflow=replace(workflow, steps=(previous, again, health))
    )
    await world.work()
    await world.confirm(run_id)
    looks = iter(["v1.0.0", "v6.6.6"])  # for the check at the start; then for the step itself

    async def moves(_inputs, _key):
        return {"version": next(looks)}

    world.target.current = moves
    world.worker = world.new_worker()
    await world.work()

    assert (await world.run(run_id)).state is RunState.SUCCEEDED
    assert [version for _, version in world.target.effects] == ["v1.0.0"]
