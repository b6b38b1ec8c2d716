"""The pen that writes for a person's eyes: cards in frames, in the colours of their terminal.

No words are ever given to `rich` as markup: what comes from outside is `Text`, and stays letters.
Colours go by name, so that the terminal's theme decides what they look like.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from itertools import groupby
import re
from typing import TextIO

from rich import box
from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.panel import Panel
from rich.segment import Segment
from rich.style import Style
from rich.table import Table
from rich.text import Text

from bot.card_rows import EMPTY, Cell, Row, Span, Tone
from bot.terminal.pen import Post
from cards.text import clean_line

_LONGEST_LINE = 4000
_WIDEST = 88  #: columns of a card: longer lines are hard to read
_WEB = re.compile(r"https?://[!-~]+")

_STYLES = {
    Tone.PLAIN: Style(),
    Tone.HEADING: Style(bold=True),
    Tone.STRONG: Style(bold=True),
    Tone.QUIET: Style(dim=True),
    Tone.GOOD: Style(color="green"),
    Tone.WARNING: Style(color="yellow"),
    Tone.ATTENTION: Style(color="red", bold=True),
    Tone.ACCENT: Style(color="cyan"),
    Tone.CODE: Style(),
}

SIGNS = {
    "ArrowSyncCircle": "↻",
    "ArrowUndo": "↶",
    "CheckmarkCircle": "✓",
    "Circle": "○",
    "Clock": "◷",
    "DismissCircle": "✗",
    "ErrorCircle": "!",
    "History": "◴",
    "Info": "i",
    "LockClosed": "▣",
    "PauseCircle": "‖",
    "Prohibited": "⊘",
    "QuestionCircle": "?",
    "ShieldCheckmark": "✓",
    "SubtractCircle": "−",  # noqa: RUF001  # a minus: a hyphen is too short
}
"""Icons as letters of one column: every terminal gives them the same width, which it does not
to emoji."""


class RichPen:
    """Implements `Pen` on a terminal."""

    def __init__(
        self,
        console: Console,
        *,
        aside: Callable[[], AbstractContextManager[None]] = nullcontext,
    ) -> None:
        """*aside* takes away, while it lasts, what stands on the screen's last line."""
        self._console = console
        self._aside = aside

    def post(self, post: Post) -> None:
        """A card in a frame; a change, or a text, beside a bar."""
        gap = [EMPTY] if post.rows and post.foot and not post.is_change else []
        body = Group(*_laid_out([*post.rows, *gap, *post.foot]))
        sender = Text(_clean(post.sender), _STYLES[Tone.STRONG])
        if post.is_card and not post.is_change:
            frame = Panel(
                body,
                title=sender,
                title_align="left",
                box=box.ROUNDED,
                border_style=_STYLES[Tone.QUIET],
                width=min(self._console.width, _WIDEST),
            )
            self._print(frame)
            return
        title = f" · {_clean(post.title)}" if post.is_change and post.title else ""
        self._print(sender + Text(title, _STYLES[Tone.QUIET]), _Barred(body))

    def line(self, text: str) -> None:
        """*text*, wrapped between its words."""
        self._print(Text(_clean(text)))

    def _print(self, *what: RenderableType) -> None:
        with self._aside():
            self._console.print(*what, sep="\n", width=min(self._console.width, _WIDEST))


def rich_pen(
    out: TextIO, *, aside: Callable[[], AbstractContextManager[None]] = nullcontext
) -> RichPen:
    """The pen for the terminal behind *out*."""
    return RichPen(Console(file=out, highlight=False, markup=False, emoji=False), aside=aside)


class _Barred:
    """Something, with a bar at its left."""

    def __init__(self, content: RenderableType) -> None:
        self._content = content

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        inner = options.update(width=max(options.max_width - 2, 1))
        for line in console.render_lines(self._content, inner, pad=False):
            yield Segment("│ ", _STYLES[Tone.QUIET])
            yield from line
            yield Segment.line()


def _laid_out(rows: Iterable[Row]) -> Iterator[RenderableType]:
    for is_set_off, some in groupby(rows, key=lambda row: row.is_set_off):
        lines = [_Line(row) for row in some]
        yield _Barred(Group(*lines)) if is_set_off else Group(*lines)


class _Line:
    """One row: what is too long goes on under its own words, not under its icon."""

    def __init__(self, row: Row) -> None:
        self._row = row

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        row = self._row
        if not row.cells:
            yield Text("")
            return
        cells = list(row.cells)
        icon = cells.pop(0) if len(cells) > 1 and cells[0] and cells[0][0].icon else None
        right = _words([cells.pop()]) if row.is_aside and len(cells) > 1 else None
        indent = row.indent // 2  # an icon and its space are two columns here
        left = _words(cells)
        if right is not None and right.cell_len > options.max_width // 2:
            left, right = Text("\n").join([left, right]), None
        grid = Table.grid(expand=True)
        parts: list[RenderableType] = []
        if indent:
            grid.add_column(width=indent)
            parts.append("")
        if icon is not None:
            sign = _words([icon])
            grid.add_column(width=max(2, sign.cell_len + 1))
            parts.append(sign)
        grid.add_column(ratio=1, overflow="fold")
        parts.append(left)
        if right is not None:
            grid.add_column(width=right.cell_len + 2, justify="right")
            parts.append(right)
        grid.add_row(*parts)
        yield grid


def _words(cells: Iterable[Cell]) -> Text:
    """*cells* beside each other."""
    return Text("  ").join(Text.assemble(*map(_span, cell)) for cell in cells)


def _span(span: Span) -> Text:
    style = _STYLES[span.tone]
    if span.icon:
        return Text(SIGNS.get(span.icon, _narrow(span.text)), style)
    words = _clean(str(span))
    words += " " * (len(span.text) - len(span.text.rstrip(" ")))  # what parts it from the next
    if _WEB.fullmatch(span.url):
        # The address stands there in letters too: one should see where a link leads.
        style += Style(underline=True, link=span.url)
    return Text(words, style)


def _narrow(text: str) -> str:
    """*text*, or a dot where its width is a matter of taste."""
    return text if cell_len(text) == 1 else "•"


def _clean(text: str) -> str:
    return clean_line(text, limit=_LONGEST_LINE)
