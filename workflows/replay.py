"""What a run was at any of its events: the fold of all that was told of it until then. Pure.

Every event about a run tells what became of it: see `storage/became.py`. Events that were
written before events told that are no ground to stand on: see `Moment.is_whole`.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
import json
from typing import Any

from domain.actor import ActorKind
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
    by_system: bool  #: Signalbox itself
    became: Mapping[str, Any]  #: what it told of the run; empty where it changed nothing


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """A run after *events*, which happened at once: in one transaction."""

    events: tuple[Happened, ...]
    run: Known = field(default_factory=dict)
    steps: Mapping[str, Known] = field(default_factory=dict)  #: by name
    gates: Mapping[str, Known] = field(default_factory=dict)  #: by id

    @property
    def last(self) -> Happened:
        """The last of its events, which tells what became of the run."""
        return self.events[-1]

    @property
    def by(self) -> str:
        """Who made it happen, by name: a person, if one had a hand in it."""
        return next((each.by for each in self.events if not each.by_system), self.last.by)

    @property
    def is_whole(self) -> bool:
        """Whether the run's events have told of it from its beginning: else much is unknown."""
        return "definition_digest" in self.run

    @property
    def state(self) -> str:
        """The run's state in words; empty where it is not known."""
        return _words(self.run.get("state", ""))

    @property
    def changes(self) -> tuple[str, ...]:
        """What became of the run, each in a few words: "switch running", "votes 1"."""
        return tuple(_changes(self.last.became, self.step_names))

    @property
    def step_names(self) -> tuple[str, ...]:
        """The names of its steps, in the order of the plan."""
        steps = self.steps
        return tuple(sorted(steps, key=lambda name: (steps[name].get("position", 0), name)))


def replay(entries: Iterable[Entry]) -> Iterator[Moment]:
    """The run at every moment of *entries*, which are all that the log has about it, in order.

    Raises:
        Refused: one of them cannot be read.
    """
    run: Known = {}
    steps: Mapping[str, Known] = {}
    gates: Mapping[str, Known] = {}
    silent: list[Happened] = []  # they have told nothing, so far
    for entry in entries:
        last = _happened(entry)
        silent.append(last)
        if not (told := last.became):
            continue
        before = len(silent) - told.get(EVENTS, 1)
        for event in silent[:before]:
            yield Moment(events=(event,), run=run, steps=steps, gates=gates)
        run = became.merged(run, told.get("run", {}))
        steps = _all_merged(steps, told.get("steps", {}))
        gates = _all_merged(gates, told.get("gates", {}))
        yield Moment(events=tuple(silent[before:]), run=run, steps=steps, gates=gates)
        silent = []
    for event in silent:
        yield Moment(events=(event,), run=run, steps=steps, gates=gates)


def moment_at(moments: Iterable[Moment], seq: int, *, newest: int) -> Moment:
    """The last of a run's *moments* that has begun at event *seq* of the log, whosever that is.

    *newest* is the number of the log's newest event.

    Raises:
        NotTold: nothing had happened to the run by then, or there is no such event yet.
    """
    if seq > newest:
        raise NotTold(f"There is no event {seq} yet: the newest is {newest}.")
    found = None
    for moment in moments:
        if found is not None and moment.events[0].seq > seq:
            break
        found = moment
    if found is None or found.events[0].seq > seq:
        first = f": event {found.events[0].seq} is its first" if found else ""
        raise NotTold(f"There was no such run at event {seq}{first}.")
    return found


def run_then(moment: Moment, run: Run) -> Run:
    """*run* as it was then; its plan is None if it had another one, which nobody keeps.

    Raises:
        NotTold: what it was is not known.
    """
    if not moment.is_whole:
        raise NotTold(
            f"Run {run.id} began before the log told what becomes of runs; what it was at"
            f" event {moment.last.seq} is not known.",
            hint=f"`audit {run.id}` lists what happened to it.",
        )
    return became.run_then(run, moment.run)


def steps_then(moment: Moment, run_id: str, now: Iterable[StepRun]) -> tuple[StepRun, ...]:
    """The run's steps as they were then; *now* are those that it has by now."""
    kept = {step.name: step for step in now}
    return tuple(
        became.step_then(run_id, name, moment.steps[name], kept.get(name))
        for name in moment.step_names
    )


def gates_then(moment: Moment, run_id: str) -> tuple[Gate, ...]:
    """The run's gates as they were then, in the order in which they were opened."""
    gates = (became.gate_then(run_id, name, known) for name, known in moment.gates.items())
    return tuple(sorted(gates, key=lambda gate: gate.opened_at))


def disagreements(
    moment: Moment, run: Run, steps: Sequence[StepRun], gates: Sequence[Gate]
) -> list[str]:
    """Where the rows are not what the log says that became of them, a sentence each."""
    stored_steps = {step.name: became.became(None, step) for step in steps}
    stored_gates = {gate.id: became.became(None, gate) for gate in gates}
    pairs = [
        ("the run", moment.run, became.became(None, run)),
        *_pairs("step", moment.steps, stored_steps),
        *_pairs("gate", moment.gates, stored_gates),
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
            by_system=data["actor"]["kind"] == ActorKind.SYSTEM,
            became=data.get(BECAME, {}),
        )
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise Refused(
            f"Event {entry.seq} cannot be read.", hint="Run `signalbox audit verify`."
        ) from error


def _changes(told: Mapping[str, Any], step_names: Iterable[str]) -> Iterator[str]:
    if state := told.get("run", {}).get("state"):
        yield f"run {_words(state)}"
    steps = told.get("steps", {})
    for name, step in [(name, steps[name]) for name in step_names if name in steps]:
        if step.get("state") not in {None, StepState.PENDING}:
            yield f"{name} {_words(step['state'])}"
        elif step.get("undo_attempt"):
            yield f"{name} being undone"
    for gate in told.get("gates", {}).values():
        if gate.get("state"):
            yield f"approval {_words(gate['state'])}"
        elif "votes" in gate:
            yield f"votes {len(gate['votes'] or ())}"


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
