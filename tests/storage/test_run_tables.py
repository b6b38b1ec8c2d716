import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
import itertools

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
import pytest

from domain.actor import Actor, ActorKind, TenantId
from domain.approval import Choice, Gate, GateState, HandOver, Vote
from domain.command import Effect
from domain.conversation import Conversation, ConversationKind
from domain.errors import Bug, UnknownRun
from domain.plan import ActionPlan, Change, Plan, StepPlan
from domain.policy import GateKind, GateRule
from domain.run import Run, RunState
from domain.step import StepRun, StepState

text = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=9)
json_objects = st.dictionaries(
    st.text(max_size=5), st.integers() | st.text(max_size=5) | st.none()
)
moments = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - hypothesis adds the zone
plans = st.builds(
    Plan,
    definition_digest=text,
    inputs=st.dictionaries(text, text, max_size=2),
    steps=st.lists(
        st.builds(
            StepPlan,
            step=text,
            uses=text,
            effect=st.sampled_from(Effect),
            arguments=json_objects,
            plan=st.none()
            | st.builds(
                ActionPlan,
                summary=text,
                changes=st.tuples(
                    st.builds(Change, target=text, what=text, before=text, after=text)
                ),
                before=st.none() | json_objects,
            ),
        ),
        max_size=2,
    ).map(tuple),
    lock=st.none() | text,
)
runs = st.builds(
    Run,
    id=text,
    workflow=text,
    title=text,
    definition=json_objects,
    inputs=st.dictionaries(text, text, max_size=2),
    reason=text,
    requester=st.builds(
        Actor,
        tenant=text,
        id=text,
        name=text,
        kind=st.sampled_from(ActorKind),
        roles=st.just(frozenset()),
    ),
    conversation=st.builds(
        Conversation,
        tenant=text,
        service_url=text,
        id=text,
        kind=st.sampled_from(ConversationKind),
        bot_id=text,
    ),
    gate_rule=st.builds(
        GateRule, kind=st.sampled_from(GateKind), count=st.integers(0, 9), group=text
    ),
    state=st.sampled_from(RunState),
    rev=st.integers(0, 99),
    generation=st.integers(0, 99),
    created_at=moments,
    plan=st.none() | plans,
    lock=st.none() | text,
    outcome=text,
    cancelled_by=st.none() | text,
    carrier=st.none() | text,
    queued_at=st.none() | moments,
    started_at=st.none() | moments,
    finished_at=st.none() | moments,
)
_NUMBERS = itertools.count()


@given(first=runs, second=runs)
@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
async def test_a_run_comes_back_as_it_was_and_as_it_became(store, first, second):
    first = replace(first, id=str(next(_NUMBERS)))
    second = replace(second, id=first.id)

    await store.transaction(lambda unit: unit.runs.insert(first))
    assert await store.read(lambda unit: unit.runs.get(first.id)) == first

    await store.transaction(lambda unit: unit.runs.save(second))
    assert await store.transaction(lambda unit: unit.runs.lock(first.id)) == second


async def test_a_plan_keeps_its_digest(store, a_run):
    plan = Plan(
        definition_digest="d",
        inputs={"service": "shop"},
        steps=(
            StepPlan(
                step="switch",
                uses="supervisor.switch@1",
                effect=Effect.WRITE,
                arguments={"version": "v1.1.0", "timeout": 1.5},
                plan=ActionPlan(summary="s", before={"version": "v1.0.0", "replicas": 2}),
            ),
        ),
        lock="shop/prod",
    )
    await store.transaction(lambda unit: unit.runs.insert(a_run(plan=plan)))

    kept = await store.read(lambda unit: unit.runs.get("k7f3q2ma"))

    assert kept.plan.digest == plan.digest


async def test_a_run_that_nobody_asked_for_is_unknown(store, a_run):
    assert await store.read(lambda unit: unit.runs.get("aaaaaaaa")) is None
    with pytest.raises(UnknownRun):
        await store.transaction(lambda unit: unit.runs.lock("aaaaaaaa"))
    with pytest.raises(UnknownRun):
        await store.transaction(lambda unit: unit.runs.save(a_run()))


