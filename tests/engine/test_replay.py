"""The log alone tells what a run was, at every event: held against the rows as they were."""

import contextlib
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
import tempfile
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
import pytest

from domain.approval import Choice
from domain.errors import Refused
from domain.run import RunState
from storage.store import Store
from tests.engine.world import (
    APPROVER_1,
    APPROVER_2,
    AUDIT_KEY,
    CONFIRM,
    DEV,
    FREE,
    TWO,
    Ambiguous,
    Clock,
    FakeQueue,
    Ids,
    Unavailable,
    World,
    deploy,
)
from workflows.definition import Step
from workflows.parts import Approve
from workflows.replay import (
    NotTold,
    disagreements,
    gates_then,
    moment_at,
    replay,
    run_then,
    steps_then,
)

TEN_MINUTES = timedelta(minutes=10)
APPROVERS = st.sampled_from([APPROVER_1, APPROVER_2])
TROUBLE = [Unavailable("busy"), Ambiguous("no answer"), Refused("no")]
SWITCH = deploy().steps[1]
WIDE = replace(
    deploy(),
    name="wide",
    steps=(
        deploy().steps[0],
        Step(name="look", title="Look", uses="shop.current@1", for_each=["a", "b", "c"]),
        Step(name="ask", title="Ask", approve=Approve(by="prod-approvers"), needs=("previous",)),
        replace(SWITCH, needs=("ask", "look")),
        Step(name="clean", title="Clean", uses="shop.current@1", always=True),
    ),
)
"""Items side by side, a gate inside, and a step that is done in any case."""

deeds = st.one_of(
    st.tuples(
        st.just("ask"),
        st.sampled_from([FREE, CONFIRM, TWO]),
        st.sampled_from(["v1.1.0", "v1.2.0", "v9"]),
        st.sampled_from([deploy(), deploy(wait=timedelta(seconds=2)), deploy(wait=TEN_MINUTES)]),
    ),
    st.tuples(st.just("ask"), st.just(FREE), st.sampled_from(["v1.1.0", "v9"]), st.just(WIDE)),
    st.tuples(st.sampled_from(["pause", "resume", "stop and undo"])),
    st.tuples(st.just("skip"), st.sampled_from(["ask", "look[1]", "settle"])),
    st.tuples(st.just("work"), st.sampled_from([0, 1, 40, 700, 4000])),
    st.tuples(st.just("vote"), APPROVERS, st.sampled_from(Choice)),
    st.tuples(st.just("both approve")),
    st.tuples(st.just("vote and withdraw"), APPROVERS),
    st.tuples(st.just("confirm")),
    st.tuples(st.just("cancel")),
    st.tuples(st.just("drift"), st.sampled_from(["v1.0.0", "v1.0.1"])),
    st.tuples(st.just("trouble"), st.sampled_from(TROUBLE)),
    st.tuples(st.just("leaves"), APPROVERS),
)


class WatchedStore(Store):
    """After each transaction holds what the log tells of every run against its rows."""

    seen: dict[tuple[str, int], Any]  #: the rows of a run, by its id and its last event

    async def transaction(self, work):
        result = await super().transaction(work)
        await self.read(self._look)
        return result

    def _look(self, unit) -> None:
        for run_id in unit.runs.in_state(*RunState):
            rows = rows_of(unit, run_id)
            last = list(replay(unit.audit.of_run(run_id)))[-1]
            assert disagreements(last, *rows) == []
            self.seen[run_id, last.last.seq] = rows


def rows_of(unit, run_id):
    return unit.runs.get(run_id), unit.steps.of(run_id), unit.gates.of(run_id)


@contextlib.contextmanager
def watched_world():
    with tempfile.TemporaryDirectory() as folder:
        clock, ids = Clock(), Ids()
        url = f"sqlite:///{Path(folder)}/signalbox.db"
        store = WatchedStore.open(url, audit_key=AUDIT_KEY, clock=clock, ids=ids)
        store.seen = {}
        yield World(store, clock, FakeQueue(clock), ids)
        store.close()


