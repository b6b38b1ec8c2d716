"""Files with tests: what is right loads, and all that is wrong is told with its place."""

from datetime import timedelta
from pathlib import Path

import pytest

from domain.policy import GateKind, GateRule
from domain.run import RunState
from workflows.definition_file import load_all
from workflows.definition_folder import case_files_in, case_files_of, definition_of, definitions_in
from workflows.rehearsal.case import Answer, Deed, ExpectedCall, Failure, Verb
from workflows.rehearsal.case_file import read_cases

CASES = """\
inputs: {version: v1.1.0}
answers:
  before: {gives: {version: v1.0.0}}
plans:
  switch: {changes: []}
cases:
  it runs:
    gate: {ask: approval 2 owners, expires: 3d}
    story:
      - {after: 2h, approve: approver-1}
    expect:
      state: succeeded
      calls: [before, switch: {version: v1.1.0}]
"""

FAULTS = Path(__file__).parent / "faults.txt"


def planted():
    """The blocks of faults.txt: what is replaced by what, and the faults, a line each."""
    for block in FAULTS.read_text(encoding="utf-8").split("\n\n")[1:]:
        head, *faults = block.strip("\n").split("\n")
        old, _, new = head.replace("\\n", "\n").partition("  ->")
        yield pytest.param(old, new.removeprefix("  "), [f.strip() for f in faults], id=head)


@pytest.mark.parametrize(("old", "new", "faults"), [*planted()])
def test_a_mistake_is_told_where_it_is(faults_in, old, new, faults):
    assert CASES.count(old) == 1

    assert faults_in(CASES.replace(old, new)) == faults


def test_a_file_is_read_as_it_is_meant(workflow, tmp_path):
    file = tmp_path / "go.test.yaml"
    file.write_text(CASES)

    (case,) = read_cases(file, workflow).cases

    assert (case.name, case.requester, case.inputs) == ("it runs", "dev-1", {"version": "v1.1.0"})
    assert case.answers == {"before": (Answer(gives={"version": "v1.0.0"}),)}
    assert case.gate == GateRule(
        kind=GateKind.APPROVAL, count=2, group="owners", expires=timedelta(days=3)
    )
    assert case.story == (
        Deed(
            place=("cases", "it runs", "story", 0),
            verb=Verb.APPROVE,
            who="approver-1",
            after=timedelta(hours=2),
        ),
    )
    assert case.expect.state is RunState.SUCCEEDED
    assert case.expect.calls == (
        ExpectedCall(name="before"),
        ExpectedCall(name="switch", arguments={"version": "v1.1.0"}),
    )


def test_a_case_says_otherwise_than_the_top(workflow, tmp_path):
    file = tmp_path / "go.test.yaml"
    file.write_text("""\
inputs: {version: v1.1.0, note: all}
requester: dev-9
gate: confirm
answers:
  before: {gives: {version: v1.0.0}}
  switch: "refused: no"
cases:
  as it stands: {expect: {state: expired}}
  otherwise:
    inputs: {version: 2, note: null}
    requester: dev-2
    gate: none
    answers: {switch: {takes: 1s}}
    expect: {state: succeeded}
""")

    plain, other = read_cases(file, workflow).cases

    assert plain.inputs == {"version": "v1.1.0", "note": "all"}
    assert (plain.requester, plain.gate.kind) == ("dev-9", GateKind.CONFIRM)
    assert plain.answers["switch"] == (Answer(fails=Failure.REFUSED, says="no"),)
    assert other.inputs == {"version": "2"}
    assert (other.requester, other.gate.kind) == ("dev-2", GateKind.NONE)
    assert other.answers["switch"] == (Answer(takes=timedelta(seconds=1)),)
    assert other.answers["before"] == plain.answers["before"]


def test_tests_lie_beside_their_workflow_or_in_a_folder_beside_it(definition):
    beside = definition.with_name("go.test.yaml")
    apart = definition.parent / "tests" / "go.test.yaml"
    apart.parent.mkdir()
    for file in (beside, apart):
        file.write_text(CASES)

    assert case_files_of(definition) == [beside, apart] == case_files_in(definition.parent)
    assert {definition_of(beside), definition_of(apart)} == {definition}


def test_tests_are_no_workflows(definition):
    definition.with_name("go.test.yaml").write_text(CASES)

    assert definitions_in(definition.parent) == [definition]
    assert list(load_all([definition.parent])) == ["go"]
