"""What is to be done next in a run: a function of its rows, and of nothing else.

A run goes through up to three stretches. First what the workflow says, every step as soon as what
it needs is done. Where one failed, or somebody stopped the run, nothing new begins; what is under
way ends; and what was done is taken back, the last thing first. At the end come the steps that
are done always.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from domain.plan import Node
from domain.run import Run, RunEvent, RunState
from domain.step import StepRun, StepState

AT_ONCE = 20
"""How many steps of one run are under way at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Graph:
    """The nodes of a run, in their order, and what is special about some."""

    nodes: tuple[Node, ...]
    always: frozenset[str] = frozenset()  #: done at the end
    undoable: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Frontier:
    """What is to be done now. All of it may be empty: then others have to end first."""

    ready: tuple[Node, ...] = ()  #: to begin, to begin again, or to look at once more
    lapsed: tuple[Node, ...] = ()  #: not to be done any more
    undo: Node | None = None
    until: datetime | None = None  #: when something is due that is not yet
    event: RunEvent | None = None  #: what happens to the run as a whole

    @property
    def is_empty(self) -> bool:
        """Whether nothing is to be done now."""
        return not (self.ready or self.lapsed or self.undo or self.event)


def frontier(
    graph: Graph,
    run: Run,
    steps: Mapping[str, StepRun],
    *,
    now: datetime,
    going: Collection[str] = (),
    is_held: bool = False,
) -> Frontier:
    """What is to be done next in *run*.

    *going* are the nodes that its carrier has under way. *is_held*: nothing new may begin.
    """
    return _Look(graph, run, steps, now, frozenset(going), is_held).frontier()


def to_undo(graph: Graph, steps: Mapping[str, StepRun]) -> list[Node]:
    """What is to be taken back, the last thing first: what has had its effect, or may have."""
    done = [
        (steps[node.name].finished_at, place, node)
        for place, node in enumerate(graph.nodes)
        if node.name in graph.undoable and not node.done_in and _may_stand(steps[node.name])
    ]
    return [node for _, _, node in sorted(done, key=_latest, reverse=True)]


def _latest(done: tuple[datetime | None, int, Node]) -> tuple[str, int]:
    at, place, _ = done
    return (at.isoformat() if at else "", place)


def _may_stand(step: StepRun) -> bool:
    undone = {StepState.SUCCEEDED, StepState.FAILED, StepState.CANCELLED}
    return step.state in undone and step.output is not None


