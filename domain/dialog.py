"""A guided dialog: one person is asked for what a command still needs, question by question.

What was answered is kept by the name of the field, never by the number of the question: a dialog
goes on after a restart, and after the flow itself has changed.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from domain.actor import Actor
from domain.conversation import Conversation

PATIENCE = timedelta(minutes=30)
"""How long a question waits for its answer."""


DIALOG = "dialog"
"""What the subject of a dialog's message begins with; a run's message has the run's id."""


class DialogState(StrEnum):
    """Where a dialog stands."""

    OPEN = "open"
    DONE = "done"  #: all was answered, and the command was carried out
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    REPLACED = "replaced"  #: the same person began another one in the same conversation


class Style(StrEnum):
    """How it asks."""

    GUIDED = "guided"  #: one question after the other
    FORM = "form"  #: all at once


class Move(StrEnum):
    """What somebody can do in a dialog."""

    BEGIN = "begin"  #: open one for a command of which some is known
    ANSWER = "answer"
    BACK = "back"
    CANCEL = "cancel"
    HELP = "help"
    WINDOW = "window"  #: open it as a Teams dialog
    FILLED = "filled"  #: what was filled in there
    SEARCH = "search"  #: look for choices while somebody types


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialog:
    """One person's dialog in one conversation."""

    id: str
    owner: Actor  #: as the directory knew them when it was opened: for words, not for decisions
    conversation: Conversation
    command: str  #: the command that will be carried out
    style: Style
    values: Mapping[str, str]  #: by field name; empty for what may be left out, and was
    drafts: Mapping[str, str]  #: what was answered before somebody went back
    state: DialogState
    rev: int  #: counts its changes
    opened_at: datetime
    expires_at: datetime
    run_id: str = ""  #: the run that came of it
    result: Mapping[str, Any] | None = None  #: the card that came of it, where that is no run's

    @property
    def subject(self) -> str:
        """What its message shows, as the table of living messages has it."""
        return f"{DIALOG}/{self.id}"
