"""`reminders`: what one is reminded of; `reminders delete <id>` takes one back."""

from bot.command import Context, Work, command
from bot.replies import text
from bot.scheduling import GROUP
from cards.schedule import reminders_card
from domain.command import Card, Effect, Invocation, Reply
from domain.errors import BadArguments
from domain.field import Field, FieldType
from storage.unit import UnitOfWork


@command(
    "reminders [change] [id]",
    group=GROUP,
    effect=Effect.WRITE,
    fields=(
        Field(
            name="change",
            type=FieldType.CHOICE,
            choices=("delete",),
            required=False,
            description="What to do with one of them",
        ),
        Field(
            name="id",
            pattern="(?i)[a-z2-7]{8}",
            required=False,
            description="Which one, such as m4x7q2ka",
        ),
    ),
)
async def reminders(invocation: Invocation, context: Context) -> Work:
    """What you are reminded of, and when; delete one of them."""
    given, actor, installation = invocation.arguments, invocation.actor, context.installation
    reminder_id = given.get("id", "").lower()
    if "change" in given and not reminder_id:
        raise BadArguments("Which one?", hint="`reminders` lists them with their ids.")

    def deleted(unit: UnitOfWork) -> Reply:
        gone = installation.reminders.forget(unit, reminder_id, actor)
        return text(f"I will not remind you of this: {gone.text}.")

    def listed(unit: UnitOfWork) -> Reply:
        waiting = [
            (each.id, each.text, each.due_at) for each in unit.reminders.of(actor.tenant, actor.id)
        ]
        return Card(reminders_card(waiting, now=unit.now, zone=installation.zone))

    return deleted if "change" in given else listed
