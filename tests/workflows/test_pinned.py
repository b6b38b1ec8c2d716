"""A definition is pinned in its run: what was pinned comes back, also years later."""

from dataclasses import replace
from datetime import timedelta
import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
import pytest

from domain.approval import CommentRule
from domain.field import Field, FieldType
from tests.engine.world import deploy
from workflows.definition import Concurrency, Retry, Step, Undo, Workflow, from_pinned

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
    aliases=st.lists(names, max_size=2).map(tuple),
    concurrency=st.none() | st.builds(Concurrency, group=texts, limit=st.integers(1, 100)),
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


def test_a_part_that_an_older_version_left_out_has_its_default():
    pinned = {
        "name": "go",
        "title": "Go",
        "command": "go",
        "steps": [
            {
                "name": "a",
                "title": "A",
                "uses": "x.y@1",
                "retry": {"attempts": 3},
                "undo": {"uses": "x.z@1"},
            }
        ],
    }

    (step,) = from_pinned(pinned).steps

    assert step == Step(
        name="a",
        title="A",
        uses="x.y@1",
        retry=Retry(attempts=3, backoff=Retry().backoff),
        undo=Undo(uses="x.z@1"),
    )


def changed(**changes: Any) -> Workflow:
    """A deploy whose switching step is another."""
    first, switch, *rest = deploy().steps
    return replace(deploy(), steps=(first, replace(switch, **changes), *rest))


@pytest.mark.parametrize(
    "other",
    [
        replace(deploy(), name="other"),
        replace(deploy(), title="Other"),
        replace(deploy(), description="Another."),
        replace(deploy(), command="deploy"),
        replace(deploy(), inputs=()),
        replace(deploy(), inputs=(replace(deploy().inputs[0], pattern="v1"),)),
        replace(deploy(), lock=None),
        replace(deploy(), aliases=("ship",)),
        replace(deploy(), comment=CommentRule.OPTIONAL),
        replace(deploy(), comment=CommentRule.REQUIRED),
        replace(deploy(), steps=deploy().steps[:-1]),
        changed(name="other"),
        changed(title="Other"),
        changed(uses="shop.switch@2"),
        changed(arguments={"version": "v1"}),
        changed(needs=()),
        changed(timeout=timedelta(seconds=1)),
        changed(retry=Retry(attempts=3, backoff=timedelta(seconds=2))),
        changed(retry=Retry(attempts=2)),
        changed(undo=None),
        changed(undo=Undo(uses="shop.switch@1")),
        changed(wait=timedelta()),
    ],
)
def test_every_part_of_a_definition_counts_for_its_digest(other):
    assert other.digest != deploy().digest
    assert from_pinned(other.pinned) == other


def test_a_workflow_that_says_nothing_of_comments_is_pinned_as_before_they_came():
    assert "approval" not in deploy().pinned
