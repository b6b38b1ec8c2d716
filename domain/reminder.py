"""A reminder: one message, later."""

from dataclasses import dataclass
from datetime import datetime
from typing import NewType

from domain.actor import Actor
from domain.conversation import Conversation
from domain.errors import Refused

ReminderId = NewType("ReminderId", str)
"""Eight base-32 characters that people can say."""

MOST_REMINDERS = 100
"""So many may one person have waiting."""


class UnknownReminder(Refused):
    """Nobody waits for a reminder of that id."""

    def __init__(self, reminder_id: str) -> None:
        super().__init__(
            f"You have no reminder {reminder_id}.", hint="Say `reminders` for those you have."
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Reminder:
    """What is said, where, and when. Once it is said, it is gone."""

    id: ReminderId
    owner: Actor
    conversation: Conversation
    is_for_all: bool  #: it is for whoever reads there, else for its owner
    text: str  #: in the owner's words
    due_at: datetime
    zone: str  #: the time zone in which it was asked for
    created_at: datetime
