"""What a run card shows, and what it does not."""

from dataclasses import replace
from datetime import timedelta

import pytest

from cards.limits import lint, size_bytes
from cards.run import Button, Refresh, run_card
from domain.approval import Choice, GateState
from domain.command import Effect
from domain.plan import ActionPlan, Change, StepPlan
from domain.policy import NO_GATE, GateKind, GateRule
from domain.run import RunState
from domain.step import StepRun, StepState
from tests.cards.builders import (
    BOTH,
    BUTTONS,
    CHECK,
    CONFIRM,
    CONSOLE,
    ENDED,
    ESCALATING,
    NOT_BEGUN,
    START,
    SWITCH,
    UNDER_WAY,
    YES_1,
    S,
    a_gate,
    a_plan,
    a_run,
    a_vote,
    steps,
    view,
)
from tests.cards.test_approved_cards import nodes

WAITING = view(a_run(RunState.AWAITING_APPROVAL), *NOT_BEGUN, gate=a_gate())


def texts(card) -> list[str]:
    """The Markdown texts of a card's body, fallbacks left out."""
    found = []
    if isinstance(card, dict):
        found += [card["text"]] if card.get("type") == "TextBlock" else []
        found += [t for key in ("body", "items", "columns") for t in texts(card.get(key))]
    elif isinstance(card, list):
        found += [t for each in card for t in texts(each)]
    return found


def test_a_button_is_a_command_with_a_token_and_nothing_else():
    card = run_card(WAITING, buttons=(Button(title="Approve", verb="approve", token="tok"),))

    assert card["actions"] == [
        {
            "type": "Action.Execute",
            "title": "Approve",
            "fallback": {
                "type": "Action.Submit",
                "title": "Approve",
                "data": {"t": "tok"},
                "associatedInputs": "none",
            },
            "verb": "approve",
            "data": {"t": "tok"},
            "associatedInputs": "none",
        }
    ]


def test_a_button_that_needs_a_reason_opens_a_card_that_asks_for_it():
    reject = Button(title="Reject", verb="reject", token="tok", comment="required")

    (action,) = run_card(WAITING, buttons=(reject,))["actions"]

    assert action["type"] == "Action.ShowCard"
    (field,) = action["card"]["body"]
    assert (field["id"], field["isRequired"], field["label"]) == ("in.comment", True, "Why?")
    assert field["errorMessage"] == "Write a short reason: dev-1 will read it."
    (press,) = action["card"]["actions"]
    assert (press["title"], press["verb"], press["data"]) == ("Reject run", "reject", {"t": "tok"})
    assert "associatedInputs" not in press


def test_a_button_that_takes_a_comment_is_a_single_press_with_a_field_over_it():
    approve = Button(title="Approve", verb="approve", token="tok", comment="optional")

    card = run_card(WAITING, buttons=(approve,))

    field = card["body"][-1]
    assert (field["id"], field["label"]) == ("in.comment", "Comment (optional)")
    assert not field.keys() & {"isRequired", "errorMessage", "isMultiline"}
    (press,) = card["actions"]
    assert (press["type"], press["title"]) == ("Action.Execute", "Approve")
    assert "associatedInputs" not in press


def test_where_one_reason_is_required_the_other_button_is_a_single_press():
    card = run_card(WAITING, buttons=BUTTONS)

    assert [each["type"] for each in card["actions"]] == [
        *("Action.Execute", "Action.ShowCard", "Action.Execute")
    ]
    (reason,) = card["actions"][1]["card"]["body"]
    assert (card["body"][-1]["id"], reason["id"]) == ("in.comment", "in.reason")
    assert (reason["isRequired"], reason["isMultiline"]) == (True, True)
    assert card["actions"][2]["associatedInputs"] == "none"
    assert lint(card) == []


