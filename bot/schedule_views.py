"""Makes the cards of schedules: one message each, which shows it to everybody as it is now.

Its buttons are on the message itself, for all to see: who may press one is decided when one is
pressed.
"""

from collections.abc import Iterable
from dataclasses import replace
from itertools import islice
from typing import Any
from zoneinfo import ZoneInfo

from bot.card_tokens import CardTokens, Press
from cards.schedule import ScheduleView, schedule_card, schedule_sentence
from cards.view import Button
from domain.notice import Message
from domain.ports import Clock
from domain.run import Run
from domain.schedule import Schedule, ScheduleState, UnknownSchedule
from storage.store import Store
from storage.unit import UnitOfWork
from workflows.when import upcoming

CHANGE = "schedules"
"""The command that changes a schedule."""

PREVIEWED = 3
"""So many of the next times are shown."""

_BUTTONS = {
    ScheduleState.PROPOSED: ("save", "delete"),
    ScheduleState.ACTIVE: ("pause", "delete"),
    ScheduleState.PAUSED: ("resume", "delete"),
}
_TITLES = {"save": "Save", "pause": "Pause", "resume": "Resume", "delete": "Delete"}


class ScheduleViews:
    """Makes them."""

    def __init__(self, *, store: Store, tokens: CardTokens, clock: Clock) -> None:
        self._store = store
        self._tokens = tokens
        self._clock = clock

    async def message(self, schedule_id: str) -> Message:
        """The message that shows the schedule, with words for a notification.

        Raises:
            UnknownSchedule: there is none.
            Unavailable: the database did not answer.
        """
        view = self.view(await self.found(schedule_id))
        return Message(markdown=schedule_sentence(view), card=schedule_card(view))

    async def card(self, schedule_id: str, note: str = "") -> dict[str, Any]:
        """The same, for somebody who pressed a button of it.

        Raises:
            UnknownSchedule, Unavailable: as `message`.
        """
        return schedule_card(self.view(await self.found(schedule_id)), note=note)

    def shown(self, schedule: Schedule, last: Run | None = None) -> dict[str, Any]:
        """The card of *schedule*, whose last run is *last*."""
        return schedule_card(replace(self.view(schedule), last_state=_state(last)))

    def view(self, schedule: Schedule) -> ScheduleView:
        """All that the card of *schedule* tells, as it is now."""
        now = self._clock.now()
        is_awaited = schedule.state in {ScheduleState.PROPOSED, ScheduleState.ACTIVE}
        due = islice(upcoming(schedule.when, now), PREVIEWED) if is_awaited else ()
        return ScheduleView(
            schedule=schedule,
            upcoming=tuple(due),
            now=now,
            zone=ZoneInfo(schedule.when.zone),
            buttons=tuple(self._button(schedule, each) for each in _changes(schedule)),
        )

    def row(self, schedule: Schedule, last: Run | None, *, may_change: bool) -> ScheduleView:
        """*schedule* in a list, with buttons that name it, where somebody may press them."""
        view = self.view(schedule)
        changes = _changes(schedule) if may_change else ()
        buttons = tuple(self._button(schedule, each, is_listed=True) for each in changes)
        return replace(view, upcoming=view.upcoming[:1], buttons=buttons, last_state=_state(last))

    def _button(self, schedule: Schedule, change: str, *, is_listed: bool = False) -> Button:
        arguments = {"change": change, "id": str(schedule.id)}
        title = _TITLES[change]
        if schedule.state is ScheduleState.PROPOSED and change == "delete":
            title = "Discard"
        if is_listed:
            arguments["list"] = "true"
            title = f"{title} {schedule.id}"
        return Button(
            title=title,
            verb=CHANGE,
            token=self._tokens.sign(Press(verb=CHANGE, arguments=arguments)),
            style="positive" if change == "save" else "default",
        )

    async def found(self, schedule_id: str) -> Schedule:
        """The schedule of that id.

        Raises:
            UnknownSchedule, Unavailable: as `message`.
        """

        def found(unit: UnitOfWork) -> Schedule | None:
            return unit.schedules.get(schedule_id)

        schedule = await self._store.read(found)
        if schedule is None:
            raise UnknownSchedule(schedule_id)
        return schedule


def _state(last: Run | None) -> str:
    """What became of the run, in words; empty where there is none."""
    return "" if last is None else last.state.value.replace("_", " ")


def _changes(schedule: Schedule) -> Iterable[str]:
    """What can be done to *schedule* as it stands."""
    changes = _BUTTONS.get(schedule.state, ())
    return [each for each in changes if each != "delete" or not schedule.source]
