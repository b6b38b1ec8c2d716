"""Branches side by side, items, conditions, sub-workflows, gates inside, what is done always."""

from datetime import timedelta

import pytest

from domain.approval import Choice
from domain.run import RunState
from tests.engine.boxes import GATED, ask, carried_out, ended
from tests.engine.world import APPROVER_1, APPROVER_2, APPROVERS, TWO, person


async def test_branches_are_done_side_by_side_and_joined(world, boxes, workflow):
    run_id = await carried_out(
        world,
        workflow(
            """
            one: {uses: box.put@1, with: {box: one}}
            two: {uses: box.put@1, with: {box: two}}
            both: {needs: [one, two], uses: box.put@1, with: {box: both}}
            """
        ),
    )

    assert await ended(world, run_id) == (
        RunState.SUCCEEDED,
        {"one": "succeeded", "two": "succeeded", "both": "succeeded"},
    )
    assert boxes.most_at_once == 1  # nothing of the fake takes time: see the test below
    assert boxes.done[-1] == ("put", "both")


async def test_a_branch_that_takes_long_holds_nobody_up(world, boxes, workflow):
    order = []

    async def slow():
        while "fast" not in order:
            await world.until_something_happens()

    async def fast():
        order.append("fast")

    boxes.on("put", "slow", slow)
    boxes.on("put", "last", fast)
    run_id = await carried_out(
        world,
        workflow(
            """
            slow: {uses: box.put@1, with: {box: slow}}
            first: {uses: box.put@1, with: {box: first}}
            last: {needs: [first], uses: box.put@1, with: {box: last}}
            """
        ),
    )

    assert (await ended(world, run_id))[0] is RunState.SUCCEEDED
    assert boxes.done == [("put", "first"), ("put", "last"), ("put", "slow")]


async def test_what_a_failing_branch_leaves_is_undone_newest_first(world, boxes, workflow):
    boxes.on("put", "bad", "retry", "fail")
    run_id = await carried_out(
        world,
        workflow(
            """
            one: {uses: box.put@1, with: {box: one}, undo: {uses: box.out@1, with: {box: one}}}
            two:
              needs: [one]
              uses: box.put@1
              with: {box: two}
              undo: {uses: box.out@1, with: {box: two}}
            bad:
              needs: [two]
              uses: box.put@1
              with: {box: bad}
              retry: {attempts: 3, backoff: 1s}
            never: {needs: [bad], uses: box.put@1, with: {box: never}}
            """
        ),
    )

    assert await ended(world, run_id) == (
        RunState.ROLLED_BACK,
        {"one": "compensated", "two": "compensated", "bad": "failed", "never": "skipped"},
    )
    assert boxes.done[2:] == [("out", "two"), ("out", "one")]


async def test_it_is_done_for_each_item_only_so_many_at_once(world, boxes, workflow):
    begun = []

    def wait_for(count):
        async def until_begun():
            begun.append(count)
            while len(begun) < count:
                await world.until_something_happens()

        return until_begun

    for name in "abcde":
        boxes.on("put", name, wait_for(2))  # at least two must be under way at once
    run_id = await carried_out(
        world,
        workflow(
            """
            all:
              for_each: "${ inputs.names }"
              max_parallel: 2
              uses: box.put@1
              with: {box: "${ item }"}
            told:
              needs: [all]
              notify: "${ string(steps.all.count) } done: ${ steps.all.results[4].box }"
            """,
            head="""
            command: go <names>
            inputs:
              names: {type: multi_choice, choices: [a, b, c, d, e]}
            """,
        ),
        inputs={"names": "a,b,c,d,e"},
    )

    state, steps = await ended(world, run_id)
    assert state is RunState.SUCCEEDED
    assert steps == {f"all[{index}]": "succeeded" for index in range(5)} | {"told": "succeeded"}
    assert boxes.most_at_once == 2
    told = [notice for notice in await world.notices() if notice.kind == "told"]
    assert [notice.reason for notice in told] == ["5 done: e"]


async def test_nothing_is_done_for_nothing(world, boxes, workflow):
    run_id = await carried_out(
        world,
        workflow(
            """
            names: {uses: box.look@1}
            all: {needs: [names], for_each: "${ steps.names.names }", uses: box.put@1}
            last: {needs: [all], if: "${ steps.all.count == 0 }", uses: box.put@1}
            """
        ),
    )

    assert await ended(world, run_id) == (
        RunState.SUCCEEDED,
        {"names": "succeeded", "all": "skipped", "last": "succeeded"},
    )


