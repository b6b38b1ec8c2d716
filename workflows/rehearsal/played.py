"""What came of a case: the run and its steps, what was called, what people were told."""

from dataclasses import dataclass
from datetime import timedelta
import json

from domain.notice import Notice
from domain.run import Run
from domain.step import StepRun
from workflows.rehearsal.people import Complaint
from workflows.rehearsal.script import Call


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What people were told, and when."""

    notice: Notice
    at: timedelta  #: since the request


@dataclass(frozen=True, slots=True, kw_only=True)
class Happened:
    """An event of the audit log, as far as it matters here."""

    type: str  #: "step.finished"
    outcome: str
    step: str = ""
    attempt: int = 0
    gate: str = ""  #: its id


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """What came of a case."""

    run: Run  #: as it is in the end, or when it was looked at
    steps: tuple[StepRun, ...]
    calls: tuple[Call, ...]
    told: tuple[Told, ...]
    events: tuple[Happened, ...]  #: in order
    complaints: tuple[Complaint, ...]
    took: timedelta  #: virtual time since the request


def happened(text: str) -> Happened:
    """The event in *text*, which is CloudEvents JSON."""
    event = json.loads(text)
    data = event["data"]
    return Happened(
        type=str(event["type"]).removeprefix("signalbox."),
        outcome=str(data.get("outcome", "")),
        step=str(data.get("step", "")),
        attempt=int(data.get("attempt", 0)),
        gate=str(data.get("gate_id", "")),
    )