@pytest.mark.parametrize(("comment", "label"), [("required", "Why?"), ("optional", "Comment")])
def test_where_every_vote_takes_a_comment_alike_one_field_will_do(comment, label):
    both = tuple(replace(each, comment=comment) for each in BUTTONS[:2])

    card = run_card(WAITING, buttons=both)

    assert [each["type"] for each in card["actions"]] == ["Action.Execute", "Action.Execute"]
    field = card["body"][-1]
    assert field["label"].startswith(label)
    assert field.get("isRequired", False) is (comment == "required")


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ("optional", None),
        ("on_reject", "required to reject"),
        ("required", "required with each vote"),
    ],
)
def test_an_open_gate_tells_which_votes_must_say_why(rule, words):
    definition = {"command": "deploy", "approval": {"comment": rule}}
    run = a_run(RunState.AWAITING_APPROVAL, definition=definition)

    shown = texts(run_card(view(run, gate=a_gate())))

    assert ("Comment" in shown) is (words is not None)
    assert words is None or words in shown


def test_an_open_gate_tells_whom_it_will_call_and_whom_it_has():
    waiting = a_run(RunState.AWAITING_APPROVAL)
    gate = replace(a_gate(rule=ESCALATING), escalates_at=START + timedelta(minutes=15))

    before = texts(run_card(view(waiting, gate=gate)))
    called = replace(gate, escalated_at=START + timedelta(minutes=16))
    after = texts(run_card(view(waiting, gate=called)))

    assert before[before.index("Escalates") + 1] == "to incident-commanders at 14:17"
    assert after[after.index("Escalated") + 1] == "to incident-commanders at 14:18"


def test_the_fourth_button_goes_behind_the_dots():
    more = Button(title="Pause", verb="pause", token="tok")

    card = run_card(replace(WAITING, console_url=CONSOLE), buttons=(*BUTTONS, more))

    assert [action.get("mode") for action in card["actions"]] == [
        *(None, None, None),
        "secondary",
        "secondary",
    ]
    assert card["actions"][-1]["url"] == CONSOLE
    assert card["fallbackText"].endswith(f". {CONSOLE}")


def test_a_link_alone_is_an_ordinary_button():
    (link,) = run_card(replace(WAITING, console_url=CONSOLE))["actions"]

    assert "mode" not in link


def test_a_card_without_buttons_has_no_actions():
    assert "actions" not in run_card(WAITING)


@pytest.mark.parametrize(
    ("given", "kept"), [(None, None), ((), []), (("29:a",), ["29:a"]), (("x",) * 61, ["x"] * 60)]
)
def test_at_most_sixty_people_refresh(given, kept):
    card = run_card(WAITING, refresh=Refresh(verb="run", token="tok", user_ids=given))

    assert card["refresh"].get("userIds") == kept
    assert card["refresh"]["action"]["verb"] == "run"
    assert card["refresh"]["action"]["data"] == {"t": "tok"}


@pytest.mark.parametrize(
    ("place", "style"),
    [("prod", "Attention"), ("Production", "Attention"), ("staging", "Informative")],
)
def test_production_cannot_be_overlooked(place, style):
    run = a_run(RunState.RUNNING, inputs={"service": "shop", "environment": place})

    (badge,) = [node for node in nodes(run_card(view(run))) if node["type"] == "Badge"]

    assert (badge["text"], badge["style"], badge["appearance"]) == (place, style, "Filled")


def test_a_run_that_is_nowhere_has_no_badge():
    card = run_card(view(a_run(RunState.RUNNING, inputs={})))

    assert "Badge" not in str(card)


def test_before_the_plan_the_card_says_what_the_gate_will_be():
    planning = a_run(RunState.PLANNING, plan=None)

    shown = texts(run_card(view(planning)))
    assert shown[-4:] == ["Who may approve", "prod-approvers, not dev-1", "Needs", "2 approvals"]

    confirmed = replace(planning, gate_rule=CONFIRM)
    assert texts(run_card(view(confirmed)))[-2:] == ["Who confirms", "dev-1"]

    one = replace(planning, gate_rule=GateRule(kind=GateKind.APPROVAL, count=1, group="g"))
    assert texts(run_card(view(one)))[-1] == "1 approval"

    free = replace(planning, gate_rule=NO_GATE)
    assert "Needs" not in texts(run_card(view(free)))


