"""A run in words."""

from dataclasses import replace
from datetime import timedelta

import pytest

from cards.run import headline, run_sentence
from cards.run_words import approvers, kicker, short_state, standing, state_words
from domain.approval import Choice, GateState
from domain.lock import GROUP
from domain.policy import GateKind
from domain.run import RunState
from tests.cards.builders import (
    APPROVAL,
    BOTH,
    CONFIRM,
    DEPLOY,
    ENDED,
    HALT,
    HOLD,
    HOLDER,
    NOW,
    START,
    UNDER_WAY,
    YES_1,
    a_gate,
    a_run,
    a_vote,
    view,
    waits_for,
)

NO = a_vote("approver-2", Choice.REJECT, "Not during the sale.")
SILENT_NO = a_vote("approver-2", Choice.REJECT)


def says(state: RunState, *, gate=None, waits=None, halt=None, **changes) -> str:
    return str(state_words(view(a_run(state, **changes), gate=gate, waits=waits, halt=halt)))


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (says(RunState.PLANNING), "Planning: looking at what would change"),
        (says(RunState.PLANNING, rev=2), "Planning again: the plan has changed"),
        (says(RunState.PLANNING, rev=2, outcome="v1 now."), "Planning again: v1 now"),
        (says(RunState.AWAITING_CONFIRMATION), "Waiting for confirmation"),
        (says(RunState.AWAITING_APPROVAL), "Waiting for approval"),
        (
            says(RunState.AWAITING_APPROVAL, rev=2, outcome="version is v2 now, not v1."),
            (
                "Waiting for approval of a new plan, earlier votes are void:"
                " version is v2 now, not v1"
            ),
        ),
        (
            says(RunState.AWAITING_CONFIRMATION, rev=2, outcome="version is v2 now, not v1."),
            "Waiting for confirmation of a new plan: version is v2 now, not v1",
        ),
        (says(RunState.QUEUED), "Queued: starts in a moment"),
        (says(RunState.QUEUED, outcome="frozen until Monday"), "Queued: frozen until Monday"),
        (
            says(RunState.QUEUED, waits=waits_for(HOLDER)),
            (
                "Waiting for its turn: run b2c4d6e7 (sre-1, deploy) holds shop/prod since 14:18;"
                " 2nd in line"
            ),
        ),
        (
            says(RunState.QUEUED, waits=waits_for(hold=HOLD)),
            (
                "Waiting for its turn: sre-1 keeps shop/prod locked until 15:00 CET, in 40 min:"
                " Looking at the *orders* database; 2nd in line"
            ),
        ),
        (
            says(RunState.QUEUED, waits=waits_for(HOLDER, HOLDER, name=f"{GROUP}prod", places=2)),
            ("Waiting for its turn: 2 of 2 runs of the group prod are under way; 2nd in line"),
        ),
        (says(RunState.QUEUED, halt=HALT), "Queued: starts when the halt is over"),
        (says(RunState.RUNNING), "Running"),
        (
            says(RunState.RUNNING, cancelled_by="oid"),
            "Stopping: asked to cancel, what is under way ends first",
        ),
        (says(RunState.PAUSED), "Paused between two steps; `resume` has it go on"),
        (says(RunState.ROLLING_BACK, outcome="a step failed."), "Rolling back: a step failed"),
        (says(RunState.SUCCEEDED, **ENDED), "Succeeded in 1 min 30 s"),
        (says(RunState.FAILED), "Failed"),
        (says(RunState.FAILED, outcome="no such release"), "Failed: no such release"),
        (says(RunState.CANCELLED, outcome="Cancelled by dev-1."), "Cancelled by dev-1"),
        (says(RunState.ROLLED_BACK, outcome="rolled back to v1"), "Rolled back to v1"),
        (says(RunState.ROLLBACK_FAILED, outcome="503"), "Rollback failed: 503"),
        (says(RunState.REJECTED, outcome="it was no"), "Rejected: it was no"),
        (says(RunState.REJECTED, gate=a_gate(YES_1), outcome="no"), "Rejected: no"),
        (
            says(RunState.REJECTED, gate=a_gate(YES_1, NO)),
            "Rejected by approver-2: Not during the sale",
        ),
        (says(RunState.REJECTED, gate=a_gate(SILENT_NO)), "Rejected by approver-2"),
        (says(RunState.EXPIRED), "Expired"),
        (says(RunState.EXPIRED, gate=a_gate(YES_1)), "Expired at 14:32 with 1 of 2 approvals"),
        (
            says(RunState.EXPIRED, gate=a_gate(rule=CONFIRM)),
            "Expired at 14:12: dev-1 did not confirm",
        ),
    ],
)
def test_a_state_is_said_in_words(words, expected):
    assert words == expected


