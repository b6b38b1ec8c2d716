"""What happens to reminders: each is one transition, inside the caller's transaction."""

from domain.actor import Actor, system_actor
from domain.audit import Event
from domain.errors import Refused
from domain.ports import Ids
from domain.reminder import MOST_REMINDERS, Reminder, UnknownReminder
from storage.unit import UnitOfWork
from workflows.engine.alarm import ring
from workflows.engine.durable import Kind, Queue


class Reminders:
    """The transitions of reminders."""

    def __init__(self, queue: Queue, ids: Ids) -> None:
        self._queue = queue
        self._ids = ids

    def new_id(self) -> str:
        """An id that nothing has yet."""
        return self._ids.run_id()

    def remind(self, unit: UnitOfWork, reminder: Reminder) -> None:
        """Have *reminder* said in time.

        Raises:
            Refused: its owner has too many.
        """
        owner = reminder.owner
        if len(unit.reminders.of(owner.tenant, owner.id)) >= MOST_REMINDERS:
            raise Refused(
                f"You have {MOST_REMINDERS} reminders, and nobody may have more.",
                hint="Delete one: `reminders` lists them.",
            )
        unit.reminders.insert(reminder)
        unit.audit.append(_told_of(reminder, "reminder.created", owner))
        self.arm(unit, reminder)

    def arm(self, unit: UnitOfWork, reminder: Reminder) -> None:
        """Have it looked at when it is due, or in a day."""
        ring(self._queue, unit, Kind.REMINDER, subject=reminder.id, due=reminder.due_at)

    def forget(self, unit: UnitOfWork, reminder_id: str, actor: Actor) -> Reminder:
        """Say nothing after all.

        Raises:
            UnknownReminder: it is none of *actor*'s.
        """
        found = unit.reminders.get(reminder_id)
        is_own = found is not None and (found.owner.tenant, found.owner.id) == (
            actor.tenant,
            actor.id,
        )
        if found is None or not is_own or not unit.reminders.take(reminder_id):
            raise UnknownReminder(reminder_id)
        unit.audit.append(_told_of(found, "reminder.deleted", actor))
        return found

    def reminded(self, unit: UnitOfWork, reminder: Reminder) -> bool:
        """Put down that it is said in this transaction; False where somebody was faster."""
        if not unit.reminders.take(reminder.id):
            return False
        by = system_actor(reminder.owner.tenant)
        unit.audit.append(_told_of(reminder, "reminder.sent", by))
        return True


def _told_of(reminder: Reminder, kind: str, by: Actor) -> Event:
    """What the audit log says of *reminder*: not what it says itself."""
    return Event(
        type=kind,
        actor=by,
        subject=f"reminder/{reminder.id}",
        outcome="ok",
        conversation_id=reminder.conversation.id,
        data={"due_at": reminder.due_at.isoformat(), "owner": reminder.owner.id},
    )
