"""The cards of exclusive work: who holds what, and that everything is halted."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Any

from adaptive_cards import types as t

from cards import elements as e
from cards import teams
from cards.halted import halted
from cards.run_words import capitalised, headline
from cards.text import escape, plain
from cards.times import duration, moment
from cards.view import Button
from cards.waits import halt_words, held_words, hold_words, run_words
from domain.lock import Halt, Line
from domain.run import Run

_MOST_LOCKS = 15
_MOST_WAITING = 2
_MOST_STEPS = 15


@dataclass(frozen=True, slots=True, kw_only=True)
class LockRow:
    """A lock or a group, with the runs that it is about."""

    line: Line
    holders: tuple[Run, ...] = ()
    waiting: tuple[Run, ...] = ()  #: first come first; the first ones where there are many


@dataclass(frozen=True, slots=True, kw_only=True)
class StepRow:
    """A step that is under way while everything is halted."""

    run: Run
    step: str  #: its title


def locks_card(
    rows: Sequence[LockRow],
    *,
    now: datetime,
    zone: tzinfo,
    title: str = "Locks",
    note: str = "",
    halt: Halt | None = None,
    buttons: Sequence[Button] = (),
) -> dict[str, Any]:
    """Who holds what, and who waits for it; *note* says what has just become of it."""
    shown = rows[:_MOST_LOCKS]
    blocks: list[teams.Element] = [
        e.group([_row(each, now=now, zone=zone)], spacing=t.Spacing.SMALL) for each in shown
    ]
    if len(rows) > len(shown):
        blocks.append(e.meta(f"and {len(rows) - len(shown)} more."))
    if not rows and not note:
        blocks.append(e.body("Nothing is locked.", spacing=t.Spacing.MEDIUM))
    count = "Nothing is locked." if not rows else f"{len(rows)} locked."
    said = plain(f"{title}: {note or count}")
    card = teams.Card(
        lang="en",
        speak=said,
        fallback_text=said,
        body=[
            e.header(escape(title, limit=120), kicker="Exclusive work"),
            *([e.body(escape(note), spacing=t.Spacing.MEDIUM)] if note else []),
            *halted(halt, now=now, zone=zone),
            *blocks,
        ],
        actions=e.actions(buttons, reader="") or None,
    )
    return card.content()


def halt_card(
    halt: Halt,
    under_way: Sequence[StepRow],
    *,
    now: datetime,
    zone: tzinfo,
    buttons: Sequence[Button] = (),
) -> dict[str, Any]:
    """That everything is halted, and what still ends by itself."""
    rows: list[teams.Element] = [_step(each) for each in under_way[:_MOST_STEPS]]
    if len(under_way) > _MOST_STEPS:
        rows.append(e.meta(f"and {len(under_way) - _MOST_STEPS} more."))
    many = f"{len(under_way)} steps are" if len(under_way) != 1 else "1 step is"
    mid = f"{many} under way; each ends by itself, and nothing follows."
    words = "No step is under way." if not under_way else mid
    said = plain(f"Everything is halted{halt_words(halt, now=now, zone=zone)}. {words}")
    card = teams.Card(
        lang="en",
        speak=said,
        fallback_text=said,
        body=[
            e.header("Everything is halted", kicker="Halt"),
            *halted(halt, now=now, zone=zone),
            e.body(escape(words), spacing=t.Spacing.MEDIUM),
            *rows,
        ],
        actions=e.actions(buttons, reader="") or None,
    )
    return card.content()


def unhalted_card(halt: Halt, by: str, *, now: datetime, zone: tzinfo) -> dict[str, Any]:
    """That everything goes on."""
    length = duration(now - halt.since)
    words = f"It was halted for {length}{halt_words(halt, now=now, zone=zone)}."
    said = plain(f"Everything goes on, says {by}. {words}")
    card = teams.Card(
        lang="en",
        speak=said,
        fallback_text=said,
        body=[
            e.header("Everything goes on", kicker="Halt", subtitle=f"Says {escape(by, limit=60)}"),
            e.body(escape(words), spacing=t.Spacing.MEDIUM),
        ],
    )
    return card.content()


def _row(row: LockRow, *, now: datetime, zone: tzinfo) -> teams.ColumnSet:
    line = row.line
    what = f"Group {line.words}" if line.is_group else line.words
    lines: list[teams.Element] = [e.strong(escape(what, limit=80))]
    right = ""
    if line.hold is not None:
        lines.append(e.body(escape(hold_words(line.hold, now=now, zone=zone))))
        right = moment(line.hold.since, now=now, zone=zone)
    if row.holders:
        is_one = len(row.holders) == 1
        has = f"{capitalised(held_words(row.holders))} {'it' if is_one else 'places in it'}"
        lines.append(e.body(escape(has)))
        right = right or moment(line.held[0].since, now=now, zone=zone)
    if row.waiting:
        lines.append(e.meta(escape(_waiting(row)), max_lines=5))
    return e.row(e.LOCKED, lines, right=f"since {right}" if right else "")


def _waiting(row: LockRow) -> str:
    shown = row.waiting[:_MOST_WAITING]
    left = max(len(row.line.waiting), len(row.waiting)) - len(shown)
    more = f" and {left} more" if left else ""
    return f"In line: {', '.join(map(run_words, shown))}{more}"


def _step(row: StepRow) -> teams.ColumnSet:
    return e.row(
        e.MOVING,
        [
            e.body(escape(headline(row.run, with_place=True), limit=120)),
            e.meta(escape(f"{row.step} · {run_words(row.run)}", limit=160)),
        ],
    )
