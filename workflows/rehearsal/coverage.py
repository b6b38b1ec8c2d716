"""What of a workflow its cases have reached: its ways, and which of them were gone.

A way is something that a run can do: a step that runs, both ends of an `if`, a retry that helps
and one that does not, an undo, each end of a gate. Which were gone is read from what became of
the steps and from the audit log, not from the definition's order, so that it holds for every
kind of step.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from domain.policy import GateKind
from domain.step import StepRun, StepState
from workflows.definition import Workflow
from workflows.rehearsal.case import Case
from workflows.rehearsal.nodes import is_of
from workflows.rehearsal.played import Happened, Played

_RAN = frozenset({StepState.RUNNING, StepState.SUCCEEDED, StepState.FAILED, StepState.COMPENSATED})

_GATE_ENDS: Mapping[GateKind, tuple[tuple[str, str], ...]] = {
    GateKind.NONE: (),
    GateKind.CONFIRM: (("confirmed", "approval.granted"), ("expired", "approval.expired")),
    GateKind.APPROVAL: (
        ("approved", "approval.granted"),
        ("rejected", "approval.rejected"),
        ("expired", "approval.expired"),
    ),
}
"""How a gate can end, and the event that says so."""


class Kind(StrEnum):
    """What kinds of ways there are."""

    STEP = "steps"
    BRANCH = "branches"
    RETRY = "retries"
    UNDO = "undo"
    GATE = "gates"


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """One thing that runs of a workflow can do, and the cases in which one did."""

    kind: Kind
    what: str  #: the step, or the gate
    how: str  #: "runs", "is undone"
    cases: tuple[str, ...] = ()

    @property
    def is_reached(self) -> bool:
        """Whether any case goes it."""
        return bool(self.cases)


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """All ways of one workflow."""

    workflow: str
    ways: tuple[Way, ...]

    @property
    def reached(self) -> int:
        """How many of them some case goes."""
        return sum(way.is_reached for way in self.ways)

    def of(self, kind: Kind) -> tuple[int, int]:
        """How many ways of *kind* some case goes, and how many there are."""
        ways = [way.is_reached for way in self.ways if way.kind is kind]
        return sum(ways), len(ways)

    @property
    def percent(self) -> int:
        """The same of a hundred, rounded down: 100 is all of them."""
        return self.reached * 100 // len(self.ways) if self.ways else 100


def coverage(workflow: Workflow, played: Iterable[tuple[Case, Played]]) -> Coverage:
    """The ways of *workflow*, with the cases that went them."""
    performed = list(played)
    kinds = dict.fromkeys(case.gate.kind for case, _ in performed)
    ways = [
        replace(way, cases=tuple(case.name for case, each in performed if goes(each)))
        for way, goes in (*_ways_of_steps(workflow), *_ways_of_gates(kinds))
    ]
    return Coverage(workflow=workflow.name, ways=tuple(ways))


_Goes = Callable[[Played], bool]


def _ways_of_steps(workflow: Workflow) -> Iterator[tuple[Way, _Goes]]:
    """What is done in a workflow that a step runs is for that one's own tests to reach."""
    for step in workflow.steps:
        name = step.name
        yield Way(kind=Kind.STEP, what=name, how="runs"), _any_of(name, _has_run)
        if step.condition is not None:
            # What lapses because the run failed before has no reason of its own.
            yield Way(kind=Kind.BRANCH, what=name, how="is left out"), _any_of(name, _is_left_out)
        if step.retry.attempts > 1:
            for how, outcome in (("succeeds", "ok"), ("is given up", "failed")):
                way = Way(kind=Kind.RETRY, what=name, how=f"is tried again, and {how}")
                yield way, _tried_again(name, outcome)
        if step.undo is not None:
            yield Way(kind=Kind.UNDO, what=name, how="is undone"), _any_of(name, _is_undone)
        asks = step.approve or (step.canary.approve if step.canary else None)
        for how, event in _GATE_ENDS[GateKind.APPROVAL] if asks else ():
            yield Way(kind=Kind.GATE, what=name, how=f"is {how}"), _at_gate_of(name, event)


def _ways_of_gates(kinds: Iterable[GateKind]) -> Iterator[tuple[Way, _Goes]]:
    """The ends of the gates that cases speak of: which there are is the policy's to say."""
    for kind in kinds:
        for how, event in _GATE_ENDS[kind]:
            what = f"gate ({kind.value})"
            yield Way(kind=Kind.GATE, what=what, how=how), _at_gate(kind, event)


def _has_run(step: StepRun) -> bool:
    is_asking = step.state is StepState.WAITING
    return is_asking or step.state in _RAN or step.started_at is not None


def _is_left_out(step: StepRun) -> bool:
    return step.state is StepState.SKIPPED and bool(step.detail)


def _is_undone(step: StepRun) -> bool:
    return step.state is StepState.COMPENSATED


def _any_of(name: str, is_so: Callable[[StepRun], bool]) -> _Goes:
    """Whether *is_so* of a step run of that step; one with `for_each` has several."""
    return lambda played: any(is_so(step) for step in played.steps if is_of(step.name, name))


def _tried_again(name: str, outcome: str) -> _Goes:
    """Whether the step was done with *outcome* at another attempt than its first."""
    return lambda played: any(
        each.type == "step.finished"
        and is_of(each.step, name)
        and each.outcome == outcome
        and each.attempt > 1
        for each in played.events
    )


def _at_gate(kind: GateKind, event: str) -> _Goes:
    """Whether the run's own gate ended with *event*."""
    return lambda played: (
        played.run.gate_rule.kind is kind
        and any(each.type == event and not _step_of(each, played) for each in played.events)
    )


def _at_gate_of(name: str, event: str) -> _Goes:
    """Whether a gate of the step ended with *event*."""
    return lambda played: any(
        each.type == event and is_of(_step_of(each, played), name) for each in played.events
    )


def _step_of(event: Happened, played: Played) -> str:
    """The step at whose gate *event* happened; empty for the run's own gate."""
    asked = (e for e in played.events if e.type == "approval.requested" and e.gate == event.gate)
    return next((each.step for each in asked), "")
