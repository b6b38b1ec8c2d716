"""What is saved is collected: seen by everybody who asks, written at the end, once."""

import asyncio
from dataclasses import replace
from datetime import timedelta
import threading

import pytest

from bench.statements import counted
from domain.approval import Choice, Gate, GateState, Vote
from domain.audit import Event
from domain.errors import Bug, Unavailable
from domain.policy import GateKind, GateRule
from domain.run import RunState
from domain.step import StepRun, StepState


@pytest.fixture
def step() -> StepRun:
    return StepRun(run_id="k7f3q2ma", name="switch", title="Switch", position=0)


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


async def test_what_was_saved_is_what_every_query_sees(store, a_run, gate):
    before = {"state": RunState.QUEUED, "lock": "shop/prod"}

    def work(unit):
        run, tenant = a_run(**before), a_run().requester.tenant
        unit.runs.insert(run)
        unit.gates.insert(gate)
        after = replace(run, state=RunState.RUNNING)
        closed = replace(gate, state=GateState.APPROVED)
        unit.runs.save(after)
        unit.gates.save(closed)
        assert unit.runs.get(run.id) == unit.runs.lock(run.id) == after
        assert unit.gates.get("g1") == unit.gates.latest(run.id) == closed
        assert unit.runs.latest(tenant) == [after]
        return unit.runs.in_state(RunState.QUEUED), unit.gates.due(gate.expires_at)

    assert await store.transaction(work) == ([], [])


async def test_a_transaction_is_written_in_one_statement_for_each_table(
    store, a_run, place, requester
):
    steps = [StepRun(run_id="k7f3q2ma", name=n, title=n, position=0) for n in "abc"]

    def insert(unit):
        unit.runs.insert(a_run())
        unit.steps.insert(steps)

    def work(unit):
        run = unit.runs.lock("k7f3q2ma")
        for state in (RunState.QUEUED, RunState.RUNNING):
            run = replace(unit.runs.lock(run.id), state=state)
            unit.runs.save(run)
            for step in unit.steps.of(run.id):
                unit.steps.save(replace(step, state=StepState.RUNNING, attempt=step.attempt + 1))
            unit.cards.touch(run.id, place)
            unit.audit.append(Event(type="run.started", actor=requester, run_id=run.id))

    await store.transaction(insert)
    with counted() as statements:
        await store.transaction(work)

    written = [text for text in statements.transactions[-1] if not text.startswith("SELECT")]
    assert [" ".join(text.split()[: 3 if "INTO" in text else 2]) for text in written] == [
        "UPDATE runs",
        "UPDATE step_runs",
        "INSERT INTO living_cards",
        "INSERT INTO audit_events",
    ]
    assert "definition" not in written[0]  # the state, and nothing that is large
    assert [s.attempt for s in await store.read(lambda u: u.steps.of("k7f3q2ma"))] == [2, 2, 2]
    assert (await store.read(lambda unit: unit.cards.get("k7f3q2ma"))).wanted == 1


async def test_what_is_saved_as_it_was_is_not_written(store, a_run, step, gate):
    def insert(unit):
        unit.runs.insert(a_run())
        unit.steps.insert([step])
        unit.gates.insert(gate)

    def work(unit):
        unit.runs.save(replace(unit.runs.lock("k7f3q2ma"), rev=1))
        unit.steps.save(unit.steps.of("k7f3q2ma")[0])
        unit.gates.save(replace(unit.gates.get("g1")))

    await store.transaction(insert)
    with counted() as statements:
        await store.transaction(work)

    assert not any("UPDATE" in text.split(" ")[0] for text in statements.transactions[0])


async def test_json_that_only_looks_equal_is_written(store, a_run, step):
    was = replace(step, output={"ready": 1})

    def insert(unit):
        unit.runs.insert(a_run(definition={"always": 0}))
        unit.steps.insert([was])

    def work(unit):
        unit.runs.save(replace(unit.runs.lock("k7f3q2ma"), definition={"always": False}))
        unit.steps.save(replace(was, output={"ready": True}))

    await store.transaction(insert)
    await store.transaction(work)

    run = await store.read(lambda unit: unit.runs.get("k7f3q2ma"))
    (kept,) = await store.read(lambda unit: unit.steps.of("k7f3q2ma"))
    assert (run.definition["always"], kept.output["ready"]) == (False, True)
    assert (type(run.definition["always"]), type(kept.output["ready"])) == (bool, bool)


