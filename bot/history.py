"""A run's history in words: its moments, one line each, and what it was at one of them."""

from collections.abc import Iterator, Mapping
from datetime import UTC, tzinfo
import json
from typing import Any

from bot.run_views import gate_among
from cards.run import run_card
from cards.times import with_zone
from cards.view import RunView
from domain.run import Run
from storage.unit import UnitOfWork
from workflows.replay import Moment, gates_then, moment_at, replay, run_then, steps_then

_SAID_ANYHOW = "command.parsed"
"""What stands beside the events of all that people do, and tells no more than they."""


def timeline(unit: UnitOfWork, run: Run) -> list[str]:
    """The moments in which *run* became something else, oldest first, times in UTC.

    What was only tried, such as a vote of somebody who may not, is the audit log's to tell.
    """
    moments = replay(unit.audit.of_run(run.id))
    return [line(each) for each in moments if each.last.became]


def line(moment: Moment) -> str:
    """A moment in one line: event number, time, what happened, who, the run's state, changes."""
    last = moment.last
    types = [each.type for each in moment.events if each.type != _SAID_ANYHOW] or [last.type]
    at = last.at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    changes = f"({', '.join(moment.changes)})" if moment.changes else ""
    words = (at, " ".join(types), moment.by, moment.state, changes)
    return "  ".join([f"{last.seq:>6}", *(word for word in words if word)])


def listing(moment: Moment) -> Iterator[str]:
    """All that is known of the run at *moment*, a field a line."""
    yield from _fields("run", moment.run)
    for name in moment.step_names:
        yield from _fields(f"step {name}", moment.steps[name])
    for name, known in moment.gates.items():
        yield from _fields(f"gate {name}", known)


def card_then(unit: UnitOfWork, run: Run, seq: int, zone: tzinfo) -> dict[str, Any]:
    """The card of *run* as it was at event *seq*: history, so there is nothing to press.

    Raises:
        NotTold: what the run was is not known.
    """
    newest, _ = unit.audit.head()
    moment = moment_at(replay(unit.audit.of_run(run.id)), seq, newest=newest)
    then = run_then(moment, run)
    at = with_zone(moment.last.at, now=unit.now, zone=zone)
    note = f"History: this is what the run was at event {seq}, {at}."
    if then.plan is None and (digest := moment.run.get("plan_digest")):
        note += f" Its plan of then, {digest[:8]}, is not kept."
    seen = RunView(
        run=then,
        steps=steps_then(moment, run.id, unit.steps.of(run.id)),
        gate=gate_among(then, gates_then(moment, run.id)),
        waits=None,
        now=moment.last.at,
        zone=zone,
    )
    return run_card(seen, note=note)


def _fields(title: str, known: Mapping[str, Any]) -> Iterator[str]:
    yield title
    for name in sorted(known):
        value = known[name]
        yield f"  {name}: {value if isinstance(value, str) else json.dumps(value)}"
