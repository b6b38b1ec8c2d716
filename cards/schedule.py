"""The card of a schedule, which is its preview first, and the list of them all."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from itertools import pairwise
from typing import Any

from adaptive_cards import types as t

from cards import elements as e
from cards import teams
from cards.text import escape, plain
from cards.times import duration, moment, relative, with_offset
from cards.view import Button
from domain.schedule import Schedule, ScheduleState

_MOST_ROWS = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleView:
    """A schedule as it stands at *now*, with all that its card tells about it."""

    schedule: Schedule
    upcoming: tuple[datetime, ...]  #: what is due next, the nearest first
    now: datetime
    zone: tzinfo  #: the schedule's own
    last_state: str = ""  #: what became of the last run, by now; empty where nobody looked
    buttons: tuple[Button, ...] = ()


_STATES = {
    ScheduleState.PROPOSED: (e.WAITING, "Preview: nothing is saved yet"),
    ScheduleState.ACTIVE: (e.DONE, "Active"),
    ScheduleState.PAUSED: (e.PAUSED, "Paused"),
    ScheduleState.DONE: (e.LAPSED, "Over: nothing is due any more"),
    ScheduleState.DELETED: (e.STOPPED, "Deleted"),
}


def schedule_card(view: ScheduleView, *, note: str = "") -> dict[str, Any]:
    """The card of one schedule, with *note* for whoever looks."""
    schedule = view.schedule
    glyph, words = _STATES[schedule.state]
    state = f"{words}: {escape(schedule.why)}" if schedule.why else words
    said = plain(schedule_sentence(view), limit=300)
    card = teams.Card(
        lang="en",
        speak=said,
        fallback_text=said,
        body=[
            *([e.note(escape(note))] if note else []),
            e.header(
                escape(schedule.line, limit=160),
                kicker="Schedule",
                subtitle=f"{escape(schedule.when.text)} · {escape(schedule.when.zone)}",
            ),
            e.group([e.row(glyph, [e.strong(state)])]),
            *_next(view),
            *e.facts(_facts(view), spacing=t.Spacing.MEDIUM),
            *([e.meta(_WAITS)] if schedule.gate else []),
            e.meta(f"schedule {schedule.id}", spacing=t.Spacing.MEDIUM),
        ],
        actions=e.actions(view.buttons, reader="") or None,
    )
    return card.content()


_WAITS = "Each run waits for that in this thread, as any other does: nobody gives it for you."


def schedule_sentence(view: ScheduleView) -> str:
    """The schedule in one sentence, for whoever hears it or reads a notification."""
    schedule = view.schedule
    state = _STATES[schedule.state][1].partition(":")[0]
    after = f"; next {with_offset(view.upcoming[0], zone=view.zone)}" if view.upcoming else ""
    return f"{state}: {schedule.line}, {schedule.when.text}{after} (schedule {schedule.id})."


def schedules_card(views: Sequence[ScheduleView], *, about: str = "") -> dict[str, Any]:
    """The list of schedules, what is due next first as they are given.

    *about* says which ones were asked for.
    """
    shown = views[:_MOST_ROWS]
    more = len(views) - len(shown)
    counted = "1 schedule" if len(views) == 1 else f"{len(views)} schedules"
    said = f"{counted}{about}." if views else f"There are no schedules{about}."
    rows = [each for view in shown for each in _listed(view)]
    if more:
        rows.append(e.meta(f"{more} more are not shown.", spacing=t.Spacing.MEDIUM))
    if not views:
        rows.append(e.body(escape(said)))
    card = teams.Card(
        lang="en",
        speak=plain(said),
        fallback_text=plain(said),
        body=[
            e.header("What is carried out when", kicker="Schedules", subtitle=escape(counted)),
            e.group(rows),
        ],
    )
    return card.content()


def reminders_card(
    reminders: Sequence[tuple[str, str, datetime]], *, now: datetime, zone: tzinfo
) -> dict[str, Any]:
    """What somebody is reminded of: id, words and time of each."""
    said = f"You have {len(reminders) or 'no'} reminder{'' if len(reminders) == 1 else 's'}."
    rows: list[teams.Element] = [
        e.row(
            e.WAITING,
            [
                e.body(escape(words, limit=200)),
                e.meta(
                    f"{with_offset(due, zone=zone)}, {relative(due, now=now)} · {escape(each)}"
                ),
            ],
        )
        for each, words, due in reminders[:_MOST_ROWS]
    ]
    hint = "Say **reminders delete** and the id to take one back."
    card = teams.Card(
        lang="en",
        speak=said,
        fallback_text=said,
        body=[
            e.header("Reminders", kicker="Yours", subtitle=said),
            *([e.group([*rows, e.meta(hint, spacing=t.Spacing.MEDIUM)])] if rows else []),
        ],
    )
    return card.content()


def _next(view: ScheduleView) -> list[teams.Element]:
    """What is due next, each with its distance from UTC, so that a change of it is seen."""
    if not view.upcoming:
        return []
    local = [each.astimezone(view.zone) for each in view.upcoming]
    changes = {
        after for before, after in pairwise(local) if before.utcoffset() != after.utcoffset()
    }
    rows: list[teams.Element] = [
        e.body(
            f"{with_offset(each, zone=view.zone)}{' (clocks change)' if each in changes else ''}"
        )
        for each in local
    ]
    return [e.group([e.label(f"Next, {relative(local[0], now=view.now)}"), *rows])]


def _facts(view: ScheduleView) -> list[tuple[str, str]]:
    schedule = view.schedule
    facts = [("For", escape(schedule.owner.name, limit=60))]
    if schedule.gate:
        facts.append(("Each run needs", escape(schedule.gate, limit=120)))
    late = schedule.may_be_late
    missed = f"runs once, up to {duration(late)} late" if late > timedelta() else "is skipped"
    facts.append(("What is missed", missed))
    if schedule.last_at is not None:
        facts.append(("Last", _last(view, schedule.last_at)))
    return facts


def _last(view: ScheduleView, at: datetime) -> str:
    """What became of what was due *at*, which was the last."""
    schedule = view.schedule
    run = f", run {schedule.last_run_id}" if schedule.last_run_id else ""
    result = escape(view.last_state or schedule.last_result, limit=60)
    return f"{moment(at, now=view.now, zone=view.zone)}: {result}{run}"


def _listed(view: ScheduleView) -> list[teams.Element]:
    schedule = view.schedule
    glyph, words = _STATES[schedule.state]
    due = f"next {with_offset(view.upcoming[0], zone=view.zone)}" if view.upcoming else words
    if schedule.state is ScheduleState.PAUSED:
        due = f"paused: {escape(schedule.why, limit=120)}" if schedule.why else "paused"
    known = [f"for {escape(schedule.owner.name, limit=60)}"]
    if schedule.last_at is not None:
        known.append(f"last {_last(view, schedule.last_at)}")
    row = e.row(
        glyph,
        [
            e.body(escape(schedule.line, limit=160)),
            e.meta(f"{escape(schedule.when.text)} · {escape(schedule.when.zone)} · {due}"),
            e.meta(" · ".join([*known, f"schedule {schedule.id}"])),
        ],
    )
    if not view.buttons:
        return [row]
    return [row, teams.ActionSet(actions=[e.press(each) for each in view.buttons])]
