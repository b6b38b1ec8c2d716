"""Votes at a gate: who counts, and what the votes add up to."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from domain.actor import Actor, ObjectId, Person
from domain.errors import BadArguments, IllegalTransition, NotNow, NotPermitted
from domain.policy import GateKind, GateRule


class GateState(StrEnum):
    """Where an approval request stands."""

    OPEN = "open"
    APPROVED = "approved"
    REJECTED = "rejected"
    EXPIRED = "expired"
    SUPERSEDED = "superseded"
    CANCELLED = "cancelled"


class GateEvent(StrEnum):
    """What can happen to an approval request."""

    APPROVED = "approved"
    REJECTED = "rejected"
    EXPIRED = "expired"
    SUPERSEDED = "superseded"  #: the plan it was opened for has drifted
    CANCELLED = "cancelled"
    VOIDED = "voided"  #: votes that let the run through do not count any more


_S, _E = GateState, GateEvent

GATE_TRANSITIONS: Mapping[GateState, Mapping[GateEvent, GateState]] = {
    _S.OPEN: {
        _E.APPROVED: _S.APPROVED,
        _E.REJECTED: _S.REJECTED,
        _E.EXPIRED: _S.EXPIRED,
        _E.SUPERSEDED: _S.SUPERSEDED,
        _E.CANCELLED: _S.CANCELLED,
    },
    _S.APPROVED: {_E.VOIDED: _S.OPEN, _E.SUPERSEDED: _S.SUPERSEDED},
    _S.REJECTED: {},
    _S.EXPIRED: {},
    _S.SUPERSEDED: {},
    _S.CANCELLED: {},
}


def advance_gate(state: GateState, event: GateEvent) -> GateState:
    """The state after *event*.

    Raises:
        IllegalTransition: *event* cannot happen in *state*.
    """
    try:
        return GATE_TRANSITIONS[state][event]
    except KeyError:
        raise IllegalTransition("approval request", state, event) from None


class Choice(StrEnum):
    """What a voter says."""

    APPROVE = "approve"
    REJECT = "reject"


class CommentRule(StrEnum):
    """Which votes must say why."""

    OPTIONAL = "optional"
    ON_REJECT = "on_reject"
    REQUIRED = "required"

    def demands(self, choice: Choice) -> bool:
        """Whether a vote for *choice* must say why."""
        return self is CommentRule.REQUIRED or (
            self is CommentRule.ON_REJECT and choice is Choice.REJECT
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Vote:
    """One person's word at one gate."""

    voter: ObjectId
    name: str
    choice: Choice
    comment: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class HandOver:
    """Somebody who may decide has asked another one to do it in their place."""

    by: str  #: names, for the reader
    to: str
    note: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """A point that a run cannot pass alone, opened for one plan digest."""

    id: str
    run_id: str
    rev: int  #: the run's revision it was opened for
    plan_digest: str
    rule: GateRule
    state: GateState
    opened_at: datetime
    expires_at: datetime
    votes: tuple[Vote, ...] = ()
    escalates_at: datetime | None = None  #: when a second group is to be called, if one is
    escalated_at: datetime | None = None  #: when it was
    reopened_at: datetime | None = None  #: when it was found that votes did not count any more
    handed_over: tuple[HandOver, ...] = ()
    step: str = ""  #: the step of the run that waits at it; empty: the whole run does

    @property
    def approvals(self) -> int:
        """How many people said yes."""
        return sum(vote.choice is Choice.APPROVE for vote in self.votes)


def tally(rule: GateRule, votes: Sequence[Vote]) -> GateState:
    """What *votes* add up to. A single rejection wins; people count, not presses."""
    if any(vote.choice is Choice.REJECT for vote in votes):
        return GateState.REJECTED
    approvers = {vote.voter for vote in votes if vote.choice is Choice.APPROVE}
    return GateState.APPROVED if len(approvers) >= max(rule.count, 1) else GateState.OPEN