async def do(world: World, run_id: str, deed: tuple[Any, ...]) -> str:
    """Do it to the run, if it can be done; the run that the next deed is about."""
    match deed:
        case ("ask", rule, version, workflow):
            return await world.ask(version, rule, workflow)
        case ("work", seconds):
            await world.work(timedelta(seconds=seconds))
        case ("drift", version):
            world.target.version = version
        case ("trouble", trouble):
            world.target.script.append(trouble)
        case ("leaves", approver):
            world.electors.gone[approver.id] = "is of no group any more"
        case _:
            await decide(world, run_id, deed)
    return run_id


async def decide(world: World, run_id: str, deed: tuple[Any, ...]) -> None:
    match deed:
        case ("vote", approver, choice):
            await world.vote(run_id, approver, choice, "because")
        case ("both approve",):
            await world.vote(run_id, APPROVER_1)
            await world.vote(run_id, APPROVER_2)
        case ("vote and withdraw", approver):
            await world.vote(run_id, approver)
            await world.withdraw(run_id, approver)
        case ("confirm",):
            await world.confirm(run_id)
        case ("cancel",):
            await world.cancel(run_id)
        case _:
            await world.store.transaction(lambda unit: control(world, unit, run_id, deed))


def control(world: World, unit, run_id: str, deed: tuple[Any, ...]) -> None:
    lifecycle = world.lifecycle
    match deed:
        case ("pause",):
            lifecycle.pause(unit, run_id, actor=DEV)
        case ("resume",):
            lifecycle.resume(unit, run_id, actor=DEV)
        case ("skip", step):
            lifecycle.skip(unit, run_id, step, actor=DEV, reason="no time")
        case ("stop and undo",):
            lifecycle.cancel(unit, run_id, actor=DEV, takes_back=True)
        case _:
            raise AssertionError(deed)


@given(
    first=st.sampled_from([("v1.1.0", TWO), ("v1.1.0", FREE, WIDE)]),
    script=st.lists(deeds, min_size=3, max_size=14),
)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
async def test_the_log_tells_what_every_run_is_and_was_after_each_transition(first, script):
    with watched_world() as world:
        run_id = await world.ask(*first)
        await world.work()
        for deed in script:
            with contextlib.suppress(Refused):
                run_id = await do(world, run_id, deed)
        await world.work(timedelta(hours=1))

        for run_id in {run_id for run_id, _ in world.store.seen}:
            run, steps, _ = await world.store.read(lambda unit, r=run_id: rows_of(unit, r))
            entries = await world.store.read(lambda unit, r=run_id: unit.audit.of_run(r))
            for then in replay(entries):
                run_was, steps_were, gates_were = world.store.seen[run_id, then.last.seq]
                kept = run_was.plan is not None and run_was.plan.digest == run.plan.digest
                if not kept:
                    run_was = replace(run_was, plan=None)
                assert run_then(then, replace(run, bell=run_was.bell)) == run_was
                assert steps_then(then, run_id, steps) == steps_were
                assert gates_then(then, run_id) == gates_were


