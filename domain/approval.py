"""Votes at a gate: who counts, and what the votes add up to."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from domain.actor import Actor, ObjectId
from domain.errors import NotNow, NotPermitted
from domain.policy import GateKind, GateRule


class GateState(StrEnum):
    """Where an approval request stands."""

    OPEN = "open"
    APPROVED = "approved"
    REJECTED = "rejected"
    EXPIRED = "expired"
    SUPERSEDED = "superseded"
    CANCELLED = "cancelled"


class Choice(StrEnum):
    """What a voter says."""

    APPROVE = "approve"
    REJECT = "reject"


@dataclass(frozen=True, slots=True, kw_only=True)
class Vote:
    """One person's word at one gate."""

    voter: ObjectId
    name: str
    choice: Choice
    comment: str
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
        NotNow: the gate is closed or its time is over; or *voter* has voted (reason `duplicate`).
        NotPermitted: *voter* asked for the run (`self`), or is not of the group (`not_eligible`).
    """
    if gate.rule.kind is not GateKind.APPROVAL:
        raise NotNow("This run waits for no approval.")
    if gate.state is not GateState.OPEN:
        raise NotNow(f"This approval request is {gate.state} already.")
    if now >= gate.expires_at:
        raise NotNow("The time for approving this is over.")
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
        raise AlreadyVoted("You have voted on this already; your vote stands.")


class AlreadyVoted(NotNow):
    """The same person again: harmless, nothing changes."""


def may_vote(voter: Actor, *, requester: ObjectId, group_id: str) -> bool:
    """Whether *voter*'s vote could count: of the group, known, no guest, and not the requester."""
    return (
        voter.id != requester
        and voter.is_known
        and not voter.is_guest
        and bool(group_id)
        and group_id in voter.groups
    )
