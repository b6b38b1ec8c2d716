"""A definition is pinned in its run: what was pinned comes back, also years later."""

from datetime import timedelta
import json

from hypothesis import given
from hypothesis import strategies as st
import pytest

from connectors.connector import Actions
from connectors.registry import connect, offers
from domain.command import Effect
from domain.field import Field, FieldType
from workflows.definition import CATALOG, Retry, Step, Undo, Workflow, from_pinned
from workflows.definition_file import load_all

texts = st.text(max_size=20)
names = st.from_regex(r"[a-z][a-z0-9_]{0,10}", fullmatch=True)
durations = st.integers(0, 10**8).map(lambda ms: timedelta(milliseconds=ms))
arguments = st.dictionaries(names, texts | st.integers(-9, 9) | st.booleans(), max_size=3)
fields = st.builds(
    Field,
    name=names,
    type=st.sampled_from(FieldType),
    description=texts,
    required=st.booleans(),
    default=st.none() | texts,
    choices=st.lists(texts, max_size=3).map(tuple),
    pattern=st.none() | texts,
    flag_only=st.booleans(),
)
steps = st.builds(
    Step,
    name=names,
    title=texts,
    uses=st.none() | texts,
    arguments=arguments,
    needs=st.lists(names, max_size=3).map(tuple),
    timeout=st.none() | durations,
    retry=st.builds(Retry, attempts=st.integers(1, 20), backoff=durations),
    undo=st.none() | st.builds(Undo, uses=texts, arguments=arguments),
    wait=st.none() | durations,
)
workflows = st.builds(
    Workflow,
    name=names,
    title=texts,
    description=texts,
    command=texts,
    inputs=st.lists(fields, max_size=3).map(tuple),
    lock=st.none() | texts,
    steps=st.lists(steps, max_size=4).map(tuple),
)


@given(workflow=workflows)
def test_what_was_pinned_comes_back(workflow):
    stored = json.loads(json.dumps(workflow.pinned))

    assert from_pinned(stored) == workflow
    assert from_pinned(stored).digest == workflow.digest


def test_what_an_older_version_left_out_has_its_default():
    pinned = {
        "name": "go",
        "title": "Go",
        "command": "go",
        "inputs": [{"name": "x", "type": "text"}],
        "steps": [{"name": "a", "title": "A", "uses": "x.y@1"}],
    }

    assert from_pinned(pinned) == Workflow(
        name="go",
        title="Go",
        description="",
        command="go",
        inputs=(Field(name="x"),),
        lock=None,
        steps=(Step(name="a", title="A", uses="x.y@1"),),
    )


@pytest.fixture
def catalog(tmp_path):
    class Entry:
        def __init__(self, connector, settings):
            self.connector, self.settings = connector, settings

    entries = {
        "supervisor": Entry("supervisor", {"socket": "file://supervisor.path"}),
        "releases": Entry("releases", {"program": "file://release.program"}),
    }
    actions = Actions(connect(entries, tmp_path, offers()))
    return load_all([CATALOG], actions), actions


def test_the_workflows_that_ship_fit_the_actions_that_ship(catalog):
    workflows, actions = catalog

    assert set(workflows) == {"deploy", "rollback", "restart"}
    for workflow in workflows.values():
        assert workflow.lock
        assert workflow.description
        assert from_pinned(json.loads(json.dumps(workflow.pinned))) == workflow
    for name in ("deploy", "rollback"):
        step = workflows[name].step("switch")
        assert actions.get(step.uses).effect is Effect.WRITE
        assert step.undo is not None
