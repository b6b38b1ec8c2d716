"""What a run would do, before it does it; what is approved is the plan's digest."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from domain.canonical import digest
from domain.command import Effect


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One thing that would be different afterwards."""

    target: str  #: "shop in prod"
    what: str  #: "version"
    before: str
    after: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionPlan:
    """What one action would do, as its connector says after looking at the live system.

    *before* is the state that the changes start from. It is part of the digest: when the live
    system no longer says the same, the plan has drifted.
    """

    summary: str
    changes: tuple[Change, ...] = ()
    untouched: tuple[str, ...] = ()  #: what stays as it is, for the reader
    rollback: str = ""  #: how it is taken back, in words
    before: Mapping[str, Any] | None = None  #: JSON values only


@dataclass(frozen=True, slots=True, kw_only=True)
class StepPlan:
    """What one step would do."""

    step: str
    uses: str
    effect: Effect
    arguments: Mapping[str, Any]
    plan: ActionPlan | None = None  #: None for a step that only reads, or waits


@dataclass(frozen=True, slots=True, kw_only=True)
class Lane:
    """One of several that do the same for different items: only so many go on at once."""

    of: str  #: the name of the step that fans out
    index: int
    at_once: int  #: how many may


class Role(StrEnum):
    """What a node is in the step that it comes from."""

    STEP = "step"
    CANARY = "canary"  #: stands between the first items and the others


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """One thing to do in a run: a step, unfolded. Each has a step run of its name.

    A step with `for_each` becomes a node for each item, `switch[0]`, `switch[1]`; a step that
    runs another workflow becomes that one's nodes, `roll/switch`.
    """

    name: str
    title: str
    of: str  #: the step it comes from: its path in the definition, `roll/switch`
    needs: tuple[str, ...] = ()  #: nodes
    role: Role = Role.STEP
    item: Any = None  #: JSON: what `item` is in its expressions
    index: int | None = None  #: its place among the items; None without `for_each`
    inputs: Mapping[str, str] | None = None  #: of the workflow it stands in; None: the run's own
    scope: str = ""  #: the prefix of the nodes that its expressions call by their steps' names
    lanes: tuple[Lane, ...] = ()
    skipped: str = ""  #: why it will not be done; empty where it will
    done_in: str = ""  #: the run that has done it already; empty where it is to be done

    def belongs_to(self, step: str) -> bool:
        """Whether it is the step of that name, or one of several that the step stands for."""
        names = (self.of, self.name)
        return step in names or any(each.startswith(f"{step}/") for each in names)


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A workflow that a step runs, once."""

    prefix: str  #: of its nodes' names, `roll[0]/`
    of: str  #: the step that runs it: its path in the definition
    inputs: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a run would do. Immutable; a new look at the world makes a new plan."""

    definition_digest: str
    inputs: Mapping[str, str]
    steps: tuple[StepPlan, ...]
    lock: str | None
    nodes: tuple[Node, ...] = ()  #: everything to do, in order; empty in plans of older versions
    parts: tuple[Part, ...] = ()  #: what it has other workflows do
    locks: tuple[str, ...] = ()  #: further ones: those of the workflows that its steps run

    @property
    def digest(self) -> str:
        """SHA-256 over definition, inputs, targets and before-state; 64 hex digits.

        Words for the reader (summary, untouched, rollback) are left out: a better sentence is
        no drift.
        """
        nodes = [_node(each) for each in self.nodes]
        parts = [[each.prefix, each.of, dict(each.inputs)] for each in self.parts]
        return digest(
            {
                "definition": self.definition_digest,
                "inputs": dict(self.inputs),
                "lock": self.lock,
                "steps": [
                    {
                        "step": each.step,
                        "uses": each.uses,
                        "with": dict(each.arguments),
                        "targets": _targets(each.plan),
                        "before": dict(each.plan.before or {}) if each.plan else {},
                    }
                    for each in self.steps
                ],
                # Only where they say more than the definition does: what was planned before
                # there were nodes keeps its digest.
                **({"nodes": nodes} if any(map(_says_more, self.nodes)) else {}),
                **({"locks": list(self.locks)} if self.locks else {}),
                **({"parts": parts} if parts else {}),
            }
        )

    @property
    def changes(self) -> tuple[Change, ...]:
        """All changes, in the order of the steps."""
        return tuple(c for s in self.steps if s.plan for c in s.plan.changes)

    @property
    def untouched(self) -> tuple[str, ...]:
        """What the plan says stays as it is, each thing once."""
        return tuple(dict.fromkeys(u for s in self.steps if s.plan for u in s.plan.untouched))

    @property
    def rollback(self) -> str:
        """How the run is taken back, in words; empty where nothing is changed."""
        return " ".join(
            dict.fromkeys(s.plan.rollback for s in self.steps if s.plan and s.plan.rollback)
        )

    @property
    def is_mutating(self) -> bool:
        """Whether any step changes something."""
        return any(each.effect is not Effect.READ for each in self.steps)


def _says_more(node: Node) -> bool:
    """Whether *node* is not just the step of its name, done as it stands in the definition."""
    is_item = node.index is not None or node.role is not Role.STEP
    return is_item or node.inputs is not None or bool(node.skipped or node.done_in)


def _node(node: Node) -> dict[str, Any]:
    """What people agree to in *node*: its title is for the reader only."""
    return {
        "name": node.name,
        "needs": list(node.needs),
        "item": node.item,
        "inputs": None if node.inputs is None else dict(node.inputs),
        "lanes": [[each.of, each.index, each.at_once] for each in node.lanes],
        "skipped": bool(node.skipped),
        "done_in": node.done_in,
    }


def _targets(plan: ActionPlan | None) -> list[list[str]]:
    return [[c.target, c.what, c.before, c.after] for c in plan.changes] if plan else []
