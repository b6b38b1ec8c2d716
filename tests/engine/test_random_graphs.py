"""Random graphs that go wrong in random ways, and workers that die, agree with a small model.

What the model cannot know is how far the branches had come when one of them failed. So it is told
what the target has seen; all else follows: what is undone, in which order, and how the run ends.
"""

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
import os
from pathlib import Path
from shutil import copyfile
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import HealthCheck, given, settings, target
from hypothesis import strategies as st
import pytest

from domain.run import Run, RunState
from domain.step import StepRun, StepState
from storage.store import Store
from tests.engine.boxes import TRIES, Boxes, ask, with_boxes
from tests.engine.world import AUDIT_KEY, DEV, Clock, FakeQueue, Ids, Killed, World
from workflows.definition import Step, Workflow
from workflows.parts import Undo

EXAMPLES = int(os.environ.get("SIGNALBOX_GRAPHS", "120"))

_NAME = "signalbox.db"
_HARMLESS = st.sampled_from(["retry", "kill before", "kill after", "lost"])
_S, _R = StepState, RunState


@dataclass(frozen=True)
class Spec:
    """A step of a random graph."""

    name: str
    needs: tuple[str, ...]
    has_undo: bool
    is_always: bool
    trouble: tuple[str, ...]  #: what its attempts run into; it ends well unless the last is `fail`
    undo_trouble: tuple[str, ...]

    @property
    def fails(self) -> bool:
        return self.trouble[-1:] == ("fail",)

    @property
    def sticks(self) -> bool:
        return self.undo_trouble[-1:] == ("fail",)


@dataclass(frozen=True)
class Story:
    """A graph, and where somebody stops the run, if anybody does."""

    specs: tuple[Spec, ...]
    stopped_in: str  #: the step during which it is stopped; empty: nobody stops it
    takes_back: bool

    @property
    def workflow(self) -> Workflow:
        steps = (
            Step(
                name=each.name,
                title=each.name,
                uses="box.put@1",
                arguments={"box": each.name},
                needs=each.needs,
                retry=TRIES,
                undo=Undo(uses="box.out@1", arguments={"box": each.name})
                if each.has_undo
                else None,
                always=each.is_always,
            )
            for each in self.specs
        )
        return Workflow(
            name="go",
            title="Go",
            description="",
            command="go",
            inputs=(),
            lock="boxes",
            steps=tuple(steps),
        )


@st.composite
def stories(draw: st.DrawFn) -> Story:
    """Graphs of up to seven steps; what they need comes before them."""
    count = draw(st.integers(1, 7))
    specs: list[Spec] = []
    for number in range(count):
        is_always = draw(st.integers(0, 5)) == 0
        earlier = [each.name for each in specs if is_always or not each.is_always]
        needs = (
            draw(st.lists(st.sampled_from(earlier), unique=True, max_size=3)) if earlier else []
        )
        trouble = draw(st.lists(_HARMLESS, max_size=2))
        fails = draw(st.integers(0, 5)) == 0
        undo_trouble = draw(st.lists(_HARMLESS, max_size=2))
        sticks = draw(st.integers(0, 7)) == 0
        specs.append(
            Spec(
                name=f"s{number}",
                needs=tuple(needs),
                has_undo=not is_always and draw(st.booleans()),
                is_always=is_always,
                trouble=(*trouble, *(("fail",) if fails else ())),
                undo_trouble=(*undo_trouble, *(("fail",) if sticks else ())),
            )
        )
    normal = [each.name for each in specs if not each.is_always]
    is_stopped = bool(normal) and draw(st.integers(0, 3)) == 0
    stopped_in = draw(st.sampled_from(normal)) if is_stopped else ""
    return Story(tuple(specs), stopped_in, draw(st.booleans()))


# -- the model ----------------------------------------------------------------------------


@dataclass(frozen=True)
class Expected:
    """How a run must have ended, given what was done in it."""

    state: RunState
    steps: Mapping[str, StepState]
    undone: tuple[str, ...]


@dataclass(frozen=True)
class Seen:
    """What happened in a run."""

    done: tuple[str, ...]  #: the steps that had their effect, in the order of their ends
    refused: frozenset[str]  #: those that the target would not do
    waiting: frozenset[str]  #: those that waited for another attempt when nothing was to begin
    stopped: bool  #: whether somebody stopped it


def model(story: Story, seen: Seen) -> Expected:
    """How the run of *story* ends, if that is what happened."""
    by_name = {each.name: each for each in story.specs}
    refused = seen.refused - set(seen.done)  # else it is found to have happened before
    failed = {name for name in refused if not by_name[name].is_always}
    goes_back = story.takes_back if seen.stopped else bool(failed)
    to_undo = [name for name in reversed(seen.done) if by_name[name].has_undo and goes_back]
    undone: list[str] = []
    for name in to_undo:
        if by_name[name].sticks and not _undo_happens_first(by_name[name]):
            break
        undone.append(name)
    steps = {name: _state(name, seen, refused, undone) for name in by_name}
    if to_undo:
        state = _R.ROLLED_BACK if len(undone) == len(to_undo) else _R.ROLLBACK_FAILED
    elif seen.stopped:
        state = _R.CANCELLED
    else:
        state = _R.FAILED if refused else _R.SUCCEEDED
    return Expected(state, steps, tuple(undone))


