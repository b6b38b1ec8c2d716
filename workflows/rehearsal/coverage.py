"""What of a workflow its cases have reached: its ways, and which of them were gone.

A way is something that a run can do: a step that runs, both ends of an `if`, a retry that helps
and one that does not, an undo, each end of a gate. Which were gone is read from what became of
the steps and from the audit log, not from the definition's order, so that it holds for every
kind of step.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from domain.policy import GateKind
from domain.run import RunState
from domain.step import StepRun, StepState
from workflows.definition import Workflow
from workflows.rehearsal.case import Case
from workflows.rehearsal.stage import Played

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
    for pinned in workflow.pinned["steps"]:
        name = pinned["name"]
        yield (
            Way(kind=Kind.STEP, what=name, how="runs"),
            _any_of(name, lambda step: step.state in _RAN),
        )
        if _says(pinned, "if"):
            yield Way(kind=Kind.BRANCH, what=name, how="is left out"), _left_out(name)
        if (pinned.get("retry") or {}).get("attempts", 1) > 1:
            yield (
                Way(kind=Kind.RETRY, what=name, how="is tried again, and succeeds"),
                _tried_again(name, "ok"),
            )
            yield (
                Way(kind=Kind.RETRY, what=name, how="is tried again, and is given up"),
                _tried_again(name, "failed"),
            )
        if _says(pinned, "undo"):
            is_undone = _any_of(name, lambda step: step.state is StepState.COMPENSATED)
            yield Way(kind=Kind.UNDO, what=name, how="is undone"), is_undone


def _ways_of_gates(kinds: Iterable[GateKind]) -> Iterator[tuple[Way, _Goes]]:
    """The ends of the gates that cases speak of: which there are is the policy's to say."""
    for kind in kinds:
        for how, event in _GATE_ENDS[kind]:
            yield Way(kind=Kind.GATE, what=f"gate ({kind.value})", how=how), _at_gate(kind, event)


def _any_of(name: str, is_so: Callable[[StepRun], bool]) -> _Goes:
    """Whether *is_so* of a step run of that name; a step of several runs has several."""
    return lambda played: any(is_so(step) for step in played.steps if _base(step.name) == name)


def _left_out(name: str) -> _Goes:
    """Whether the step was passed over; in a run that fails all that is left is, too."""
    skipped = _any_of(name, lambda step: step.state is StepState.SKIPPED)
    return lambda played: played.run.state is RunState.SUCCEEDED and skipped(played)


def _tried_again(name: str, outcome: str) -> _Goes:
    """Whether the step was done with *outcome* at another attempt than its first."""
    return lambda played: any(
        each.type == "step.finished"
        and _base(each.step) == name
        and each.outcome == outcome
        and each.attempt > 1
        for each in played.events
    )


def _at_gate(kind: GateKind, event: str) -> _Goes:
    return lambda played: (
        played.run.gate_rule.kind is kind and any(each.type == event for each in played.events)
    )


def _base(name: str) -> str:
    """The step of the definition that the step run *name* is of: `roll` for `roll[2]/switch`."""
    return name.partition("[")[0].partition("/")[0]


def _says(pinned: Mapping[str, Any], key: str) -> bool:
    return pinned.get(key) not in (None, "", [], {})
