"""The life of a run: which state follows which, on what event.

Everything that moves a run stands in `TRANSITIONS`; `docs/reference/run-states.md` and the
property tests are made from it. No clock, no database: the caller brings the event and stores
the state it gets back.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, NewType

from domain.actor import Actor, ObjectId
from domain.conversation import Conversation
from domain.errors import IllegalTransition
from domain.plan import Plan
from domain.policy import GateRule

RunId = NewType("RunId", str)
"""Eight base-32 characters that people can say, such as `k7f3q2ma`."""

RUN_ID_ALPHABET = "abcdefghijklmnopqrstuvwxyz234567"
RUN_ID_LENGTH = 8


class RunState(StrEnum):
    """Where a run stands."""

    PLANNING = "planning"  #: a worker looks at the live systems
    AWAITING_CONFIRMATION = "awaiting_confirmation"  #: the requester must say yes
    AWAITING_APPROVAL = "awaiting_approval"  #: others must say yes
    QUEUED = "queued"  #: may start when its lock is free
    RUNNING = "running"
    PAUSED = "paused"  #: between two steps, by hand
    ROLLING_BACK = "rolling_back"  #: a step failed; what was done is being undone
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    REJECTED = "rejected"
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    ROLLED_BACK = "rolled_back"
    ROLLBACK_FAILED = "rollback_failed"

    @property
    def is_final(self) -> bool:
        """Whether nothing can follow."""
        return not TRANSITIONS[self]

    @property
    def is_waiting_for_people(self) -> bool:
        """Whether a gate is open."""
        return self in {RunState.AWAITING_CONFIRMATION, RunState.AWAITING_APPROVAL}


class RunEvent(StrEnum):
    """What can happen to a run."""

    PLANNED_FREE = "planned_free"  #: the plan needs nobody's word
    PLANNED_CONFIRM = "planned_confirm"
    PLANNED_APPROVAL = "planned_approval"
    PLAN_FAILED = "plan_failed"
    CONFIRMED = "confirmed"
    APPROVED = "approved"
    REJECTED = "rejected"
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    DRIFTED = "drifted"  #: the world is no longer what was approved
    VOTES_VOIDED = "votes_voided"  #: somebody who approved might not do so any more
    ADMITTED = "admitted"  #: lock held, no drift
    FINISHED = "finished"
    STEP_FAILED = "step_failed"  #: and something was done that can be undone
    BROKEN = "broken"  #: a step failed and there is nothing to undo
    UNDONE = "undone"
    UNDO_FAILED = "undo_failed"
    PAUSED = "paused"
    RESUMED = "resumed"
    TAKEN_BACK = "taken_back"  #: stopped by somebody who wants undone what was done


_S, _E = RunState, RunEvent

TRANSITIONS: Mapping[RunState, Mapping[RunEvent, RunState]] = {
    _S.PLANNING: {
        _E.PLANNED_FREE: _S.QUEUED,
        _E.PLANNED_CONFIRM: _S.AWAITING_CONFIRMATION,
        _E.PLANNED_APPROVAL: _S.AWAITING_APPROVAL,
        _E.PLAN_FAILED: _S.FAILED,
        _E.CANCELLED: _S.CANCELLED,
    },
    _S.AWAITING_CONFIRMATION: {
        _E.CONFIRMED: _S.QUEUED,
        _E.EXPIRED: _S.EXPIRED,
        _E.CANCELLED: _S.CANCELLED,
    },
    _S.AWAITING_APPROVAL: {
        _E.APPROVED: _S.QUEUED,
        _E.REJECTED: _S.REJECTED,
        _E.EXPIRED: _S.EXPIRED,
        _E.CANCELLED: _S.CANCELLED,
    },
    _S.QUEUED: {
        _E.ADMITTED: _S.RUNNING,
        _E.DRIFTED: _S.PLANNING,
        _E.VOTES_VOIDED: _S.AWAITING_APPROVAL,
        _E.PLAN_FAILED: _S.FAILED,
        _E.CANCELLED: _S.CANCELLED,
    },
    _S.RUNNING: {
        _E.FINISHED: _S.SUCCEEDED,
        _E.STEP_FAILED: _S.ROLLING_BACK,
        _E.BROKEN: _S.FAILED,
        _E.CANCELLED: _S.CANCELLED,
        _E.PAUSED: _S.PAUSED,
        _E.TAKEN_BACK: _S.ROLLING_BACK,
    },
    _S.PAUSED: {
        _E.RESUMED: _S.RUNNING,
    },
    _S.ROLLING_BACK: {
        _E.UNDONE: _S.ROLLED_BACK,
        _E.UNDO_FAILED: _S.ROLLBACK_FAILED,
    },
    _S.SUCCEEDED: {},
    _S.FAILED: {},
    _S.REJECTED: {},
    _S.EXPIRED: {},
    _S.CANCELLED: {},
    _S.ROLLED_BACK: {},
    _S.ROLLBACK_FAILED: {},
}


def advance(state: RunState, event: RunEvent) -> RunState:
    """The state after *event*.

    Raises:
        IllegalTransition: *event* cannot happen in *state*.
    """
    try:
        return TRANSITIONS[state][event]
    except KeyError:
        raise IllegalTransition("run", state, event) from None


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One execution of a workflow."""

    id: RunId
    workflow: str  #: the definition's name
    title: str  #: "Deploy a service"
    definition: Mapping[str, Any]  #: pinned: the parsed YAML as it was when the run was asked for
    inputs: Mapping[str, str]
    reason: str  #: why, in the requester's words; may be empty
    requester: Actor
    conversation: Conversation
    gate_rule: GateRule  #: what the policy asked for when the run was requested
    state: RunState
    rev: int  #: counts plans: drift makes a new one
    generation: int  #: counts attempts at the whole: undo works under a generation of its own
    created_at: datetime
    plan: Plan | None = None
    lock: str | None = None
    outcome: str = ""  #: one sentence on how it ended, or why it waits
    cancelled_by: ObjectId | None = None  #: who asked to stop a running run
    takes_back: bool = False  #: whoever stopped it wants undone what was done
    paused_by: ObjectId | None = None  #: who asked it to stand still between two steps
    bell: int = 0  #: counts what happened to it from outside, for its carrier to look up
    repeats: RunId | None = None  #: the run whose results it goes on from
    policy_digest: str = ""  #: of the policy that permitted it; 64 hex digits
    repeats_from: str = ""  #: the step that is done again, with what needs it; empty: what failed
    carrier: str | None = None  #: the execution of a piece of work that carries it out, if any
    queued_at: datetime | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None
