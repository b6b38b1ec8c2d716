"""Every kind of step, rehearsed: fans, canaries, conditions, gates, messages, other workflows."""

from pathlib import Path

import pytest

from connectors.connector import Actions
from workflows.definition import DefinitionFaults
from workflows.rehearsal.coverage import Kind
from workflows.rehearsal.rehearse import Rehearsed, rehearse, with_tests

ROLL = """\
name: roll
title: Roll
command: roll <version>
inputs: {version: {type: version}}
steps:
  check:
    uses: shop.current@1
  sign_off:
    needs: [check]
    if: ${ steps.check.version != inputs.version }
    approve: {by: owners, expires: 2d, escalate: leads}
  switch:
    needs: [sign_off]
    for_each: [eu, us, asia]
    max_parallel: 1
    canary: {first: 1, wait: 1h}
    uses: shop.switch@1
    with: {version: "${ inputs.version }"}
    undo: {uses: shop.switch@1, with: {version: "${ steps.check.version }"}}
  settle:
    needs: [switch]
    wait:
      uses: shop.health@1
      until: ${ result.ready == true }
      every: 1m
      timeout: 10m
  told:
    always: true
    notify: {message: "It is ${ steps.settle.state }.", to: owners}
"""

WHOLE = """\
name: whole
title: Whole
command: whole <version>
inputs: {version: {type: version}}
steps:
  first:
    run: roll
    with: {version: "${ inputs.version }"}
"""

GIVEN = """\
inputs: {version: v2}
answers:
  check: {gives: {version: v1}}
  settle: [{gives: {ready: false}, times: 2}, {gives: {ready: true}}]
cases:
"""


@pytest.fixture
def roll(tmp_path: Path, actions: Actions):
    (tmp_path / "roll.yaml").write_text(ROLL)

    def rehearsed(cases: str) -> Rehearsed:
        file = tmp_path / "roll.test.yaml"
        file.write_text(GIVEN + cases)
        (one,) = rehearse(with_tests([file], actions), actions)
        return one

    return rehearsed


def test_a_fan_goes_ahead_with_a_canary_and_a_condition_is_waited_for(roll):
    one = roll("""\
  all of them:
    story: [{after: 25h, approve: approver-1, step: sign_off}]
    expect:
      state: succeeded
      calls: [check, "switch[0]", switch, switch: {version: v2}, settle, settle, settle]
      steps: {sign_off: succeeded, switch: succeeded, "switch[canary]": succeeded, told: succeeded}
      attempts: {switch: 3, "switch[1]": 1, settle: 3}
      notices:
        - {notice: asked, to: owners, at: 0s}
        - {notice: escalated, to: leads, at: 1d}
        - {notice: told, to: owners, says: It is succeeded., at: 1d2h2m}
        - ended
      took: 1d2h2m
""")

    assert [each.faults for each in one.performed] == [()]
    assert one.coverage.of(Kind.STEP) == (5, 5)
    assert (one.coverage.of(Kind.BRANCH), one.coverage.of(Kind.GATE)) == ((0, 1), (1, 3))


def test_a_branch_that_is_not_gone_and_gates_that_end_otherwise(roll):
    one = roll("""\
  it runs already:
    answers: {check: {gives: {version: v2}}}
    expect: {state: succeeded, steps: {sign_off: skipped, switch: succeeded}, took: 1h2m}
  no:
    story: [{reject: approver-1, comment: Not today.}]
    expect: {state: failed, steps: {sign_off: failed, switch: skipped, told: succeeded}}
  nobody:
    expect: {state: failed, steps: {sign_off: failed}, took: 2d}
  one of them fails:
    answers: {check: {gives: {version: v2}}, "switch[1]": refused}
    expect:
      state: rolled_back
      undone: [switch]
      steps: {"switch[0]": compensated, "switch[1]": failed, "switch[2]": skipped}
  it is never ready:
    answers: {check: {gives: {version: v2}}, settle: {gives: {ready: false}}}
    expect: {state: rolled_back, undone: ["switch[2]", "switch[1]", "switch[0]"], took: 1h10m}
""")

    assert [each.faults for each in one.performed] == [()] * 5
    assert one.coverage.of(Kind.BRANCH) == (1, 1)
    assert one.coverage.of(Kind.UNDO) == (1, 1)
    assert {way.how for way in one.coverage.ways if way.what == "sign_off" and way.cases} == {
        "runs",
        "is left out",
        "is rejected",
        "is expired",
    }


def test_what_lapses_after_a_failure_is_no_branch(roll):
    one = roll("""\
  it fails before:
    answers: {check: [refused, {gives: {version: v1}}]}
    expect: {state: failed, steps: {check: failed, sign_off: skipped, told: succeeded}}
""")

    assert [each.faults for each in one.performed] == [()]
    assert one.coverage.of(Kind.BRANCH) == (0, 1)


def test_people_pause_go_on_skip_and_take_back(roll):
    one = roll("""\
  it stands still for a day:
    answers: {check: {gives: {version: v2}}, "switch[0]": {takes: 10s}}
    story:
      - {during: "switch[0]", pause: dev-2}
      - {after: 1d, resume: dev-2}
    expect: {state: succeeded, took: 1d1h2m}
  the canary's wait is skipped:
    answers: {check: {gives: {version: v2}}}
    story: [{during: "switch[canary]", after: 10m, skip: dev-2, step: "switch[canary]"}]
    expect: {state: succeeded, took: 12m}
  it is stopped and taken back:
    answers: {check: {gives: {version: v2}}}
    story: [{during: "switch[canary]", cancel: dev-2, undo: true}]
    expect: {state: rolled_back, undone: [switch], steps: {"switch[0]": compensated}}
""")

    assert [each.faults for each in one.performed] == [()] * 3


def test_a_workflow_may_run_another(tmp_path, actions, roll):
    del roll
    (tmp_path / "whole.yaml").write_text(WHOLE)
    file = tmp_path / "whole.test.yaml"
    file.write_text("""\
inputs: {version: v2}
answers:
  first/check: {gives: {version: v2}}
  first/settle: {gives: {ready: true}}
cases:
  all of it:
    expect:
      state: succeeded
      steps: {first: skipped}
      calls: [first/check, "first/switch[0]", first/switch, first/switch, first/settle]
""")

    (one,) = rehearse(with_tests([file], actions, around=[tmp_path / "roll.yaml"]), actions)

    (fault,) = {each.sentence.partition(": ")[2] for each in one.performed[0].faults[:1]}
    assert fault == "`first/check` is succeeded, not skipped."
    assert one.coverage.percent == 100

    file.write_text(file.read_text().replace("first/settle: {gives: {ready: true}}", ""))
    with pytest.raises(DefinitionFaults, match="want `ready` of `first/settle`"):
        with_tests([file], actions, around=[tmp_path / "roll.yaml"])
    with pytest.raises(DefinitionFaults, match="There is no workflow `roll`"):
        with_tests([file], actions)


@pytest.mark.parametrize(
    ("story", "fault"),
    [
        ("[{skip: dev-1}]", ": Say which `step` is skipped."),
        ("[{pause: dev-1, undo: true}]", ": Only a `cancel` may `undo` what was done."),
        (
            "[{skip: dev-1, step: swtch}]",
            ": There is no step `swtch`. Did you mean `switch`?",
        ),
    ],
)
def test_a_story_of_what_there_is_not(roll, story, fault):
    with pytest.raises(DefinitionFaults) as caught:
        roll(f"  odd:\n    expect: {{}}\n    until: 1m\n    answers: {{}}\n    story: {story}\n")

    assert any(fault in str(each) for each in caught.value.faults)
