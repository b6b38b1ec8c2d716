"""A run in one transaction: its rows as they were found, and as they become."""

from dataclasses import dataclass, replace
from typing import Any

from domain.plan import Node
from domain.run import Run
from domain.step import StepEvent, StepRun, StepState, advance_step
from storage.unit import UnitOfWork
from workflows.engine.frontier import Graph
from workflows.unfolded import Unfolded


@dataclass(slots=True)
class Scene:
    """A run, its steps, and what they are in the graph."""

    unit: UnitOfWork
    run: Run
    unfolded: Unfolded
    graph: Graph
    steps: dict[str, StepRun]

    @classmethod
    def of(cls, unit: UnitOfWork, run: Run) -> "Scene":
        """*run*, which *unit* has locked, with its steps."""
        unfolded = Unfolded.of(run)
        return cls(
            unit=unit,
            run=run,
            unfolded=unfolded,
            graph=Graph(nodes=unfolded.nodes, always=unfolded.always, undoable=unfolded.undoable),
            steps={step.name: step for step in unit.steps.of(run.id)},
        )

    def save(self, name: str, event: StepEvent | None = None, **changes: Any) -> StepRun:
        """The step after *event*, saved, with *changes* to its other fields."""
        was = self.steps[name]
        if event is not None:
            changes["state"] = advance_step(was.state, event)
        saved = replace(was, **changes)
        ends = {StepState.SUCCEEDED, StepState.FAILED, StepState.CANCELLED}
        if saved.state in ends and saved.finished_at is None:
            saved = replace(saved, finished_at=self.unit.now)
        self.unit.steps.save(saved)
        self.steps[name] = saved
        return saved

    def scope(self, node: Node) -> dict[str, Any]:
        """What the expressions of *node* can speak of by now.

        Raises:
            ExpressionFault: what a workflow that was run gives has no value.
        """
        return self.unfolded.scope(self.run, node, self.steps)
