"""Coverage: what of a workflow was reached, by what became of its steps."""

from workflows.rehearsal.coverage import Kind, coverage
from workflows.rehearsal.report import coverage_table

RUNS = "cases:\n  it runs:\n    expect: {state: succeeded}\n"


def covered(workflow, performed):
    return coverage(workflow, [(each.case, each.played) for each in performed])


def reached(found):
    return {(way.what, way.how) for way in found.ways if way.is_reached}


def test_without_cases_nothing_is_reached(workflow):
    found = coverage(workflow, [])

    assert (found.reached, len(found.ways), found.percent) == (0, 7, 0)


def test_a_run_that_goes_well_reaches_the_steps_only(workflow, perform):
    found = covered(workflow, perform(RUNS))

    assert reached(found) == {(name, "runs") for name in ("before", "switch", "settle", "health")}
    assert (found.of(Kind.STEP), found.of(Kind.RETRY), found.of(Kind.UNDO)) == (
        (4, 4),
        (0, 2),
        (0, 1),
    )
    assert found.percent == 100 * 4 // 7


def test_a_step_behind_a_failure_is_not_reached(workflow, perform):
    found = covered(
        workflow,
        perform("cases:\n  no:\n    answers: {switch: refused}\n    expect: {state: failed}\n"),
    )

    assert reached(found) == {("before", "runs"), ("switch", "runs")}


def test_retries_have_two_ends_and_an_undo_counts_when_it_was_done(workflow, perform):
    helped, gave_up, undone, failed = perform("""\
cases:
  it helps:
    answers: {switch: [unavailable, {}]}
    expect: {state: succeeded}
  it does not:
    answers: {switch: unavailable}
    expect: {state: failed}
  it is undone:
    answers: {health: refused}
    expect: {state: rolled_back}
  it cannot be undone:
    answers: {health: refused, undo switch: refused}
    expect: {state: rollback_failed}
""")

    again = ("switch", "is tried again, and succeeds")
    given_up = ("switch", "is tried again, and is given up")
    taken_back = ("switch", "is undone")
    wanted = {again, given_up, taken_back}
    assert reached(covered(workflow, [helped])) & wanted == {again}
    assert reached(covered(workflow, [gave_up])) & wanted == {given_up}
    assert reached(covered(workflow, [undone])) & wanted == {taken_back}
    assert reached(covered(workflow, [failed])) & wanted == set()


def test_the_ends_of_gates_count_where_a_case_has_one(workflow, perform):
    approved, rejected, expired, confirmed = perform("""\
cases:
  yes:
    gate: approval 1 owners
    story: [{approve: approver-1}]
    expect: {state: succeeded}
  no:
    gate: approval 1 owners
    story: [{reject: approver-1}]
    expect: {state: rejected}
  nobody:
    gate: approval 1 owners
    expect: {state: expired}
  own:
    gate: confirm
    story: [{confirm: dev-1}]
    expect: {state: succeeded}
""")

    assert covered(workflow, [approved]).of(Kind.GATE) == (1, 3)
    assert covered(workflow, [approved, rejected]).of(Kind.GATE) == (2, 3)
    assert covered(workflow, [approved, rejected, expired]).of(Kind.GATE) == (3, 3)
    assert covered(workflow, [expired, confirmed]).of(Kind.GATE) == (2, 5)


def test_the_table_names_what_no_case_reaches(workflow, perform):
    lines = [*coverage_table([covered(workflow, perform(RUNS))])]

    assert lines == [
        "coverage     steps   retries      undo     all",
        "go          4 of 4    0 of 2    0 of 1    57 %",
        "no case reaches:",
        "  go: switch is tried again, and succeeds",
        "  go: switch is tried again, and is given up",
        "  go: switch is undone",
    ]