@pytest.mark.parametrize(("fails", "touched"), [(True, 1), (False, 4)])
async def test_a_canary_goes_first(world, boxes, workflow, fails, touched):
    if fails:
        boxes.on("put", "a", "fail")
    run_id = await carried_out(
        world,
        workflow(
            """
            all:
              for_each: [a, b, c, d]
              canary: {first: 1, wait: 10m}
              uses: box.put@1
              with: {box: "${ item }"}
            """
        ),
    )

    assert len(boxes.done) == (0 if fails else 1)
    await world.work(timedelta(minutes=11))
    assert len(boxes.done) == (0 if fails else 4)
    _, steps = await ended(world, run_id)
    assert sum(
        state in {"succeeded", "failed"} for n, state in steps.items() if n[4].isdigit()
    ) == (touched)


@pytest.mark.parametrize(
    ("limits", "sentence"),
    [
        ("{max_targets: 2}", "All: it would be done for 3; at most 2 are allowed."),
        ("{max_percent: 10, of: 20}", "All: 3 of 20 are 15 %, and at most 10 % are allowed."),
    ],
)
async def test_more_than_the_limit_is_refused_before_anything_happens(
    world, boxes, workflow, limits, sentence
):
    run_id = await carried_out(
        world,
        workflow(
            f"""
            all:
              for_each: [a, b, c]
              limits: {limits}
              uses: box.put@1
              with: {{box: "${{ item }}"}}
            """
        ),
    )

    run = await world.run(run_id)
    assert (run.state, boxes.done) == (RunState.FAILED, [])
    assert sentence in run.outcome


async def test_a_condition_is_looked_at_when_planned_or_when_it_is_its_turn(
    world, boxes, workflow
):
    boxes.full = frozenset({"a"})
    run_id = await carried_out(
        world,
        workflow(
            """
            look: {uses: box.look@1, with: {box: a}}
            early: {needs: [look], if: "${ !steps.look.full }", uses: box.put@1}
            put: {uses: box.put@1, with: {box: b}, outputs: {what: "${ result.box }"}}
            late: {needs: [put], if: '${ steps.put.what == "c" }', uses: box.put@1}
            then: {needs: [early, late], uses: box.put@1, with: {box: then}}
            """
        ),
    )

    run = await world.run(run_id)
    assert [node.skipped for node in run.plan.nodes] == [
        "",
        "its condition does not hold",
        "",
        "",
        "",
    ]
    assert await ended(world, run_id) == (
        RunState.SUCCEEDED,
        {
            "look": "succeeded",
            "early": "skipped",
            "put": "succeeded",
            "late": "skipped",
            "then": "succeeded",
        },
    )


async def test_a_condition_that_has_no_value_fails_the_step(world, boxes, workflow):
    run_id = await carried_out(
        world,
        workflow(
            """
            put: {uses: box.put@1, with: {box: b}}
            late: {needs: [put], if: "${ steps.put.nothing }", uses: box.put@1}
            """
        ),
    )

    state, steps = await ended(world, run_id)
    assert (state, steps["late"]) == (RunState.FAILED, "failed")
    assert boxes.done == [("put", "b")]


@pytest.mark.parametrize(
    ("tokens", "end"), [((), RunState.SUCCEEDED), (("fail",), RunState.ROLLED_BACK)]
)
async def test_what_is_done_always_comes_last(world, boxes, workflow, tokens, end):
    boxes.on("put", "bad", *tokens)
    run_id = await carried_out(
        world,
        workflow(
            """
            one: {uses: box.put@1, with: {box: one}, undo: {uses: box.out@1, with: {box: one}}}
            clean: {always: true, uses: box.out@1, with: {box: clean}}
            state:
              always: true
              needs: [clean]
              notify: "bad is ${ steps.bad.state }"
            bad: {needs: [one], uses: box.put@1, with: {box: bad}}
            """
        ),
    )

    state, steps = await ended(world, run_id)
    assert (state, steps["clean"], boxes.done[-1]) == (end, "succeeded", ("out", "clean"))
    (told,) = [each for each in await world.notices() if each.kind == "told"]
    assert told.reason == f"bad is {'failed' if tokens else 'succeeded'}"


