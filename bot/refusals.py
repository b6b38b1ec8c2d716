"""What the audit log says of a request that was not carried out. Pure."""

from bot.card_tokens import BadToken
from domain.approval import AlreadyVoted, CommentMissing, NothingToWithdraw
from domain.errors import (
    BadArguments,
    NotNow,
    NotPermitted,
    Refused,
    UnknownCommand,
    UnknownRun,
)
from domain.policy import GateKind

_REASONS: tuple[tuple[type[Refused], str], ...] = (
    (BadToken, "bad_token"),
    (UnknownCommand, "unknown_command"),
    (CommentMissing, "no_comment"),
    (BadArguments, "bad_arguments"),
    (UnknownRun, "unknown_run"),
    (AlreadyVoted, "duplicate"),
    (NothingToWithdraw, "no_vote"),
    (NotNow, "not_now"),
)

FOUR_EYES = "self"


def four_eyes(group: str) -> NotPermitted:
    """The refusal of a vote on one's own run."""
    return NotPermitted(
        "You requested this; four-eyes applies.",
        hint=f"Ask somebody of {group}." if group else "",
        reason=FOUR_EYES,
    )


def recorded(
    error: Refused, *, decides_at: GateKind = GateKind.NONE, was_permitted: bool
) -> tuple[str, str]:
    """The event's type, and its reason.

    *decides_at* is the kind of gate at which the command is a word; *was_permitted* says whether
    the policy had allowed it. A refusal that hides a denial from whoever asked is recorded as
    the denial that it is.
    """
    if isinstance(error.__cause__, NotPermitted):
        error = error.__cause__
    reason = _reason(error)
    is_word = decides_at is not GateKind.NONE
    if is_word and (was_permitted or reason == FOUR_EYES):
        late = isinstance(error, NotNow) and reason == "not_now"
        return "approval.denied", "late" if late else reason
    if isinstance(error, NotPermitted):
        return ("policy.error" if reason == "policy_error" else "authz.denied"), reason
    return "command.denied", reason


def _reason(error: Refused) -> str:
    if isinstance(error, NotPermitted):
        return error.reason or "no_permit"
    return next((reason for kind, reason in _REASONS if isinstance(error, kind)), "refused")