def test_an_open_gate_tells_who_may_and_until_when_and_who_voted():
    shown = texts(run_card(view(a_run(RunState.AWAITING_APPROVAL), gate=a_gate(YES_1))))

    assert "1 of 2 approvals" in shown
    assert "prod-approvers, not dev-1" in shown
    assert "14:32 CET, in 12 min" in shown
    assert "approver-1 approved" in shown
    assert "“Checked the dashboards”" in shown


def test_a_confirmed_run_has_no_votes_to_show():
    gate = a_gate(rule=CONFIRM, state=GateState.APPROVED)

    running = run_card(view(a_run(RunState.RUNNING, **UNDER_WAY), gate=gate))
    assert "Approval" not in texts(running)

    done = run_card(view(a_run(RunState.SUCCEEDED, **ENDED), gate=gate))
    assert "Confirmed by dev-1" in texts(done)

    never = run_card(view(a_run(RunState.EXPIRED), gate=a_gate(rule=CONFIRM)))
    assert "Confirmed by dev-1" not in texts(never)


def test_of_many_votes_some_are_counted():
    votes = [a_vote(f"approver-{n}", Choice.APPROVE) for n in range(10)]
    rule = GateRule(kind=GateKind.APPROVAL, count=12, group="prod-approvers")

    shown = texts(
        run_card(view(a_run(RunState.AWAITING_APPROVAL), gate=a_gate(*votes, rule=rule)))
    )

    assert sum("approved" in text for text in shown) == 6
    assert "and 4 more" in shown


def test_a_final_card_has_no_gate_and_an_approver_is_named_once():
    shown = texts(run_card(view(a_run(RunState.SUCCEEDED, **ENDED), gate=BOTH)))

    assert "Who may approve" not in shown
    assert "Approved by approver-1 and approver-2 · 2 of 2" in shown


def test_a_run_that_never_began_shows_no_steps():
    shown = texts(run_card(view(a_run(RunState.CANCELLED), *NOT_BEGUN)))

    assert "Steps" not in shown
    assert "What would have changed" in shown


def a_change(n: int = 0, before: str = "1", after: str = "2") -> Change:
    return Change(target=f"shop-{n // 2}", what=f"w{n}", before=before, after=after)


def planned(*changes: Change, **rest) -> list[str]:
    plan = a_plan(replace(SWITCH, plan=ActionPlan(summary="Do it.", changes=changes, **rest)))
    return texts(run_card(view(a_run(RunState.AWAITING_APPROVAL, plan=plan))))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (a_change(), "w0: 1 → 2"),
        (a_change(before="", after="2"), "w0: none → 2"),
        (a_change(before="1", after=""), "w0: 1 → none"),
        (a_change(before="1", after="1"), "w0: 1, as before"),
        (a_change(before="", after=""), "w0"),
    ],
)
def test_a_change_is_shown_from_before_to_after(change, words):
    assert words in planned(change)


def test_changes_are_grouped_by_target_and_many_are_counted():
    shown = planned(*map(a_change, range(11)))

    assert [text for text in shown if text.startswith("shop-")] == [f"shop-{n}" for n in range(4)]
    assert "w7: 1 → 2" in shown
    assert "w8: 1 → 2" not in shown
    assert "and 3 more changes" in shown


def test_what_stays_is_told_and_much_of_it_is_counted():
    shown = planned(a_change(), untouched=tuple(f"u{n}" for n in range(8)))

    assert "u0, u1, u2, u3, u4, u5 and 2 more" in shown


def test_a_deed_without_before_and_after_is_told_in_its_summary():
    assert "Do it." in planned()


def test_a_plan_that_only_reads_says_so():
    run = a_run(RunState.RUNNING, plan=replace(a_plan(CHECK), lock=None))

    assert texts(run_card(view(run)))[-1] == "Nothing: this run only reads."


