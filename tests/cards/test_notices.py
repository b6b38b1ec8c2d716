"""A notice in words."""

import pytest

from cards.notices import notice_words
from domain.approval import GateState
from domain.notice import Notice, NoticeKind
from domain.run import RunState
from tests.cards.builders import BOTH, CONFIRM, ENDED, YES_1, a_gate, a_run, view

DEV = ("<at>dev-1</at>",)
BOTH_NAMES = ("approver-1", "approver-2")


def says(kind: NoticeKind, state: RunState, gate=None, called=DEV, run=None, **notice) -> str:
    seen = view(a_run(state, **(run or {})), gate=gate)
    return notice_words(seen, Notice(kind=kind, run_id="k7f3q2ma", **notice), called)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (
            says(NoticeKind.APPROVED, RunState.QUEUED, BOTH, by=BOTH_NAMES),
            "was approved by approver-1 and approver-2; it goes on",
        ),
        (
            says(NoticeKind.REJECTED, RunState.REJECTED, by=("approver-2",), reason="Not now."),
            "was rejected by approver-2: Not now",
        ),
        (
            says(NoticeKind.REJECTED, RunState.REJECTED, by=("approver-2",)),
            "was rejected by approver-2",
        ),
        (
            says(NoticeKind.EXPIRED, RunState.EXPIRED, a_gate(YES_1, state=GateState.EXPIRED)),
            "expired: 1 of 2 approvals in time",
        ),
        (
            says(NoticeKind.EXPIRED, RunState.EXPIRED, a_gate(rule=CONFIRM)),
            "expired: it was not confirmed in time",
        ),
        (
            says(NoticeKind.REOPENED, RunState.AWAITING_APPROVAL, reason="approver-2 has left."),
            "has to be approved again: approver-2 has left",
        ),
        (
            says(NoticeKind.REOPENED, RunState.PLANNING, run={"gate_rule": CONFIRM}),
            "has to be confirmed again",
        ),
        (
            says(NoticeKind.ESCALATED, RunState.AWAITING_APPROVAL, a_gate(YES_1)),
            ("still waits for approval: 1 of 2 from prod-approvers, until 14:32 CET, in 12 min"),
        ),
        (
            says(NoticeKind.ENDED, RunState.SUCCEEDED, BOTH, run=ENDED),
            "has ended: succeeded in 1 min 30 s",
        ),
        (
            says(NoticeKind.ENDED, RunState.FAILED, run={"outcome": "there is no release v9."}),
            "has ended: failed: there is no release v9",
        ),
        (
            says(NoticeKind.ENDED, RunState.CANCELLED, run={"outcome": "Cancelled by sre-1"}),
            "has ended: cancelled by sre-1",
        ),
        (
            says(NoticeKind.ENDED, RunState.ROLLED_BACK, run={"outcome": "503 from *health*"}),
            "has ended: rolled back: 503 from \\*health\\*",
        ),
    ],
)
def test_a_notice_says_whom_what_and_which_run(words, expected):
    assert words == f"<at>dev-1</at>: Deploy shop v1.1.0 to prod {expected} (run k7f3q2ma)."


def test_every_kind_has_its_words():
    for kind in NoticeKind:
        assert "k7f3q2ma" in says(kind, RunState.AWAITING_APPROVAL)


def test_where_nobody_is_called_the_line_begins_with_what_it_is_about():
    assert says(NoticeKind.EXPIRED, RunState.EXPIRED, called=()).startswith("Deploy shop")


def test_what_came_from_outside_calls_nobody_and_links_nowhere():
    forged = "<at>everybody</at> [here](https://evil.example)"
    run = a_run(RunState.REJECTED, inputs={"service": forged, "environment": "prod"})
    notice = Notice(kind=NoticeKind.REJECTED, run_id=run.id, by=(forged,), reason=forged)

    words = notice_words(view(run), notice, DEV)

    assert words.count("<at>") - words.count("\\<at>") == 1
    assert "](" not in words.replace("\\](", "").replace("\\]", "")
    assert "https://" not in words


def test_a_reason_of_any_length_leaves_the_notice_short():
    words = says(NoticeKind.REJECTED, RunState.REJECTED, by=("a" * 999,), reason="*" * 9999)

    assert len(words) < 1000
