"""Hostile words in every place that shows words from outside."""

from dataclasses import replace
import re

from hypothesis import given, settings
from hypothesis import strategies as st
import pytest

from cards.answers import StatusRow, lines_card, runs_card, status_card, whoami_card
from cards.help import GateUsage, InputUsage, Listed, Usage, help_card, usage_card
from cards.limits import lint, size_bytes
from cards.locks import LockRow, StepRow, halt_card, locks_card, unhalted_card
from cards.run import Button, run_card
from cards.schedule import reminders_card, schedule_card, schedules_card
from cards.welcome import welcome_card
from domain.approval import Choice
from domain.lock import Halt, Hold, Line
from domain.plan import ActionPlan, Change
from domain.policy import GateKind, GateRule
from domain.run import RunState
from domain.schedule import ScheduleState
from domain.step import StepState
from tests.cards.builders import (
    ENDED,
    HALT,
    HOLD,
    NOW,
    SWITCH,
    UNDER_WAY,
    ZONE,
    a_gate,
    a_plan,
    a_run,
    a_vote,
    an_actor,
    steps,
    view,
    waits_for,
)
from tests.cards.schedules import a_schedule
from tests.cards.strict import faults
from tests.cards.test_run_card import texts

PAYLOADS = (
    "[Approve](https://evil.test)",
    "<at>Boss</at>",
    "{{DATE(2026-11-24T13:00:00Z, SHORT)}}",
    "${x} $(id) `id`",
    "<script>alert(1)</script><b>x</b>",
    "\x1b[32mAPPROVED\x1b[0m by CISO",
    "CISO (approved)\u202e\u2066\u200b",
    "# APPROVED\n\n**2 of 2**",
    "| a | b |\n|---|---|\n| 1 | 2 |",
    "![x](https://evil.test/x.png) https://evil.test www.evil.test",
    "&lt;at&gt;Boss&lt;/at&gt; &#91;x](https:&#47;&#47;evil.test)",
    "1 MB: " + "A" * 1_000_000,
)


def hostile_run_card(payload: str, state: RunState = RunState.AWAITING_APPROVAL):
    """A run card that has *payload* wherever it can stand."""
    plan = a_plan(
        replace(
            SWITCH,
            plan=ActionPlan(
                summary=payload,
                changes=(
                    Change(target=payload, what=payload, before=payload, after=f"{payload}!"),
                ),
                untouched=(payload,),
                rollback=payload,
            ),
        ),
        replace(SWITCH, plan=ActionPlan(summary=payload)),
    )
    run = a_run(
        state,
        workflow=payload,
        title=payload,
        definition={"command": f"go {payload} <service> in <environment>"},
        inputs={"service": payload, "environment": payload},
        reason=payload,
        requester=an_actor(payload),
        plan=plan,
        lock=payload,
        outcome=payload,
        **(ENDED if state.is_final else UNDER_WAY),
    )
    rule = GateRule(kind=GateKind.APPROVAL, count=2, group=payload)
    votes = (a_vote(payload, Choice.APPROVE, payload), a_vote(payload, Choice.REJECT, payload))
    shown = [
        replace(step, title=payload, detail=payload)
        for step in steps(StepState.SUCCEEDED, StepState.FAILED, StepState.PENDING)
    ]
    return run_card(
        view(
            run,
            *shown,
            gate=a_gate(*votes, rule=rule),
            waits=waits_for(run, name=payload),
            halt=halt(payload),
        ),
        buttons=(Button(title=payload, verb="reject", token="tok", comment="required"),),
        note=payload,
    )


def halt(payload: str) -> Halt:
    return replace(HALT, by_name=payload, reason=payload)


def hold(payload: str) -> Hold:
    return replace(HOLD, name=payload, by_name=payload, reason=payload)


def hostile_answers(payload: str):
    """The other cards, the same."""
    run = a_run(RunState.RUNNING, requester=an_actor(payload), inputs={"service": payload})
    row = StatusRow(
        service=payload,
        environment=payload,
        version=payload,
        state=payload,
        detail=payload,
        url=f"https://x.test/{payload}",
    )
    schedule = a_schedule(
        ScheduleState.PAUSED,
        owner=an_actor(payload),
        line=payload,
        gate=payload,
        why=payload,
        last_at=NOW,
        last_result=payload,
    )
    return (
        help_card(((payload, (Listed(syntax=payload, summary=payload),)),), 1),
        welcome_card((Listed(syntax=payload, summary=payload),), is_personal=True),
        usage_card(
            Usage(
                name=payload,
                group=payload,
                summary=payload,
                syntax=payload,
                aliases=(payload,),
                inputs=(InputUsage(name=payload, takes=payload, needed=payload),),
                examples=(payload,),
                gates=(GateUsage(place=payload, words=payload, kind=GateKind.NONE),),
                steps=(payload,),
            )
        ),
        whoami_card(
            name=payload,
            object_id=payload,
            tenant=payload,
            roles=(payload,),
            groups=(payload,),
            zone=ZONE,
        ),
        status_card((row,)),
        runs_card((run,), now=NOW, zone=ZONE, about=payload),
        locks_card(
            (
                LockRow(
                    line=Line(name=payload, hold=hold(payload)), holders=(run,), waiting=(run,)
                ),
            ),
            now=NOW,
            zone=ZONE,
            title=payload,
            note=payload,
            halt=halt(payload),
            buttons=(Button(title=payload, verb="unlock", token="tok"),),
        ),
        halt_card(halt(payload), (StepRow(run=run, step=payload),), now=NOW, zone=ZONE),
        unhalted_card(halt(payload), payload, now=NOW, zone=ZONE),
        lines_card(payload, payload, [payload] * 50),
        schedule_card(schedule, note=payload),
        schedules_card((schedule,), about=payload),
        reminders_card(((payload, payload, NOW),), now=NOW, zone=ZONE),
    )


def active(text: str) -> list[str]:
    """Signs in *text* that some Markdown reader would act on."""
    bare = re.sub(r"\\.", "", text.removeprefix("**"))
    return re.findall(
        r"\]\(|</?at>|\{\{|<\w|//|www\.\w|^#|`|\x1b|[\u202a-\u202e\u2066-\u2069]", bare
    )


@pytest.mark.parametrize("payload", PAYLOADS)
@pytest.mark.parametrize("state", RunState)
def test_hostile_words_do_nothing_in_a_run_card(payload, state):
    card = hostile_run_card(payload, state)

    assert lint(card) == []
    assert list(faults(card)) == []
    assert [found for text in texts(card) for found in active(text)] == []
    assert "msteams" not in card
    assert "{{" not in card["speak"] + card["fallbackText"]
    assert "<" not in card["speak"]


@pytest.mark.parametrize("payload", PAYLOADS)
def test_hostile_words_do_nothing_in_an_answer(payload):
    for card in hostile_answers(payload):
        assert lint(card) == []
        assert list(faults(card)) == []
        own = [re.sub(r"\]\(https:[^()\s]+\)", "", text) for text in texts(card)]  # our own link
        assert [found for text in own for found in active(text)] == []
        assert size_bytes(card) < 28 * 1024


@settings(max_examples=50, deadline=None)
@given(st.text(), st.sampled_from(RunState))
def test_any_words_make_a_valid_card(words, state):
    card = hostile_run_card(words, state)

    assert lint(card) == []
    assert list(faults(card)) == []
