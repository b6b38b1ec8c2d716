"""Schedules and reminders, as their cards and lists show them."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

from cards.schedule import ScheduleView, reminders_card, schedule_card, schedules_card
from cards.view import Button
from domain.schedule import Schedule, ScheduleId, ScheduleState, When
from tests.cards.builders import NOW, START, ZONE, an_actor
from workflows.when import upcoming


def a_schedule(state: ScheduleState, **changes: Any) -> ScheduleView:
    """Something that is carried out each Tuesday, as its card tells it."""
    when = When(text="every tue 07:30", zone="Europe/Berlin", cron="30 7 * * 2")
    values: dict[str, Any] = {
        "id": ScheduleId("m4x7q2ka"),
        "owner": an_actor(),
        "channel": "19:ops@thread.tacv2",
        "conversation": None,
        "command": "restart",
        "arguments": {"service": "shop", "environment": "staging"},
        "line": "restart shop in staging",
        "when": when,
        "may_be_late": timedelta(hours=2),
        "state": state,
        "rev": 1,
        "created_at": START,
        "next_at": NOW,
    }
    schedule = Schedule(**{**values, **changes})
    is_awaited = state in {ScheduleState.PROPOSED, ScheduleState.ACTIVE}
    return ScheduleView(
        schedule=schedule,
        upcoming=tuple(islice(upcoming(when, NOW), 3)) if is_awaited else (),
        now=NOW,
        zone=ZONE,
    )


def _schedule_button(title: str) -> Button:
    return Button(title=title, verb="schedules", token=f"tok-{title.split(maxsplit=1)[0].lower()}")


def schedule_preview() -> dict[str, Any]:
    """What would be saved: a change of clocks lies ahead, and each run is confirmed."""
    view = a_schedule(
        ScheduleState.PROPOSED,
        line="restart shop in prod",
        gate="confirmation by the requester within 30 minutes",
    )
    march = datetime(2027, 3, 20, 12, tzinfo=UTC)
    return schedule_card(
        replace(
            view,
            now=march,
            upcoming=tuple(islice(upcoming(view.schedule.when, march), 3)),
            buttons=(
                Button(title="Save", verb="schedules", token="tok-save", style="positive"),
                _schedule_button("Discard"),
            ),
        )
    )


def schedule_paused() -> dict[str, Any]:
    """One whose owner may not do it any more."""
    view = a_schedule(
        ScheduleState.PAUSED,
        why="dev-1 may not restart shop in staging.",
        last_at=START,
        last_result="denied",
    )
    buttons = (_schedule_button("Resume"), _schedule_button("Delete"))
    return schedule_card(replace(view, buttons=buttons))


def schedules() -> dict[str, Any]:
    """The list, as its owner sees it."""
    active, paused = a_schedule(ScheduleState.ACTIVE), a_schedule(ScheduleState.PAUSED)
    buttons = (_schedule_button("Pause m4x7q2ka"), _schedule_button("Delete m4x7q2ka"))
    return schedules_card((replace(active, buttons=buttons), paused), about=" that are for you")


def reminders() -> dict[str, Any]:
    """What somebody is reminded of."""
    due = NOW + timedelta(days=3)
    return reminders_card((("m4x7q2ka", "check *INC-42*", due),), now=NOW, zone=ZONE)


SCHEDULES: Mapping[str, Callable[[], dict[str, Any]]] = {
    "schedule-preview": schedule_preview,
    "schedule-paused": schedule_paused,
    "schedules": schedules,
    "reminders": reminders,
}