async def test_the_timeline_of_a_run_tells_who_changed_what(world: World):
    run_id = await world.ask("v1.2.0", TWO)
    await world.work()
    await world.vote(run_id, APPROVER_1)
    await world.vote(run_id, APPROVER_2)
    await world.work()

    entries = await world.store.read(lambda unit: unit.audit.of_run(run_id))

    told = [
        ([event.type for event in then.events], then.by, then.state, then.changes)
        for then in replay(entries)
    ]
    assert told == [
        (["run.changed"], "Signalbox", "planning", ("run planning",)),
        (
            ["plan.created", "approval.requested"],
            "dev-1",
            "awaiting approval",
            ("run awaiting approval", "approval open"),
        ),
        (["approval.voted"], "approver-1", "awaiting approval", ("votes 1",)),
        (
            ["approval.voted", "approval.granted"],
            "approver-2",
            "queued",
            ("run queued", "approval approved"),
        ),
        (["lock.acquired"], "Signalbox", "queued", ()),  # the run stays as it is
        (
            ["run.started", "step.started"],
            "Signalbox",
            "running",
            ("run running", "previous running"),
        ),
        (
            ["step.finished", "step.started"],
            "Signalbox",
            "running",
            ("previous succeeded", "switch running"),
        ),
        (
            ["step.finished", "step.started"],
            "Signalbox",
            "running",
            ("switch succeeded", "health running"),
        ),
        (
            ["step.finished"],
            "Signalbox",
            "rolling back",
            ("run rolling back", "switch being undone", "health failed"),
        ),
        (
            ["step.compensated", "run.finished"],
            "Signalbox",
            "rolled back",
            ("run rolled back", "switch compensated"),
        ),
    ]


async def test_a_run_is_looked_up_at_any_event_of_the_log(world: World):
    await world.ask()  # another one: event 1
    run_id = await world.ask()  # event 2
    await world.work()
    entries = await world.store.read(lambda unit: unit.audit.of_run(run_id))

    def state(seq):
        return moment_at(replay(entries), seq, newest=99).state

    moments = list(replay(entries))
    assert state(moments[0].last.seq) == "planning"
    assert state(moments[1].events[0].seq - 1) == "planning"
    assert [state(event.seq) for event in moments[-1].events] == ["succeeded", "succeeded"]
    assert state(99) == "succeeded"
    with pytest.raises(NotTold, match="There is no event 100 yet: the newest is 99"):
        state(100)
    with pytest.raises(NotTold, match="no such run at event 1: event 2 is its first"):
        state(1)
    with pytest.raises(NotTold, match="no such run at event 1"):
        moment_at([], 1, newest=1)


async def test_rows_that_are_not_what_the_log_says_are_told(world: World):
    run_id = await world.ask()
    await world.work()
    run, steps, gates = await world.store.read(lambda unit: rows_of(unit, run_id))
    entries = await world.store.read(lambda unit: unit.audit.of_run(run_id))
    *_, last = replay(entries)
    changed = (replace(steps[0], detail="all is well", attempt=0), *steps[1:-1])

    assert disagreements(last, run, steps, gates) == []
    assert disagreements(last, replace(run, outcome="fine"), changed, gates) == [
        'outcome of the run is "fine", and not set in the log.',
        "There is no step health, and the log tells of one.",
        "attempt of step previous is not set, and 1 in the log.",
        'detail of step previous is "all is well", and not set in the log.',
    ]
    without = replace(last, gates={}, steps={"previous": last.steps["previous"]})
    assert disagreements(without, run, steps[:2], gates) == [
        "The log tells nothing of step switch."
    ]


async def test_what_began_before_the_log_told_is_not_made_up(world: World):
    run_id = await world.ask()
    await world.work()
    run = await world.run(run_id)
    first, *others = await world.store.read(lambda unit: unit.audit.of_run(run_id))
    first = replace(first, text=first.text.replace('"became"', '"else"'))

    before, *_, last = replay([first, *others])

    assert (before.is_whole, before.state, before.changes) == (False, "", ())
    assert (last.is_whole, last.state) == (False, "succeeded")
    assert last.changes == ("run succeeded", "health succeeded")
    for then in (before, last):
        with pytest.raises(NotTold, match="began before the log told"):
            run_then(then, run)


async def test_an_event_that_cannot_be_read_is_said(world: World):
    run_id = await world.ask()
    entries = await world.store.read(lambda unit: unit.audit.of_run(run_id))

    with pytest.raises(Refused, match="Event 1 cannot be read"):
        list(replay([replace(entries[0], text="{}")]))
