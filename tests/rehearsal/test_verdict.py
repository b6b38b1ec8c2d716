"""What is not as expected is told where the file expects it, in words that help."""

import pytest

from tests.rehearsal.conftest import placed

STORY = """\
inputs: {version: v1.1.0}
answers:
  before: {gives: {version: v1.0.0}}
  health: "refused: It answers 503."
cases:
  it goes back:
    gate: {ask: approval 1 owners, expires: 3h}
    story: [{after: 1h, approve: approver-1}]
    expect:
"""

TOLD = "what was told was approved at 1h, ended at 1h10m."


@pytest.mark.parametrize(
    ("expected", "fault"),
    [
        (
            "state: succeeded",
            "10:14: the run is rolled_back, not succeeded. Health: It answers 503.",
        ),
        ("outcome: answers 500", "10:16: the run says “Health: It answers 503.”."),
        ("steps: {switch: succeeded}", "10:23: `switch` is compensated, not succeeded."),
        ("steps: {health: skipped}", "10:23: `health` is failed, not skipped. It answers 503."),
        ("attempts: {switch: 2}", "10:26: `switch` was tried 1 times, not 2."),
        (
            "calls: [before, health]",
            "10:23: call 2 is `switch`; what was called was before, switch, health, undo switch.",
        ),
        (
            "calls: [before, switch, health]",
            "10:7: what was called was before, switch, health, undo switch.",
        ),
        (
            "calls: [before, switch: {version: v2}, health, undo switch]",
            '10:41: `switch` is called with `version` "v1.1.0".',
        ),
        (
            "calls: [before: {place: x}, switch, health, undo switch]",
            "10:31: `before` is called with no `place`.",
        ),
        ("undone: []", "10:7: what was undone was switch."),
        (
            "notices: [rejected, ended]",
            f"10:17: the notice is `approved`, not `rejected`; {TOLD}",
        ),
        (
            "notices: [approved]",
            f"10:7: {TOLD}",
        ),
        (
            "notices: [{notice: approved, at: 2h}, ended]",
            f"10:17: it comes at 1h, not at 2h; {TOLD}",
        ),
        (
            "notices: [{notice: approved, to: leads}, ended]",
            f"10:17: it calls the requester, not leads; {TOLD}",
        ),
        ("took: 10m", "10:13: it took 1h10m, not 10m."),
    ],
)
def test_a_difference_is_told_with_its_place(perform, expected, fault):
    (one,) = perform(f"{STORY}      {expected}\n")

    place, _, sentence = fault.partition(": ")
    assert [placed(each) for each in one.faults] == [f"{place}: In “it goes back”: {sentence}"]


def test_all_that_is_as_expected_is_no_fault(perform):
    (one,) = perform(
        f"{STORY}      state: rolled_back\n      outcome: answers 503\n      took: 1h10m\n"
        "      steps: {before: succeeded, switch: compensated, settle: succeeded}\n"
        "      attempts: {before: 1, switch: 1, settle: 0}\n      undone: [switch]\n"
        "      calls: [before, switch: {version: v1.1.0}, health, undo switch]\n"
        "      notices: [{notice: approved, at: 1h}, {notice: ended, at: 1h10m}]\n"
    )

    assert one.faults == ()


@pytest.mark.parametrize(
    ("story", "sentence"),
    [
        ("[{approve: dev-1}]", "dev-1 could not approve: You requested this; four-eyes applies."),
        (
            "[{confirm: dev-1}]",
            "dev-1 could not confirm: the run ended, and no gate was open for it.",
        ),
        (
            "[{approve: approver-1, after: 1h, refused: four-eyes}]",
            "approver-1 was not refused.",
        ),
        (
            "[{approve: dev-1, after: 1h, refused: too late}]",
            "dev-1 was refused like this: You requested this; four-eyes applies.",
        ),
        (
            "[{during: health, cancel: dev-1}]",
            "dev-1 could not cancel: the run ended, and `health` was not under way by then.",
        ),
    ],
)
def test_a_story_that_cannot_happen_is_told(perform, story, sentence):
    (one,) = perform(
        "cases:\n  odd:\n    gate: {ask: approval 2 owners, expires: 2h}\n"
        f"    story: {story}\n    expect: {{steps: {{}}}}\n"
    )

    assert f"In “odd”: {sentence}" in placed(one.faults[0])


def test_what_was_to_be_done_later_is_told_too(perform):
    (one,) = perform(
        "cases:\n  early:\n    until: 1m\n    story: [{after: 2m, cancel: dev-1}]\n"
        "    expect: {state: running}\n"
    )

    assert [placed(each) for each in one.faults] == [
        "7:13: In “early”: its time was over before dev-1 could cancel."
    ]
