"""Runs of old are forgotten with all that hangs on them; the audit log forgets nothing."""

from datetime import timedelta

import pytest
import sqlalchemy as sa

from domain.approval import Choice, Gate, GateState, Vote
from domain.audit import Event
from domain.policy import GateKind, GateRule
from domain.run import RunId, RunState
from domain.step import StepRun
from storage.schema import gates, living_cards, runs, step_runs, votes

DAY = timedelta(days=1)
RULE = GateRule(kind=GateKind.APPROVAL, count=1, group="approvers", expires=DAY)


def lived(unit, run) -> None:
    """*run*, with a step, a gate at which somebody voted, a card, and an event."""
    unit.runs.insert(run)
    unit.steps.insert([StepRun(run_id=run.id, name="switch", title="Switch", position=0)])
    vote = Vote(voter="v", name="approver-1", choice=Choice.APPROVE, comment="", at=unit.now)
    unit.gates.insert(
        Gate(
            id=f"gate-{run.id}",
            run_id=run.id,
            rev=1,
            plan_digest="0",
            rule=RULE,
            state=GateState.APPROVED,
            opened_at=unit.now,
            expires_at=unit.now + DAY,
            votes=(vote,),
        )
    )
    unit.cards.touch(run.id, run.conversation)
    unit.audit.append(
        Event(
            type="run.finished",
            actor=run.requester,
            subject=f"run/{run.id}",
            outcome="ok",
            run_id=run.id,
        )
    )


def rows(unit) -> list[int]:
    tables = (runs, step_runs, gates, votes, living_cards)
    return [
        unit.connection.scalar(sa.select(sa.func.count()).select_from(table)) for table in tables
    ]


async def test_a_run_of_old_goes_with_all_that_hangs_on_it_and_the_others_stay(
    store, a_run, clock
):
    ended = {"state": RunState.SUCCEEDED}
    old = a_run("aaaaaaaa", finished_at=clock.now() - 2 * DAY, **ended)
    young = a_run("bbbbbbbb", finished_at=clock.now() - DAY, **ended)
    waiting = a_run("cccccccc", state=RunState.AWAITING_APPROVAL)
    for each in (old, young, waiting):
        await store.transaction(lambda unit, run=each: lived(unit, run))

    forgotten = await store.transaction(lambda unit: unit.past.forget(clock.now() - DAY, 9))

    assert forgotten == 1
    assert await store.read(rows) == [2, 2, 2, 2, 2]
    assert await store.read(lambda unit: unit.runs.get("aaaaaaaa")) is None
    assert len(await store.read(lambda unit: unit.audit.of_run("aaaaaaaa"))) == 1
    assert await store.transaction(lambda unit: unit.past.forget(clock.now() - DAY, 9)) == 0


async def test_the_oldest_go_first_and_no_more_than_so_many_at_once(store, a_run, clock):
    for number, name in enumerate(("bbbbbbbb", "aaaaaaaa", "cccccccc")):
        run = a_run(name, state=RunState.FAILED, finished_at=clock.now() - (10 + number % 2) * DAY)
        await store.transaction(lambda unit, run=run: unit.runs.insert(run))

    assert await store.transaction(lambda unit: unit.past.forget(clock.now(), 1)) == 1

    assert await store.read(lambda unit: unit.runs.get("aaaaaaaa")) is None
    assert await store.read(rows) == [2, 0, 0, 0, 0]


@pytest.mark.parametrize(
    ("state", "is_kept"), [(RunState.PLANNING, True), (RunState.SUCCEEDED, False)]
)
async def test_a_run_is_kept_while_another_goes_on_from_it(store, a_run, clock, state, is_kept):
    ended = clock.now() if state.is_final else None
    old = a_run("aaaaaaaa", state=RunState.FAILED, finished_at=clock.now() - 9 * DAY)
    again = a_run("bbbbbbbb", repeats=RunId("aaaaaaaa"), finished_at=ended, state=state)
    for each in (old, again):
        await store.transaction(lambda unit, run=each: unit.runs.insert(run))

    await store.transaction(lambda unit: unit.past.forget(clock.now() - DAY, 9))

    found = await store.read(lambda unit: unit.runs.get("aaaaaaaa"))
    assert (found is not None) is is_kept


@pytest.mark.parametrize(
    "change", ["UPDATE audit_events SET type = ''", "DELETE FROM audit_events"]
)
async def test_no_event_can_be_changed_or_taken_away(store, a_run, change):
    await store.transaction(lambda unit: lived(unit, a_run()))

    def tampers(unit) -> None:
        unit.connection.exec_driver_sql(change)

    with pytest.raises(Exception, match=r"refused|append-only|did not answer"):
        await store.transaction(tampers)
    assert len(await store.read(lambda unit: unit.audit.of_run("k7f3q2ma"))) == 1
