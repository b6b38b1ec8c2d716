"""A workflow as a graph in Mermaid's language, for pages that draw it.

https://mermaid.js.org/syntax/flowchart.html
"""

from workflows.definition import Step, Workflow
from workflows.durations import text_of

_AWKWARD = str.maketrans({'"': "#quot;", "<": "#lt;", ">": "#gt;", "\n": " "})
"""What would end a label, or begin a tag in it: Mermaid's own escapes."""


def mermaid_graph(workflow: Workflow) -> str:
    """Steps as boxes, needs as arrows, and how each is undone as a dotted line back."""
    numbers = {step.name: number for number, step in enumerate(workflow.steps, start=1)}
    lines = ["flowchart TD", f'  command(["{_label(workflow.command)}"])']
    for step in workflow.steps:
        node = f"s{numbers[step.name]}"
        lines.append(f"  {node}{_box(step)}")
        before = [f"s{numbers[need]}" for need in step.needs] or ["command"]
        lines += [f"  {each} --> {node}" for each in before]
        if step.undo is not None:
            lines += [
                f'  u{numbers[step.name]}["undo: {_label(step.undo.uses)}"]',
                f"  {node} -.-> u{numbers[step.name]}",
            ]
    return "\n".join(lines)


def _box(step: Step) -> str:
    if step.wait is not None:
        return f'{{{{"{_label(step.title)}<br/>wait {text_of(step.wait)}"}}}}'
    return f'["{_label(step.title)}<br/>{_label(step.uses or "")}"]'


def _label(text: str) -> str:
    return text.translate(_AWKWARD)
