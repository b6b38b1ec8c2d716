"""A workflow: what its YAML file says, as a value.

Steps run in the order of the file, each as soon as what it `needs` is done; one without `needs`
is ready at once. Planning comes before: the arguments of every step are evaluated then, so the
planner carries out those reading steps whose outputs others refer to (`steps.previous.version`);
what a writing step gives is not known until it has run, and cannot be planned with. What is
looked at late may speak of it: conditions, messages, what a wait waits for, and undoing.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, Self

from domain.approval import CommentRule
from domain.canonical import digest
from domain.errors import Refused
from domain.field import Field, FieldType
from workflows.definition_on import Scheduled
from workflows.parts import Approve, Canary, Limits, Notify, Retry, Undo, Until, duration, text
from workflows.values import typed
from workflows.yaml_source import Fault

CATALOG = Path(__file__).parent / "catalog"
"""The folder of the workflows that ship."""

RUN_FIELDS = ("id", "requester")
"""What expressions can say of the run: `run.id`, and `run.requester`, the person's object id."""

PLAN_FIELDS = ("digest", "lock")
"""What expressions can say of the plan; not those that it is made from."""

STATE = "state"
"""What expressions can say of each step that is not waited for in vain: `steps.switch.state`."""

FANNED_OUT = ("results", "count")
"""What a step with `for_each` gives: the outputs in the order of the items, and how many."""

REASON = Field(name="reason", required=False, description="Why", flag_only=True)
"""What every workflow's command takes as `--reason`, unless it has an input of that name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SubWorkflow:
    """Another workflow that a step runs: its steps become part of the run."""

    name: str
    workflow: "Workflow | None" = None  #: None until all files have been read

    @property
    def pinned(self) -> Mapping[str, Any]:
        """As JSON."""
        return {"name": self.name, "workflow": self.workflow.pinned if self.workflow else None}

    @classmethod
    def load(cls, pinned: Mapping[str, Any]) -> Self:
        """What `pinned` gave."""
        known = pinned["workflow"]
        return cls(name=pinned["name"], workflow=from_pinned(known) if known else None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One node of a workflow: it does one of `uses wait until approve run notify`."""

    name: str
    title: str
    uses: str | None = None  #: an action's reference
    arguments: Mapping[str, Any] = field(default_factory=dict)  #: with expressions in it
    needs: tuple[str, ...] = ()
    timeout: timedelta | None = None  #: None: the action's own
    retry: Retry = field(default_factory=Retry)
    undo: Undo | None = None
    wait: timedelta | None = None
    until: Until | None = None
    approve: Approve | None = None
    notify: Notify | None = None
    run: SubWorkflow | None = None
    condition: str | None = None  #: an expression: the step is skipped where it does not hold
    for_each: Any = None  #: a list, or an expression that gives one; None: done once
    max_parallel: int | None = None  #: how many items at once; None: all
    limits: Limits | None = None
    canary: Canary | None = None
    always: bool = False  #: done at the end of a run that failed or was stopped, too
    outputs: Mapping[str, Any] = field(default_factory=dict)
    """What it gives, as expressions over `result`; empty: all that its action gave."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Concurrency:
    """How many runs of a group are under way at once."""

    group: str  #: a template over the inputs
    limit: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Workflow:
    """A sequence or graph of steps; it is also a command."""

    name: str
    title: str
    description: str
    command: str  #: the syntax line
    inputs: tuple[Field, ...]
    lock: str | None  #: a template over the inputs
    steps: tuple[Step, ...]
    aliases: tuple[str, ...] = ()  #: what the command is called, too
    comment: CommentRule | None = None  #: which votes must say why; None where the file is silent
    outputs: Mapping[str, Any] = field(default_factory=dict)
    """What it gives to a workflow that runs it: expressions over its steps."""
    schedules: tuple[Scheduled, ...] = ()  #: when it is begun by itself; not pinned
    concurrency: Concurrency | None = None  #: None: its runs are limited by their lock alone

    @property
    def fields(self) -> tuple[Field, ...]:
        """What its command takes: the inputs, and `--reason`."""
        has_reason = any(each.name == REASON.name for each in self.inputs)
        return self.inputs if has_reason else (*self.inputs, REASON)

    @property
    def pinned(self) -> Mapping[str, Any]:
        """What a run needs of it as JSON: what goes into the run's row. See `from_pinned`.

        How inputs are asked for and checked is not in it: they were given when there is a run.
        """
        pinned = {
            "name": self.name,
            "title": self.title,
            "description": self.description,
            "command": self.command,
            "inputs": [_pinned_field(each) for each in self.inputs],
            "lock": self.lock,
            "steps": [_pinned_step(each) for each in self.steps],
        }
        # Left out where they are not said, so that what older versions pinned keeps its digest.
        later = {
            "approval": {"comment": self.comment.value} if self.comment else None,
            "aliases": list(self.aliases),
            "outputs": dict(self.outputs),
            "concurrency": _pinned_concurrency(self.concurrency),
        }
        return pinned | {key: value for key, value in later.items() if value}

    @property
    def digest(self) -> str:
        """SHA-256 over `pinned`; 64 hex digits."""
        return digest(self.pinned)

    def step(self, name: str) -> Step:
        """The step called *name*.

        Raises:
            KeyError: there is none.
        """
        for each in self.steps:
            if each.name == name:
                return each
        raise KeyError(name)

    def at(self, path: str) -> Step:
        """The step at *path*, which goes through the workflows that steps run: `roll/switch`.

        Raises:
            KeyError: there is none.
        """
        first, _, rest = path.partition("/")
        step = self.step(first)
        if not rest:
            return step
        if step.run is None or step.run.workflow is None:
            raise KeyError(path)
        return step.run.workflow.at(rest)

    def input_values(self, arguments: Mapping[str, str]) -> dict[str, Any]:
        """*arguments* as `inputs` in expressions: typed, and None for what was not given."""
        return typed(self.inputs, arguments)


class DefinitionFaults(Refused):
    """Definitions that do not validate, with everything that is wrong with them."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults: tuple[Fault, ...] = tuple(sorted(faults))
        super().__init__("\n".join(map(str, self.faults)))


