"""What can be read on a card, row by row, with what its words are meant to look like. Pure.

What a card says came from outside: nothing of it gets into a row but letters.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum, auto
import re
from typing import Any

from bot.card_form import EntryKind, clean, entry, objects
from cards.text import clean_line

_LONGEST_LINE = 2000
_BAR = 20  #: characters of a progress bar
_MOST_CHOICES = 12  #: of an input, that are named before it is asked for

# An escape, the signs of bold and italics, a link.
_MARKDOWN = re.compile(r"\\([!-/:-@\[-`{-~])|(\*\*|__)|\[([^\]\n]*)\]\(([^)\s]*)\)")


class Tone(Enum):
    """What words are meant to look like."""

    PLAIN = auto()
    HEADING = auto()
    STRONG = auto()
    QUIET = auto()
    GOOD = auto()
    WARNING = auto()
    ATTENTION = auto()
    ACCENT = auto()
    CODE = auto()


@dataclass(frozen=True, slots=True)
class Span:
    """Words of one look."""

    text: str
    tone: Tone = Tone.PLAIN
    url: str = ""  #: where they lead
    icon: str = ""  #: the name of the icon for which they stand

    def __str__(self) -> str:
        """The words, and where they lead unless they say so."""
        return f"{self.text} ({self.url})" if self.url and self.url != self.text else self.text


Cell = tuple[Span, ...]
"""Words beside others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A line of a card; without cells, an empty one."""

    cells: tuple[Cell, ...] = ()
    indent: int = 0
    is_aside: bool = False  #: the last cell stands at the right edge
    is_set_off: bool = False  #: it is in a box of the card

    def __str__(self) -> str:
        """The row as plain text."""
        words = "  ".join("".join(map(str, cell)) for cell in self.cells)
        return f"{' ' * self.indent}{words}".rstrip()


EMPTY = Row()


def row(*spans: Span, indent: int = 0) -> Row:
    """A row of one cell."""
    return Row(cells=(spans,), indent=indent)


def card_rows(card: Mapping[str, Any]) -> list[Row]:
    """What can be read on *card*, an empty row between its parts."""
    rows: list[Row] = []
    for element in objects(card.get("body")):
        part = _rows(element)
        if part and rows and element.get("type") == "Container":
            rows.append(EMPTY)
        rows += part
    return rows


def headline(card: Mapping[str, Any]) -> str:
    """The title of *card*; its first words where nothing is marked as title."""
    rows = [each for each in card_rows(card) if each.cells]
    spans = [span for each in rows for cell in each.cells for span in cell]
    titles = (span.text for span in spans if span.tone is Tone.HEADING)
    return next(titles, str(rows[0]) if rows else "")


def markdown_rows(markdown: str, tone: Tone = Tone.PLAIN) -> list[Row]:
    """*markdown* as it reads, line by line."""
    lines = (clean_line(line, limit=_LONGEST_LINE) for line in markdown.splitlines())
    return [row(*_spans(line, tone)) for line in lines]


def _spans(line: str, tone: Tone) -> Iterator[Span]:
    """The words of a clean *line*, where they change their look or lead somewhere."""
    is_bold, words, start = False, "", 0
    for sign in _MARKDOWN.finditer(line):
        words += line[start : sign.start()]
        start = sign.end()
        escaped, bold, title, url = sign.groups()
        if escaped is not None:
            words += escaped
            continue
        if words:
            yield Span(words, Tone.STRONG if is_bold else tone)
        words = ""
        if bold is not None:
            is_bold = not is_bold
        else:
            yield Span(title, tone, url=url)
    words += line[start:]
    if words:
        yield Span(words, Tone.STRONG if is_bold else tone)


def _rows(element: Mapping[str, Any]) -> list[Row]:
    if element.get("isVisible") is False:
        return []
    read = _READERS.get(_text(element, "type"))
    if read:
        return read(element)
    fallback = element.get("fallback")
    return _rows(fallback) if isinstance(fallback, Mapping) else []


def _block(element: Mapping[str, Any]) -> list[Row]:
    return markdown_rows(_text(element, "text"), _tone(element))


def _tone(element: Mapping[str, Any]) -> Tone:
    colour = _COLOURS.get(_text(element, "color").lower())
    if element.get("style") == "heading":
        return Tone.HEADING
    if colour is not None:
        return colour
    if element.get("weight") == "bolder":
        return Tone.STRONG
    if element.get("isSubtle") is True:
        return Tone.QUIET
    return Tone.CODE if element.get("fontType") == "monospace" else Tone.PLAIN


def _runs(element: Mapping[str, Any]) -> list[Row]:
    runs = element.get("inlines")
    rows: list[list[Span]] = [[]]
    for run in runs if isinstance(runs, list) else []:
        if not isinstance(run, str | Mapping):
            continue
        text = run if isinstance(run, str) else _text(run, "text")
        tone = Tone.PLAIN if isinstance(run, str) else _tone(run)
        first, *others = text.splitlines() or [""]
        rows[-1].append(Span(_letters(first), tone))
        rows += [[Span(_letters(line), tone)] for line in others]
    return [row(*spans) for spans in rows if any(span.text for span in spans)]


def _items(element: Mapping[str, Any]) -> list[Row]:
    return [each for item in objects(element.get("items")) for each in _rows(item)]


def _container(element: Mapping[str, Any]) -> list[Row]:
    rows = _items(element)
    if _text(element, "style") in {"", "default"}:
        return rows
    return [replace(each, is_set_off=True) for each in rows]


def _facts(element: Mapping[str, Any]) -> list[Row]:
    return [
        _labelled(clean(_text(each, "title")), markdown_rows(_text(each, "value")))
        for each in objects(element.get("facts"))
    ]


def _table(element: Mapping[str, Any]) -> list[Row]:
    rows = objects(element.get("rows"))
    return [each for line in rows for each in _columns(objects(line.get("cells")))]


def _code(element: Mapping[str, Any]) -> list[Row]:
    lines = _text(element, "codeSnippet").splitlines()
    return [
        row(Span(clean_line(line, limit=_LONGEST_LINE), Tone.CODE), indent=2) for line in lines
    ]


def _image(element: Mapping[str, Any]) -> list[Row]:
    words = clean(_text(element, "altText"))
    return [row(Span(words))] if words else []


def _icon(element: Mapping[str, Any]) -> list[Row]:
    fallback = element.get("fallback")
    words = _rows(fallback) if isinstance(fallback, Mapping) else []
    tone = _COLOURS.get(_text(element, "color").lower(), Tone.PLAIN)
    name = _text(element, "name")
    return [row(Span(str(words[0]), tone, icon=name))] if words else []


def _badge(element: Mapping[str, Any]) -> list[Row]:
    tone = _COLOURS.get(_text(element, "style").lower(), Tone.STRONG)
    return [row(Span(f"[{clean(_text(element, 'text'))}]", tone))]


def _columns(columns: Sequence[Mapping[str, Any]]) -> list[Row]:
    columns = [column for column in columns if column.get("isVisible") is not False]
    if columns and all(_is_fact(column) for column in columns):
        return [_labelled(str(label), values) for label, *values in map(_items, columns)]
    parts = [(column, part) for column in columns if (part := _items(column))]
    if not parts:  # a column need not say its type
        return []
    last, _ = parts[-1]
    first = Row(
        cells=tuple(cell for _, part in parts for cell in part[0].cells),
        is_aside=len(parts) > 1 and last.get("width") == "auto",
    )
    below = [each for _, part in parts for each in part[1:]]
    return [first, *(replace(each, indent=each.indent + 4) for each in below)]


def _is_fact(column: Mapping[str, Any]) -> bool:
    """Whether it is a small label with its value below."""
    items = objects(column.get("items"))
    return len(items) > 1 and items[0].get("isSubtle") is True and items[0].get("size") == "small"


def _labelled(label: str, values: Sequence[Row]) -> Row:
    """*label*, and the *values* behind it on the same line."""
    spans = [Span(f"{label}: ", Tone.QUIET)]
    for value in values:
        spans += [Span(" ")] if len(spans) > 1 else []
        spans += [span for cell in value.cells for span in cell]
    return row(*spans)


def _bar(element: Mapping[str, Any]) -> list[Row]:
    value, whole = element.get("value"), element.get("max", 100)
    if not isinstance(value, int | float) or not isinstance(whole, int | float) or whole <= 0:
        return []
    done = round(_BAR * min(max(value / whole, 0), 1))
    return [row(Span("▰" * done, Tone.ACCENT), Span("▱" * (_BAR - done), Tone.QUIET))]


def _input(element: Mapping[str, Any]) -> list[Row]:
    """What there is to fill in, what stands in it, and what may."""
    found = entry(element)
    if found is None:
        return []
    star = " *" if found.is_required else ""
    value = found.shown_value.replace("\n", " ")
    filled = Span(value) if value else Span(found.hint or "…", Tone.QUIET)
    rows = [row(Span(f"✎ {found.label}{star}: ", Tone.STRONG), filled)]
    if found.kind is EntryKind.CHOICE and found.choices:
        titles = [title for title, _ in found.choices[:_MOST_CHOICES]]
        more = len(found.choices) - len(titles)
        words = " · ".join([*titles, *([f"and {more} more"] if more else [])])
        rows.append(row(Span(words, Tone.QUIET), indent=2))
    return rows


def _letters(text: str) -> str:
    """*text* without what steers; its spaces at the end are kept, as more may follow."""
    kept = clean_line(text, limit=_LONGEST_LINE)
    return kept + " " if text.endswith(" ") and text.strip() else kept


def _text(owner: Mapping[str, Any], key: str) -> str:
    value = owner.get(key)
    return value if isinstance(value, str) else ""


_COLOURS: Mapping[str, Tone] = {
    "accent": Tone.ACCENT,
    "attention": Tone.ATTENTION,
    "good": Tone.GOOD,
    "informative": Tone.ACCENT,
    "warning": Tone.WARNING,
}

_READERS: Mapping[str, Callable[[Mapping[str, Any]], list[Row]]] = {
    "Badge": _badge,
    "CodeBlock": _code,
    "ColumnSet": lambda element: _columns(objects(element.get("columns"))),
    "Container": _container,
    "FactSet": _facts,
    "Icon": _icon,
    "Image": _image,
    "ProgressBar": _bar,
    "RichTextBlock": _runs,
    "Table": _table,
    "TextBlock": _block,
    **dict.fromkeys(map(str, EntryKind), _input),
}
"""What can be read on each kind of element. Of others, it is what their fallback says."""
