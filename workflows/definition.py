"""A workflow: what its YAML file says, as a value, and how a run carries it.

Steps run in the order of the file, each as soon as what it `needs` is done; one without `needs`
is ready at once. Planning comes before: the arguments of every step are evaluated then, so the
planner carries out those reading steps whose outputs others refer to (`steps.previous.version`);
what a writing step gives is not known until it has run, and cannot be planned with.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from domain.approval import CommentRule
from domain.canonical import digest
from domain.errors import Refused
from domain.field import Field, FieldType
from workflows.durations import parse as parse_duration
from workflows.durations import text_of
from workflows.values import typed
from workflows.yaml_source import Fault

CATALOG = Path(__file__).parent / "catalog"
"""The folder of the workflows that ship."""

RUN_FIELDS = ("id", "requester")
"""What expressions can say of the run: `run.id`, and `run.requester`, the person's object id."""

PLAN_FIELDS = ("digest", "lock")
"""What expressions can say of the plan; not those that it is made from."""

REASON = Field(name="reason", required=False, description="Why", flag_only=True)
"""What every workflow's command takes as `--reason`, unless it has an input of that name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Retry:
    """How often a step is tried, and how long the first pause between two attempts is."""

    attempts: int = 1
    backoff: timedelta = timedelta(seconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Undo:
    """How a step is taken back."""

    uses: str
    arguments: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One node of a workflow: it uses an action, or waits."""

    name: str
    title: str
    uses: str | None = None  #: an action's reference; None for a wait
    arguments: Mapping[str, Any] = field(default_factory=dict)  #: with expressions in it
    needs: tuple[str, ...] = ()
    timeout: timedelta | None = None  #: None: the action's own
    retry: Retry = Retry()
    undo: Undo | None = None
    wait: timedelta | None = None


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
            # Only where it is said: what was pinned before this key came keeps its digest.
            **({"approval": {"comment": self.comment.value}} if self.comment else {}),
        }
        # Left out where there are none, so that what older versions pinned keeps its digest.
        return {**pinned, "aliases": list(self.aliases)} if self.aliases else pinned

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
    )


def comment_rule(pinned: Mapping[str, Any]) -> CommentRule | None:
    """Which votes on a run of the workflow in *pinned* must say why; None where it is silent."""
    said = (pinned.get("approval") or {}).get("comment")
    return None if said is None else CommentRule(said)


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
    return {
        "name": one.name,
        "title": one.title,
        "uses": one.uses,
        "with": dict(one.arguments),
        "needs": list(one.needs),
        "timeout": _text(one.timeout),
        "retry": {"attempts": one.retry.attempts, "backoff": text_of(one.retry.backoff)},
        "undo": {"uses": one.undo.uses, "with": dict(one.undo.arguments)} if one.undo else None,
        "wait": _text(one.wait),
    }


def _step(pinned: Mapping[str, Any]) -> Step:
    undo = pinned.get("undo")
    return Step(
        name=pinned["name"],
        title=pinned["title"],
        uses=pinned.get("uses"),
        arguments=pinned.get("with", {}),
        needs=tuple(pinned.get("needs", ())),
        timeout=_duration(pinned.get("timeout")),
        retry=_retry(pinned.get("retry") or {}),
        undo=Undo(uses=undo["uses"], arguments=undo.get("with", {})) if undo else None,
        wait=_duration(pinned.get("wait")),
    )


def _retry(pinned: Mapping[str, Any]) -> Retry:
    usual, backoff = Retry(), _duration(pinned.get("backoff"))
    return Retry(
        attempts=pinned.get("attempts", usual.attempts),
        backoff=usual.backoff if backoff is None else backoff,
    )


def _text(duration: timedelta | None) -> str | None:
    return None if duration is None else text_of(duration)


def _duration(text: str | None) -> timedelta | None:
    return None if text is None else parse_duration(text)