@dataclass(frozen=True, slots=True)
class _Look:
    """One look at a run."""

    graph: Graph
    run: Run
    steps: Mapping[str, StepRun]
    now: datetime
    going: frozenset[str]
    is_held: bool
    busy_lanes: dict[str, set[int]] = field(default_factory=dict)
    met: dict[str, bool] = field(default_factory=dict)
    needs: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def frontier(self) -> Frontier:
        self.needs.update((node.name, node.needs) for node in self.graph.nodes)
        if self.run.state not in {RunState.RUNNING, RunState.ROLLING_BACK}:
            return Frontier()
        if self._is_stopping():
            return self._stop()
        if self.run.paused_by is not None:
            return self._pause()
        found = self._begin(self._normal())
        if found.ready or self._are_open(self._normal()):
            return found
        return self._end(RunEvent.FINISHED)

    # -- forward --------------------------------------------------------------------------

    def _normal(self) -> list[Node]:
        return [node for node in self.graph.nodes if node.name not in self.graph.always]

    def _begin(self, nodes: list[Node]) -> Frontier:
        """What of *nodes* may begin, and when the next of them is due."""
        if self.is_held:
            return Frontier()
        self._count_lanes()
        ready: list[Node] = []
        dues: list[datetime] = []
        room = AT_ONCE - len(self.going)
        for node in nodes:
            step = self.steps[node.name]
            if step.state is StepState.WAITING and step.due_at and step.due_at > self.now:
                dues.append(step.due_at)
            elif len(ready) < room and self._may_begin(node, step):
                ready.append(node)
                self._take_lanes(node)
        return Frontier(ready=tuple(ready), until=min(dues, default=None))

    def _may_begin(self, node: Node, step: StepRun) -> bool:
        match step.state:
            case StepState.RUNNING:
                return node.name not in self.going
            case StepState.WAITING:
                return step.due_at is not None
            case StepState.PENDING:
                return self._needs_are_met(node) and self._has_lane(node)
            case _:
                return False

    def _needs_are_met(self, node: Node) -> bool:
        if node.name in self.graph.always:  # of these, only the order counts
            others = (need for need in node.needs if need in self.graph.always)
            return all(self.steps[need].state.is_settled for need in others)
        return all(map(self._is_met, node.needs))

    def _is_met(self, name: str) -> bool:
        """Whether what needs the node may begin: one that is left out passes on what it needs."""
        if name not in self.met:
            state = self.steps[name].state
            is_left_out = state is StepState.SKIPPED and name in self.needs
            self.met[name] = state is StepState.SUCCEEDED or (
                is_left_out and all(map(self._is_met, self.needs[name]))
            )
        return self.met[name]

    # -- lanes ----------------------------------------------------------------------------

    def _count_lanes(self) -> None:
        """Which of several alike are begun and not ended, by the step that fans out."""
        begun: dict[tuple[str, int], list[StepState]] = {}
        for node in self.graph.nodes:
            for lane in node.lanes:
                begun.setdefault((lane.of, lane.index), []).append(self.steps[node.name].state)
        for (of, index), states in begun.items():
            is_begun = any(state is not StepState.PENDING for state in states)
            if is_begun and not all(state.is_settled for state in states):
                self.busy_lanes.setdefault(of, set()).add(index)

    def _has_lane(self, node: Node) -> bool:
        return all(
            lane.index in busy or len(busy) < lane.at_once
            for lane in node.lanes
            for busy in (self.busy_lanes.get(lane.of, set()),)
        )

    def _take_lanes(self, node: Node) -> None:
        for lane in node.lanes:
            self.busy_lanes.setdefault(lane.of, set()).add(lane.index)

    # -- standing still, and stopping -----------------------------------------------------

    def _pause(self) -> Frontier:
        """Nothing begins; a step whose process died is begun again, to know where it stands."""
        again = self._again()
        if again or self.going:
            return Frontier(ready=self._let(again))
        return Frontier(event=RunEvent.PAUSED)

    def _is_stopping(self) -> bool:
        is_back = self.run.state is RunState.ROLLING_BACK
        return is_back or self.run.cancelled_by is not None or any(self._failed())

    def _failed(self) -> Iterator[Node]:
        return (n for n in self._normal() if self.steps[n.name].state is StepState.FAILED)

    def _stop(self) -> Frontier:
        unbegun = {StepState.PENDING, StepState.WAITING}
        lapsed = tuple(n for n in self._normal() if self.steps[n.name].state in unbegun)
        again = self._again()
        if lapsed or again:
            return Frontier(ready=self._let(again), lapsed=lapsed)
        if self.run.state is RunState.RUNNING:
            if self.going:
                return Frontier()
            wants = self.run.takes_back or self.run.cancelled_by is None
            if wants and to_undo(self.graph, self.steps):
                taken_back = self.run.cancelled_by is not None
                return Frontier(event=RunEvent.TAKEN_BACK if taken_back else RunEvent.STEP_FAILED)
            is_stopped = self.run.cancelled_by is not None
            return self._end(RunEvent.CANCELLED if is_stopped else RunEvent.BROKEN)
        return self._take_back()

    def _let(self, nodes: tuple[Node, ...]) -> tuple[Node, ...]:
        """*nodes*, where they may begin now."""
        return () if self.is_held else nodes

    def _again(self) -> tuple[Node, ...]:
        """The steps that are under way and nobody has: their process died."""
        return tuple(
            node
            for node in self._normal()
            if self.steps[node.name].state is StepState.RUNNING and node.name not in self.going
        )

    def _take_back(self) -> Frontier:
        if self.going:
            return Frontier()
        stuck = any(step.stuck for step in self.steps.values())
        for node in () if stuck else to_undo(self.graph, self.steps):
            due = self.steps[node.name].due_at
            if self.is_held:
                return Frontier()
            if due is not None and due > self.now:
                return Frontier(until=due)
            return Frontier(undo=node)
        return self._end(RunEvent.UNDO_FAILED if stuck else RunEvent.UNDONE)

    # -- the end --------------------------------------------------------------------------

    def _end(self, event: RunEvent) -> Frontier:
        """What is done always, and then *event*."""
        last = [node for node in self.graph.nodes if node.name in self.graph.always]
        found = self._begin(last)
        if found.ready or self._are_open(last):
            return found
        failed = any(self.steps[node.name].state is StepState.FAILED for node in last)
        if failed and event is RunEvent.FINISHED:
            event = RunEvent.BROKEN
        return Frontier(event=event)

    def _are_open(self, nodes: list[Node]) -> bool:
        return not all(self.steps[node.name].state.is_settled for node in nodes)