@pytest.mark.parametrize(
    ("command", "inputs", "expected", "with_place"),
    [
        (
            "deploy <service> <version> to <environment>",
            {"service": "shop", "version": "v1.1.0", "environment": "prod"},
            "Deploy shop v1.1.0",
            "Deploy shop v1.1.0 to prod",
        ),
        ("rotate keys", {}, "Rotate keys", "Rotate keys"),
        (
            "move <service> from <old> to <environment>",
            {"service": "shop", "environment": "prod"},
            "Move shop",
            "Move shop to prod",
        ),
        ("page <who> [<reason>]", {"who": "sre-1"}, "Page sre-1", "Page sre-1"),
        ("<service> <environment>", {}, "", ""),
        (None, {"service": "shop", "environment": "prod"}, "T: shop", "T: shop prod"),
        (" ", {}, "T", "T"),
    ],
)
def test_a_headline_is_the_command_with_its_inputs(command, inputs, expected, with_place):
    run = a_run(
        RunState.RUNNING, title="T", definition={**DEPLOY, "command": command}, inputs=inputs
    )

    assert headline(run) == expected
    assert headline(run, with_place=True) == with_place


@pytest.mark.parametrize(
    "inputs",
    [
        {"stage": {"type": "environment"}, "service": "shop"},
        {"service": {"type": "service"}, "stage": {"type": "environment"}},
    ],
)
def test_the_place_is_the_input_of_that_type_whatever_its_name(inputs):
    definition = {"command": "deploy <service> to <stage>", "inputs": inputs}
    run = a_run(
        RunState.RUNNING, definition=definition, inputs={"service": "shop", "stage": "prod"}
    )

    assert headline(run) == "Deploy shop"


def test_a_definition_without_inputs_has_its_place_in_the_environment():
    run = a_run(RunState.RUNNING, definition={"command": "stop <environment>"})

    assert headline(run) == "Stop"


def test_a_run_without_a_title_is_called_as_its_workflow():
    run = a_run(RunState.RUNNING, workflow="recycle-db", title="", definition={}, inputs={})

    assert headline(run) == "recycle-db"
    assert kicker(run) == "Recycle db · run k7f3q2ma"


def test_a_long_value_does_not_push_the_rest_out_of_the_headline():
    run = a_run(RunState.RUNNING, inputs={"service": "x" * 99, "version": "v1"})

    assert headline(run) == f"Deploy {'x' * 39}… v1"


