"""One step of a run: its states, which follows which, and how an attempt can end."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
import hashlib
from typing import Any

from domain.errors import IllegalTransition


class StepState(StrEnum):
    """Where a step run stands."""

    PENDING = "pending"
    RUNNING = "running"
    WAITING = "waiting"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    SKIPPED = "skipped"
    CANCELLED = "cancelled"
    COMPENSATED = "compensated"  #: done, and undone again

    @property
    def is_done(self) -> bool:
        """Whether what needs this step may start."""
        return self in {StepState.SUCCEEDED, StepState.SKIPPED}

    @property
    def is_settled(self) -> bool:
        """Whether nothing more is to be done in it; it may still be undone."""
        return self not in {StepState.PENDING, StepState.RUNNING, StepState.WAITING}


class StepEvent(StrEnum):
    """What can happen to a step run."""

    BEGUN = "begun"  #: an attempt begins
    PAUSED = "paused"  #: it waits: for a time, a condition, people, or its next attempt
    DONE = "done"
    FAILED = "failed"
    SKIPPED = "skipped"  #: its condition does not hold, or somebody leaves it out
    CANCELLED = "cancelled"  #: the run was stopped before it ended
    UNDONE = "undone"


_S, _E = StepState, StepEvent

STEP_TRANSITIONS: Mapping[StepState, Mapping[StepEvent, StepState]] = {
    _S.PENDING: {
        _E.BEGUN: _S.RUNNING,
        _E.PAUSED: _S.WAITING,
        _E.DONE: _S.SUCCEEDED,
        _E.FAILED: _S.FAILED,
        _E.SKIPPED: _S.SKIPPED,
        _E.CANCELLED: _S.CANCELLED,
    },
    _S.RUNNING: {
        _E.BEGUN: _S.RUNNING,
        _E.PAUSED: _S.WAITING,
        _E.DONE: _S.SUCCEEDED,
        _E.FAILED: _S.FAILED,
        _E.CANCELLED: _S.CANCELLED,
    },
    _S.WAITING: {
        _E.BEGUN: _S.RUNNING,
        _E.DONE: _S.SUCCEEDED,
        _E.FAILED: _S.FAILED,
        _E.SKIPPED: _S.SKIPPED,
        _E.CANCELLED: _S.CANCELLED,
    },
    _S.SUCCEEDED: {_E.UNDONE: _S.COMPENSATED},
    _S.FAILED: {_E.UNDONE: _S.COMPENSATED},
    _S.SKIPPED: {},
    _S.CANCELLED: {_E.UNDONE: _S.COMPENSATED},
    _S.COMPENSATED: {},
}
"""A step whose process died is begun again while it is `running`; a failed or cancelled one is
undone where its effect may be there all the same."""


def advance_step(state: StepState, event: StepEvent) -> StepState:
    """The state after *event*.

    Raises:
        IllegalTransition: *event* cannot happen in *state*.
    """
    try:
        return STEP_TRANSITIONS[state][event]
    except KeyError:
        raise IllegalTransition("step", state, event) from None


@dataclass(frozen=True, slots=True, kw_only=True)
class StepRun:
    """One execution of a step."""

    run_id: str
    name: str
    title: str
    position: int  #: in the order of the definition
    state: StepState = StepState.PENDING
    attempt: int = 0  #: attempts begun, undo ones not counted
    lost: int = 0  #: those of them that ended with their process, which says nothing of the step
    undo_attempt: int = 0  #: attempts begun at undoing it
    started_at: datetime | None = None
    finished_at: datetime | None = None
    due_at: datetime | None = None  #: for a waiting step: when it goes on
    output: Mapping[str, Any] | None = None  #: JSON; empty before success: it may have happened
    detail: str = ""  #: one sentence for the reader
    stuck: str = ""  #: why it could not be undone; empty unless that was tried to the last


@dataclass(frozen=True, slots=True)
class Done:
    """It worked; *output* is recorded and never computed again."""

    output: Mapping[str, Any]
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Retry:
    """It may work later."""

    reason: str
    after: timedelta
    may_have_happened: bool = False  #: it was sent and no answer came
    because: str = "unavailable"  #: `unavailable`, or `timeout`: what a step may be retried on


@dataclass(frozen=True, slots=True)
class Fail:
    """It will not work; what was done is to be undone."""

    reason: str
    may_have_happened: bool = False  #: it was sent and no answer came


@dataclass(frozen=True, slots=True)
class NotYet:
    """It was looked at, and what is waited for is not so; it is looked at again."""

    detail: str


@dataclass(frozen=True, slots=True)
class Later:
    """It was not tried: its turn has not come. That is no attempt."""

    reason: str
    after: timedelta


Outcome = Done | Retry | Fail | NotYet | Later


def idempotency_key(run_id: str, step: str, generation: int) -> str:
    """The key under which a target knows this effect: SHA-256, 64 hex digits.

    Retries and recovery keep it; undo and a re-run work under a new *generation*.
    """
    return hashlib.sha256(f"{run_id}\n{step}\n{generation}".encode()).hexdigest()
