"""What a test file says, as values: each case is one run, from the request to its end."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any

from domain.notice import NoticeKind
from domain.plan import ActionPlan
from domain.policy import NO_GATE, GateRule
from domain.run import RunState
from domain.step import StepState
from workflows.definition import Workflow
from workflows.yaml_source import Place, Source


class Failure(StrEnum):
    """How an action does not give what it should."""

    REFUSED = "refused"  #: it makes no sense: trying again changes nothing
    UNAVAILABLE = "unavailable"  #: it was not reached, so nothing has happened
    TIMEOUT = "timeout"  #: it says that it took too long; nothing has happened
    HANG = "hang"  #: it never answers, and is cut off; nothing has happened
    LOST = "lost"  #: it has happened, and the answer was lost
    BUG = "bug"  #: the connector breaks


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What an action answers to so many attempts."""

    gives: Mapping[str, Any] | None = None  #: its outputs; None where nothing is said of them
    fails: Failure | None = None  #: None: it succeeds
    says: str = ""  #: of a failure: the sentence
    takes: timedelta = timedelta()
    times: int = 1
    plan: ActionPlan | None = None  #: of a look for the plan: what it would do


Answers = Mapping[str, tuple[Answer, ...]]
"""By step, `undo <step>`, or action: one answer after the other; the last one stays. See `nodes`
for what steps are called."""

FINE = Answer()
"""What is answered where nothing is said: it succeeds, and gives nothing."""


class Verb(StrEnum):
    """What people do to a run."""

    APPROVE = "approve"
    REJECT = "reject"
    WITHDRAW = "withdraw"
    CONFIRM = "confirm"
    CANCEL = "cancel"
    PAUSE = "pause"
    RESUME = "resume"
    SKIP = "skip"
    LEAVE = "leave"  #: somebody is no member of any group from then on


@dataclass(frozen=True, slots=True, kw_only=True)
class Deed:
    """What somebody does, and when."""

    place: Place  #: where the file says so
    verb: Verb
    who: str
    after: timedelta = timedelta()  #: since the deed before, or since *during* began
    during: str = ""  #: the step that must be under way; empty for none
    step: str = ""  #: the step whose gate it is, or that is skipped; empty where none is meant
    takes_back: bool = False  #: of a cancel: what was done is undone
    comment: str = ""
    refused: str | None = None  #: what the refusal says; None where it is not refused


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectedCall:
    """An attempt that is expected."""

    name: str  #: a step, or `undo <step>`
    arguments: Mapping[str, Any] = field(default_factory=dict)  #: those that matter


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectedNotice:
    """Something that people are expected to be told."""

    kind: NoticeKind
    to: str = ""  #: the group or person that is called; empty: whoever
    at: timedelta | None = None  #: since the request; None: whenever
    says: str = ""  #: words that are in it


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What is expected to have happened; None, and what is not there, is not looked at."""

    state: RunState | None = None
    outcome: str | None = None  #: words of the sentence on how it ended
    steps: Mapping[str, StepState] = field(default_factory=dict)
    attempts: Mapping[str, int] = field(default_factory=dict)
    calls: tuple[ExpectedCall, ...] | None = None
    undone: tuple[str, ...] | None = None
    notices: tuple[ExpectedNotice, ...] | None = None
    took: timedelta | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One story: what is asked for, what is answered, who does what, and what comes of it."""

    name: str
    inputs: Mapping[str, str]  #: accepted
    requester: str
    gate: GateRule = NO_GATE
    people: Mapping[str, frozenset[str]] = field(default_factory=dict)  #: their groups
    answers: Answers = field(default_factory=dict)
    plans: Answers = field(default_factory=dict)  #: what looks for the plan find
    story: tuple[Deed, ...] = ()
    until: timedelta | None = None  #: when it is looked at; None: at its end
    expect: Expected = Expected()


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseFile:
    """The tests of one workflow."""

    path: Path
    source: Source
    workflow: Workflow
    cases: tuple[Case, ...]
