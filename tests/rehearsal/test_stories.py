"""Stories: the real engine, with people, answers and time as a file says."""

from datetime import timedelta
import time

import pytest

from domain.run import RunState
from domain.step import StepState

THREE_DAYS = """\
cases:
  nobody decides for three days:
    gate: {ask: approval 2 owners, expires: 3d, escalate: leads, escalate_after: 1d}
    story:
      - {after: 2d, approve: approver-1}
      - {after: 23h, withdraw: approver-1}
    expect:
      state: expired
      calls: []
      notices: [{notice: escalated, to: leads, at: 1d}, {notice: expired, at: 3d}]
      took: 3d
"""


def states(performed):
    return {each.name: each.state for each in performed.played.steps}


def names(performed):
    return [each.name for each in performed.played.calls]


def test_a_story_of_three_days_takes_no_time(perform):
    began = time.perf_counter()
    (one,) = perform(THREE_DAYS)

    assert one.faults == ()
    assert one.played.took == timedelta(days=3)
    assert time.perf_counter() - began < 10, "a machine under load; see docs/how-to for figures"


def test_actions_give_what_is_said_and_a_wait_waits(perform):
    (one,) = perform("cases:\n  it runs:\n    expect: {state: succeeded, took: 10m}\n")

    assert one.faults == ()
    assert states(one) == dict.fromkeys(
        ("before", "switch", "settle", "health"), StepState.SUCCEEDED
    )
    assert names(one) == ["before", "switch", "health"]
    assert one.played.calls[1].arguments == {"version": "v1.1.0"}


@pytest.mark.parametrize(
    ("answer", "attempts", "ends", "seconds"),
    [
        ("[unavailable, {gives: {}}]", 2, RunState.SUCCEEDED, 1),
        ("[{fails: unavailable, times: 2}, {takes: 5s}]", 3, RunState.SUCCEEDED, 3 + 5),
        ("unavailable", 3, RunState.FAILED, 3),
        ('"refused: no"', 1, RunState.FAILED, 0),
        # It may have happened, so it is undone when it is given up.
        ("timeout", 3, RunState.ROLLED_BACK, 3),
        ("hang", 3, RunState.ROLLED_BACK, 3 * 60 + 3),
        ("bug", 1, RunState.ROLLED_BACK, 0),
        # It has happened: the second attempt finds that out, and calls nothing.
        ("lost", 1, RunState.SUCCEEDED, 1),
        ("{takes: 61s}", 3, RunState.ROLLED_BACK, 3 * 60 + 3),
    ],
)
def test_what_fails_fails_as_it_would(perform, answer, attempts, ends, seconds):
    (one,) = perform(
        f"cases:\n  it fails:\n    answers: {{switch: {answer}}}\n    expect: {{attempts: {{}}}}\n"
    )

    tries = [each for each in names(one) if each == "switch"]
    waits = timedelta(minutes=10) if ends is RunState.SUCCEEDED else timedelta()
    assert (len(tries), one.played.run.state) == (attempts, ends)
    assert ("undo switch" in names(one)) == (ends is RunState.ROLLED_BACK)
    assert one.played.took == waits + timedelta(seconds=seconds)


def test_answers_may_be_an_actions_and_a_steps_own_come_first(perform):
    (one,) = perform("""\
inputs: {version: v1.1.0}
answers:
  shop.current@1: {gives: {version: v0.9.0}}
  shop.health@1: "refused: 503"
  undo switch: [unavailable, {takes: 2s}]
cases:
  it goes back:
    expect:
      state: rolled_back
      calls: [before, switch, health, undo switch: {version: v0.9.0}, undo switch]
      undone: [switch]
      took: 10m3s
""")

    assert one.faults == ()


def test_people_do_things_while_a_step_is_under_way(perform):
    stopped, waits = perform("""\
cases:
  it is stopped in the middle of a step:
    answers: {switch: {takes: 30s}}
    story: [{during: switch, after: 10s, cancel: dev-2}]
    expect: {state: cancelled, took: 30s, steps: {switch: succeeded, settle: cancelled}}
  it is stopped while it waits:
    story: [{during: settle, after: 1m, cancel: dev-2}]
    expect: {state: cancelled, took: 1m, steps: {settle: cancelled}}
""")

    assert (stopped.faults, waits.faults) == ((), ())


def test_people_are_refused_as_in_earnest(perform):
    (one,) = perform("""\
cases:
  not everybody may:
    gate: approval 1 owners
    people: {viewer-1: [viewers]}
    requester: approver-1
    story:
      - {approve: approver-1, refused: four-eyes}
      - {after: 1m, approve: approver-1, refused: four-eyes}
      - {approve: viewer-1, refused: a member of owners}
      - {approve: approver-2}
      - {approve: approver-3, refused: waits for no approval}
    expect: {state: succeeded}
""")

    (fault,) = one.faults
    assert fault.sentence == (
        "In “not everybody may”: approver-1 was refused like this: Run aaaaaaab waits for no"
        " approval: it is planning."
    )


def test_who_has_left_has_approved_nothing(perform):
    (one,) = perform("""\
cases:
  one leaves before the other approves:
    gate: approval 2 owners
    story:
      - {approve: approver-1}
      - {after: 1m, leave: approver-1}
      - {after: 1m, approve: approver-2}
      - {after: 1m, approve: approver-3}
    expect: {state: succeeded, notices: [approved, reopened, approved, ended], took: 13m}
""")

    assert one.faults == ()


def test_a_plan_that_drifts_is_made_anew(perform):
    (one,) = perform("""\
cases:
  another version runs by now:
    gate: confirm
    plans:
      switch:
        - {changes: [{target: shop, what: version, before: v1, after: v2}], times: 1}
        - {changes: [{target: shop, what: version, before: v0, after: v2}]}
    story: [{after: 1m, confirm: dev-1}, {after: 1m, confirm: dev-1}]
    expect: {state: succeeded, took: 12m}
""")

    assert one.faults == ()
    assert "plan.drifted" in [each.type for each in one.played.events]


@pytest.mark.parametrize(
    ("plan", "outcome"),
    [
        ('"refused: There is no v1.1.0."', "There is no v1.1.0."),
        ("unavailable", "It does not answer."),
        ("hang", "shop.switch did not answer."),
        ("bug", "That was our mistake"),
    ],
)
def test_a_plan_that_cannot_be_made_ends_the_run(perform, plan, outcome):
    (one,) = perform(
        f"cases:\n  no plan:\n    plans: {{switch: {plan}}}\n"
        f"    expect: {{state: failed, outcome: '{outcome}', calls: []}}\n"
    )

    assert one.faults == ()


def test_a_run_may_be_looked_at_on_its_way(perform):
    (one,) = perform("""\
cases:
  it waits:
    until: 5m
    expect: {state: running, steps: {switch: succeeded, settle: waiting, health: pending}}
""")

    assert one.faults == ()
    assert one.played.took == timedelta(minutes=5)


def test_the_same_story_ends_the_same_every_time(perform):
    first, second = perform(THREE_DAYS), perform(THREE_DAYS)

    assert [each.played for each in first] == [each.played for each in second]