async def test_a_workflow_that_a_step_runs_is_part_of_the_run(world, boxes, workflow):
    boxes.on("put", "b-last", "fail")
    run_id = await carried_out(
        world,
        workflow(
            """
            roll:
              for_each: [a, b]
              max_parallel: 1
              run: fill
              with: {name: "${ item }"}
            """,
            fill="""
            command: fill <name>
            inputs: {name: {}}
            lock: box/${ inputs.name }
            outputs: {what: "${ steps.one.box }"}
            steps:
              one:
                uses: box.put@1
                with: {box: "${ inputs.name }-one"}
                undo: {uses: box.out@1, with: {box: "${ inputs.name }-one"}}
              last: {needs: [one], uses: box.put@1, with: {box: "${ inputs.name }-last"}}
            """,
        ),
    )

    run = await world.run(run_id)
    assert run.plan.locks == ("box/a", "box/b")
    assert [node.title for node in run.plan.nodes] == [
        "Roll · a: One",
        "Roll · a: Last",
        "Roll · b: One",
        "Roll · b: Last",
    ]
    assert await ended(world, run_id) == (
        RunState.ROLLED_BACK,
        {
            "roll[0]/one": "compensated",
            "roll[0]/last": "succeeded",
            "roll[1]/one": "compensated",
            "roll[1]/last": "failed",
        },
    )
    assert boxes.done == [
        ("put", "a-one"),
        ("put", "a-last"),
        ("put", "b-one"),
        ("out", "b-one"),
        ("out", "a-one"),
    ]


FILL = """
    command: fill <name>
    inputs: {name: {}}
    steps:
      one: {uses: box.put@1, with: {box: "${ inputs.name }"}}
"""


async def test_the_heaviest_gate_of_what_a_run_has_others_do_is_its_own(world, boxes, workflow):
    world.electors.rules = {"fill": TWO}
    go = workflow("""fill: {run: fill, with: {name: x}}""", fill=FILL)
    run_id = await carried_out(world, go)

    run = await world.run(run_id)
    assert (run.state, run.gate_rule, boxes.done) == (RunState.AWAITING_APPROVAL, TWO, [])
    await world.vote(run_id, APPROVER_1)
    await world.vote(run_id, APPROVER_2)
    await world.work()
    assert (await ended(world, run_id))[0] is RunState.SUCCEEDED


async def test_what_its_requester_may_not_do_a_run_does_not_either(world, boxes, workflow):
    world.electors.forbidden = {"fill"}
    run_id = await carried_out(
        world, workflow("""fill: {run: fill, with: {name: x}}""", fill=FILL)
    )

    run = await world.run(run_id)
    assert (run.state, run.outcome, boxes.done) == (RunState.FAILED, "dev-1 may not fill.", [])


async def test_what_a_workflow_gives_can_be_spoken_of(world, boxes, workflow):
    await carried_out(
        world,
        workflow(
            """
            fill: {run: fill, with: {name: x}}
            told: {needs: [fill], notify: "it is ${ steps.fill.what }"}
            """,
            fill="""
            command: fill <name>
            inputs: {name: {}}
            outputs: {what: "${ steps.one.box }"}
            steps:
              one: {uses: box.put@1, with: {box: "${ inputs.name }"}}
            """,
        ),
    )

    assert [notice.reason for notice in await world.notices() if notice.kind == "told"] == [
        "it is x"
    ]


async def test_a_step_waits_for_people(world, boxes, workflow):
    run_id = await carried_out(world, workflow(GATED))

    run = await world.run(run_id)
    assert (run.state, run.carrier, boxes.done) == (RunState.RUNNING, None, [("put", "one")])
    await world.vote(run_id, APPROVER_1)
    await world.work()
    assert (await ended(world, run_id))[0] is RunState.SUCCEEDED
    steps = await world.steps(run_id)
    assert steps["sure"].output == {"approved_by": ["approver-1"]}


async def test_a_step_that_people_reject_fails(world, boxes, workflow):
    run_id = await carried_out(world, workflow(GATED))

    await world.vote(run_id, APPROVER_1, Choice.REJECT, "not today")
    await world.work()
    state, steps = await ended(world, run_id)
    assert (state, steps["sure"]) == (RunState.ROLLED_BACK, "failed")
    assert (await world.run(run_id)).outcome.startswith("Sure: rejected by approver-1: not today.")


async def test_a_step_that_nobody_decides_on_fails_in_time(world, boxes, workflow):
    run_id = await carried_out(world, workflow(GATED))

    await world.work(timedelta(hours=2))
    state, steps = await ended(world, run_id)
    assert (state, steps["sure"]) == (RunState.ROLLED_BACK, "failed")


