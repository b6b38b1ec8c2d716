"""What is due is carried out: a schedule's command goes the road of any typed line.

The owner is looked up anew, the policy is asked anew, and the command prepares itself anew. Then
one transaction moves the schedule on, does the work and records both, so that of two processes
which find it due one does it. Nobody answers for the owner: a gate waits for people as always.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from zoneinfo import ZoneInfo

import structlog

from bot.command import Installation, Work
from bot.inbound import Inbound, InboundKind
from bot.mentions import said_to
from bot.preparation import Preparation
from bot.refusals import recorded
from bot.replies import markdown
from bot.scheduling import for_a_schedule
from bot.turn import Turn
from cards.text import escape
from cards.times import duration, with_offset
from domain.command import Card, DialogCard, Reply, RunCard, ScheduleCard, Text
from domain.conversation import Conversation
from domain.errors import BadArguments, NotPermitted, Refused, Unavailable, UnknownCommand
from domain.notice import Message
from domain.ports import Clock, Ids
from domain.reminder import Reminder
from domain.schedule import Schedule, occurrence_id
from storage.store import Store
from storage.unit import UnitOfWork
from workflows.definition import REASON
from workflows.engine.durable import Kind
from workflows.engine.schedules import LostRace
from workflows.occasion import PUNCTUAL, Due, Early, Missed, occasion

log = structlog.get_logger(__name__)

EVERY = timedelta(seconds=10)
"""How often what is due without its alarm is looked for."""

GRACE = timedelta(seconds=5)
"""How late an alarm may be before the look does without it."""

PATIENCE = timedelta(seconds=10)
"""What directory and live systems get: nobody waits for an answer."""

_LATE = timedelta(minutes=1)
"""From here on it is said that something comes late."""

_AT_ONCE = 8
"""So many are looked at side by side: one whose systems hang must not keep the others."""


class Occurrences:
    """Looks at what alarms are for, and does what is due."""

    def __init__(
        self,
        *,
        store: Store,
        installation: Installation,
        preparation: Preparation,
        clock: Clock,
        ids: Ids,
    ) -> None:
        self._store = store
        self._installation = installation
        self._preparation = preparation
        self._schedules = installation.schedules
        self._clock = clock
        self._ids = ids

    @property
    def work(self) -> Mapping[Kind, Callable[..., Awaitable[None]]]:
        """What to call for each kind of alarm."""
        return {Kind.SCHEDULE: self.schedule, Kind.REMINDER: self.reminder}

    async def run(self) -> None:
        """Look for what is due without its alarm, until cancelled."""
        while True:
            try:
                await self.sweep()
            except Unavailable as unavailable:
                log.warning("nothing looked for", problem=str(unavailable))
            await asyncio.sleep(EVERY.total_seconds())

    async def sweep(self) -> None:
        """Look once.

        Raises:
            Unavailable: the database did not answer.
        """
        late = self._clock.now() - GRACE
        schedules, reminders = await self._store.read(
            lambda unit: (unit.schedules.due(late), unit.reminders.due(late))
        )
        for reminder_id in reminders:
            await self.reminder("", reminder_id)
        turns = asyncio.Semaphore(_AT_ONCE)

        async def look(schedule_id: str) -> None:
            async with turns:
                await self.schedule("", schedule_id)

        await asyncio.gather(*map(look, schedules))

    async def schedule(self, _work_id: str, schedule_id: str) -> None:
        """Do what is due for the schedule, if anything is."""
        found = await self._store.read(lambda unit: unit.schedules.get(schedule_id))
        what = occasion(found, self._clock.now()) if found is not None else None
        if found is None or what is None:
            return
        try:
            match what:
                case Early():
                    await self._store.transaction(lambda unit: self._schedules.arm(unit, found))
                case Missed():
                    late = duration(max(found.may_be_late, PUNCTUAL))
                    await self._skip(found, what, f"it could not be carried out within {late}")
                case Due():
                    await self._carry_out(found, what)
        except LostRace:
            log.info("somebody else did it", schedule=schedule_id)
        except Unavailable as unavailable:
            # It stays due, and is looked at again in a moment, until it is too late for it.
            log.warning("schedule put off", schedule=schedule_id, problem=str(unavailable))
        except Exception:  # one that breaks us must not be tried for ever, nor stop the others
            mistake = self._ids.uuid()[:8]
            log.exception("schedule failed", mistake=mistake, schedule=schedule_id)
            if isinstance(what, Due):
                await self._own_up(found, what, mistake)

    async def reminder(self, _work_id: str, reminder_id: str) -> None:
        """Say what is due to be said, if anything is."""

        def said(unit: UnitOfWork) -> None:
            found = unit.reminders.get(reminder_id)
            if found is None:
                return
            if unit.now < found.due_at:
                self._installation.reminders.arm(unit, found)
            elif self._installation.reminders.reminded(unit, found):
                unit.outbox.put(found.conversation, _reminding(unit, found))

        await self._store.transaction(said)

    # -- one occurrence -----------------------------------------------------------------------

    async def _carry_out(self, found: Schedule, due: Due) -> None:
        """Carry out what is *due*, or put down why not.

        Raises:
            LostRace: somebody else does.
            Unavailable: the directory or a live system did not answer.
        """
        place = found.conversation or await self._place(found)
        if place is None:
            await self._skip(found, due, "nobody has spoken to me in its channel yet")
            return
        turn = Turn(inbound=_inbound(found, due, place), deadline=_deadline())
        try:
            actor = await self._preparation.identify(turn, fresh=True)
            turn.actor = for_a_schedule(actor)
            work = await self._preparation.repeated(turn, found.command, self._arguments(found))
            await self._store.transaction(lambda unit: self._commit(unit, turn, found, due, work))
        except LostRace:
            raise
        except (NotPermitted, BadArguments, UnknownCommand) as refused:
            await self._deny(turn, found, due, refused)
        except Refused as refused:
            await self._skip(found, due, refused.words)

    def _commit(self, unit: UnitOfWork, turn: Turn, found: Schedule, due: Due, work: Work) -> None:
        reply = work(unit)
        run_id = reply.run_id if isinstance(reply, RunCard) else ""
        result = "run begun" if run_id else "answered"
        self._schedules.fired(unit, found, due, result=result, run_id=run_id)
        unit.audit.append(turn.event("command.parsed", outcome="ok", run_id=run_id))
        place = turn.inbound.conversation
        late = _lateness(found, due, unit)
        if late:
            unit.outbox.put(place, Message(markdown=late))
        said = _said(reply)
        if said is not None:
            unit.outbox.put(place, said)

    async def _deny(self, turn: Turn, found: Schedule, due: Due, refused: Refused) -> None:
        """Pause it, and tell its owner and the channel why."""
        kind, reason = recorded(refused, was_permitted=turn.decision is not None)
        rule = refused.rule if isinstance(refused, NotPermitted) else ""

        def deny(unit: UnitOfWork) -> None:
            self._schedules.denied(unit, found, due, str(refused))
            unit.audit.append(turn.event(kind, outcome="denied", reason=reason, rule=rule))
            words = (
                f"{_what(found)} was not carried out, and is paused: "
                f"{markdown(refused.words)} `schedules resume {found.id}` once that has changed."
            )
            place = turn.inbound.conversation
            unit.outbox.put(place, said_to(unit, found.owner, place, words))

        await self._store.transaction(deny)
        log.info("schedule paused", schedule=found.id, kind=kind, reason=reason)

    async def _skip(self, found: Schedule, what: Missed | Due, why: str) -> None:
        """Leave it out, and say so where there is a place to say it."""
        place = found.conversation or await self._place(found)

        def skip(unit: UnitOfWork) -> None:
            self._schedules.skipped(unit, found, what, why)
            if place is not None:
                zone = ZoneInfo(found.when.zone)
                words = (
                    f"{_what(found)} was due {with_offset(what.at, zone=zone)} and was skipped:"
                    f" {markdown(why.rstrip('.'))}.{_next(what, zone)}"
                )
                unit.outbox.put(place, said_to(unit, found.owner, place, words))

        await self._store.transaction(skip)
        log.info("occurrence skipped", schedule=found.id, why=why)

    async def _own_up(self, found: Schedule, due: Due, mistake: str) -> None:
        """Leave out what breaks us, and say under which word it stands in the log."""
        words = f"that was our mistake; it is logged as {mistake}"
        try:
            await self._skip(found, due, words)
        except (LostRace, Unavailable) as problem:
            log.warning("mistake not told", schedule=found.id, problem=str(problem))

    async def _place(self, found: Schedule) -> Conversation | None:
        """Where a schedule that a file says is carried out; None where we do not know yet."""
        return await self._store.read(
            lambda unit: unit.places.get(found.owner.tenant, found.channel)
        )

    def _arguments(self, found: Schedule) -> Mapping[str, str]:
        """What was bound, and why it is done, where nothing is said of that."""
        command = self._installation.commands.find(found.command)
        if REASON not in command.fields or REASON.name in found.arguments:
            return found.arguments
        why = f"Schedule {found.id}: {found.when.text} {found.when.zone}"
        return {**found.arguments, REASON.name: why}


def _deadline() -> float:
    return asyncio.get_running_loop().time() + PATIENCE.total_seconds()


def _inbound(found: Schedule, due: Due, place: Conversation) -> Inbound:
    """What is due, as something that came in: it is nobody's message."""
    return Inbound(
        kind=InboundKind.OCCURRENCE,
        activity_id=occurrence_id(found.id, due.at),
        activity_type="schedule",
        conversation=place,
        tenant=found.owner.tenant,
        sender=found.owner.id,
        sender_name=found.owner.name,
        sender_teams_id="",
        text=found.command,
        is_addressed=True,
    )


