"""A run's steps as its plan unfolded them, and what their expressions can speak of by then."""

from collections import OrderedDict
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from domain.plan import Node, Part, Role
from domain.run import Run
from domain.step import StepRun, StepState
from workflows.definition import STATE, Step, Workflow, from_pinned
from workflows.expressions import ExpressionFault, evaluate
from workflows.planning import plain_nodes

Steps = Mapping[str, StepRun]
"""The step runs of a run, by node."""


@dataclass(frozen=True)
class Unfolded:
    """The workflow of a run, and its nodes."""

    workflow: Workflow
    nodes: tuple[Node, ...]
    parts: tuple[Part, ...] = ()

    @classmethod
    def of(cls, run: Run) -> "Unfolded":
        """The workflow of *run*, as it was pinned and planned."""
        if run.plan is None:
            workflow = from_pinned(run.definition)
            return cls(workflow, plain_nodes(workflow))
        workflow = _workflow(run, run.plan.definition_digest)
        return cls(workflow, run.plan.nodes or plain_nodes(workflow), run.plan.parts)

    @cached_property
    def by_name(self) -> Mapping[str, Node]:
        """The nodes by name."""
        return {node.name: node for node in self.nodes}

    @cached_property
    def always(self) -> frozenset[str]:
        """The nodes that are done at the end, whatever came before."""
        return frozenset(node.name for node in self.nodes if self.step(node).always)

    @cached_property
    def undoable(self) -> frozenset[str]:
        """The nodes that say how they are taken back."""
        return frozenset(
            node.name
            for node in self.nodes
            if node.role is Role.STEP and self.step(node).undo is not None
        )

    @cached_property
    def gates(self) -> frozenset[str]:
        """The nodes that wait for people."""
        return frozenset(node.name for node in self.nodes if self._is_gate(node))

    def _is_gate(self, node: Node) -> bool:
        step = self.step(node)
        if node.role is Role.CANARY:
            return step.canary is not None and step.canary.approve is not None
        return step.approve is not None

    def runs(self) -> Iterator[tuple[Workflow, Mapping[str, str]]]:
        """The workflows that steps run, each with its inputs."""
        for part in self.parts:
            child = self.workflow.at(part.of).run
            if child is not None and child.workflow is not None:
                yield child.workflow, part.inputs

    def step(self, node: Node) -> Step:
        """What the definition says of *node*."""
        return self._steps[node.of]

    def scope(self, run: Run, node: Node, steps: Steps) -> dict[str, Any]:
        """What the expressions of *node* can speak of, with *steps* as they are.

        Raises:
            ExpressionFault: what a workflow that was run gives has no value.
        """
        level = self._levels[node.of.rpartition("/")[0]]
        inputs = run.inputs if node.inputs is None else node.inputs
        known = self._scope(run, level, inputs, node.scope, steps)
        return known if node.index is None else {**known, "index": node.index, "item": node.item}

    @cached_property
    def _steps(self) -> Mapping[str, Step]:
        return {node.of: self.workflow.at(node.of) for node in self.nodes}

    @cached_property
    def _levels(self) -> Mapping[str, Workflow]:
        """The workflows that the nodes stand in, by the path of the step that runs each."""
        levels = {"": self.workflow}
        for node in self.nodes:
            path = node.of.rpartition("/")[0]
            while path and path not in levels:
                child = self.workflow.at(path).run
                if child is not None and child.workflow is not None:
                    levels[path] = child.workflow
                path = path.rpartition("/")[0]
        return levels

    def _scope(
        self, run: Run, workflow: Workflow, inputs: Mapping[str, str], prefix: str, steps: Steps
    ) -> dict[str, Any]:
        plan = run.plan
        return {
            "inputs": workflow.input_values(inputs),
            "steps": {
                each.name: self._output(run, each, f"{prefix}{each.name}", steps)
                for each in workflow.steps
            },
            "run": {"id": run.id, "requester": run.requester.id},
            "plan": {"digest": plan.digest, "lock": plan.lock or ""} if plan else {},
        }

    def _output(self, run: Run, step: Step, name: str, steps: Steps) -> dict[str, Any]:
        """What `steps.<name>` is: the outputs of *step*, whose nodes begin with *name*."""
        if step.for_each is None:
            return self._one(run, step, name, steps)
        results: list[dict[str, Any]] = []
        while (one := f"{name}[{len(results)}]") in steps or self._is_above(one):
            results.append(self._one(run, step, one, steps))
        state = _together([StepState(each[STATE]) for each in results])
        return {"results": results, "count": len(results), STATE: state.value}

    def _one(self, run: Run, step: Step, name: str, steps: Steps) -> dict[str, Any]:
        child = step.run.workflow if step.run else None
        if child is None or not self._is_above(name):
            known = steps.get(name)
            state = known.state if known else StepState.SKIPPED
            return {**((known.output if known else None) or {}), STATE: state.value}
        state = _together(
            [
                steps[node.name].state
                for node in self.nodes
                if node.name.startswith(f"{name}/") and node.name not in self.always
            ]
        )
        if not child.outputs or state is not StepState.SUCCEEDED:
            return {STATE: state.value}
        inputs = next((p.inputs for p in self.parts if p.prefix == f"{name}/"), {})
        there = self._scope(run, child, inputs, f"{name}/", steps)
        return {**_given(child, there), STATE: state.value}

    def _is_above(self, name: str) -> bool:
        """Whether the step called *name* runs a workflow, and so is no node itself."""
        return name in self._above

    @cached_property
    def _above(self) -> frozenset[str]:
        names = set()
        for node in self.nodes:
            parts = node.name.split("/")
            names |= {"/".join(parts[:depth]) for depth in range(1, len(parts))}
        return frozenset(names)


def _given(child: Workflow, there: Mapping[str, Any]) -> dict[str, Any]:
    """What *child* gives; what has no value is left out, so that only who wants it fails."""
    given: dict[str, Any] = {}
    for name, value in child.outputs.items():
        with suppress(ExpressionFault):
            given[name] = evaluate(value, there)
    return given


_MOST_KNOWN = 256
_known: OrderedDict[str, Workflow] = OrderedDict()


def _workflow(run: Run, digest: str) -> Workflow:
    """The workflow of *run*, which has that *digest*: of equal ones one is as good as another."""
    workflow = _known.get(digest)
    if workflow is None:
        workflow = _known[digest] = from_pinned(run.definition)
        if len(_known) > _MOST_KNOWN:
            _known.popitem(last=False)
    return workflow


def _together(states: list[StepState]) -> StepState:
    """The state of several as of one: the worst that there is, or the least far."""
    order = (
        StepState.FAILED,
        StepState.CANCELLED,
        StepState.RUNNING,
        StepState.WAITING,
        StepState.PENDING,
        StepState.COMPENSATED,
        StepState.SUCCEEDED,
    )
    return next((each for each in order if each in states), StepState.SKIPPED)
