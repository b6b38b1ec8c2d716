"""The workflows that ship fit the actions that ship, and say what a person needs to know."""

from dataclasses import replace
import json
from pathlib import Path

import pytest

from bot.config import load
from bot.offline import actions_of
from bot.settings import DEMO_WORLD
from connectors.connector import Actions
from domain.command import Effect
from workflows.definition import CATALOG, Step, Workflow, from_pinned
from workflows.definition_file import load_all, read_definition
from workflows.definition_folder import definitions_in
from workflows.planning import looked_at
from workflows.syntax import parse

FILES = definitions_in(CATALOG)

WITHOUT_UNDO = {("restart", "restart")}
"""Writing steps that nothing can take back: a process that was restarted was restarted."""


@pytest.fixture
def actions(tmp_path: Path) -> Actions:
    """Those of the demo's connections; none is contacted."""
    return actions_of(load(DEMO_WORLD), tmp_path)


@pytest.fixture(params=FILES, ids=lambda path: path.stem)
def workflow(request: pytest.FixtureRequest, actions: Actions) -> Workflow:
    return read_definition(request.param, actions=actions)


def writing(workflow: Workflow, actions: Actions) -> list[Step]:
    """The steps that change something."""
    return [
        step
        for step in workflow.steps
        if step.uses and actions.get(step.uses).effect is not Effect.READ
    ]


def test_these_workflows_ship(actions):
    assert set(load_all([CATALOG], actions)) == {"deploy", "restart", "rollback"}
    assert [path.stem for path in FILES] == sorted(load_all([CATALOG], actions))


def test_a_file_has_the_name_of_its_workflow(request, workflow):
    assert f"[{workflow.name}]" in request.node.name


def test_it_tells_people_what_it_does(workflow):
    assert workflow.title
    assert workflow.description.endswith(".")
    assert all(each.description for each in workflow.inputs)
    assert all(step.title and step.title != step.name for step in workflow.steps)


def test_everything_that_is_asked_for_has_its_place_in_the_command(workflow):
    placeholders = [each.name for each in parse(workflow.command).placeholders]

    assert placeholders == [each.name for each in workflow.inputs]


def test_one_run_at_a_time_changes_a_service_in_an_environment(workflow):
    assert workflow.lock == '${ inputs.service + "/" + inputs.environment }'


def test_a_writing_step_can_be_tried_again_and_taken_back(workflow, actions):
    steps = writing(workflow, actions)

    assert steps
    for step in steps:
        assert step.retry.attempts > 1
        assert step.timeout is not None
        assert (step.undo is None) == ((workflow.name, step.name) in WITHOUT_UNDO)


def test_what_was_changed_is_checked_in_the_end(workflow, actions):
    (write,) = writing(workflow, actions)

    last = workflow.steps[-1]
    assert last.uses == "releases.health@1"
    assert write.name in last.needs


def test_an_undo_goes_back_to_what_was_noted_before_the_change(workflow, actions):
    for step in writing(workflow, actions):
        if step.undo is not None:
            version = step.undo.arguments["version"]
            (noted,) = (s for s in workflow.steps if version == f"${{ steps.{s.name}.version }}")
            assert noted.uses == "releases.current@1"
            assert noted.name in step.needs


def test_the_plan_looks_at_no_more_than_it_needs(actions):
    looked = {name: looked_at(each) for name, each in load_all([CATALOG], actions).items()}

    assert looked == {"deploy": set(), "restart": {"current"}, "rollback": {"target"}}


def test_it_comes_back_from_the_run_that_it_is_pinned_in(workflow):
    again = from_pinned(json.loads(json.dumps(workflow.pinned)))
    given = tuple(replace(each, choices_from=None) for each in workflow.inputs)

    assert again == replace(workflow, inputs=given), "what a run needs of it"
    assert again.digest == workflow.digest