def _what(found: Schedule) -> str:
    return f"Schedule {found.id} ({escape(found.line, limit=160)})"


def _next(what: Missed | Due, zone: ZoneInfo) -> str:
    if what.following is None:
        return " Nothing is due any more."
    return f" Next: {with_offset(what.following, zone=zone)}."


def _lateness(found: Schedule, due: Due, unit: UnitOfWork) -> str:
    """That it comes late, where it does."""
    if unit.now - due.at < _LATE:
        return ""
    at = with_offset(due.at, zone=ZoneInfo(found.when.zone))
    return f"{_what(found)} was due {at}, and is carried out late."


def _said(reply: Reply) -> Message | None:
    """What is said besides a card that lives: nothing but to what only reads."""
    match reply:
        case Text(words):
            return Message(markdown=words)
        case Card(content):
            return Message(markdown=str(content.get("speak", "")), card=content)
        case RunCard() | DialogCard() | ScheduleCard():
            return None


def _reminding(unit: UnitOfWork, reminder: Reminder) -> Message:
    """What is said in the end."""
    late = ""
    if unit.now - reminder.due_at >= _LATE:
        at = with_offset(reminder.due_at, zone=ZoneInfo(reminder.zone))
        late = f" (this was due {at})"
    words = f"{escape(reminder.text, limit=1000)}{late}"
    if reminder.is_for_all:
        by = escape(reminder.owner.name, limit=60)
        return Message(markdown=f"Reminder, from {by}: {words}")
    return said_to(unit, reminder.owner, reminder.conversation, f"Reminder: {words}")