def test_a_step_that_writes_without_a_plan_is_no_change_to_show():
    waits = StepPlan(step="w", uses="x@1", effect=Effect.WRITE, arguments={}, plan=None)
    run = a_run(RunState.RUNNING, plan=a_plan(SWITCH, waits))

    assert "version: v1.0.0 → v1.1.0" in texts(run_card(view(run)))


@pytest.mark.parametrize(
    ("state", "words"),
    [
        (S.PENDING, "not started"),
        (S.RUNNING, "running · 1 min 30 s"),
        (S.WAITING, "waiting"),
        (S.SUCCEEDED, "done · 4 s"),
        (S.FAILED, "failed · 4 s"),
        (S.SKIPPED, "skipped"),
        (S.CANCELLED, "cancelled"),
        (S.COMPENSATED, "undone"),
    ],
)
def test_a_step_tells_its_state_and_how_long_it_took(state, words):
    first, *_ = steps(state, S.PENDING, S.PENDING)

    assert words in texts(run_card(view(a_run(RunState.RUNNING, **UNDER_WAY), first)))


def test_a_waiting_step_tells_until_when_and_a_repeated_one_its_attempt():
    first, second, _ = steps(S.WAITING, S.RUNNING, S.PENDING)
    shown = texts(
        run_card(
            view(
                a_run(RunState.RUNNING, **UNDER_WAY),
                replace(first, due_at=START + timedelta(hours=1)),
                replace(second, attempt=2, detail="503, again in 10 s"),
                gate=BOTH,
            )
        )
    )

    assert "waiting until 15:02" in shown
    assert "Attempt 2. 503, again in 10 s" in shown


def test_a_step_that_is_being_taken_back_says_so():
    first, *_ = steps(S.SUCCEEDED, S.FAILED, S.PENDING)
    run = a_run(RunState.ROLLING_BACK, **UNDER_WAY)

    assert "undoing · 4 s" in texts(run_card(view(run, replace(first, undo_attempt=1))))


@pytest.mark.parametrize(
    ("done", "before", "after"),
    [
        (0, None, "8 further steps"),
        (10, "6 earlier steps", "2 further steps"),
        (20, "8 earlier steps", None),
    ],
)
def test_of_many_steps_those_around_the_current_one_are_shown(done, before, after):
    many = [
        StepRun(
            run_id="k7f3q2ma",
            name=f"s{n}",
            title=f"Step {n}",
            position=n,
            state=StepState.SUCCEEDED if n < done else StepState.PENDING,
        )
        for n in range(20)
    ]
    shown = texts(run_card(view(a_run(RunState.RUNNING, **UNDER_WAY), *reversed(many))))

    assert sum(text.startswith("Step ") for text in shown) == 12
    assert f"{done} of 20 done" in shown
    assert [t for t in shown if "earlier" in t] == ([before] if before else [])
    assert [t for t in shown if "further" in t] == ([after] if after else [])


@pytest.mark.parametrize("sign", ["*", "😀", "x"])
def test_the_largest_run_card_is_below_teams_limit(sign):
    long = sign * 1000

    def step_plan(n: int) -> StepPlan:
        change = Change(target=f"{n}{long}", what=long, before=long, after=f"{n}{long}")
        untouched = tuple(f"{m}{long}" for m in range(20))
        plan = ActionPlan(summary=long, changes=(change,), untouched=untouched, rollback=long)
        return replace(SWITCH, plan=plan)

    many = [
        StepRun(run_id="r", name=long, title=long, position=n, state=StepState.FAILED, detail=long)
        for n in range(40)
    ]
    votes = [a_vote(f"{n}{long}", Choice.APPROVE, long) for n in range(40)]
    run = a_run(
        RunState.AWAITING_APPROVAL,
        plan=a_plan(*map(step_plan, range(20))),
        reason=long,
        outcome=long,
        lock=long,
        inputs={"service": long, "environment": long},
    )
    buttons = [Button(title=f"Button {n}", verb="v", token="t" * 400) for n in range(5)]

    card = run_card(view(run, *many, gate=a_gate(*votes)), buttons=buttons, note=long)

    assert size_bytes(card) < 80 * 1024
    assert lint(card) == []
