"""`remind me to … in 3 days`: one message, later, and no run."""

from datetime import datetime
from zoneinfo import ZoneInfo

from bot.command import Context, Work, command
from bot.replies import text
from bot.scheduling import GROUP
from cards.times import relative, with_offset
from domain.command import Effect, Invocation, Reply
from domain.field import Field, FieldType
from domain.reminder import Reminder, ReminderId
from storage.unit import UnitOfWork
from workflows.reminder_text import read_reminder


@command(
    "remind <what…>",
    group=GROUP,
    effect=Effect.WRITE,
    fields=(
        Field(
            name="what",
            type=FieldType.TEXT,
            description='Whom, of what, and when, such as "me to check INC-42 in 3 days"',
        ),
    ),
)
async def remind(invocation: Invocation, context: Context) -> Work:
    """Be reminded of something here, or have this channel reminded: once, and nothing is run."""
    installation = context.installation

    def reminding(unit: UnitOfWork) -> Reply:
        asked = read_reminder(
            invocation.arguments["what"], zone=str(installation.zone), now=unit.now
        )
        due: datetime = asked.when.at or unit.now
        reminder = Reminder(
            id=ReminderId(installation.reminders.new_id()),
            owner=invocation.actor,
            conversation=invocation.conversation,
            is_for_all=asked.is_for_all,
            text=asked.text,
            due_at=due,
            zone=asked.when.zone,
            created_at=unit.now,
        )
        installation.reminders.remind(unit, reminder)
        at = with_offset(due, zone=ZoneInfo(reminder.zone))
        return text(
            f"I will say so here: {at}, {relative(due, now=unit.now)}."
            f" `reminders delete {reminder.id}` takes it back."
        )

    return reminding
