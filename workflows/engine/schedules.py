"""What happens to schedules: each is one transition, inside the caller's transaction.

Each change compares the revision, so of two who find one due one carries it out.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from domain.actor import Actor, system_actor
from domain.audit import Event
from domain.errors import NotNow, NotPermitted, Refused
from domain.ports import Ids
from domain.schedule import (
    MOST_SCHEDULES,
    PATIENCE,
    Schedule,
    ScheduleEvent,
    ScheduleState,
    advance,
    occurrence_id,
)
from storage.unit import UnitOfWork
from workflows.engine.alarm import ring
from workflows.engine.durable import Kind, Queue
from workflows.occasion import Due, Missed
from workflows.when import next_after

_IN_WORDS = {
    ScheduleState.PROPOSED: "is not saved yet",
    ScheduleState.ACTIVE: "is active already",
    ScheduleState.PAUSED: "is paused already",
    ScheduleState.DONE: "is over",
    ScheduleState.DELETED: "is deleted",
}


class LostRace(Refused):
    """Somebody else was faster."""

    def __init__(self, schedule: Schedule) -> None:
        super().__init__(
            f"Schedule {schedule.id} has just been changed by somebody else.",
            hint="Look at it again.",
        )


class Schedules:
    """The transitions of schedules."""

    def __init__(self, queue: Queue, ids: Ids) -> None:
        self._queue = queue
        self._ids = ids

    def new_id(self) -> str:
        """An id that nothing has yet."""
        return self._ids.run_id()

    # -- what people do -----------------------------------------------------------------------

    def propose(self, unit: UnitOfWork, schedule: Schedule) -> None:
        """Show its owner what *schedule* would be; nothing is due before it is saved.

        Raises:
            Refused: they have too many.
        """
        _check_count(unit, schedule.owner)
        unit.schedules.insert(schedule)
        self._show(unit, schedule)

    def save(self, unit: UnitOfWork, schedule_id: str, actor: Actor) -> Schedule:
        """Have it carried out from now on.

        Raises:
            UnknownSchedule: there is none.
            NotPermitted: it was proposed to somebody else.
            NotNow: it is saved already, or the preview is old.
            Refused: they have too many.
        """
        found = unit.schedules.of(schedule_id, actor.tenant)
        if found.owner.id != actor.id:
            raise NotPermitted(
                f"This schedule was asked for by {found.owner.name}.",
                hint="Say `schedule` for one of your own.",
                reason="not_asked",
            )
        self._check(found, ScheduleState.PROPOSED)
        _check_count(unit, actor)
        due = next_after(found.when, unit.now)
        if due is None or unit.now - found.created_at > PATIENCE:
            raise NotNow("That preview is too old to be saved.", hint="Say `schedule` again.")
        saved = self._move(unit, found, ScheduleEvent.SAVED, owner=actor, next_at=due)
        self._audit(unit, saved, "schedule.created", by=actor, data=_facts(saved))
        self.arm(unit, saved)
        return saved

    def pause(
        self, unit: UnitOfWork, schedule_id: str, actor: Actor, *, why: str = ""
    ) -> Schedule:
        """Carry it out no more until somebody resumes it.

        Raises:
            UnknownSchedule: there is none.
            NotNow: it is not active.
        """
        found = unit.schedules.of(schedule_id, actor.tenant)
        self._check(found, ScheduleState.ACTIVE)
        paused = self._move(unit, found, ScheduleEvent.PAUSED, next_at=None, why=why)
        self._audit(unit, paused, "schedule.paused", by=actor, reason=why)
        return paused

    def resume(self, unit: UnitOfWork, schedule_id: str, actor: Actor) -> Schedule:
        """Go on with it; what was due meanwhile is not made up for.

        Raises:
            UnknownSchedule: there is none.
            NotNow: it is not paused, or nothing is due any more.
        """
        found = unit.schedules.of(schedule_id, actor.tenant)
        self._check(found, ScheduleState.PAUSED)
        due = next_after(found.when, unit.now)
        if due is None:
            raise NotNow(f"Schedule {found.id} is never due again.", hint="Say `schedule` anew.")
        resumed = self._move(unit, found, ScheduleEvent.RESUMED, next_at=due, why="")
        self._audit(unit, resumed, "schedule.resumed", by=actor)
        self.arm(unit, resumed)
        return resumed

    def delete(self, unit: UnitOfWork, schedule_id: str, actor: Actor) -> Schedule:
        """Be done with it.

        Raises:
            UnknownSchedule: there is none.
            NotNow: it is deleted already.
            Refused: a workflow's file says it.
        """
        found = unit.schedules.of(schedule_id, actor.tenant)
        if found.source:
            raise Refused(
                f"Schedule {found.id} stands in the file of the workflow {found.command}.",
                hint=f"Take it out there. `schedules pause {found.id}` stops it meanwhile.",
            )
        return self.remove(unit, found, by=actor)

    # -- what files say -----------------------------------------------------------------------

    def declare(self, unit: UnitOfWork, schedule: Schedule) -> bool:
        """Have what a file says carried out; False where it is known already."""
        if not unit.schedules.insert(schedule):
            return False
        self._audit(unit, schedule, "schedule.created", data=_facts(schedule))
        self.arm(unit, schedule)
        return True

    def declare_again(self, unit: UnitOfWork, found: Schedule, schedule: Schedule) -> None:
        """Have *schedule* carried out, which a file says once more after it had been taken out."""
        again = replace(schedule, rev=found.rev + 1)
        if unit.schedules.save(again):
            self._audit(unit, again, "schedule.created", data=_facts(again))
            self.arm(unit, again)

    def remove(self, unit: UnitOfWork, found: Schedule, *, by: Actor | None = None) -> Schedule:
        """Be done with *found*; *by* is None where its file does not say it any more.

        Raises:
            NotNow: it is deleted already.
        """
        if found.state is ScheduleState.DELETED:
            raise NotNow(f"Schedule {found.id} is deleted already.")
        gone = self._move(unit, found, ScheduleEvent.DELETED, next_at=None)
        self._audit(unit, gone, "schedule.deleted", by=by)
        return gone

    # -- what time does -----------------------------------------------------------------------

    def fired(
        self, unit: UnitOfWork, schedule: Schedule, due: Due, *, result: str, run_id: str = ""
    ) -> Schedule:
        """Put down that what is *due* was carried out, in the transaction that does so.

        Raises:
            LostRace: somebody else did, or has changed it: nothing is to stay of this.
        """
        moved = self._pass(
            unit,
            schedule,
            ScheduleEvent.FIRED,
            due,
            last_result=result,
            last_run_id=run_id,
        )
        late = unit.now - due.at
        facts = {**_occurrence(schedule, due), "late_seconds": int(late.total_seconds())}
        self._audit(unit, moved, "schedule.fired", run_id=run_id, data=facts)
        return moved

    def skipped(
        self, unit: UnitOfWork, schedule: Schedule, missed: Missed | Due, why: str
    ) -> Schedule:
        """Put down that what was due is not carried out.

        Raises:
            LostRace: as `fired`.
        """
        moved = self._pass(
            unit, schedule, ScheduleEvent.SKIPPED, missed, last_result="skipped", last_run_id=""
        )
        facts = _occurrence(schedule, missed)
        self._audit(unit, moved, "schedule.skipped", outcome="denied", reason=why, data=facts)
        return moved

    def denied(self, unit: UnitOfWork, schedule: Schedule, due: Due, why: str) -> Schedule:
        """Put down that its owner may not do it any more: it is paused.

        Raises:
            LostRace: as `fired`.
        """
        paused = self._move(
            unit,
            schedule,
            ScheduleEvent.PAUSED,
            next_at=None,
            why=why,
            last_at=due.at,
            last_result="denied",
            last_run_id="",
        )
        facts = _occurrence(schedule, due)
        self._audit(unit, paused, "schedule.skipped", outcome="denied", reason=why, data=facts)
        self._audit(unit, paused, "schedule.paused", reason=why)
        return paused

    def arm(self, unit: UnitOfWork, schedule: Schedule) -> None:
        """Have it looked at when it is due, or in a day."""
        if schedule.next_at is not None:
            ring(
                self._queue,
                unit,
                Kind.SCHEDULE,
                subject=schedule.id,
                due=schedule.next_at,
                key=str(schedule.rev),
            )

    # -- what they share ----------------------------------------------------------------------

    def _check(self, found: Schedule, wanted: ScheduleState) -> None:
        if found.state is not wanted:
            raise NotNow(f"Schedule {found.id} {_IN_WORDS[found.state]}.")

    def _pass(
        self,
        unit: UnitOfWork,
        schedule: Schedule,
        event: ScheduleEvent,
        what: Due | Missed,
        **changes: Any,
    ) -> Schedule:
        """Let what was due be past; the next is awaited, if there is one."""
        is_last = what.following is None
        moved = self._move(
            unit,
            schedule,
            ScheduleEvent.OVER if is_last else event,
            next_at=what.following,
            last_at=what.at,
            **changes,
        )
        self.arm(unit, moved)
        return moved

    def _move(
        self, unit: UnitOfWork, schedule: Schedule, event: ScheduleEvent, **changes: Any
    ) -> Schedule:
        state = advance(schedule.state, event)
        moved = replace(schedule, state=state, rev=schedule.rev + 1, **changes)
        if not unit.schedules.save(moved):
            raise LostRace(schedule)
        self._show(unit, moved)
        return moved

    def _show(self, unit: UnitOfWork, schedule: Schedule) -> None:
        """Have its message shown as it is now; what a file says has none."""
        if schedule.conversation is not None and not schedule.source:
            unit.cards.touch(schedule.subject, schedule.conversation, schedule.reply_to)

    def _audit(
        self,
        unit: UnitOfWork,
        schedule: Schedule,
        type: str,  # noqa: A002 - CloudEvents' own word
        *,
        by: Actor | None = None,
        outcome: str = "ok",
        reason: str = "",
        run_id: str = "",
        data: Mapping[str, Any] | None = None,
    ) -> None:
        """Record that something happened to *schedule*; *by* is None for Signalbox itself."""
        unit.audit.append(
            Event(
                type=type,
                actor=by or system_actor(schedule.owner.tenant),
                subject=schedule.subject,
                outcome=outcome,
                reason=reason,
                run_id=run_id,
                conversation_id=schedule.conversation.id if schedule.conversation else "",
                data={"schedule_id": schedule.id, "owner": schedule.owner.id, **(data or {})},
            )
        )


def _check_count(unit: UnitOfWork, owner: Actor) -> None:
    """Refuse where *owner* has as many schedules as anybody may.

    Raises:
        Refused: they have.
    """
    if unit.schedules.count_of(owner.tenant, owner.id) >= MOST_SCHEDULES:
        raise Refused(
            f"You have {MOST_SCHEDULES} schedules, and nobody may have more.",
            hint="Delete one: `schedules --mine` lists them.",
        )


def _facts(schedule: Schedule) -> dict[str, Any]:
    return {
        "command": schedule.command,
        "arguments": dict(schedule.arguments),
        "when": schedule.when.text,
        "zone": schedule.when.zone,
        "source": schedule.source,
    }


def _occurrence(schedule: Schedule, what: Due | Missed) -> dict[str, Any]:
    return {
        "occurrence": occurrence_id(schedule.id, what.at),
        "due_at": what.at.isoformat(),
        "command": schedule.command,
    }
