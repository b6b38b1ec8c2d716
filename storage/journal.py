"""What a transaction has changed of runs, so that each change stands in an audit event."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from domain.actor import system_actor
from domain.audit import Event
from domain.errors import UnknownRun
from domain.run import Run
from storage.became import became
from storage.gates import Gates
from storage.runs import Runs, Steps

BECAME = "became"
"""The key in an event's data that tells what became of its run."""

EVENTS = "events"
"""The key in it that tells for how many events it stands, this one the last, if for several."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What became of one run."""

    run: Run
    became: Mapping[str, Any]
    """`run`, `steps` by name, `gates` by id: those that changed; of a step that is gone, null."""

    @property
    def event(self) -> Event:
        """What tells of a change that no event was appended for."""
        run = self.run
        return Event(
            type="run.changed",
            actor=system_actor(run.requester.tenant),
            subject=f"run/{run.id}",
            outcome="ok",
            run_id=run.id,
            conversation_id=run.conversation.id,
        )


class Journal:
    """Watches the tables of runs, steps and gates."""

    def __init__(self, runs: Runs, steps: Steps, gates: Gates) -> None:
        self._runs = runs
        self._steps = steps
        self._gates = gates

    def changes(self) -> Iterator[Change]:
        """What has changed since this was last asked, run by run."""
        found: dict[str, dict[str, Any]] = {}
        for run_id, run_was, run in self._runs.news():
            if run is not None and (told := became(run_was, run)):
                found.setdefault(run_id, {})["run"] = told
        for (run_id, name), step_was, step in self._steps.news():
            new = None if step is None else became(step_was, step)
            if new != {}:
                found.setdefault(run_id, {}).setdefault("steps", {})[name] = new
        for gate_id, gate_was, gate in self._gates.news():
            if gate is not None and (told := became(gate_was, gate)):
                found.setdefault(gate.run_id, {}).setdefault("gates", {})[gate_id] = told
        for run_id, changed in found.items():
            changed_run = self._runs.get(run_id)
            if changed_run is None:
                raise UnknownRun(run_id)
            yield Change(run=changed_run, became=changed)