async def test_a_vote_is_heard_while_another_step_takes_long(world, boxes, workflow):
    async def approved():
        while not await world.store.read(lambda unit: unit.gates.open_in(run_id)):
            await world.until_something_happens()
        await world.vote(run_id, APPROVER_1)

    boxes.on("put", "slow", approved)
    run_id = await ask(world, workflow(GATED + "    slow: {uses: box.put@1, with: {box: slow}}\n"))
    await world.work()

    assert (await ended(world, run_id))[0] is RunState.SUCCEEDED


async def test_a_condition_is_waited_for(world, boxes, workflow):
    boxes.full = frozenset({"a"})
    steps = """
        put: {uses: box.put@1, with: {box: b}}
        full:
          needs: [put]
          wait:
            uses: box.look@1
            with: {box: a}
            until: "${ result.full }"
            every: 1m
            timeout: 1h
          outputs: {names: "${ result.names }"}
    """
    boxes.on("look", "a", "not yet", "not yet")
    run_id = await carried_out(world, workflow(steps))

    assert (await ended(world, run_id))[1]["full"] == "waiting"
    await world.work(timedelta(minutes=3))
    assert (await ended(world, run_id))[0] is RunState.SUCCEEDED
    assert (await world.steps(run_id))["full"].output == {"names": ["a"]}


async def test_a_condition_is_not_waited_for_for_ever(world, boxes, workflow):
    steps = """
        full: {wait: {uses: box.look@1, with: {box: a}, until: "${ result.full }", timeout: 1h}}
    """
    run_id = await carried_out(world, workflow(steps))

    await world.work(timedelta(hours=2))
    assert (await ended(world, run_id)) == (RunState.FAILED, {"full": "failed"})
    run = await world.run(run_id)
    assert run.finished_at - run.started_at <= timedelta(hours=1, seconds=11)


async def test_whoever_is_of_another_group_cannot_let_a_step_go_on(world, boxes, workflow):
    run_id = await carried_out(world, workflow(GATED))

    with pytest.raises(Exception, match="may not decide"):
        await world.vote(run_id, person("stranger", f"not-{APPROVERS}"))
    assert (await ended(world, run_id))[1]["sure"] == "waiting"


CLEANING = """
    command: fill <name>
    inputs: {name: {}}
    outputs: {what: "${ inputs.name }", not: "${ steps.two.box }"}
    steps:
      one: {uses: box.put@1, with: {box: "${ inputs.name }"}}
      two: {needs: [one], if: '${ steps.one.box == "none" }', uses: box.put@1}
      clean: {needs: [one], always: true, uses: box.out@1, with: {box: "${ inputs.name }"}}
"""


async def test_what_a_part_does_always_holds_nobody_up(world, boxes, workflow):
    run_id = await carried_out(
        world,
        workflow(
            """
            all: {for_each: [a, b], max_parallel: 1, run: fill, with: {name: "${ item }"}}
            after: {needs: [all], uses: box.put@1, with: {box: after}}
            told: {needs: [all], notify: "${ steps.all.results[1].what }"}
            """,
            fill=CLEANING,
        ),
    )

    assert (await ended(world, run_id))[0] is RunState.SUCCEEDED
    assert [box for _, box in boxes.done] == ["a", "b", "after", "a", "b"]
    assert [each.reason for each in await world.notices() if each.kind == "told"] == ["b"]


async def test_what_has_no_value_fails_only_who_wants_it(world, boxes, workflow):
    go = """
        fill: {run: fill, with: {name: x}}
        fine: {needs: [fill], uses: box.put@1, with: {box: fine}}
        wants: {needs: [fine, fill], notify: "${ steps.fill.not }"}
    """
    run_id = await carried_out(world, workflow(go, fill=CLEANING))

    state, steps = await ended(world, run_id)
    assert (state, steps["fine"], steps["wants"]) == (RunState.FAILED, "succeeded", "failed")


async def test_a_workflow_that_only_runs_others_is_asked_about_too(world, boxes, workflow):
    world.electors.forbidden = {"between"}
    go = workflow(
        "top: {run: between, with: {name: x}}",
        between="""
        command: between <name>
        inputs: {name: {}}
        steps:
          only: {run: fill, with: {name: "${ inputs.name }"}}
        """,
        fill=FILL,
    )
    run_id = await carried_out(world, go)

    assert ((await world.run(run_id)).outcome, boxes.done) == ("dev-1 may not between.", [])
