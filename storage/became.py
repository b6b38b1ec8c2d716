"""What became of a run, its steps and its gates: the fields that changed, as an event tells them.

Whoever reads all events of a run knows what each of its rows held at any of them. What never
changes is left out: it stands in the row. So is what is large; a digest says which it was.
The inputs of a run are never told: what is secret in them is nobody's to read.
"""

from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields, replace
from datetime import UTC, datetime
from enum import Enum
import hashlib
import json
import re
from typing import Any

from domain.approval import Gate, GateState, HandOver, Vote
from domain.canonical import canonical
from domain.plan import Plan
from domain.policy import GateRule
from domain.run import Run, RunState
from domain.step import StepRun, StepState
from storage import codec
from storage.tracked import differences

MOST = 4096
"""How many bytes of JSON a value may take; of a larger one the digest is told."""

_NOT_TOLD = {
    Run: frozenset(
        {"id", "workflow", "title", "definition", "inputs", "reason", "requester"}
        | {"conversation", "gate_rule", "created_at", "bell"}
    ),
    StepRun: frozenset({"run_id", "name"}),
    Gate: frozenset({"id", "run_id"}),
}
"""What never changes; and the bell, which tells nothing but that something did."""

_STATES: Mapping[type, Callable[[str], Any]] = {
    Run: RunState,
    StepRun: StepState,
    Gate: GateState,
}
_DIGEST = "_digest"
_SECRET = re.compile(
    r'"[^"]*(passw|secret|token|credential|private|api.?key|authorization)[^"]*":', re.IGNORECASE
)
"""A name in JSON that sounds as if a secret stood behind it."""


def became(was: Run | StepRun | Gate | None, row: Run | StepRun | Gate) -> dict[str, Any]:
    """The fields of *row* that are not as they *were*, as JSON; all that it has if it is new.

    A field that has its default again is null. `plan_digest` and `output_digest` stand in the
    place of a plan, and of an output that is large or may hold a secret.
    """
    kinds = {each.name: each for each in fields(row)}
    names = frozenset(kinds) if was is None else differences(was, row)
    told: dict[str, Any] = {}
    for name in sorted(names - _NOT_TOLD[type(row)]):
        value = getattr(row, name)
        if name != "state" and value == kinds[name].default is not MISSING:
            if was is not None:
                told[name] = None
        else:
            key, said = _told(name, value)
            told[key] = said
    if was is None and isinstance(row, Run):
        told["definition_digest"] = _digest(row.definition)
    return told


def merged(known: Mapping[str, Any], told: Mapping[str, Any]) -> dict[str, Any]:
    """What is known of a row, and what `became` has told of it since."""
    newer = dict(known)
    for key, value in told.items():
        name = key.removesuffix(_DIGEST)
        for old in (name, name + _DIGEST):
            newer.pop(old, None)
        if value is not None:
            newer[key] = value
    return newer


def run_then(run: Run, known: Mapping[str, Any]) -> Run:
    """*run* as it was when *known* was all that had been told of it.

    Its plan is the one it has now, or None where it was another one.
    """
    plan = run.plan if run.plan and _plan_digest(run.plan) == known.get("plan_digest") else None
    told = [each for each in fields(run) if each.name not in _NOT_TOLD[Run] | {"plan"}]
    values = {each.name: each.default for each in told if each.default is not MISSING}
    return replace(run, plan=plan, **values | _values(Run, known))


def step_then(
    run_id: str, name: str, known: Mapping[str, Any], now: StepRun | None = None
) -> StepRun:
    """The step as it was when *known* was all that had been told of it.

    Of an output only the digest may be known: it is the one that the step has *now*, if that has
    the same digest, and else an empty one.
    """
    output: Mapping[str, Any] | None = {} if "output_digest" in known else None
    if now and now.output and _told("output", now.output)[1] == known.get("output_digest"):
        output = now.output
    return StepRun(run_id=run_id, name=name, **{"output": output} | _values(StepRun, known))


def gate_then(run_id: str, gate_id: str, known: Mapping[str, Any]) -> Gate:
    """The gate as it was when *known* was all that had been told of it."""
    return Gate(id=gate_id, run_id=run_id, **_values(Gate, known))


def _values(row: type[Run | StepRun | Gate], known: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a *row* in what is *known* of it."""
    names = {each.name for each in fields(row)}
    return {key: _read(row, key, value) for key, value in known.items() if key in names}


def _told(name: str, value: Any) -> tuple[str, Any]:
    """The key and the JSON under which *value* is told."""
    match value:
        case Plan():
            return name + _DIGEST, _plan_digest(value)
        case Mapping():
            return (name, value) if _may_be_told(value) else (name + _DIGEST, _digest(value))
        case GateRule():
            return name, codec.gate_rule_to_json(value)
        case Enum():
            return name, value.value
        case datetime():
            return name, value.astimezone(UTC).isoformat(timespec="microseconds")
        case tuple():
            return name, [_element(each) for each in value]
        case _:
            return name, value


def _read(row: type[Run | StepRun | Gate], name: str, value: Any) -> Any:
    """What `_told` has told as *value*."""
    match name:
        case "state":
            return _STATES[row](value)
        case "rule":
            return codec.gate_rule_from_json(value)
        case "votes":
            return tuple(map(codec.vote_from_json, value))
        case "handed_over":
            return tuple(map(codec.hand_over_from_json, value))
        case _ if name.endswith("_at"):
            return datetime.fromisoformat(value)
        case _:
            return value


def _element(value: Vote | HandOver) -> Mapping[str, Any]:
    return codec.vote_to_json(value) if isinstance(value, Vote) else codec.hand_over_to_json(value)


def _may_be_told(value: Mapping[str, Any]) -> bool:
    try:
        text = canonical(value)
    except ValueError:  # a huge integer, half a surrogate pair: no event can have it
        return False
    return len(text) <= MOST and not _SECRET.search(text)


def _plan_digest(plan: Plan) -> str:
    try:
        return plan.digest
    except ValueError:
        return _digest(codec.plan_to_json(plan))


def _digest(value: Any) -> str:
    """SHA-256 of *value*: as `domain.canonical` has it, or else of its JSON as Python has it."""
    try:
        text = canonical(value)
    except ValueError:
        text = json.dumps(value, sort_keys=True, default=dict)
    return hashlib.sha256(text.encode()).hexdigest()
