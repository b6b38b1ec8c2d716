"""The parts of a step, as values: how it is tried again, undone, waited for, voted on.

Each knows itself as JSON (`pinned`), for the row of a run, and comes back from it (`load`).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import Any, Self

from workflows.durations import parse as parse_duration
from workflows.durations import text_of


class RetryOn(StrEnum):
    """What a step is tried again after."""

    UNAVAILABLE = "unavailable"  #: the system did not answer as expected
    TIMEOUT = "timeout"  #: nor in time


@dataclass(frozen=True, slots=True, kw_only=True)
class Retry:
    """How often a step is tried, after what, and how long the first pause is."""

    attempts: int = 1
    backoff: timedelta = timedelta(seconds=1)
    on: tuple[RetryOn, ...] = tuple(RetryOn)

    @property
    def pinned(self) -> Mapping[str, Any]:
        """As JSON. What it is tried again after is left out where that is everything."""
        said = {"attempts": self.attempts, "backoff": text_of(self.backoff)}
        return said if self.on == tuple(RetryOn) else {**said, "on": [*self.on]}

    @classmethod
    def load(cls, pinned: Mapping[str, Any]) -> Self:
        """What `pinned` gave."""
        usual, backoff = cls(), duration(pinned.get("backoff"))
        return cls(
            attempts=pinned.get("attempts", usual.attempts),
            backoff=usual.backoff if backoff is None else backoff,
            on=tuple(map(RetryOn, pinned["on"])) if "on" in pinned else usual.on,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Undo:
    """How a step is taken back."""

    uses: str
    arguments: Mapping[str, Any] = field(default_factory=dict)

    @property
    def pinned(self) -> Mapping[str, Any]:
        """As JSON."""
        return {"uses": self.uses, "with": dict(self.arguments)}

    @classmethod
    def load(cls, pinned: Mapping[str, Any]) -> Self:
        """What `pinned` gave."""
        return cls(uses=pinned["uses"], arguments=pinned.get("with", {}))


@dataclass(frozen=True, slots=True, kw_only=True)
class Until:
    """A condition that a step waits for: what an action finds, looked at again and again."""

    uses: str
    holds: str  #: an expression over `result`, what the action gave
    arguments: Mapping[str, Any] = field(default_factory=dict)
    every: timedelta = timedelta(seconds=10)
    timeout: timedelta = timedelta(minutes=10)  #: after which the step fails

    @property
    def pinned(self) -> Mapping[str, Any]:
        """As JSON."""
        return {
            "uses": self.uses,
            "with": dict(self.arguments),
            "until": self.holds,
            "every": text_of(self.every),
            "timeout": text_of(self.timeout),
        }

    @classmethod
    def load(cls, pinned: Mapping[str, Any]) -> Self:
        """What `pinned` gave."""
        return cls(
            uses=pinned["uses"],
            holds=pinned["until"],
            arguments=pinned.get("with", {}),
            every=parse_duration(pinned["every"]),
            timeout=parse_duration(pinned["timeout"]),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Approve:
    """A gate inside a run."""

    by: str  #: the name of the group whose members may approve
    count: int = 1
    expires: timedelta = timedelta(minutes=30)
    escalate: str = ""  #: the group that is called after half of that; empty: none

    @property
    def pinned(self) -> Mapping[str, Any]:
        """As JSON."""
        return {
            "by": self.by,
            "count": self.count,
            "expires": text_of(self.expires),
            "escalate": self.escalate,
        }

    @classmethod
    def load(cls, pinned: Mapping[str, Any]) -> Self:
        """What `pinned` gave."""
        return cls(
            by=pinned["by"],
            count=pinned["count"],
            expires=parse_duration(pinned["expires"]),
            escalate=pinned["escalate"],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Notify:
    """A message to people."""

    message: str  #: with expressions in it
    to: str = ""  #: the name of a group whose members are mentioned; empty: the requester

    @property
    def pinned(self) -> Mapping[str, Any]:
        """As JSON."""
        return {"message": self.message, "to": self.to}

    @classmethod
    def load(cls, pinned: Mapping[str, Any]) -> Self:
        """What `pinned` gave."""
        return cls(message=pinned["message"], to=pinned["to"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much a step with `for_each` may touch. A run that would touch more is refused."""

    max_targets: int | None = None
    max_percent: float | None = None
    of: Any = None  #: how many there are in all, for `max_percent`: an expression

    @property
    def pinned(self) -> Mapping[str, Any]:
        """As JSON."""
        return {"max_targets": self.max_targets, "max_percent": self.max_percent, "of": self.of}

    @classmethod
    def load(cls, pinned: Mapping[str, Any]) -> Self:
        """What `pinned` gave."""
        return cls(**pinned)


@dataclass(frozen=True, slots=True, kw_only=True)
class Canary:
    """The first items go ahead; the others follow after a wait, or when people say so."""

    first: int = 1
    wait: timedelta | None = None
    approve: Approve | None = None

    @property
    def pinned(self) -> Mapping[str, Any]:
        """As JSON."""
        return {
            "first": self.first,
            "wait": text(self.wait),
            "approve": self.approve.pinned if self.approve else None,
        }

    @classmethod
    def load(cls, pinned: Mapping[str, Any]) -> Self:
        """What `pinned` gave."""
        asked = pinned["approve"]
        return cls(
            first=pinned["first"],
            wait=duration(pinned["wait"]),
            approve=Approve.load(asked) if asked else None,
        )


def text(one: timedelta | None) -> str | None:
    """A duration as files write it; None where there is none."""
    return None if one is None else text_of(one)


def duration(written: str | None) -> timedelta | None:
    """What `text` gave."""
    return None if written is None else parse_duration(written)
