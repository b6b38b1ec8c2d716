"""A workflow as a graph in Mermaid's language, for pages that draw it.

https://mermaid.js.org/syntax/flowchart.html
"""

from workflows.definition import Step, Workflow
from workflows.step_words import deed

_AWKWARD = str.maketrans({'"': "#quot;", "<": "#lt;", ">": "#gt;", "\n": " "})
"""What would end a label, or begin a tag in it: Mermaid's own escapes."""


_SHAPES = {
    "uses": ("[", "]"),
    "wait": ("{{", "}}"),
    "until": ("{{", "}}"),
    "approve": ("{", "}"),
    "run": ("[[", "]]"),
    "notify": ("(", ")"),
}
"""How a node begins and ends, by what the step does."""


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
    """A rectangle for an action, a diamond for people, a hexagon for a wait, and so on."""
    begin, end = next(ends for key, ends in _SHAPES.items() if getattr(step, key) is not None)
    fan = "for each of several" if step.for_each is not None else ""
    said = (step.title, deed(step), f"if {step.condition}" if step.condition else "", fan)
    return f'{begin}"{"<br/>".join(_label(each) for each in said if each)}"{end}'


def _label(text: str) -> str:
    return text.translate(_AWKWARD)
