"""A plan is made by looking: nothing is written, and what differs later is told in words."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
import pytest

from connectors.connector import Actions
from domain.command import Effect
from domain.errors import Refused, Unavailable
from domain.plan import ActionPlan, Change, Plan, StepPlan
from tests.engine.world import ShopConnector, Target, deploy
from workflows.definition import Workflow
from workflows.planning import drift, looked_at, make_plan


async def plan_of(target, workflow=None, version="v1.1.0"):
    return await make_plan(
        workflow or deploy(),
        {"version": version},
        run_id="k7f3q2ma",
        requester="dev",
        actions=Actions([ShopConnector(target)]),
    )


def deploy_with(version: str, **changes: Any) -> Workflow:
    """The deploy, switching to what the expression *version* gives."""
    workflow = deploy()
    steps = (
        replace(each, arguments={"version": version}) if each.name == "switch" else each
        for each in workflow.steps
    )
    return replace(workflow, steps=tuple(steps), **changes)


async def test_a_plan_says_what_each_step_would_do_and_changes_nothing():
    target = Target()

    plan = await plan_of(target)

    assert [(s.step, s.effect) for s in plan.steps] == [
        ("previous", Effect.READ),
        ("switch", Effect.WRITE),
        ("health", Effect.READ),
    ]
    assert plan.changes == (
        Change(target="shop in prod", what="version", before="v1.0.0", after="v1.1.0"),
    )
    assert (plan.lock, dict(plan.inputs)) == ("shop/prod", {"version": "v1.1.0"})
    assert (target.effects, target.version, target.looks) == ([], "v1.0.0", 0)


async def test_a_reading_step_that_others_refer_to_is_carried_out_once():
    target = Target()
    workflow = deploy_with("${ steps.previous.version }")

    plan = await plan_of(target, workflow)

    assert looked_at(workflow) == {"previous"}
    assert plan.changes[0].after == "v1.0.0"
    assert (target.looks, target.effects) == (1, [])


def test_a_step_that_only_undoing_refers_to_is_not_looked_at():
    assert looked_at(deploy()) == frozenset()


async def test_arguments_may_speak_of_the_run_and_its_inputs():
    workflow = deploy_with("${ inputs.version }-${ run.id }-${ run.requester }")

    plan = await plan_of(Target(), workflow)

    assert plan.steps[1].arguments == {"version": "v1.1.0-k7f3q2ma-dev"}


async def test_a_wait_has_no_part_in_the_plan():
    plan = await plan_of(Target(), deploy(wait=timedelta(hours=1)))

    assert [each.step for each in plan.steps] == ["previous", "switch", "health"]


@pytest.mark.parametrize(
    ("lock", "expected"),
    [("shop/${ inputs.version }", "shop/v1.1.0"), ("everything", "everything"), (None, None)],
)
async def test_the_lock_is_that_of_the_inputs(lock, expected):
    plan = await plan_of(Target(), replace(deploy(), lock=lock))

    assert plan.lock == expected


@pytest.mark.parametrize("lock", ["${ null }", "${ '' }", "${ 1 }"])
async def test_a_lock_that_holds_nothing_is_refused(lock):
    with pytest.raises(Refused, match="The lock of this workflow is no text"):
        await plan_of(Target(), replace(deploy(), lock=lock))


@pytest.mark.parametrize(
    ("version", "sentence"),
    [
        ("v9", "Switch the version: There is no release v9."),
        ("${ 1 }", "Switch the version: shop.switch@1 cannot take these inputs: version: "),
        ("${ inputs.size }", "Switch the version: `inputs.size` has no value: "),
    ],
)
async def test_a_refusal_names_the_step(version, sentence):
    target = Target()

    with pytest.raises(Refused) as refusal:
        await plan_of(target, deploy_with(version))

    assert str(refusal.value).startswith(sentence)
    assert target.effects == []


async def test_an_action_that_is_gone_is_a_refusal_of_its_step():
    with pytest.raises(Refused, match=r"Note what runs: No connection offers shop\.current@1\."):
        await make_plan(
            deploy(), {"version": "v1"}, run_id="r", requester="d", actions=Actions([])
        )


async def test_a_target_that_is_down_is_unavailable_and_says_when_to_ask_again():
    async def down(_inputs):
        raise Unavailable("shop is down.", retry_after=timedelta(seconds=7))

    target = Target()
    target.plan = down

    with pytest.raises(Unavailable) as unavailable:
        await plan_of(target)

    assert str(unavailable.value) == "Switch the version: shop is down."
    assert unavailable.value.retry_after == timedelta(seconds=7)


async def test_a_target_that_does_not_answer_is_unavailable():
    async def never(_inputs):
        await asyncio.Event().wait()

    target = Target()
    target.plan = never

    with pytest.raises(Unavailable, match=r"^Switch the version: shop\.switch did not answer\.$"):
        await make_plan(
            deploy(),
            {"version": "v1.1.0"},
            run_id="r",
            requester="d",
            actions=Actions([Hurried(target)]),
        )


class Hurried(ShopConnector):
    """A shop whose actions have hardly any time."""

    def actions(self):
        return [replace(each, timeout=timedelta(milliseconds=20)) for each in super().actions()]


async def test_drift_is_told_in_words():
    target = Target()
    approved = await plan_of(target)
    assert drift(approved, await plan_of(target)) == ""

    target.version = "v1.0.5"

    assert drift(approved, await plan_of(target)) == (
        "version of shop in prod is v1.0.5 now, not v1.0.0."
    )


def plan(*changes: Change, lock: str | None = "shop/prod", **facts: Any) -> Plan:
    return Plan(
        definition_digest="d",
        inputs={},
        lock=lock,
        steps=(
            StepPlan(
                step="switch",
                uses="shop.switch@1",
                effect=Effect.WRITE,
                arguments={},
                plan=ActionPlan(summary="Switch.", changes=changes, before=facts),
            ),
        ),
    )


def change(before: str, after: str, what: str = "version") -> Change:
    return Change(target="shop", what=what, before=before, after=after)


@pytest.mark.parametrize(
    ("approved", "now", "words"),
    [
        (plan(change("1", "2")), plan(change("1", "3")), "version of shop would become 3, not 2."),
        (
            plan(change("1", "2")),
            plan(change("0", "3")),
            "version of shop is 0 now, not 1; version of shop would become 3, not 2.",
        ),
        (plan(), plan(change("1", "2")), "version of shop would change, too."),
        (plan(change("1", "2")), plan(), "version of shop would not change."),
        (plan(lock=None), plan(), "the lock would be shop/prod, not none."),
        (plan(last_commit="ab"), plan(last_commit="cd"), "last commit is cd now, not ab."),
        (plan(tags=["a"]), plan(tags=["a", "b"]), 'tags is ["a","b"] now, not ["a"].'),
        (plan(commit="ab"), plan(), "commit is unknown now, not ab."),
        (plan(note="x"), plan(note="y" * 999), f"note is {'y' * 64}… now, not x."),
        (
            plan(change("1", "2"), version="1"),
            plan(change("0", "2"), version="0"),
            "version of shop is 0 now, not 1.",
        ),
        (
            plan(a="1", b="1", c="1", d="1"),
            plan(a="2", b="2", c="2", d="2"),
            "a is 2 now, not 1; b is 2 now, not 1; c is 2 now, not 1.",
        ),
        (
            plan(),
            replace(plan(), definition_digest="e"),
            "What the plan was made from has changed.",
        ),
        (plan(), replace(plan(), steps=()), "What the plan was made from has changed."),
    ],
)
def test_the_words_for_drift(approved, now, words):
    assert drift(approved, now) == words


versions = st.sampled_from(["v1", "v2", "v3"])


@st.composite
def plans(draw):
    before, after = draw(versions), draw(versions)
    changes = [change(before, after)] if draw(st.booleans()) else []
    facts = draw(st.dictionaries(versions, st.none() | versions | st.lists(versions)))
    return Plan(
        definition_digest=draw(versions),
        inputs={"version": after},
        lock=draw(st.none() | versions),
        steps=(
            StepPlan(
                step="switch",
                uses="shop.switch@1",
                effect=Effect.WRITE,
                arguments={"version": after},
                plan=ActionPlan(summary=draw(versions), changes=tuple(changes), before=facts),
            ),
        ),
    )


@given(approved=plans(), now=plans())
def test_there_are_words_for_drift_if_and_only_if_the_digests_differ(approved, now):
    assert bool(drift(approved, now)) == (approved.digest != now.digest)
