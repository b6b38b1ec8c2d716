"""What a run was at any of its events: the fold of all that was told of it until then. Pure.

Every event about a run tells what became of it: see `storage/became.py`. Events that were
written before events told that are no ground to stand on: see `Snapshot.is_whole`.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
import json
from typing import Any

from domain.approval import Gate
from domain.audit import Entry
from domain.errors import Refused
from domain.run import Run
from domain.step import StepRun, StepState
from storage import became
from storage.journal import BECAME, EVENTS

Known = Mapping[str, Any]
"""What is known of a row, field by field, as JSON. A field with its default is left out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Happened:
    """An event about a run."""

    seq: int
    at: datetime
    type: str  #: "step.finished"
    by: str  #: who, by name
    became: Mapping[str, Any]  #: what it told of the run; empty where it changed nothing

    @property
    def in_words(self) -> Iterator[str]:
        """What it changed, each in a few words: "switch running", "approvals 1"."""
        if state := self.became.get("run", {}).get("state"):
            yield f"run {_words(state)}"
        for name, told in self.became.get("steps", {}).items():
            if told is None:
                yield f"{name} gone"
            elif told.get("state") not in {None, StepState.PENDING}:
                yield f"{name} {_words(told['state'])}"
            elif told.get("undo_attempt"):
                yield f"{name} being undone"
        for told in self.became.get("gates", {}).values():
            if told.get("state"):
                yield f"approval {_words(told['state'])}"
            elif "votes" in told:
                yield f"votes {len(told['votes'] or ())}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """A run after *last*."""

    last: Happened
    run: Known = field(default_factory=dict)
    steps: Mapping[str, Known] = field(default_factory=dict)  #: by name
    gates: Mapping[str, Known] = field(default_factory=dict)  #: by id, as they were opened

    @property
    def is_whole(self) -> bool:
        """Whether its events have told it from the beginning: else something is unknown."""
        return "definition_digest" in self.run

    @property
    def state(self) -> str:
        """The run's state in words; empty where it is not known."""
        return _words(self.run.get("state", ""))


def replay(entries: Iterable[Entry]) -> Iterator[Snapshot]:
    """The run after each of *entries*, which are all that the log has about it, in order.

    The events of one transaction are one moment: after each of them the run is what the last
    one tells.

    Raises:
        Refused: one of them cannot be read.
    """
    run: Known = {}
    steps: dict[str, Known] = {}
    gates: dict[str, Known] = {}
    silent: list[Happened] = []  # they have told nothing, so far
    for entry in entries:
        last = _happened(entry)
        told = last.became
        if not told:
            silent.append(last)
            continue
        before = len(silent) - told.get(EVENTS, 1) + 1
        yield from (Snapshot(last=e, run=run, steps=steps, gates=gates) for e in silent[:before])
        run = became.merged(run, told.get("run", {}))
        steps = _all_merged(steps, told.get("steps", {}))
        gates = _all_merged(gates, told.get("gates", {}))
        moment = [*silent[before:], last]
        yield from (Snapshot(last=e, run=run, steps=steps, gates=gates) for e in moment)
        silent = []
    yield from (Snapshot(last=e, run=run, steps=steps, gates=gates) for e in silent)


def run_then(snapshot: Snapshot, run: Run) -> Run:
    """*run* as it was then; its plan is None if it had another one, which nobody keeps.

    Raises:
        NotTold: what it was is not known.
    """
    if not snapshot.is_whole:
        raise NotTold(
            f"Run {run.id} began before the log told what becomes of runs; what it was at"
            f" event {snapshot.last.seq} is not known.",
            hint=f"`audit {run.id}` lists what happened to it.",
        )
    return became.run_then(run, snapshot.run)


def steps_then(snapshot: Snapshot, run_id: str, now: Iterable[StepRun]) -> tuple[StepRun, ...]:
    """The run's steps as they were then; *now* are those that it has by now."""
    kept = {step.name: step for step in now}
    steps = (
        became.step_then(run_id, name, known, kept.get(name))
        for name, known in snapshot.steps.items()
    )
    return tuple(sorted(steps, key=lambda step: (step.position, step.name)))


def gates_then(snapshot: Snapshot, run_id: str) -> tuple[Gate, ...]:
    """The run's gates as they were then, in the order in which they were opened."""
    gates = (became.gate_then(run_id, name, known) for name, known in snapshot.gates.items())
    return tuple(sorted(gates, key=lambda gate: gate.opened_at))


def disagreements(
    snapshot: Snapshot, run: Run, steps: Sequence[StepRun], gates: Sequence[Gate]
) -> list[str]:
    """Where the rows are not what the log says that became of them, a sentence each."""
    stored_steps = {step.name: became.became(None, step) for step in steps}
    stored_gates = {gate.id: became.became(None, gate) for gate in gates}
    pairs = [
        ("the run", snapshot.run, became.became(None, run)),
        *_pairs("step", snapshot.steps, stored_steps),
        *_pairs("gate", snapshot.gates, stored_gates),
    ]
    return [sentence for what, told, row in pairs for sentence in _differences(what, told, row)]


class NotTold(Refused):
    """The log does not say what was asked of it."""


def _happened(entry: Entry) -> Happened:
    try:
        cloud = json.loads(entry.text)
        data = cloud["data"]
        return Happened(
            seq=entry.seq,
            at=datetime.fromisoformat(cloud["time"]),
            type=cloud["type"].removeprefix("signalbox."),
            by=data["actor"]["name"],
            became=data.get(BECAME, {}),
        )
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise Refused(
            f"Event {entry.seq} cannot be read.", hint="Run `signalbox audit verify`."
        ) from error


def _all_merged(known: Mapping[str, Known], told: Mapping[str, Known]) -> dict[str, Known]:
    newer = {name: became.merged(known.get(name, {}), each) for name, each in told.items() if each}
    return {name: each for name, each in {**known, **newer}.items() if told.get(name, each)}


def _pairs(
    kind: str, told: Mapping[str, Known], stored: Mapping[str, Known]
) -> Iterator[tuple[str, Known, Known]]:
    for name in sorted({*told, *stored}):
        yield f"{kind} {name}", told.get(name, {}), stored.get(name, {})


def _differences(what: str, told: Known, row: Known) -> Iterator[str]:
    if not row:
        yield f"There is no {what}, and the log tells of one."
    elif not told:
        yield f"The log tells nothing of {what}."
    else:
        for key in sorted({*told, *row}):
            if told.get(key) != row.get(key):
                stored, said = _shown(row.get(key)), _shown(told.get(key))
                yield f"{key} of {what} is {stored}, and {said} in the log."


def _words(state: str) -> str:
    return state.replace("_", " ")


def _shown(value: Any) -> str:
    return "not set" if value is None else json.dumps(value)
