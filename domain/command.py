"""What was asked and what is answered, whatever road it came by."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from domain.actor import Actor
from domain.conversation import Conversation


class Effect(StrEnum):
    """What an action or command does to the world."""

    READ = "read"
    WRITE = "write"
    DESTRUCTIVE = "destructive"


class Trigger(StrEnum):
    """What started it."""

    COMMAND = "command"
    BUTTON = "button"
    FORM = "form"
    REFRESH = "refresh"
    SCHEDULE = "schedule"


@dataclass(frozen=True, slots=True, kw_only=True)
class Invocation:
    """One use of a command: a typed line, a card button, a form, a schedule; later an agent."""

    name: str
    arguments: Mapping[str, str]  #: bound to field names, checked against their types
    actor: Actor
    conversation: Conversation
    trigger: Trigger = Trigger.COMMAND


@dataclass(frozen=True, slots=True)
class Text:
    """A reply in words, in Teams' Markdown. Untrusted parts must have been escaped."""

    markdown: str


@dataclass(frozen=True, slots=True)
class Card:
    """A reply as an Adaptive Card."""

    content: dict[str, Any] = field(hash=False)


@dataclass(frozen=True, slots=True)
class RunCard:
    """The run's own card answers: it is posted or updated by the delivery loop."""

    run_id: str
    note: str = ""  #: for whoever pressed: why nothing happened, or what did


@dataclass(frozen=True, slots=True)
class DialogCard:
    """A guided dialog's own card answers: it is posted or updated by the delivery loop."""

    dialog_id: str
    note: str = ""  #: for whoever pressed: why nothing happened, or help


@dataclass(frozen=True, slots=True)
class ScheduleCard:
    """A schedule's own card answers: it is posted or updated by the delivery loop."""

    schedule_id: str
    note: str = ""  #: for whoever pressed or typed: what happened


Reply = Text | Card | RunCard | DialogCard | ScheduleCard
