"""A notice in words: one line in the run's thread, for whoever waits for it.

What comes of it is Markdown, with everything from outside escaped.
"""

from collections.abc import Sequence

from cards.run_words import counted, headline, names_in_words, state_words
from cards.text import clean, escape
from cards.times import deadline
from cards.view import RunView
from domain.notice import Notice, NoticeKind
from domain.policy import GateKind

_REASON_LIMIT = 300


def notice_words(view: RunView, notice: Notice, called: Sequence[str] = ()) -> str:
    """*notice* about the run of *view*. *called* are whom it is for, as they stand in the text."""
    to = f"{_listed(called)}: " if called else ""
    what = escape(headline(view.run, with_place=True), limit=160)
    return f"{to}{what} {_happened(view, notice)} (run {view.run.id})."


def _happened(view: RunView, notice: Notice) -> str:
    by = escape(names_in_words(notice.by), limit=_REASON_LIMIT)
    reason = escape(clean(notice.reason).rstrip("."), limit=_REASON_LIMIT)
    why = f": {reason}" if reason else ""
    match notice.kind:
        case NoticeKind.APPROVED:
            words = f"was approved by {by}; it goes on"
        case NoticeKind.REJECTED:
            words = f"was rejected by {by}{why}"
        case NoticeKind.EXPIRED:
            words = f"expired: {_missing(view)}"
        case NoticeKind.REOPENED:
            is_confirmed = view.run.gate_rule.kind is GateKind.CONFIRM
            words = f"has to be {'confirmed' if is_confirmed else 'approved'} again{why}"
        case NoticeKind.HANDED_OVER:
            words = f"waits for you: {by} asks you to decide{why}{_asked(view)}"
        case NoticeKind.ESCALATED:
            words = f"still waits for approval{_asked(view)}"
        case NoticeKind.ASKED:
            words = f"waits for you{why}{_asked(view)}"
        case NoticeKind.TOLD:
            words = f"says{why}"
        case NoticeKind.ENDED:
            end = str(state_words(view))
            words = f"has ended: {escape(f'{end[:1].lower()}{end[1:]}', limit=_REASON_LIMIT)}"
    return words


def _missing(view: RunView) -> str:
    if view.gate is None or view.gate.rule.kind is GateKind.CONFIRM:
        return "it was not confirmed in time"
    return f"{counted(view.gate)} approvals in time"


def _asked(view: RunView) -> str:
    """How far the approval is, whose it is, and until when it can be given."""
    gate = view.gate
    if gate is None:
        return ""
    until = deadline(gate.expires_at, now=view.now, zone=view.zone)
    group = escape(gate.rule.group, limit=60)
    return f": {counted(gate)} from {group}, until {until}"


def _listed(called: Sequence[str]) -> str:
    return ", ".join(called)