async def test_what_is_saved_within_a_read_is_refused(store, a_run, step, gate, place):
    event = Event(type="run.started", actor=a_run().requester)

    def insert(unit):
        unit.runs.insert(a_run())
        unit.steps.insert([step])
        unit.gates.insert(gate)

    await store.transaction(insert)
    for save in (
        lambda unit: unit.runs.save(replace(a_run(), rev=2)),
        lambda unit: unit.steps.save(replace(step, attempt=1)),
        lambda unit: unit.gates.save(replace(gate, rev=2)),
        lambda unit: unit.cards.touch("k7f3q2ma", place),
        lambda unit: unit.audit.append(event),
    ):
        with pytest.raises((Unavailable, Bug)):
            await store.read(save)


async def test_votes_are_seen_at_a_gate_that_is_saved_before_or_after(store, a_run, gate, clock):
    vote = Vote(voter="z", name="approver-1", choice=Choice.APPROVE, comment="", at=clock.now())

    def work(unit):
        unit.runs.insert(a_run())
        unit.gates.insert(gate)
        unit.gates.save(replace(gate, rev=2))
        unit.gates.add_vote("g1", vote)
        unit.gates.save(replace(gate, rev=3))  # its votes are left as they are
        with_vote = unit.gates.get("g1")
        unit.gates.remove_vote("g1", "z")
        return with_vote, unit.gates.latest("k7f3q2ma")

    after = replace(gate, rev=3)
    assert await store.transaction(work) == (replace(after, votes=(vote,)), after)
    assert await store.read(lambda unit: unit.gates.get("g1")) == after


async def test_a_lock_shows_what_others_have_made_of_the_run_meanwhile(
    url, store, a_run, step, gate
):
    if not url.startswith("postgresql"):
        return  # SQLite has one writer: nobody changes anything meanwhile
    loop = asyncio.get_running_loop()

    def insert(unit):
        unit.runs.insert(a_run())
        unit.steps.insert([step])
        unit.gates.insert(gate)

    def change(unit):
        unit.runs.save(replace(unit.runs.lock("k7f3q2ma"), rev=2))
        unit.steps.save(replace(step, attempt=1))
        unit.gates.save(replace(gate, state=GateState.APPROVED))

    def look(unit):
        return (
            unit.runs.get("k7f3q2ma").rev,
            unit.steps.of("k7f3q2ma")[0].attempt,
            unit.gates.latest("k7f3q2ma").state,
        )

    def work(unit):
        before = look(unit)
        asyncio.run_coroutine_threadsafe(store.transaction(change), loop).result()
        assert look(unit) == before
        unit.runs.lock("k7f3q2ma")
        return before, look(unit)

    await store.transaction(insert)
    assert await store.transaction(work) == (
        (1, 0, GateState.OPEN),
        (2, 1, GateState.APPROVED),
    )


async def test_who_loses_a_race_begins_with_nothing_saved(url, store, a_run, place):
    if not url.startswith("postgresql"):
        return  # SQLite has one writer: there is nothing to lose
    both = threading.Barrier(2, timeout=10)
    began = []
    requester = a_run().requester

    def insert(unit):
        unit.runs.insert(a_run("a"))
        unit.runs.insert(a_run("b"))

    def count_up(*run_ids):
        def work(unit):
            began.append(run_ids)
            for run_id in run_ids:
                run = unit.runs.lock(run_id)
                if len(began) <= 2 and run_id == run_ids[0]:
                    both.wait()
                unit.runs.save(replace(run, rev=run.rev + 1))
                unit.cards.touch(run_id, place)
                unit.audit.append(Event(type="run.started", actor=requester, run_id=run_id))

        return work

    await store.transaction(insert)
    await asyncio.gather(
        store.transaction(count_up("a", "b")), store.transaction(count_up("b", "a"))
    )

    def look(unit):
        runs, cards = ([table.get(each) for each in "ab"] for table in (unit.runs, unit.cards))
        return [each.rev for each in runs], [each.wanted for each in cards], unit.audit.head()[0]

    assert len(began) == 3
    assert await store.read(look) == ([3, 3], [2, 2], 6)