def admit_vote(
    gate: Gate, *, voter: Actor, requester: ObjectId, group_id: str, now: datetime
) -> None:
    """Let *voter* decide at *gate*, or say why not.

    *group_id* is the object id of the group that the gate's rule names.

    Raises:
        GateClosed: the gate is closed, or its time is over.
        AlreadyVoted: *voter* has voted.
        NotPermitted: *voter* asked for the run (`self`), or is not of the group (`not_eligible`).
    """
    _check_open(gate, now)
    if voter.id == requester:
        raise NotPermitted(
            "You requested this; four-eyes applies.",
            hint=f"Ask somebody of {gate.rule.group}.",
            reason="self",
        )
    if not may_vote(voter, requester=requester, group_id=group_id):
        raise NotPermitted(
            f"{voter.name} may not decide on this run.",
            hint=f"That takes a member of {gate.rule.group}.",
            reason="not_eligible",
        )
    if any(vote.voter == voter.id for vote in gate.votes):
        raise AlreadyVoted(
            "You have voted on this already; your vote stands.",
            hint=f"Say `withdraw {gate.run_id}` to take it back.",
        )


def admit_hand_over(
    gate: Gate, *, by: Actor, to: Person, requester: ObjectId, group_id: str, now: datetime
) -> None:
    """Let *by*, who may decide at *gate*, ask *to* for it, or say why not.

    Raises:
        GateClosed, AlreadyVoted, NotPermitted: as `admit_vote`, for *by*.
        BadArguments: *to* could not decide either.
    """
    admit_vote(gate, voter=by, requester=requester, group_id=group_id, now=now)
    can_decide = to.is_enabled and not to.is_guest and group_id in to.groups
    if to.id == requester:
        raise BadArguments(f"{to.name} requested this; four-eyes applies.")
    if to.id == by.id:
        raise BadArguments("You have it already.")
    if not can_decide:
        raise BadArguments(
            f"{to.name} may not decide on this run.",
            hint=f"That takes a member of {gate.rule.group}.",
        )
    if any(vote.voter == to.id for vote in gate.votes):
        raise BadArguments(f"{to.name} has voted on this already.")


def cast_vote(gate: Gate, voter: Actor, now: datetime) -> Vote:
    """The vote of *voter* at *gate*, which is theirs to take back.

    Raises:
        GateClosed: the gate is closed, or its time is over.
        NothingToWithdraw: *voter* has not voted.
    """
    _check_open(gate, now)
    for vote in gate.votes:
        if vote.voter == voter.id:
            return vote
    raise NothingToWithdraw("You have not voted on this, so there is nothing to take back.")


def check_comment(rule: CommentRule, choice: Choice, comment: str) -> None:
    """Let a vote for *choice* pass, if it says why where *rule* wants that.

    Raises:
        CommentMissing: it does not.
    """
    if rule.demands(choice) and not comment.strip():
        raise CommentMissing(
            f"Say why you {choice}: this workflow wants a comment.",
            hint=f"As in `{choice} <id>` and your words. Your vote was not counted.",
        )


def _check_open(gate: Gate, now: datetime) -> None:
    """Raises GateClosed where *gate* takes no votes at *now*."""
    if gate.rule.kind is not GateKind.APPROVAL:
        raise GateClosed("This run waits for no approval.")
    if gate.state is not GateState.OPEN:
        raise GateClosed(f"This approval request is {gate.state} already.")
    if now >= gate.expires_at:
        raise GateClosed("The time for approving this is over.")


class GateClosed(NotNow):
    """The decision comes too late, or too early: no gate of that kind waits for it."""


class AlreadyVoted(NotNow):
    """The same person again: harmless, nothing changes."""


class NothingToWithdraw(NotNow):
    """There is no vote of that person."""


class CommentMissing(BadArguments):
    """The workflow wants to know why."""


def may_vote(voter: Actor, *, requester: ObjectId, group_id: str) -> bool:
    """Whether *voter*'s vote could count: of the group, known, no guest, and not the requester."""
    return (
        voter.id != requester
        and voter.is_known
        and not voter.is_guest
        and bool(group_id)
        and group_id in voter.groups
    )
