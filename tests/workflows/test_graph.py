"""A workflow drawn: what needs what, what waits, and how it is undone."""

from dataclasses import replace
from datetime import timedelta
import itertools
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from workflows.definition import Step, SubWorkflow, Workflow
from workflows.graph import mermaid_graph
from workflows.parts import Approve, Canary, Limits, Notify, Retry, RetryOn, Undo, Until
from workflows.text_graph import LEGEND, text_graph

_FROM_ABOVE = frozenset("│├┤┼╯╰┴")
_FURTHER_DOWN = frozenset("│├┤┼╮╭┬○")

WORKFLOW = Workflow(
    name="go",
    title="Go",
    description="",
    command="go <version>",
    inputs=(),
    lock=None,
    steps=(
        Step(name="look", title="Look", uses="shop.current@1"),
        Step(
            name="switch",
            title='Switch "it"',
            uses="shop.switch@1",
            needs=("look",),
            undo=Undo(uses="shop.switch@1"),
        ),
        Step(name="settle", title="Settle", needs=("look", "switch"), wait=timedelta(minutes=1)),
    ),
)


def test_steps_are_boxes_and_needs_are_arrows():
    assert mermaid_graph(WORKFLOW).splitlines() == [
        "flowchart TD",
        '  command(["go #lt;version#gt;"])',
        '  s1["Look<br/>shop.current@1"]',
        "  command --> s1",
        '  s2["Switch #quot;it#quot;<br/>shop.switch@1"]',
        "  s1 --> s2",
        '  u2["undo: shop.switch@1"]',
        "  s2 -.-> u2",
        '  s3{{"Settle<br/>wait 1m"}}',
        "  s1 --> s3",
        "  s2 --> s3",
    ]


def drawn(*steps: Step) -> str:
    return "\n".join(text_graph(replace(WORKFLOW, steps=steps)))


def step(name: str, *needs: str, **more: Any) -> Step:
    kind = {} if more.keys() & {"wait", "until", "approve", "run", "notify"} else {"uses": "a.b@1"}
    return Step(name=name, title=name, needs=needs, **kind, **more)


def test_a_chain_is_one_rail():
    assert drawn(step("a"), step("b", "a"), step("c", "b")) == (
        "○ a  a.b@1\n│\n○ b  a.b@1\n│\n○ c  a.b@1"
    )


def test_what_needs_nothing_begins_a_rail_of_its_own():
    assert drawn(step("a"), step("b"), step("c", "a", "b")) == (
        "○ a  a.b@1\n│ ○ b  a.b@1\n├─╯\n○ c  a.b@1"
    )


def test_branches_part_and_join_again():
    assert (
        drawn(step("a"), step("b", "a"), step("c", "a"), step("d", "b", "c"))
        == """\
○ a  a.b@1
├─╮
│ ○ b  a.b@1
│ │
○ │ c  a.b@1
├─╯
○ d  a.b@1"""
    )


def test_a_rail_that_leads_on_is_crossed():
    assert (
        drawn(step("a"), step("b"), step("c", "a"), step("d", "c", "b"), step("e", "a", "d"))
        == """\
○ a  a.b@1
│ ○ b  a.b@1
├─┼─╮
│ │ ○ c  a.b@1
│ ├─╯
│ ○ d  a.b@1
├─╯
○ e  a.b@1"""
    )


def test_what_nobody_needs_ends_and_its_place_is_free_again():
    assert drawn(step("a"), step("b"), step("c")) == "○ a  a.b@1\n○ b  a.b@1\n○ c  a.b@1"


def test_each_kind_of_step_has_its_sign_and_its_terms():
    text = drawn(
        step("a", retry=Retry(attempts=2, on=(RetryOn.TIMEOUT,)), timeout=timedelta(minutes=2)),
        step("b", approve=Approve(by="owners", count=2, escalate="leads")),
        step("c", wait=timedelta(hours=1), condition="${ inputs.x }"),
        step("d", until=Until(uses="a.c@1", holds="${ result.ok }")),
        step(
            "e",
            for_each=["eu", "us"],
            max_parallel=3,
            limits=Limits(max_targets=5, max_percent=10, of="${ inputs.n }"),
            canary=Canary(approve=Approve(by="owners")),
            undo=Undo(uses="a.d@1"),
        ),
        step("f", run=SubWorkflow(name="deploy")),
        step("g", notify=Notify(message="It is over.", to="owners"), always=True),
        step("h", for_each="${ inputs.many }", canary=Canary(wait=timedelta(minutes=5))),
    )

    assert (
        text
        == """\
○ a  a.b@1
    within 2m
    2 attempts on timeout, 1s apart at first
◇ b  approve: 2 of owners, within 30m, leads are called after half of it
◌ c  wait 1h
    if ${ inputs.x }
◌ d  wait until ${ result.ok }: a.c@1 every 10s for 10m
○ e  a.b@1
    for each of eu, us
    3 at once
    at most 5
    at most 10 % of ${ inputs.n }
    the first 1 ahead, the others when approved: 1 of owners, within 30m
    undone by a.d@1
▷ f  run deploy
· g  notify owners: It is over.
    always, at the end
○ h  a.b@1
    for each of ${ inputs.many }
    the first 1 ahead, the others 5m later"""
    )
    assert {line[0] for line in text.splitlines()} - {" "} == LEGEND.keys()


def test_each_kind_of_step_has_its_shape_on_pages():
    kinds = {
        "approve": Approve(by="owners"),
        "run": SubWorkflow(name="deploy"),
        "notify": Notify(message="over"),
    }
    steps = tuple(step(key, **{key: kind}) for key, kind in kinds.items())
    steps += (step("many", for_each=["x"], condition='${ inputs.x == "y" }'),)

    lines = mermaid_graph(replace(WORKFLOW, steps=steps)).splitlines()

    assert [each for each in lines if "-->" not in each][2:] == [
        '  s1{"approve<br/>approve: 1 of owners, within 30m"}',
        '  s2[["run<br/>run deploy"]]',
        '  s3("notify<br/>notify the requester: over")',
        ('  s4["many<br/>a.b@1<br/>if ${ inputs.x == #quot;y#quot; }<br/>for each of several"]'),
    ]


@given(st.lists(st.sets(st.integers(0, 7)), min_size=1, max_size=8))
def test_every_step_is_drawn_once_on_a_rail_of_its_own(needs):
    steps = [
        step(f"s{number}", *(f"s{each}" for each in sorted(wanted) if each < number))
        for number, wanted in enumerate(needs)
    ]

    lines = drawn(*steps).splitlines()

    nodes = [line for line in lines if "○" in line]
    assert [line.split("  a.b@1")[0].split()[-1] for line in nodes] == [s.name for s in steps]
    for above, below in itertools.pairwise(lines):
        for at, sign in enumerate(below.partition(" s")[0]):
            if sign in _FROM_ABOVE:  # what comes from above is there
                assert above[at : at + 1] in _FURTHER_DOWN, f"{above}\n{below}"
