"""A workflow as a graph in text: a line for each step, and rails from what it needs.

    ○ current  releases.current@1
    │ ○ target  releases.previous@1
    ├─╯
    ○ switch  releases.switch@1

A rail is what a step has done and others wait for; it ends at the last one that needs it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from workflows.definition import Step, Workflow
from workflows.step_words import deed, terms

_ACTION, _GATE, _WAIT, _RUN, _NOTICE = "○", "◇", "◌", "▷", "·"
LEGEND = {
    _ACTION: "an action",
    _GATE: "people decide",
    _WAIT: "a wait",
    _RUN: "another workflow",
    _NOTICE: "a message",
}
"""What stands for which kind of step."""

_UP, _DOWN, _LEFT, _RIGHT = 1, 2, 4, 8
_SIGNS = {
    0: " ",
    _UP | _DOWN: "│",
    _LEFT | _RIGHT: "─",
    _UP | _DOWN | _RIGHT: "├",
    _UP | _DOWN | _LEFT: "┤",
    _UP | _DOWN | _LEFT | _RIGHT: "┼",
    _UP | _LEFT: "╯",
    _UP | _RIGHT: "╰",
    _UP | _LEFT | _RIGHT: "┴",
    _DOWN | _LEFT: "╮",
    _DOWN | _RIGHT: "╭",
    _DOWN | _LEFT | _RIGHT: "┬",
}
"""Lines by where they lead to."""


def text_graph(workflow: Workflow) -> Iterator[str]:
    """The lines of the graph: steps in their order, each below all that it needs."""
    rails = _Rails({step.name: _needing(step, workflow.steps) for step in workflow.steps})
    for step in workflow.steps:
        above = rails.row()
        column, joint = rails.to(step)
        if joint or step.needs:
            yield joint or above
        here = rails.row(column, _sign(step))
        yield f"{here} {step.name}  {deed(step)}"
        rails.leave(step, column)
        for each in terms(step):
            yield f"{rails.row():<{len(here)}}   {each}"


def _needing(step: Step, steps: Sequence[Step]) -> list[str]:
    return [each.name for each in steps if step.name in each.needs]


def _sign(step: Step) -> str:
    if step.approve is not None:
        return _GATE
    if step.wait is not None or step.until is not None:
        return _WAIT
    if step.run is not None:
        return _RUN
    return _NOTICE if step.notify is not None else _ACTION


@dataclass(slots=True)
class _Rails:
    """The rails that lead down from the steps so far."""

    waiting: dict[str, list[str]]  #: the steps that need a step and have not come, by its name
    columns: list[str | None] = field(default_factory=list)  #: whose rail it is; None: nobody's

    @property
    def open(self) -> set[str]:
        """The steps that others wait for."""
        return {each for each in self.columns if each is not None}

    def to(self, step: Step) -> tuple[int, str]:
        """The column of *step*, and the line that leads to it; empty where that goes straight."""
        sources = [self.columns.index(need) for need in step.needs if need in self.open]
        for need in step.needs:
            self.waiting[need] = [each for each in self.waiting[need] if each != step.name]
        ending = [at for at in sources if not self.waiting[self.columns[at] or ""]]
        target = min(ending) if ending else self._free()
        joint = self._joint(sources, ending, target) if set(sources) - {target} else ""
        for at in ending:
            self.columns[at] = None
        return target, joint

    def leave(self, step: Step, column: int) -> None:
        """Begin the rail of *step*, if others need it."""
        self.columns[column] = step.name if self.waiting[step.name] else None
        while self.columns and self.columns[-1] is None:
            self.columns.pop()

    def row(self, column: int = -1, sign: str = "") -> str:
        """The rails as they are, with *sign* in *column*."""
        width = max(len(self.columns), column + 1)
        signs = [
            sign if at == column else "│" if self._has_rail(at) else " " for at in range(width)
        ]
        return " ".join(signs).rstrip()

    def _has_rail(self, at: int) -> bool:
        return at < len(self.columns) and self.columns[at] is not None

    def _free(self) -> int:
        if None not in self.columns:
            self.columns.append(None)
        return self.columns.index(None)

    def _joint(self, sources: list[int], ending: list[int], target: int) -> str:
        """The line that leads from *sources*, of which some are *ending*, to *target*."""
        left, right = min(*sources, target), max(*sources, target)
        signs = []
        for at in range(max(len(self.columns), right + 1)):
            goes = _UP if self._has_rail(at) else 0
            if (self._has_rail(at) and at not in ending) or at == target:
                goes |= _DOWN
            if at in sources or at == target or left < at < right:
                goes |= (_LEFT if at > left else 0) | (_RIGHT if at < right else 0)
            signs.append(_SIGNS[goes])
            signs.append("─" if left <= at < right else " ")
        return "".join(signs).rstrip()
