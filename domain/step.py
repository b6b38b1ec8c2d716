"""One step of a run: its states, and how an attempt can end."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
import hashlib
from typing import Any


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


@dataclass(frozen=True, slots=True, kw_only=True)
class StepRun:
    """One execution of a step."""

    run_id: str
    name: str
    title: str
    position: int  #: in the order of the definition
    state: StepState = StepState.PENDING
    attempt: int = 0  #: attempts begun, undo ones not counted
    undo_attempt: int = 0  #: attempts begun at undoing it
    started_at: datetime | None = None
    finished_at: datetime | None = None
    due_at: datetime | None = None  #: for a waiting step: when it goes on
    output: Mapping[str, Any] | None = None  #: JSON; empty before success: it may have happened
    detail: str = ""  #: one sentence for the reader


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


@dataclass(frozen=True, slots=True)
class Fail:
    """It will not work; what was done is to be undone."""

    reason: str
    may_have_happened: bool = False  #: it was sent and no answer came


Outcome = Done | Retry | Fail


def idempotency_key(run_id: str, step: str, generation: int) -> str:
    """The key under which a target knows this effect: SHA-256, 64 hex digits.

    Retries and recovery keep it; undo and a re-run work under a new *generation*.
    """
    return hashlib.sha256(f"{run_id}\n{step}\n{generation}".encode()).hexdigest()
