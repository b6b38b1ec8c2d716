"""What a run card is made from."""

from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Literal

from domain.approval import Gate
from domain.lock import Halt, Line
from domain.run import Run
from domain.step import StepRun


@dataclass(frozen=True, slots=True, kw_only=True)
class Waits:
    """What keeps a queued run from starting."""

    line: Line  #: the lock or the group that it waits for
    holders: tuple[Run, ...] = ()  #: the runs that have it


@dataclass(frozen=True, slots=True, kw_only=True)
class RunView:
    """A run as it stands at *now*, with all that its card tells about it."""

    run: Run
    steps: tuple[StepRun, ...]
    gate: Gate | None  #: the latest gate, with its votes; None before one was opened
    waits: Waits | None  #: what the run waits for, while it is queued; None: nothing
    now: datetime
    zone: tzinfo  #: for times that people read
    halt: Halt | None = None  #: the one in force, while that keeps the run back
    console_url: str = ""  #: the run's page; empty until there is one


@dataclass(frozen=True, slots=True, kw_only=True)
class Button:
    """Something to press: a command, proven by its token to have been offered by us."""

    title: str  #: a verb, at most 20 characters
    verb: str  #: the command's name
    token: str  #: opaque and signed
    style: Literal["default", "positive", "destructive"] = "default"
    comment: Literal["none", "optional", "required"] = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class Refresh:
    """Makes clients ask for a view of their own, and nobody need press for it."""

    verb: str
    token: str
    user_ids: tuple[str, ...] | None
    """Teams ids; at most 60 are kept. None: left out, and everybody in a small chat refreshes."""
