"""The cards that answer a question: who am I, status, runs, and lines of a log."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from itertools import groupby
from types import MappingProxyType
from typing import Any

from adaptive_cards import types as t

from cards import elements as e
from cards import teams
from cards.limits import size_bytes
from cards.run import GLYPHS
from cards.run_words import environment, headline, short_state
from cards.text import clean_line, escape, plain
from cards.times import moment
from cards.waits import ordinal
from domain.run import Run

_LINES_MAX_BYTES = 25 * 1024
_LINE_LIMIT = 500
_FALLBACK_LINES = 15
_MAX_RUNS = 15
_MAX_ROWS = 40

_STATUS_GLYPHS: Mapping[str, e.Glyph] = {
    "ok": e.DONE,
    "up": e.DONE,
    "healthy": e.DONE,
    "running": e.DONE,
    "starting": e.MOVING,
    "degraded": e.ALARM,
    "down": e.BROKEN,
    "failing": e.BROKEN,
    "unhealthy": e.BROKEN,
    "stopped": e.STOPPED,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusRow:
    """One installation of a service."""

    service: str
    environment: str
    version: str
    state: str  #: one word: "healthy", "down", …
    detail: str = ""
    url: str = ""


def whoami_card(
    *,
    name: str,
    object_id: str,
    tenant: str,
    roles: Sequence[str],
    groups: Sequence[str],
    zone: tzinfo,
) -> dict[str, Any]:
    """Who somebody is to us: the verified identity and what follows from it."""
    role_words = ", ".join(escape(role, limit=60) for role in sorted(roles)) or "none"
    group_words = ", ".join(escape(group, limit=60) for group in sorted(groups)) or "none"
    rows = [
        *e.facts([("Roles", role_words), ("Groups", group_words)]),
        *(
            item
            for each in (("Object id", object_id), ("Tenant", tenant))
            for item in _id_fact(*each)
        ),
        *e.facts([("Time zone", escape(str(zone), limit=60))]),
    ]
    return _card(
        e.header(escape(name, limit=80), kicker="Who you are", subtitle="As Entra ID says"),
        [e.group(rows)],
        speak=f"You are {plain(name, limit=80)}, {len(roles)} roles, {len(groups)} groups.",
    )


def status_card(rows: Sequence[StatusRow]) -> dict[str, Any]:
    """What runs where, service by service."""
    shown = rows[:_MAX_ROWS]
    blocks: list[teams.Element] = [
        e.group([e.label(escape(name, limit=60)), *(_status(row) for row in group)])
        for name, group in groupby(shown, key=lambda row: row.service)
    ]
    if len(rows) > len(shown):
        blocks.append(e.meta(f"and {len(rows) - len(shown)} more. Say **status** and a service."))
    bad = [row for row in rows if _glyph(row) is not e.DONE]
    subtitle = f"{len(rows) - len(bad)} of {len(rows)} healthy" if rows else ""
    told = ", ".join(f"{row.service} in {row.environment} is {row.state}" for row in bad)
    return _card(
        e.header("What runs where", kicker="Status", subtitle=subtitle),
        blocks or [e.body("No service is known.", spacing=t.Spacing.MEDIUM)],
        speak=plain(f"Status: {subtitle or 'no service is known'}{f': {told}' if told else ''}."),
    )


def runs_card(
    runs: Sequence[Run],
    *,
    now: datetime,
    zone: tzinfo,
    about: str = "",
    looked_at: int = 0,
    in_line: Mapping[str, int] = MappingProxyType({}),
) -> dict[str, Any]:
    """The latest runs, newest first as they are given.

    *about* says which ones were asked for: "of shop in prod"; empty for all. *looked_at* is among
    how many of the newest they were looked for, 0 if among all. *in_line* is where those stand
    that wait for their turn, by id.
    """
    shown = runs[:_MAX_RUNS]
    rows: list[teams.Element] = [
        _run(run, now=now, zone=zone, position=in_line.get(run.id, 0)) for run in shown
    ]
    if shown:
        more = (
            f"{len(runs) - len(shown)} older ones are not shown. " if len(runs) > _MAX_RUNS else ""
        )
        rows.append(e.meta(f"{more}Say **run** and the id to see one.", spacing=t.Spacing.MEDIUM))
    else:
        rows.append(e.body(escape(_how_many(0, about))))
    if looked_at:
        rows.append(e.meta(f"I looked at the {looked_at} newest runs."))
    return _card(
        e.header("Latest runs", kicker="Runs", subtitle=escape(about)),
        [e.group(rows)],
        speak=plain(_how_many(len(shown), about)),
    )


def _how_many(count: int, about: str) -> str:
    if count == 0:
        return f"There are no runs {about}." if about else "There are no runs yet."
    counted = "1 run" if count == 1 else f"{count} runs"
    return f"{counted} {about}." if about else f"{counted}."


def lines_card(title: str, subtitle: str, lines: Sequence[str]) -> dict[str, Any]:
    """*lines* as they are, the last ones where not all fit into 25 KB."""
    safe = [clean_line(line, limit=_LINE_LIMIT) for line in lines]
    low, high = min(1, len(safe)), len(safe)
    while low < high:  # the largest tail that fits
        middle = (low + high + 1) // 2
        fits = size_bytes(_lines(title, subtitle, safe, middle)) <= _LINES_MAX_BYTES
        low, high = (middle, high) if fits else (low, middle - 1)
    return _lines(title, subtitle, safe, low)


def _lines(title: str, subtitle: str, lines: Sequence[str], kept: int) -> dict[str, Any]:
    total, tail = len(lines), lines[len(lines) - kept :]
    counted = f"the last {kept} of {total} lines" if kept < total else f"{total} lines"
    items: list[teams.Element] = [e.body("No lines.")]
    if tail:
        items = [teams.CodeBlock(code_snippet="\n".join(tail), fallback=_monospaced(tail))]
    return _card(
        e.header(
            escape(title, limit=120),
            kicker="Output",
            subtitle=" · ".join(filter(None, (escape(subtitle), counted))),
        ),
        [e.group(items)],
        speak=f"{plain(title)}: {counted}.",
    )


def _monospaced(lines: Sequence[str]) -> teams.Container:
    """What a client without code blocks shows: the last lines, and that there are more."""
    shown = lines[-_FALLBACK_LINES:]
    hidden = len(lines) - len(shown)
    return teams.Container(
        items=[
            *([e.meta(f"{hidden} lines before these are not shown here.")] if hidden else []),
            teams.TextBlock(
                text="\n\n".join(escape(line, limit=_LINE_LIMIT) for line in shown),
                font_type=t.FontType.MONOSPACE,
                size=t.FontSize.SMALL,
            ),
        ]
    )


def _id_fact(name: str, value: str) -> list[teams.Element]:
    identifier = teams.TextBlock(
        text=escape(value, limit=80),
        font_type=t.FontType.MONOSPACE,
        size=t.FontSize.SMALL,
        spacing=t.Spacing.NONE,
    )
    return [e.meta(name, spacing=t.Spacing.SMALL), identifier]


def _status(row: StatusRow) -> teams.ColumnSet:
    place = escape(row.environment, limit=60)
    if row.url.startswith(("https://", "http://")):
        place = f"[{place}]({_in_link(row.url)})"
    lines = [e.body(f"{place} · {escape(row.version or 'version unknown', limit=60)}")]
    if row.detail:
        lines.append(e.meta(escape(row.detail)))
    return e.row(_glyph(row), lines, right=escape(row.state, limit=24))


def _glyph(row: StatusRow) -> e.Glyph:
    return _STATUS_GLYPHS.get(row.state.lower(), e.UNKNOWN)


def _in_link(url: str) -> str:
    return "".join(f"%{ord(char):02X}" if char in '()<>\\ "' else char for char in plain(url))


def _run(run: Run, *, now: datetime, zone: tzinfo, position: int) -> teams.ColumnSet:
    place = environment(run)
    words = [run.id, run.requester.name, moment(run.created_at, now=now, zone=zone)]
    meta = " · ".join(escape(word, limit=60) for word in words)
    title = headline(run) + (f" · {place}" if place else "")
    right = f"{ordinal(position)} in line" if position else short_state(run)
    return e.row(GLYPHS[run.state], [e.body(escape(title, limit=120)), e.meta(meta)], right=right)


def _card(
    header: teams.Container, items: Sequence[teams.Element], *, speak: str
) -> dict[str, Any]:
    card = teams.Card(lang="en", speak=speak, fallback_text=speak, body=[header, *items])
    return card.content()