async def test_the_latest_runs_are_those_of_the_tenant_newest_first(store, a_run, clock):
    def work(unit):
        for run_id in ("c", "a", "b"):
            unit.runs.insert(a_run(run_id, created_at=clock.move(timedelta(seconds=1))))
        stranger = replace(a_run().requester, tenant=TenantId("other"))
        unit.runs.insert(a_run("x", requester=stranger))
        return [each.id for each in unit.runs.latest(a_run().requester.tenant, limit=2)]

    assert await store.transaction(work) == ["b", "a"]


async def test_older_runs_come_page_by_page_each_once(store, a_run, clock):
    def work(unit):
        start = clock.move(timedelta(seconds=1))
        for number, run_id in enumerate("dacbe"):  # two at a time in the same moment
            moment = start + timedelta(seconds=number // 2)
            unit.runs.insert(a_run(run_id, created_at=moment))
        tenant, pages, last = a_run().requester.tenant, [], None
        while page := unit.runs.latest(tenant, 2, before=last):
            pages.append([each.id for each in page])
            last = page[-1]
        return pages

    assert await store.transaction(work) == [["e", "c"], ["b", "d"], ["a"]]


async def test_runs_are_found_by_state(store, a_run):
    def work(unit):
        for run_id, state in (
            ("a", RunState.RUNNING),
            ("b", RunState.QUEUED),
            ("c", RunState.FAILED),
        ):
            unit.runs.insert(a_run(run_id, state=state))
        return unit.runs.in_state(RunState.RUNNING, RunState.QUEUED), unit.runs.in_state()

    assert await store.transaction(work) == (["a", "b"], [])


async def test_a_run_has_one_owner_at_a_time(open_store, a_run):
    first, second = open_store(), open_store()
    await first.transaction(lambda unit: unit.runs.insert(a_run(rev=0)))

    def count_up(unit):
        run = unit.runs.lock("k7f3q2ma")
        unit.runs.save(replace(run, rev=run.rev + 1))

    await asyncio.gather(*(each.transaction(count_up) for each in [first, second] * 20))

    assert (await first.read(lambda unit: unit.runs.get("k7f3q2ma"))).rev == 40


async def test_steps_come_back_in_the_order_of_the_definition(store, a_run, clock):
    steps = (
        StepRun(run_id="k7f3q2ma", name="z", title="First", position=0),
        StepRun(
            run_id="k7f3q2ma",
            name="a",
            title="Second",
            position=1,
            state=StepState.WAITING,
            attempt=2,
            undo_attempt=1,
            started_at=clock.now(),
            finished_at=clock.now(),
            due_at=clock.now(),
            output={"what": ["\0 and half a pair \ud800", 1.5, None]},
            detail="it waits",
        ),
    )
    done = replace(steps[0], state=StepState.SUCCEEDED, attempt=1, output={})

    def work(unit):
        unit.runs.insert(a_run())
        unit.steps.insert(())
        unit.steps.insert(steps[::-1])
        before = unit.steps.of("k7f3q2ma")
        unit.steps.save(done)
        return before, unit.steps.of("k7f3q2ma")

    assert await store.transaction(work) == (steps, (done, steps[1]))


async def test_a_step_without_a_run_is_refused(store):
    step = StepRun(run_id="aaaaaaaa", name="a", title="A", position=0)

    with pytest.raises(Bug):
        await store.transaction(lambda unit: unit.steps.insert([step]))
    with pytest.raises(UnknownRun):
        await store.transaction(lambda unit: unit.steps.save(step))


@pytest.fixture
def gate(clock) -> Gate:
    return Gate(
        id="g1",
        run_id="k7f3q2ma",
        rev=1,
        plan_digest="d",
        rule=GateRule(kind=GateKind.APPROVAL, count=2, group="prod-approvers"),
        state=GateState.OPEN,
        opened_at=clock.now(),
        expires_at=clock.now() + timedelta(minutes=30),
    )


@pytest.fixture
def vote(clock) -> Vote:
    return Vote(voter="z", name="approver-1", choice=Choice.APPROVE, comment="", at=clock.now())


async def test_a_gate_has_its_votes_in_the_order_they_were_cast(store, a_run, gate, vote):
    second = replace(vote, voter="a", choice=Choice.REJECT, comment="not today")

    def work(unit):
        unit.runs.insert(a_run())
        unit.gates.insert(gate)
        assert unit.gates.add_vote("g1", vote)
        assert unit.gates.add_vote("g1", second)
        return unit.gates.get("g1")

    assert await store.transaction(work) == replace(gate, votes=(vote, second))


async def test_the_latest_gate_of_a_run_is_the_one_opened_last(store, a_run, gate, vote):
    second = replace(gate, id="a-later-one", rev=2, votes=(vote,))
    closed = replace(gate, state=GateState.SUPERSEDED)

    def work(unit):
        unit.runs.insert(a_run())
        nothing = unit.gates.latest("k7f3q2ma")
        unit.gates.insert(gate)
        unit.gates.save(closed)
        unit.gates.insert(second)
        return nothing, unit.gates.get("g1"), unit.gates.latest("k7f3q2ma"), unit.gates.get("g9")

    assert await store.transaction(work) == (None, closed, second, None)


async def test_a_gate_is_saved_only_after_it_was_opened(store, gate):
    with pytest.raises(Bug):
        await store.transaction(lambda unit: unit.gates.save(gate))


async def test_people_count_and_not_presses(open_store, a_run, gate, vote):
    stores = [open_store() for _ in range(3)]

    def open_gate(unit):
        unit.runs.insert(a_run())
        unit.gates.insert(gate)

    await stores[0].transaction(open_gate)

    answers = await asyncio.gather(
        *(each.transaction(lambda unit: unit.gates.add_vote("g1", vote)) for each in stores * 3)
    )

    assert sorted(answers) == [False] * 8 + [True]
    kept = await stores[1].read(lambda unit: unit.gates.get("g1"))
    assert kept.votes == (vote,)


async def test_a_gate_is_kept_with_when_it_calls_has_called_and_was_opened_again(
    store, a_run, gate, clock
):
    calling = replace(gate, escalates_at=clock.now() + timedelta(minutes=15))
    called = replace(
        calling,
        escalated_at=clock.now() + timedelta(minutes=16),
        reopened_at=clock.now() + timedelta(minutes=17),
        handed_over=(HandOver(by="a", to="b", note="on holiday", at=clock.now()),),
    )

    def work(unit):
        unit.runs.insert(a_run())
        unit.gates.insert(calling)
        before = unit.gates.get("g1")
        unit.gates.save(called)
        return before, unit.gates.get("g1")

    assert await store.transaction(work) == (calling, called)


async def test_who_took_a_vote_back_may_vote_again_and_the_others_votes_stay(
    store, a_run, gate, vote
):
    other, again = replace(vote, voter="y", name="approver-2"), replace(vote, comment="now")

    def work(unit):
        unit.runs.insert(a_run())
        unit.gates.insert(replace(gate, votes=(vote, other)))
        gone = [unit.gates.remove_vote("g1", "z") for _ in range(2)]
        elsewhere = unit.gates.remove_vote("g2", "y")
        return gone, elsewhere, unit.gates.add_vote("g1", again), unit.gates.get("g1").votes

    assert await store.transaction(work) == ([True, False], False, True, (other, again))


async def test_a_gate_is_to_call_from_its_time_on_once_and_while_it_is_open(store, a_run, gate):
    at = gate.opened_at + timedelta(minutes=15)

    def work(unit):
        unit.runs.insert(a_run())
        unit.gates.insert(replace(gate, escalates_at=at))
        unit.gates.insert(replace(gate, id="g2", escalates_at=at, escalated_at=at))
        unit.gates.insert(replace(gate, id="g3", escalates_at=at, state=GateState.APPROVED))
        unit.gates.insert(replace(gate, id="g4"))
        just_before = at - timedelta(microseconds=1)
        return unit.gates.to_escalate(just_before), unit.gates.to_escalate(at)

    assert await store.transaction(work) == ([], ["g1"])


async def test_a_gate_is_due_from_its_deadline_on_while_it_is_open(store, a_run, gate):
    def work(unit):
        unit.runs.insert(a_run())
        unit.gates.insert(gate)
        unit.gates.insert(replace(gate, id="g2", state=GateState.APPROVED))
        just_before = gate.expires_at - timedelta(microseconds=1)
        return unit.gates.due(just_before), unit.gates.due(gate.expires_at)

    assert await store.transaction(work) == ([], ["g1"])
