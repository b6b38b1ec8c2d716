"""The card of a diagnosis: what was looked at, what was found, and what could be done."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from adaptive_cards import types as t

from cards import elements as e
from cards import teams
from cards.text import escape, plain
from cards.view import Button


class Verdict(StrEnum):
    """What a look says."""

    WELL = "well"
    DOUBTFUL = "doubtful"
    ILL = "ill"
    UNKNOWN = "unknown"  #: it could not be looked at


_GLYPHS = {
    Verdict.WELL: e.DONE,
    Verdict.DOUBTFUL: e.ALARM,
    Verdict.ILL: e.BROKEN,
    Verdict.UNKNOWN: e.UNKNOWN,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What one look found."""

    title: str  #: what was looked at: "Process"
    verdict: Verdict
    sentence: str
    detail: str = ""
    remedies: tuple[str, ...] = ()  #: names of commands that may help, the mildest first


def diagnosis_card(
    place: str, findings: Sequence[Finding], *, complaint: str, buttons: Sequence[Button]
) -> dict[str, Any]:
    """What was found of *place*; *complaint* is what somebody said is wrong."""
    summary = _summary(findings)
    said = f"Diagnosis of {plain(place)}: {summary}"
    advice = "Nothing that could be done about it is yours to do, or known to me."
    if buttons:
        advice = "What may help; each shows what it would do before it does anything:"
    is_ill = any(each.verdict is not Verdict.WELL for each in findings)
    card = teams.Card(
        lang="en",
        speak=said,
        fallback_text=said,
        body=[
            e.header(escape(place, limit=120), kicker="Diagnosis", subtitle=escape(complaint)),
            e.group([e.strong(escape(summary))]),
            e.group([_row(each) for each in findings], spacing=t.Spacing.SMALL),
            *([e.body(advice, spacing=t.Spacing.MEDIUM)] if is_ill else []),
        ],
        actions=e.actions(buttons, reader="") or None,
    )
    return card.content()


def _summary(findings: Sequence[Finding]) -> str:
    counts = {
        "fine": sum(each.verdict is Verdict.WELL for each in findings),
        "not fine": sum(each.verdict in {Verdict.ILL, Verdict.DOUBTFUL} for each in findings),
        "not known": sum(each.verdict is Verdict.UNKNOWN for each in findings),
    }
    told = [f"{count} {what}" for what, count in counts.items() if count]
    return f"{len(findings)} looks: {', '.join(told)}."


def _row(finding: Finding) -> teams.ColumnSet:
    lines: list[teams.Element] = [
        e.body(f"**{escape(finding.title, limit=40)}:** {escape(finding.sentence)}")
    ]
    if finding.detail:
        lines.append(e.meta(escape(finding.detail)))
    return e.row(_GLYPHS[finding.verdict], lines)
