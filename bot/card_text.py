"""A card as lines of text, and its buttons, for a terminal. Pure.

What a card says came from outside: nothing of it reaches the terminal but letters.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
import re
from typing import Any

from cards.text import clean_line

_LONGEST_LINE = 2000
_BAR = 20  #: characters of a progress bar
_PRESSABLE = ("Action.Execute", "Action.Submit")

# An escape, the signs of bold and italics, a link.
_MARKDOWN = re.compile(r"\\([!-/:-@\[-`{-~])|\*\*|__|\[([^\]\n]*)\]\(([^)\s]*)\)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """Something to fill in before a button is pressed."""

    id: str
    label: str
    value: str  #: what stands in it already
    is_required: bool
    choices: tuple[tuple[str, str], ...]  #: titles and values; empty for free text


@dataclass(frozen=True, slots=True, kw_only=True)
class Button:
    """Something to press."""

    title: str
    action: Mapping[str, Any]  #: `type`, `verb`, `id`, `data`, as the card has them
    entries: tuple[Entry, ...]
    url: str = ""  #: where it leads; empty where it goes to the bot

    def pressed(self, values: Mapping[str, str]) -> Mapping[str, Any]:
        """The action with *values* of its entries, by id."""
        data = self.action.get("data")
        own = dict(data) if isinstance(data, Mapping) else {}
        return dict(self.action) | {"data": own | dict(values)}


def card_lines(card: Mapping[str, Any]) -> list[str]:
    """What can be read on *card*, an empty line between its parts."""
    lines: list[str] = []
    for element in _objects(card.get("body")):
        part = _lines(element)
        if part and lines and element.get("type") == "Container":
            lines.append("")
        lines += part
    return lines


def card_buttons(card: Mapping[str, Any]) -> list[Button]:
    """What can be pressed on *card*, forms behind buttons included, in the order of the card."""
    return list(_buttons(card, ()))


def plain_words(markdown: str) -> list[str]:
    """*markdown* as it reads, line by line."""
    text = _MARKDOWN.sub(_plain, markdown)
    return [clean_line(line, limit=_LONGEST_LINE) for line in text.splitlines()]


def _plain(sign: re.Match[str]) -> str:
    escaped, words, url = sign.groups()
    if escaped is not None:
        return str(escaped)
    if url is not None:
        return f"{words} ({url})" if words != url else str(url)
    return ""


def _lines(element: Mapping[str, Any]) -> list[str]:
    if element.get("isVisible") is False:
        return []
    read = _READERS.get(_text(element, "type"))
    if read:
        return read(element)
    fallback = element.get("fallback")
    return _lines(fallback) if isinstance(fallback, Mapping) else []


def _runs(element: Mapping[str, Any]) -> list[str]:
    runs = element.get("inlines")
    texts = [
        run if isinstance(run, str) else _text(run, "text")
        for run in (runs if isinstance(runs, list) else [])
        if isinstance(run, str | Mapping)
    ]
    return [clean_line(line, limit=_LONGEST_LINE) for line in "".join(texts).splitlines()]


def _items(element: Mapping[str, Any]) -> list[str]:
    return [line for item in _objects(element.get("items")) for line in _lines(item)]


def _facts(element: Mapping[str, Any]) -> list[str]:
    facts = _objects(element.get("facts"))
    return [f"{_line(each, 'title')}: {_line(each, 'value')}" for each in facts]


def _table(element: Mapping[str, Any]) -> list[str]:
    rows = _objects(element.get("rows"))
    return [line for row in rows for line in _columns(_objects(row.get("cells")))]


def _code(element: Mapping[str, Any]) -> list[str]:
    lines = _text(element, "codeSnippet").splitlines()
    return [f"  {clean_line(line, limit=_LONGEST_LINE)}" for line in lines]


def _image(element: Mapping[str, Any]) -> list[str]:
    words = _line(element, "altText")
    return [words] if words else []


def _columns(columns: Sequence[Mapping[str, Any]]) -> list[str]:
    columns = [column for column in columns if column.get("isVisible") is not False]
    if columns and all(_is_fact(column) for column in columns):
        return [_fact(column) for column in columns]
    parts = [part for part in map(_items, columns) if part]  # a column need not say its type
    first = "  ".join(part[0] for part in parts)
    return [first, *(f"    {line}" for part in parts for line in part[1:])] if parts else []


def _is_fact(column: Mapping[str, Any]) -> bool:
    """Whether it is a small label with its value below."""
    items = _objects(column.get("items"))
    return len(items) > 1 and items[0].get("isSubtle") is True and items[0].get("size") == "small"


def _fact(column: Mapping[str, Any]) -> str:
    label, *values = _items(column)
    return f"{label}: {' '.join(values)}"


def _bar(element: Mapping[str, Any]) -> list[str]:
    value, whole = element.get("value"), element.get("max", 100)
    if not isinstance(value, int | float) or not isinstance(whole, int | float) or whole <= 0:
        return []
    done = round(_BAR * min(max(value / whole, 0), 1))
    return ["▰" * done + "▱" * (_BAR - done)]


_READERS: Mapping[str, Callable[[Mapping[str, Any]], list[str]]] = {
    "Badge": lambda element: [f"[{_line(element, 'text')}]"],
    "CodeBlock": _code,
    "ColumnSet": lambda element: _columns(_objects(element.get("columns"))),
    "Container": _items,
    "FactSet": _facts,
    "Image": _image,
    "ProgressBar": _bar,
    "RichTextBlock": _runs,
    "Table": _table,
    "TextBlock": lambda element: plain_words(_text(element, "text")),
}
"""What can be read on each kind of element. Of others, it is what their fallback says."""


def _buttons(card: Mapping[str, Any], outer: tuple[Entry, ...]) -> Iterator[Button]:
    entries = (*outer, *_entries(card.get("body")))
    for action in _actions(card):
        kind, title = action.get("type"), _line(action, "title")
        if kind == "Action.ShowCard" and isinstance(action.get("card"), Mapping):
            yield from _buttons(action["card"], entries)
        elif kind == "Action.OpenUrl":
            url = _line(action, "url")
            yield Button(title=title, action={}, entries=(), url=url)
        elif kind in _PRESSABLE:
            takes_none = str(action.get("associatedInputs", "")).lower() == "none"
            known = {key: action[key] for key in ("type", "id", "verb", "data") if key in action}
            yield Button(title=title, action=known, entries=() if takes_none else entries)


def _actions(card: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for element in _every(card.get("body")):
        if element.get("type") == "ActionSet":
            yield from _objects(element.get("actions"))
    yield from _objects(card.get("actions"))


def _entries(body: Any) -> Iterator[Entry]:
    for element in _every(body):
        if str(element.get("type")).startswith("Input.") and element.get("id"):
            choices = _objects(element.get("choices"))
            if element["type"] == "Input.Toggle":
                on, off = element.get("valueOn", "true"), element.get("valueOff", "false")
                choices = [{"title": "yes", "value": on}, {"title": "no", "value": off}]
            yield Entry(
                id=str(element["id"]),
                label=_line(element, "label") or _line(element, "title") or str(element["id"]),
                value=_line(element, "value"),
                is_required=element.get("isRequired") is True,
                choices=tuple((_line(each, "title"), _text(each, "value")) for each in choices),
            )


def _every(items: Any) -> Iterator[Mapping[str, Any]]:
    """All elements below *items*, but for those of other cards."""
    for item in _objects(items):
        yield item
        for key in ("items", "columns", "rows", "cells"):
            yield from _every(item.get(key))


def _objects(value: Any) -> list[Mapping[str, Any]]:
    return [each for each in value if isinstance(each, Mapping)] if isinstance(value, list) else []


def _text(owner: Mapping[str, Any], key: str) -> str:
    value = owner.get(key)
    return value if isinstance(value, str) else ""


def _line(owner: Mapping[str, Any], key: str) -> str:
    return clean_line(" ".join(_text(owner, key).split()), limit=_LONGEST_LINE)
