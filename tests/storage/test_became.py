"""What events tell of runs: every field that changed, nothing that is large or secret."""

from dataclasses import replace
import json

import pytest

from domain.audit import Event
from domain.canonical import digest
from domain.plan import Plan
from domain.run import RunState
from domain.step import StepRun, StepState
from storage.became import MOST, became, merged, step_then

STEP = StepRun(run_id="k7f3q2ma", name="switch", title="Switch", position=0)
NEW_STEP = {"state": "pending", "title": "Switch", "position": 0}
PLAN = Plan(definition_digest="d", inputs={"key": "hush"}, steps=(), lock=None)


async def log(store, run_id="k7f3q2ma"):
    entries = await store.read(lambda unit: unit.audit.of_run(run_id))
    clouds = [json.loads(each.text) for each in entries]
    return [(each["type"], each["data"].get("became")) for each in clouds]


async def test_the_last_event_about_a_run_tells_what_became_of_it(store, a_run, requester):
    def insert(unit):
        unit.runs.insert(a_run())
        unit.runs.insert(a_run("other"))
        unit.steps.insert([STEP])
        for kind in ("command.parsed", "command.denied"):
            unit.audit.append(Event(type=kind, actor=requester, run_id="k7f3q2ma"))
        unit.audit.append(Event(type="message.received", actor=requester))

    def change(unit):
        unit.audit.append(Event(type="step.started", actor=requester, run_id="k7f3q2ma"))
        unit.runs.save(replace(a_run(), state=RunState.RUNNING, outcome="soon"))
        unit.runs.save(replace(a_run(), state=RunState.RUNNING, lock="shop/prod", plan=PLAN))
        unit.steps.save(replace(STEP, state=StepState.RUNNING, attempt=1, started_at=unit.now))

    await store.transaction(insert)
    await store.transaction(change)

    new = {"state": "planning", "rev": 1, "generation": 1}
    new["definition_digest"] = digest(a_run().definition)
    assert await log(store) == [
        ("signalbox.command.parsed", None),
        (
            "signalbox.command.denied",
            {"run": new, "steps": {"switch": NEW_STEP}, "events": 2},
        ),
        (
            "signalbox.step.started",
            {
                "run": {"state": "running", "lock": "shop/prod", "plan_digest": PLAN.digest},
                "steps": {
                    "switch": {
                        "state": "running",
                        "attempt": 1,
                        "started_at": "2026-01-02T03:04:05.678901+00:00",
                    }
                },
            },
        ),
    ]
    assert await log(store, "other") == [("signalbox.run.changed", {"run": new})]


async def test_a_change_that_nobody_tells_of_is_an_event_of_its_own(store, a_run):
    await store.transaction(lambda unit: unit.runs.insert(a_run(carrier="a", outcome="x")))
    await store.transaction(lambda unit: unit.runs.save(a_run()))
    await store.transaction(lambda unit: unit.runs.save(a_run()))

    (_, (kind, told)) = await log(store)

    assert (kind, told) == ("signalbox.run.changed", {"run": {"carrier": None, "outcome": None}})


async def test_what_is_read_meanwhile_is_told_up_to_there(store, a_run, requester):
    def work(unit):
        unit.runs.insert(a_run())
        unit.audit.append(Event(type="command.parsed", actor=requester, run_id="k7f3q2ma"))
        before = len(unit.audit.of_run("k7f3q2ma"))
        unit.runs.save(a_run(rev=2))
        return before, unit.audit.head()[0]

    assert await store.transaction(work) == (1, 2)
    assert (await log(store))[1] == ("signalbox.run.changed", {"run": {"rev": 2}})


async def test_steps_in_the_place_of_others_are_told_as_what_became_of_them(store, a_run):
    first = replace(STEP, name="first", detail="soon", attempt=1)
    again, other = replace(first, position=1, attempt=0), replace(STEP, name="other", position=0)

    def insert(unit):
        unit.runs.insert(a_run())
        unit.steps.insert([STEP, first])

    def put(unit):
        unit.steps.replace("k7f3q2ma", [other, again])
        assert unit.steps.of("k7f3q2ma") == (other, again)

    await store.transaction(insert)
    await store.transaction(put)

    (_, (_, told)) = await log(store)
    assert told["steps"] == {
        "first": {"position": 1, "attempt": None},
        "other": NEW_STEP,
        "switch": None,
    }
    assert await store.read(lambda unit: unit.steps.of("k7f3q2ma")) == (other, again)


@pytest.mark.parametrize(
    "output",
    [
        {"log": "x" * MOST},
        {"Client-Secret": "hush"},
        {"login": [{"password": "hush"}]},
        {"api_key": "hush"},
        {"bytes": 2**60},
        {"half a pair": "\ud800"},
    ],
)
async def test_an_output_that_may_not_be_told_is_a_digest(store, a_run, output):
    done = replace(STEP, state=StepState.SUCCEEDED, output=output)

    def work(unit):
        unit.runs.insert(a_run())
        unit.steps.insert([done])

    await store.transaction(work)

    ((_, told),) = await log(store)
    (kept,) = await store.read(lambda unit: unit.steps.of("k7f3q2ma"))
    known = told["steps"]["switch"]
    assert set(known) == {*NEW_STEP, "output_digest"}
    assert "hush" not in str(told)
    assert step_then("k7f3q2ma", "switch", known) == replace(done, output={})
    assert step_then("k7f3q2ma", "switch", known, kept) == done  # who has it knows that it is it


async def test_an_output_that_tells_of_secrets_only_in_words_is_told(store, a_run):
    done = replace(STEP, output={"detail": "the token was refused", "n": 1})

    assert became(None, done)["output"] == done.output


def test_a_digest_and_the_value_itself_take_each_others_place():
    known = merged({"output_digest": "x", "attempt": 1}, {"output": {"n": 1}, "attempt": None})

    assert known == {"output": {"n": 1}}
    assert merged(known, {"output_digest": "y"}) == {"output_digest": "y"}


def test_the_inputs_of_a_run_are_never_told(a_run):
    run = a_run(inputs={"pin": "hush"}, plan=PLAN)

    assert "hush" not in str([became(None, run), became(a_run(), run)])
