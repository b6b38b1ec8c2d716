"""Votes taken back, votes that do not count any more, a second group called, and who is told."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from domain.approval import (
    Choice,
    CommentMissing,
    CommentRule,
    Gate,
    GateClosed,
    GateState,
    NothingToWithdraw,
    Vote,
    admit_vote,
    cast_vote,
)
from domain.errors import NotNow, Refused, Unavailable
from domain.notice import Notice, NoticeKind
from domain.policy import GateKind, GateRule
from domain.run import RunState
from tests.engine.world import (
    APPROVER_1,
    APPROVER_2,
    APPROVERS,
    CONFIRM,
    DEV,
    TWO,
    Ids,
    deploy,
    person,
)
from workflows.engine.plans import Plans
from workflows.engine.progress import Progress
from workflows.engine.sweep import Sweep
from workflows.engine.turns import UNVERIFIED_PAUSE, Turns

CALLING = replace(TWO, escalate="incident-commanders", escalate_after=timedelta(minutes=15))
OPENED = datetime(2026, 1, 2, 3, 4, tzinfo=UTC)
GONE = "is not of prod-approvers any more"


async def waiting(world, rule=TWO, **more):
    """A run that waits at its gate."""
    run_id = await world.ask(rule=rule, **more)
    await world.work()
    await world.notices()
    return run_id


async def told(world):
    return [(each.kind, each.by, each.reason) for each in await world.notices()]


# -- who is told ---------------------------------------------------------------------------


async def test_the_requester_is_told_once_who_approved_and_once_how_it_ended(world):
    run_id = await waiting(world)
    await world.vote(run_id, APPROVER_1)
    assert await world.notices() == []

    await world.vote(run_id, APPROVER_2)
    await world.work()

    assert await world.notices() == [
        Notice(kind=NoticeKind.APPROVED, run_id=run_id, by=("approver-1", "approver-2")),
        Notice(kind=NoticeKind.ENDED, run_id=run_id),
    ]


async def test_the_requester_is_told_who_rejected_and_why_and_nothing_more(world):
    run_id = await waiting(world)

    await world.vote(run_id, APPROVER_2, Choice.REJECT, "not on a Friday")
    await world.work()

    assert await told(world) == [(NoticeKind.REJECTED, ("approver-2",), "not on a Friday")]


@pytest.mark.parametrize("rule", [TWO, CONFIRM])
async def test_the_requester_is_told_that_time_is_over(world, rule):
    await waiting(world, rule)

    await world.work(timedelta(hours=1))
    await world.work(timedelta(hours=1))

    assert await told(world) == [(NoticeKind.EXPIRED, (), "")]


@pytest.mark.parametrize(
    ("version", "state"),
    [
        ("v1.1.0", RunState.SUCCEEDED),
        ("v1.2.0", RunState.ROLLED_BACK),
        ("v9", RunState.FAILED),
    ],
)
async def test_a_run_without_a_gate_tells_its_end_once(world, version, state):
    run_id = await world.ask(version)

    await world.work()

    assert (await world.run(run_id)).state is state
    assert await told(world) == [(NoticeKind.ENDED, (), "")]


async def test_nobody_is_told_what_they_did_themselves(world):
    cancelled = await waiting(world)
    await world.cancel(cancelled, DEV)
    confirmed = await waiting(world, CONFIRM)
    await world.confirm(confirmed)

    assert await world.notices() == []


async def test_the_requester_is_told_that_somebody_else_cancelled(world):
    run_id = await waiting(world)

    await world.cancel(run_id, person("sre-1"))

    assert await told(world) == [(NoticeKind.ENDED, (), "")]


async def test_a_run_that_stops_after_a_step_tells_so_only_where_somebody_else_stopped_it(world):
    for who, kinds in ((DEV, []), (person("sre-1"), [NoticeKind.ENDED])):
        run_id = await world.ask()
        world.target.script.append("")  # the first attempt goes well
        kind, work_id, args = world.queue.take(until=world.clock.now())
        await world.worker.work[kind](work_id, *args)
        real = world.target.switch

        async def cancelled_meanwhile(inputs, key, real=real, who=who, run_id=run_id):
            await world.cancel(run_id, who)
            return await real(inputs, key)

        world.target.switch = cancelled_meanwhile
        world.worker = world.new_worker()
        await world.work()
        world.target.switch = real

        assert (await world.run(run_id)).state is RunState.CANCELLED
        assert [each.kind for each in await world.notices()] == kinds


async def test_what_is_undone_with_its_transaction_is_not_told(world):
    run_id = await waiting(world)

    def broken(unit):
        world.lifecycle.cancel(unit, run_id, actor=person("sre-1"))
        raise Refused("Something else.")

    with pytest.raises(Refused):
        await world.store.transaction(broken)

    assert await world.notices() == []


async def test_when_a_plan_drifts_those_who_waited_for_the_start_are_told(world):
    run_id = await waiting(world)
    await world.vote(run_id, APPROVER_1)
    await world.vote(run_id, APPROVER_2)
    world.target.version = "v1.0.1"

    await world.work()

    assert [each.kind for each in await world.notices()] == [
        NoticeKind.APPROVED,
        NoticeKind.REOPENED,
    ]


async def test_when_the_answers_of_commits_are_lost_each_thing_is_told_once(world, monkeypatch):
    monkeypatch.setattr("workflows.engine.worker._DATABASE_PAUSES", (0.0,))
    run_id = await waiting(world, CALLING)
    commit, losses = world.store.transaction, 0

    async def loses_every_first_answer(work):
        nonlocal losses
        answer = await commit(work)
        losses += 1
        if losses % 2:
            raise Unavailable("The database did not answer.")
        return answer

    async def works(within):
        monkeypatch.setattr(world.store, "transaction", loses_every_first_answer)
        await world.work(within)
        monkeypatch.setattr(world.store, "transaction", commit)

    await works(timedelta(minutes=16))
    await world.vote(run_id, APPROVER_1)
    await world.vote(run_id, APPROVER_2)
    world.electors.gone[APPROVER_2.id] = GONE
    await works(timedelta(seconds=9))
    await world.vote(run_id, person("approver-3", APPROVERS))
    await works(timedelta(seconds=9))

    assert losses > 10
    assert [each.kind for each in await world.notices()] == [
        NoticeKind.ESCALATED,
        NoticeKind.APPROVED,
        NoticeKind.REOPENED,
        NoticeKind.APPROVED,
        NoticeKind.ENDED,
    ]
    events = await world.events(run_id)
    assert events.count("approval.vote_voided") == events.count("run.finished") == 1


# -- comments ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rule", "choice", "is_wanted"),
    [
        (None, Choice.APPROVE, False),
        (None, Choice.REJECT, False),
        (CommentRule.OPTIONAL, Choice.REJECT, False),
        (CommentRule.ON_REJECT, Choice.APPROVE, False),
        (CommentRule.ON_REJECT, Choice.REJECT, True),
        (CommentRule.REQUIRED, Choice.APPROVE, True),
        (CommentRule.REQUIRED, Choice.REJECT, True),
    ],
)
async def test_a_comment_is_mandatory_where_the_workflow_says_so(world, rule, choice, is_wanted):
    run_id = await waiting(world, workflow=replace(deploy(), comment=rule))

    if not is_wanted:
        await world.vote(run_id, APPROVER_1, choice)
        assert len((await world.gate(run_id)).votes) == 1
        return
    with pytest.raises(CommentMissing, match=f"Say why you {choice}"):
        await world.vote(run_id, APPROVER_1, choice, "  ")
    assert (await world.gate(run_id)).votes == ()
    await world.vote(run_id, APPROVER_1, choice, "because")
    assert (await world.gate(run_id)).votes[0].comment == "because"


# -- taking it back ------------------------------------------------------------------------


async def test_a_vote_that_was_taken_back_does_not_count_and_may_be_given_again(world):
    run_id = await waiting(world)
    await world.vote(run_id, APPROVER_1)

    await world.withdraw(run_id, APPROVER_1)

    assert (await world.gate(run_id)).votes == ()
    await world.vote(run_id, APPROVER_2)
    assert (await world.run(run_id)).state is RunState.AWAITING_APPROVAL
    await world.vote(run_id, APPROVER_1)
    assert (await world.run(run_id)).state is RunState.QUEUED
    events = await world.events(run_id)
    assert [e for e in events if e.startswith("approval.")] == [
        "approval.requested",
        "approval.voted",
        "approval.withdrawn",
        "approval.voted",
        "approval.voted",
        "approval.granted",
    ]


async def test_only_a_vote_that_was_given_can_be_taken_back_and_only_while_the_gate_is_open(world):
    run_id = await waiting(world)
    with pytest.raises(NothingToWithdraw):
        await world.withdraw(run_id, APPROVER_1)
    await world.vote(run_id, APPROVER_1)
    with pytest.raises(NotNow, match="earlier plan"):
        await world.withdraw(run_id, APPROVER_1, gate_id="another")

    await world.vote(run_id, APPROVER_2)

    with pytest.raises(GateClosed):
        await world.withdraw(run_id, APPROVER_1)
    assert (await world.gate(run_id)).approvals == 2


async def test_a_vote_cannot_be_taken_back_when_time_is_over_though_the_alarm_is_late(world):
    run_id = await waiting(world)
    await world.vote(run_id, APPROVER_1)
    world.clock.moment += timedelta(minutes=30)

    with pytest.raises(GateClosed):
        await world.withdraw(run_id, APPROVER_1)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"rule": CONFIRM}, "This run waits for no approval."),
        ({"state": GateState.REJECTED}, "This approval request is rejected already."),
        ({"expires_at": OPENED}, "The time for approving this is over."),
    ],
)
def test_a_gate_that_takes_no_votes_gives_none_back(changes, words):
    gate = Gate(
        id="g",
        run_id="k7f3q2ma",
        rev=1,
        plan_digest="d",
        rule=TWO,
        state=GateState.OPEN,
        opened_at=OPENED,
        expires_at=OPENED + TWO.expires,
        votes=(Vote(voter=APPROVER_1.id, name="", choice=Choice.APPROVE, comment="", at=OPENED),),
    )
    assert cast_vote(gate, APPROVER_1, OPENED) == gate.votes[0]
    shut = replace(gate, **changes)

    with pytest.raises(GateClosed) as closed:
        cast_vote(shut, APPROVER_1, OPENED)
    assert str(closed.value) == words
    with pytest.raises(GateClosed):
        admit_vote(shut, voter=APPROVER_2, requester=DEV.id, group_id=APPROVERS, now=OPENED)


async def test_a_confirmation_after_the_deadline_comes_too_late_though_the_alarm_does_too(world):
    run_id = await waiting(world, CONFIRM)
    world.clock.moment += timedelta(minutes=10)

    with pytest.raises(GateClosed):
        await world.confirm(run_id)


async def test_who_stops_a_run_that_is_being_stopped_learns_by_whom(world):
    run_id = await world.ask()
    real = world.target.switch

    async def stopped_twice(inputs, key):
        await world.cancel(run_id, person("sre-1"))
        with pytest.raises(NotNow, match=r"is being stopped already: Cancelled by sre-1\."):
            await world.cancel(run_id)
        return await real(inputs, key)

    world.target.switch = stopped_twice
    world.worker = world.new_worker()
    await world.work()

    assert (await world.run(run_id)).state is RunState.CANCELLED


async def test_a_withdrawal_and_the_deciding_vote_at_once_never_start_a_run_with_one_vote(world):
    for _ in range(10):
        run_id = await waiting(world)
        await world.vote(run_id, APPROVER_1)

        results = await asyncio.gather(
            world.withdraw(run_id, APPROVER_1),
            world.vote(run_id, APPROVER_2),
            return_exceptions=True,
        )

        run, gate = await world.run(run_id), await world.gate(run_id)
        if isinstance(results[0], NotNow):
            assert (run.state, gate.approvals) == (RunState.QUEUED, 2)
        else:
            assert (run.state, gate.approvals) == (RunState.AWAITING_APPROVAL, 1)
        await world.work()
        await world.notices()


async def test_twenty_approvals_at_once_make_one_transition(world):
    run_id = await waiting(world)
    crowd = [person(f"approver-{n}", APPROVERS) for n in range(20)]

    results = await asyncio.gather(
        *(world.vote(run_id, each) for each in crowd), return_exceptions=True
    )

    assert sum(isinstance(each, GateClosed) for each in results) == 18
    events = await world.events(run_id)
    assert (events.count("approval.voted"), events.count("approval.granted")) == (2, 1)
    assert [each.kind for each in await world.notices()] == [NoticeKind.APPROVED]
    await world.work()
    assert len(world.target.effects) == 1


# -- a second group ------------------------------------------------------------------------


async def test_a_second_group_is_called_once_at_its_time_and_not_before(world):
    run_id = await waiting(world, CALLING)
    opened = world.clock.now()

    await world.work(timedelta(minutes=14))
    assert await world.notices() == []
    await world.work(timedelta(minutes=16))
    await world.worker.timer("the same once more", (await world.gate(run_id)).id)

    assert await world.notices() == [
        Notice(kind=NoticeKind.ESCALATED, run_id=run_id, group="incident-commanders")
    ]
    gate = await world.gate(run_id)
    assert gate.state is GateState.OPEN
    assert gate.escalated_at == opened + timedelta(minutes=15)
    assert (await world.events(run_id)).count("approval.escalated") == 1
    await world.work(timedelta(hours=1))
    assert (await world.run(run_id)).state is RunState.EXPIRED
    assert [each.kind for each in await world.notices()] == [NoticeKind.EXPIRED]


async def test_without_a_time_of_its_own_it_is_called_after_half_of_the_time(world):
    run_id = await waiting(world, replace(CALLING, escalate_after=None))

    gate = await world.gate(run_id)

    assert gate.escalates_at - gate.opened_at == timedelta(minutes=15)


async def test_calling_a_group_lets_nobody_vote_who_could_not(world):
    run_id = await waiting(world, CALLING)
    await world.work(timedelta(minutes=16))

    with pytest.raises(Refused) as refusal:
        await world.vote(run_id, person("commander-1", "group-of-commanders"))

    assert refusal.value.reason == "not_eligible"


@pytest.mark.parametrize("end", ["approved", "cancelled"])
async def test_nobody_is_called_to_a_gate_that_is_closed(world, end):
    run_id = await waiting(world, CALLING)
    if end == "approved":
        await world.vote(run_id, APPROVER_1)
        await world.vote(run_id, APPROVER_2)
    else:
        await world.cancel(run_id)
    await world.work()
    await world.notices()

    await world.work(timedelta(hours=1))

    assert await world.notices() == []


async def test_when_both_alarms_are_late_the_run_expires_and_nobody_is_called(world):
    run_id = await waiting(world, CALLING)
    gate = await world.gate(run_id)
    world.clock.moment += timedelta(hours=1)

    await asyncio.gather(*(world.worker.timer(f"late-{n}", gate.id) for n in range(4)))

    assert (await world.run(run_id)).state is RunState.EXPIRED
    assert [each.kind for each in await world.notices()] == [NoticeKind.EXPIRED]
    assert "approval.escalated" not in await world.events(run_id)


async def test_an_alarm_that_comes_early_is_set_again_for_both(world):
    run_id = await waiting(world, CALLING)
    gate = await world.gate(run_id)
    world.queue.waiting.clear()

    await world.worker.timer("early", gate.id)
    await world.work(timedelta(hours=1))

    assert (await world.run(run_id)).state is RunState.EXPIRED
    assert [each.kind for each in await world.notices()] == [
        NoticeKind.ESCALATED,
        NoticeKind.EXPIRED,
    ]


async def test_the_sweep_calls_where_the_alarm_did_not_ring(world):
    run_id = await waiting(world, CALLING)
    world.queue.waiting.clear()
    world.clock.moment += timedelta(minutes=15, seconds=31)

    await sweep(world)
    await sweep(world)

    assert (await world.run(run_id)).state is RunState.AWAITING_APPROVAL
    assert [each.kind for each in await world.notices()] == [NoticeKind.ESCALATED]


async def sweep(world):
    async def ended(work_ids):
        return []

    turns = Turns(world.queue, Progress(world.queue, Ids()))
    plans = Plans(world.queue, Ids())
    await Sweep(world.store, plans, turns, world.clock, ended=ended).sweep()


# -- votes that do not count any more --------------------------------------------------------


async def test_a_voter_who_has_left_the_group_before_the_start_has_approved_nothing(world):
    run_id = await waiting(world)
    await world.vote(run_id, APPROVER_1)
    await world.vote(run_id, APPROVER_2)
    deadline = (await world.gate(run_id)).expires_at
    world.electors.gone[APPROVER_2.id] = GONE

    await world.work()

    run, gate = await world.run(run_id), await world.gate(run_id)
    assert (run.state, run.outcome, run.queued_at) == (
        RunState.AWAITING_APPROVAL,
        f"approver-2 {GONE}.",
        None,
    )
    assert (gate.state, gate.expires_at) == (GateState.OPEN, deadline)
    assert [vote.name for vote in gate.votes] == ["approver-1"]
    assert world.target.effects == []
    assert await world.store.read(lambda unit: unit.locks.holder("shop/prod")) is None
    assert "approval.vote_voided" in await world.events(run_id)
    assert await told(world) == [
        (NoticeKind.APPROVED, ("approver-1", "approver-2"), ""),
        (NoticeKind.REOPENED, (), f"approver-2 {GONE}."),
    ]


async def test_another_approval_starts_the_run_that_went_back(world):
    run_id = await waiting(world)
    await world.vote(run_id, APPROVER_1)
    await world.vote(run_id, APPROVER_2)
    world.electors.gone[APPROVER_2.id] = GONE
    await world.work()
    looks = world.electors.asked

    await world.vote(run_id, person("approver-3", APPROVERS))
    await world.work()

    assert (await world.run(run_id)).state is RunState.SUCCEEDED
    assert world.electors.asked == looks + 1
    assert len(world.target.effects) == 1


async def test_a_run_that_went_back_expires_at_the_moment_it_always_would_have(world):
    run_id = await waiting(world)
    await world.vote(run_id, APPROVER_1)
    await world.vote(run_id, APPROVER_2)
    world.electors.gone[APPROVER_2.id] = GONE
    await world.work()

    await world.work(timedelta(minutes=31))

    assert (await world.run(run_id)).state is RunState.EXPIRED


async def test_votes_that_stop_counting_after_the_deadline_let_the_run_expire(world):
    first = await world.ask(rule=replace(TWO, expires=timedelta(hours=9)))
    second = await world.ask(rule=TWO)
    await world.work()
    for run_id in (first, second):
        await world.vote(run_id, APPROVER_1)
        await world.vote(run_id, APPROVER_2)
    await world.notices()
    world.electors.gone[APPROVER_2.id] = GONE
    world.clock.moment += timedelta(minutes=40)  # in the queue, say, or while the worker was down

    await world.work()

    assert (await world.run(first)).state is RunState.AWAITING_APPROVAL
    run, gate = await world.run(second), await world.gate(second)
    assert (run.state, gate.state) == (RunState.EXPIRED, GateState.EXPIRED)
    assert world.target.effects == []
    assert sorted((each.run_id, each.kind) for each in await world.notices()) == sorted(
        [(first, NoticeKind.REOPENED), (second, NoticeKind.EXPIRED)]
    )


async def test_a_run_that_goes_back_lets_the_next_one_have_its_lock(world):
    first, second = await waiting(world), await waiting(world)
    for run_id in (first, second):
        await world.vote(run_id, APPROVER_1)
    await world.vote(first, APPROVER_2)
    await world.vote(second, person("approver-3", APPROVERS))
    world.electors.gone[APPROVER_2.id] = GONE

    await world.work()

    assert (await world.run(first)).state is RunState.AWAITING_APPROVAL
    assert (await world.run(second)).state is RunState.SUCCEEDED


async def test_while_nobody_can_tell_whether_votes_count_nothing_is_started(world):
    run_id = await waiting(world)
    await world.vote(run_id, APPROVER_1)
    await world.vote(run_id, APPROVER_2)
    world.electors.silent = 5

    await world.work()

    run = await world.run(run_id)
    assert run.state is RunState.QUEUED
    assert run.outcome == "the approvals cannot be checked: The directory did not answer."
    assert world.target.effects == []
    assert world.electors.asked == 3
    await world.work(UNVERIFIED_PAUSE)
    run = await world.run(run_id)
    assert (run.state, run.outcome) == (RunState.SUCCEEDED, "")
    assert world.electors.asked == 6


async def test_a_run_that_waits_for_the_directory_can_be_cancelled(world):
    run_id = await waiting(world)
    await world.vote(run_id, APPROVER_1)
    await world.vote(run_id, APPROVER_2)
    world.electors.silent = 99
    await world.work(timedelta(seconds=5))

    await world.cancel(run_id)
    await world.work(timedelta(minutes=5))

    assert (await world.run(run_id)).state is RunState.CANCELLED
    assert world.target.effects == []


async def test_votes_that_were_not_looked_at_start_nothing(world):
    """A worker looked at two votes, slept, and wakes to others: they are not its to judge."""
    run_id = await waiting(world)
    await world.vote(run_id, APPROVER_1)
    await world.vote(run_id, APPROVER_2)
    asleep, awake = asyncio.Event(), asyncio.Event()
    real = world.electors.objections

    async def slow(run, gate):
        found = await real(run, gate)
        asleep.set()
        await awake.wait()
        return found

    world.electors.objections = slow
    kind, work_id, args = world.queue.take(until=world.clock.now())
    sleeper = asyncio.create_task(world.worker.work[kind](work_id, *args))
    await asleep.wait()
    world.electors.objections = real
    world.electors.gone[APPROVER_2.id] = GONE
    await world.worker.stretch("another", run_id)
    assert (await world.run(run_id)).state is RunState.AWAITING_APPROVAL
    world.clock.moment += timedelta(seconds=1)
    await world.vote(run_id, person("approver-3", APPROVERS))
    world.electors.gone[APPROVER_1.id] = GONE

    awake.set()
    await sleeper

    assert (await world.run(run_id)).state is RunState.QUEUED
    assert world.target.effects == []
    await world.work()
    assert (await world.run(run_id)).state is RunState.AWAITING_APPROVAL


async def test_a_confirmation_is_not_looked_at_again(world):
    run_id = await waiting(world, CONFIRM)
    await world.confirm(run_id)

    await world.work()

    assert (await world.run(run_id)).state is RunState.SUCCEEDED
    assert world.electors.asked == 0


def test_the_time_of_a_call():
    rule = GateRule(kind=GateKind.APPROVAL, count=1, group="g", expires=timedelta(hours=1))

    assert rule.calls_after is None
    assert replace(rule, escalate="h").calls_after == timedelta(minutes=30)
    assert replace(rule, escalate="h", escalate_after=timedelta(seconds=5)).calls_after == (
        timedelta(seconds=5)
    )