def from_pinned(pinned: Mapping[str, Any]) -> Workflow:
    """The workflow that `Workflow.pinned` gave; what an older version left out has its default."""
    return Workflow(
        name=pinned["name"],
        title=pinned["title"],
        description=pinned.get("description", ""),
        command=pinned["command"],
        inputs=tuple(_field(each) for each in pinned.get("inputs", ())),
        lock=pinned.get("lock"),
        steps=tuple(_step(each) for each in pinned["steps"]),
        aliases=tuple(pinned.get("aliases", ())),
        comment=comment_rule(pinned),
        outputs=pinned.get("outputs", {}),
        concurrency=_concurrency(pinned.get("concurrency")),
    )


def comment_rule(pinned: Mapping[str, Any]) -> CommentRule | None:
    """Which votes on a run of the workflow in *pinned* must say why; None where it is silent."""
    said = (pinned.get("approval") or {}).get("comment")
    return None if said is None else CommentRule(said)


def _pinned_concurrency(one: Concurrency | None) -> dict[str, Any] | None:
    return None if one is None else {"group": one.group, "limit": one.limit}


def _concurrency(pinned: Mapping[str, Any] | None) -> Concurrency | None:
    return None if pinned is None else Concurrency(group=pinned["group"], limit=pinned["limit"])


def _pinned_field(one: Field) -> dict[str, Any]:
    return {
        "name": one.name,
        "type": one.type.value,
        "description": one.description,
        "required": one.required,
        "default": one.default,
        "choices": list(one.choices),
        "pattern": one.pattern,
        "flag_only": one.flag_only,
    }


def _field(pinned: Mapping[str, Any]) -> Field:
    return Field(
        name=pinned["name"],
        type=FieldType(pinned.get("type", FieldType.TEXT)),
        description=pinned.get("description", ""),
        required=pinned.get("required", True),
        default=pinned.get("default"),
        choices=tuple(pinned.get("choices", ())),
        pattern=pinned.get("pattern"),
        flag_only=pinned.get("flag_only", False),
    )


def _pinned_step(one: Step) -> dict[str, Any]:
    pinned = {
        "name": one.name,
        "title": one.title,
        "uses": one.uses,
        "with": dict(one.arguments),
        "needs": list(one.needs),
        "timeout": text(one.timeout),
        "retry": one.retry.pinned,
        "undo": one.undo.pinned if one.undo else None,
        "wait": text(one.wait),
    }
    parts = {key: getattr(one, key) for key in _PARTS}
    later = {
        **{key: part.pinned for key, part in parts.items() if part is not None},
        "if": one.condition,
        "for_each": one.for_each,
        "max_parallel": one.max_parallel,
        "always": one.always,
        "outputs": dict(one.outputs),
    }
    return pinned | {key: value for key, value in later.items() if value}


def _step(pinned: Mapping[str, Any]) -> Step:
    undo = pinned.get("undo")
    parts = {key: part.load(pinned[key]) for key, part in _PARTS.items() if key in pinned}
    return Step(
        name=pinned["name"],
        title=pinned["title"],
        uses=pinned.get("uses"),
        arguments=pinned.get("with", {}),
        needs=tuple(pinned.get("needs", ())),
        timeout=duration(pinned.get("timeout")),
        retry=Retry.load(pinned.get("retry") or {}),
        undo=Undo.load(undo) if undo else None,
        wait=duration(pinned.get("wait")),
        condition=pinned.get("if"),
        for_each=pinned.get("for_each"),
        max_parallel=pinned.get("max_parallel"),
        always=pinned.get("always", False),
        outputs=pinned.get("outputs", {}),
        **parts,
    )


_PARTS: Mapping[str, Any] = {
    "until": Until,
    "approve": Approve,
    "notify": Notify,
    "run": SubWorkflow,
    "limits": Limits,
    "canary": Canary,
}
"""What a step may have besides what the first version knew, each with a `load` of its own."""
