"""Figures, their table, and their file."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
import json
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results.json"


@dataclass(frozen=True)
class Figure:
    """What was measured, and beside what."""

    name: str
    value: float
    unit: str
    baseline: str = ""
    baseline_value: float | None = None

    @property
    def ratio(self) -> float | None:
        """The value as a part of the baseline's; None without one."""
        return self.value / self.baseline_value if self.baseline_value else None

    def as_json(self) -> dict[str, Any]:
        """An entry of the results file."""
        return {
            "name": self.name,
            "value": round(self.value, 4),
            "unit": self.unit,
            "baseline": self.baseline,
            "baseline_value": _rounded(self.baseline_value),
            "ratio": _rounded(self.ratio),
        }


def percentile(values: Sequence[float], percent: int) -> float:
    """The smallest of *values* that at least *percent* of them do not exceed."""
    ordered = sorted(values)
    return ordered[max(-(-len(ordered) * percent // 100) - 1, 0)]


def table(figures: Iterable[Figure]) -> str:
    """*figures* for a reader."""
    figures = list(figures)
    rows: list[tuple[str, ...]] = [("", "value", "unit", "baseline", "its value", "ratio")]
    rows += [
        (
            each.name,
            f"{each.value:.2f}",
            each.unit,
            each.baseline,
            "" if each.baseline_value is None else f"{each.baseline_value:.2f}",
            "" if each.ratio is None else f"{each.ratio:.2f}",
        )
        for each in figures
    ]
    if not any(each.baseline for each in figures):
        rows = [row[:3] for row in rows]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = (
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        for row in rows
    )
    return "\n".join(line.rstrip() for line in lines)


def write(figures: Iterable[Figure], path: Path = RESULTS) -> None:
    """Put *figures* into the file at *path*."""
    listed = [each.as_json() for each in figures]
    path.write_text(json.dumps(listed, indent=2) + "\n", encoding="utf-8")


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)
