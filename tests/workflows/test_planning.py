"""A plan is made by looking: nothing is written, and what differs later is told in words."""

import asyncio
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st
import pytest

from connectors.connector import Actions
from domain.command import Effect
from domain.errors import Refused, Unavailable
from domain.plan import ActionPlan, Change, Plan, StepPlan
from tests.engine.world import ShopConnector, Target, deploy
from workflows.definition import Step
from workflows.planning import drift, looked_at, make_plan


async def plan_of(target, workflow=None, version="v1.1.0"):
    return await make_plan(
        workflow or deploy(),
        {"version": version},
        run_id="k7f3q2ma",
        requester="dev",
        actions=Actions([ShopConnector(target)]),
    )


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


async def test_a_reading_step_that_others_refer_to_is_carried_out(monkeypatch):
    target = Target()
    workflow = deploy()
    steps = list(workflow.steps)
    steps[1] = Step(
        name="switch",
        title="Switch",
        uses="shop.switch@1",
        arguments={"version": "${ steps.previous.version }"},
        needs=("previous",),
    )
    again = type(workflow)(
        **{name: getattr(workflow, name) for name in workflow.__slots__ if name != "steps"},
        steps=tuple(steps),
    )

    plan = await plan_of(target, again)

    assert looked_at(again) == {"previous"}
    assert target.looks == 1
    assert plan.changes[0].after == "v1.0.0"


async def test_a_refusal_names_the_step():
    with pytest.raises(Refused, match=r"Switch the version: There is no release v9\."):
        await plan_of(Target(), version="v9")


async def test_a_target_that_does_not_answer_is_unavailable():
    target = Target()

    async def never(_inputs):
        await asyncio.sleep(60)

    target.plan = never
    connector = ShopConnector(target)
    actions = Actions([connector])
    object.__setattr__(actions.get("shop.switch@1"), "timeout", timedelta(seconds=0.05))

    with pytest.raises(Unavailable, match="Switch the version"):
        await make_plan(
            deploy(), {"version": "v1.1.0"}, run_id="r", requester="d", actions=actions
        )


async def test_drift_is_told_in_words():
    target = Target()
    approved = await plan_of(target)
    assert drift(approved, await plan_of(target)) == ""

    target.version = "v1.0.5"

    assert drift(approved, await plan_of(target)) == (
        "version of shop in prod is v1.0.5 now, not v1.0.0."
    )


versions = st.sampled_from(["v1", "v2", "v3"])


@st.composite
def plans(draw):
    before, after = draw(versions), draw(versions)
    change = Change(target="shop in prod", what="version", before=before, after=after)
    facts = {"version": before, "commit": draw(versions)}
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
                plan=ActionPlan(summary="", changes=(change,), before=facts),
            ),
        ),
    )


@given(approved=plans(), now=plans())
def test_there_are_words_for_drift_if_and_only_if_the_digests_differ(approved, now):
    assert bool(drift(approved, now)) == (approved.digest != now.digest)
