"""What a run would do, before it does it; what is approved is the plan's digest."""

from collections.abc import Mapping
from dataclasses import dataclass
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
class Plan:
    """What a run would do. Immutable; a new look at the world makes a new plan."""

    definition_digest: str
    inputs: Mapping[str, str]
    steps: tuple[StepPlan, ...]
    lock: str | None

    @property
    def digest(self) -> str:
        """SHA-256 over definition, inputs, targets and before-state; 64 hex digits.

        Words for the reader (summary, untouched, rollback) are left out: a better sentence is
        no drift.
        """
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


def _targets(plan: ActionPlan | None) -> list[list[str]]:
    return [[c.target, c.what, c.before, c.after] for c in plan.changes] if plan else []
