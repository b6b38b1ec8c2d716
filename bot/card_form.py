"""What can be filled in and pressed on a card. Pure.

The rules are those of Microsoft's renderer: an input is sent under its id, as text, where
something stands in it. https://adaptivecards.io/explorer/Input.Text.html
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from cards.text import clean_line
from domain.field import in_digits

_LONGEST_LINE = 2000
_PRESSABLE = ("Action.Execute", "Action.Submit")


class EntryKind(StrEnum):
    """What an input takes."""

    TEXT = "Input.Text"
    NUMBER = "Input.Number"
    DATE = "Input.Date"
    TIME = "Input.Time"
    TOGGLE = "Input.Toggle"
    CHOICE = "Input.ChoiceSet"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """Something to fill in before a button is pressed."""

    id: str
    label: str
    value: str  #: what stands in it already
    is_required: bool
    choices: tuple[tuple[str, str], ...]  #: titles and values; empty for free text
    kind: EntryKind = EntryKind.TEXT
    takes_several: bool = False  #: of the choices; they are sent with commas between
    is_multiline: bool = False
    longest: int = 0  #: characters; 0 for any length
    pattern: str = ""  #: a JavaScript regular expression that has to be found in it
    least: str = ""  #: a number, a date or a time, or empty for no bound
    most: str = ""
    hint: str = ""  #: what the card says where nothing is filled in
    error: str = ""  #: what the card says where something wrong is
    dataset: str = ""  #: what to search for choices; empty where they all stand in the card
    sends_others: bool = False  #: a search for choices tells what else is filled in
    is_hidden: bool = False  #: goes along as it is

    @property
    def shown_value(self) -> str:
        """What stands in it, in the words of its choices."""
        titles = {value: title for title, value in self.choices}
        values = self.value.split(",") if self.takes_several and self.value else [self.value]
        return ", ".join(titles.get(each, each) for each in values)


@dataclass(frozen=True, slots=True, kw_only=True)
class Button:
    """Something to press."""

    title: str
    action: Mapping[str, Any]  #: `type`, `verb`, `id`, `data`, as the card has them
    entries: tuple[Entry, ...]
    url: str = ""  #: where it leads; empty where it goes to the bot
    style: str = ""  #: `positive` or `destructive`, where the card says so

    def pressed(self, values: Mapping[str, str]) -> Mapping[str, Any]:
        """The action with *values* of its entries, by id."""
        data = self.action.get("data")
        own = dict(data) if isinstance(data, Mapping) else {}
        return dict(self.action) | {"data": own | dict(values)}


def card_buttons(card: Mapping[str, Any]) -> list[Button]:
    """What can be pressed on *card*, forms behind buttons included, in the order of the card."""
    return list(_buttons(card, ()))


def card_entries(card: Mapping[str, Any]) -> list[Entry]:
    """What can be filled in on *card* itself, and is not behind a button."""
    return [each for each in _entries(card.get("body")) if not each.is_hidden]


def entry(element: Mapping[str, Any]) -> Entry | None:
    """The input that *element* is; None where it is none, or has no id to be sent under."""
    try:
        kind = EntryKind(_text(element, "type"))
    except ValueError:
        return None
    if not element.get("id"):
        return None
    found = element.get("choices.data")
    query = found if isinstance(found, Mapping) and found.get("type") == "Data.Query" else {}
    longest = element.get("maxLength")
    return Entry(
        id=str(element["id"]),
        kind=kind,
        label=_line(element, "label") or _line(element, "title") or clean(str(element["id"])),
        value=_value(element, kind),
        is_required=element.get("isRequired") is True,
        choices=_choices(element, kind),
        takes_several=element.get("isMultiSelect") is True,
        is_multiline=element.get("isMultiline") is True,
        longest=longest if isinstance(longest, int) and longest > 0 else 0,
        pattern=_text(element, "regex"),
        least=_scalar(element, "min"),
        most=_scalar(element, "max"),
        hint=_line(element, "placeholder"),
        error=_line(element, "errorMessage"),
        dataset=_text(query, "dataset"),
        sends_others=_text(query, "associatedInputs").lower() == "auto",
        is_hidden=element.get("isVisible") is False,
    )


def objects(value: Any) -> list[Mapping[str, Any]]:
    """The JSON objects of the list *value*; none where it is no list."""
    return [each for each in value if isinstance(each, Mapping)] if isinstance(value, list) else []


def clean(words: str) -> str:
    """*words* on one line, with nothing that steers a terminal."""
    return clean_line(" ".join(words.split()), limit=_LONGEST_LINE)


def _buttons(card: Mapping[str, Any], outer: tuple[Entry, ...]) -> Iterator[Button]:
    entries = (*outer, *_entries(card.get("body")))
    for action in _actions(card):
        kind, title = action.get("type"), _line(action, "title")
        if action.get("isEnabled") is False:
            continue
        if kind == "Action.ShowCard" and isinstance(action.get("card"), Mapping):
            yield from _buttons(action["card"], entries)
        elif kind == "Action.OpenUrl":
            url = _line(action, "url")
            yield Button(title=title, action={}, entries=(), url=url)
        elif kind in _PRESSABLE:
            takes_none = str(action.get("associatedInputs", "")).lower() == "none"
            known = {key: action[key] for key in ("type", "id", "verb", "data") if key in action}
            yield Button(
                title=title,
                action=known,
                entries=() if takes_none else entries,
                style=_text(action, "style").lower(),
            )


def _actions(card: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for element in _every(card.get("body")):
        if element.get("type") == "ActionSet":
            yield from objects(element.get("actions"))
    yield from objects(card.get("actions"))


def _entries(body: Any) -> Iterator[Entry]:
    yield from (found for each in _every(body) if (found := entry(each)) is not None)


def _every(items: Any) -> Iterator[Mapping[str, Any]]:
    """All elements below *items*, but for those of other cards."""
    for item in objects(items):
        yield item
        for key in ("items", "columns", "rows", "cells"):
            yield from _every(item.get(key))


def _choices(element: Mapping[str, Any], kind: EntryKind) -> tuple[tuple[str, str], ...]:
    if kind is EntryKind.TOGGLE:
        on, off = _text(element, "valueOn") or "true", _text(element, "valueOff") or "false"
        return (("yes", on), ("no", off))
    if kind is not EntryKind.CHOICE:
        return ()
    return tuple(
        (_line(each, "title"), _text(each, "value")) for each in objects(element.get("choices"))
    )


def _value(element: Mapping[str, Any], kind: EntryKind) -> str:
    """What stands in it: a toggle is off unless it is said to be on."""
    if kind is EntryKind.TOGGLE:
        (_, on), (_, off) = _choices(element, kind)
        return on if _text(element, "value") == on else off
    if kind is EntryKind.TEXT and element.get("isMultiline") is True:
        lines = _text(element, "value").splitlines()
        return "\n".join(clean_line(line, limit=_LONGEST_LINE) for line in lines)
    value = _scalar(element, "value")
    if kind is not EntryKind.CHOICE or isinstance(element.get("choices.data"), Mapping):
        return value
    offered = {each for _, each in _choices(element, kind)}
    values = value.split(",") if element.get("isMultiSelect") is True else [value]
    return ",".join(each for each in values if each in offered)


def _scalar(owner: Mapping[str, Any], key: str) -> str:
    """The text or the number at *key*, as a person would type it."""
    value = owner.get(key)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return in_digits(value)
    return _line(owner, key)


def _text(owner: Mapping[str, Any], key: str) -> str:
    value = owner.get(key)
    return value if isinstance(value, str) else ""


def _line(owner: Mapping[str, Any], key: str) -> str:
    return clean(_text(owner, key))