def _undo_happens_first(spec: Spec) -> bool:
    """Whether the undo had its effect before it failed for good, so that reconcile finds it."""
    return any(token in {"kill after", "lost"} for token in spec.undo_trouble)


def _state(name: str, seen: Seen, refused: frozenset[str], undone: list[str]) -> StepState:
    if name in undone:
        return _S.COMPENSATED
    if name in seen.waiting:
        return _S.CANCELLED
    if name in seen.done:
        return _S.SUCCEEDED
    if name in refused:
        return _S.FAILED
    return _S.SKIPPED


# -- the engine ---------------------------------------------------------------------------


@dataclass(frozen=True)
class Ended:
    """What became of a run."""

    run: Run
    steps: tuple[StepRun, ...]
    boxes: Boxes
    locks: bool

    @property
    def states(self) -> Mapping[str, StepState]:
        """Those of steps that never began are alike: it depends on what came first."""
        return {
            step.name: step.state
            if step.attempt or step.state is not StepState.CANCELLED
            else StepState.SKIPPED
            for step in self.steps
        }


async def carry_out(story: Story, folder: Path) -> Ended:
    """The run of *story*, to its end, whoever dies on the way."""
    clock, ids = Clock(), Ids()
    store = Store.open(_url(folder), audit_key=AUDIT_KEY, clock=clock, ids=ids)
    try:
        world = World(store, clock, FakeQueue(clock), ids)
        boxes = with_boxes(world)
        for each in story.specs:
            boxes.on("put", each.name, *each.trouble)
            boxes.on("out", each.name, *each.undo_trouble)
        run_id = await ask(world, story.workflow)
        if story.stopped_in:

            async def stop() -> None:
                await world.store.transaction(
                    lambda unit: world.lifecycle.cancel(
                        unit, run_id, actor=DEV, takes_back=story.takes_back
                    )
                )

            boxes.script[("put", story.stopped_in)].appendleft(stop)
        await _work(world)
        run = await world.run(run_id)
        steps = await store.read(lambda unit: unit.steps.of(run_id))
        locks = await store.read(lambda unit: unit.locks.holder("boxes"))
        return Ended(run, steps, boxes, locks is not None)
    finally:
        store.close()


async def _work(world: World) -> None:
    until = world.clock.now() + timedelta(hours=1)
    while taken := world.queue.take(until=until):
        kind, work_id, args = taken
        while True:
            try:
                await world.worker.work[kind](work_id, *args)
            except Killed:
                world.worker = world.new_worker()
                continue
            break


def _acts(boxes: Boxes, act: str) -> Iterator[str]:
    return (box for each, box in boxes.done if each == act)


def _in_order_of_their_end(ended: Ended) -> tuple[str, ...]:
    put = set(_acts(ended.boxes, "put"))
    done = [step for step in ended.steps if step.name in put]
    order: Any = lambda step: (step.finished_at, step.position)  # noqa: E731
    return tuple(step.name for step in sorted(done, key=order))


@pytest.fixture(scope="module")
def template(tmp_path_factory) -> Path:
    """An empty database: to make its tables each time would take longer than the runs."""
    folder = tmp_path_factory.mktemp("empty")
    Store.open(_url(folder), audit_key=AUDIT_KEY, clock=Clock(), ids=Ids()).close()
    return folder / _NAME


def _url(folder: Path) -> str:
    return f"sqlite:///{folder / _NAME}"


def _refused(story: Story, boxes: Boxes) -> Iterator[str]:
    for spec in story.specs:
        if spec.fails and not boxes.script[("put", spec.name)]:
            yield spec.name


def _waiting(story: Story, ended: Ended) -> Iterator[str]:
    """Only what went wrong in passing can have waited, and only where the run did not succeed.

    A worker that died has left everything waiting.
    """
    killed = any("kill" in token for each in story.specs for token in each.trouble)
    in_passing = {
        each.name for each in story.specs if killed or {"retry", "lost"} & set(each.trouble)
    }
    for step in ended.steps:
        may_wait = step.name in in_passing and ended.run.state is not RunState.SUCCEEDED
        was_undone = step.state is StepState.COMPENSATED
        if may_wait and step.attempt and (step.state is StepState.CANCELLED or was_undone):
            yield step.name


@pytest.mark.timeout(600)
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(story=stories())
def test_the_engine_agrees_with_the_model(template: Path, story: Story):
    with TemporaryDirectory() as folder:
        copyfile(template, Path(folder) / template.name)
        ended = asyncio.run(carry_out(story, Path(folder)))

    run, boxes, states = ended.run, ended.boxes, ended.states
    done = _in_order_of_their_end(ended)
    tried = frozenset(step.name for step in ended.steps if step.attempt)
    seen = Seen(
        done=done,
        refused=frozenset(_refused(story, boxes)),
        waiting=frozenset(_waiting(story, ended)),
        stopped=run.cancelled_by is not None,
    )
    expected = model(story, seen)
    target(float(len(done)))
    assert (run.state, states) == (expected.state, expected.steps), run.outcome
    assert tuple(_acts(boxes, "out")) == expected.undone
    assert all(count == 1 for count in boxes.keys.values())
    assert not ended.locks
    for spec in story.specs:
        if spec.name in tried and not spec.is_always:
            assert all(need in done for need in spec.needs)
        if spec.is_always:
            assert spec.name in tried
    if run.state is RunState.SUCCEEDED:
        assert set(done) == {spec.name for spec in story.specs}
