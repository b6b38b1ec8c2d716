"""A workflow drawn: what needs what, what waits, and how it is undone."""

from datetime import timedelta

from workflows.definition import Step, Undo, Workflow
from workflows.graph import mermaid_graph

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