@pytest.mark.parametrize(
    ("shown", "sentence"),
    [
        (
            view(a_run(RunState.AWAITING_APPROVAL), gate=a_gate(YES_1)),
            (
                "Deploy shop v1.1.0 to prod: waiting for approval, 1 of 2 approvals, "
                "from prod-approvers, not dev-1, until 14:32 CET, in 12 min (run k7f3q2ma)."
            ),
        ),
        (
            view(
                a_run(RunState.AWAITING_CONFIRMATION),
                gate=a_gate(rule=CONFIRM),
                now=START + timedelta(minutes=1),
            ),
            (
                "Deploy shop v1.1.0 to prod: waiting for confirmation, by dev-1, "
                "until 14:12 CET, in 9 min (run k7f3q2ma)."
            ),
        ),
        (
            view(a_run(RunState.RUNNING, **UNDER_WAY), gate=BOTH),
            "Deploy shop v1.1.0 to prod: running (run k7f3q2ma).",
        ),
        (
            view(a_run(RunState.SUCCEEDED, **ENDED), gate=BOTH),
            (
                "Deploy shop v1.1.0 to prod: succeeded in 1 min 30 s, requested by dev-1, "
                "approved by approver-1 and approver-2 (run k7f3q2ma)."
            ),
        ),
        (
            view(a_run(RunState.FAILED, outcome="Failed at Check its health.", **ENDED)),
            (
                "Deploy shop v1.1.0 to prod: failed at Check its health, after 1 min 30 s, "
                "requested by dev-1 (run k7f3q2ma)."
            ),
        ),
        (
            view(a_run(RunState.CANCELLED, finished_at=NOW)),
            "Deploy shop v1.1.0 to prod: cancelled, requested by dev-1 (run k7f3q2ma).",
        ),
    ],
)
def test_a_run_is_told_in_one_sentence(shown, sentence):
    assert run_sentence(shown) == sentence


@pytest.mark.parametrize("state", RunState)
def test_every_state_has_words_for_a_sentence_and_for_a_list(state):
    assert run_sentence(view(a_run(state))).endswith("(run k7f3q2ma).")
    assert "_" not in short_state(a_run(state))


@pytest.mark.parametrize(
    ("names", "words"),
    [((), ""), (("a",), "a"), (("a", "b"), "a and b"), (("a", "b", "c"), "a, b and c")],
)
def test_names_are_listed_as_in_speech(names, words):
    votes = [a_vote(name, Choice.APPROVE) for name in names]

    assert approvers(a_gate(*votes, NO, rule=APPROVAL, state=GateState.REJECTED)) == words


def test_the_words_for_who_comes_too_late():
    approved = view(a_run(RunState.SUCCEEDED, **ENDED), gate=BOTH)
    no = a_vote("approver-2", Choice.REJECT, "Not now.", minutes=14)
    rejected = view(a_run(RunState.REJECTED), gate=a_gate(no, state=GateState.REJECTED))
    cancelled = view(
        a_run(RunState.CANCELLED, outcome="Cancelled by sre-1", finished_at=START),
        gate=a_gate(state=GateState.CANCELLED),
    )
    over = view(
        a_run(RunState.AWAITING_APPROVAL), gate=a_gate(), now=START + timedelta(minutes=31)
    )
    confirmed = view(
        a_run(RunState.RUNNING, queued_at=START, started_at=START),
        gate=a_gate(rule=CONFIRM, state=GateState.APPROVED),
    )
    planning = view(a_run(RunState.PLANNING, rev=2), gate=a_gate(state=GateState.SUPERSEDED))

    approval, confirm = GateKind.APPROVAL, GateKind.CONFIRM
    assert [standing(seen, approval) for seen in (approved, rejected, cancelled, over)] == [
        (
            "Run k7f3q2ma was already approved by approver-1 and approver-2 at 14:16."
            " Now: succeeded in 1 min 30 s."
        ),
        "Run k7f3q2ma was already rejected by approver-2 at 14:16: Not now.",
        "Run k7f3q2ma is cancelled by sre-1 at 14:02.",
        "The time for this was over at 14:32: run k7f3q2ma has expired.",
    ]
    assert standing(confirmed, confirm) == (
        "Run k7f3q2ma was already started by dev-1 at 14:02. Now: running."
    )
    assert standing(replace(approved, gate=None), confirm) == (
        "Run k7f3q2ma waits for no confirmation: succeeded in 1 min 30 s."
    )
    assert standing(planning, approval) == (
        "Run k7f3q2ma waits for no approval: planning again: the plan has changed."
    )
