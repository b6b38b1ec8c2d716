"""What somebody typed, as the value of an input, checked as Microsoft's renderer checks it. Pure.

The server checks everything again: this is so that one is told at once.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
import math
import re
import warnings

from bot.card_form import Entry, EntryKind

CLEAR = "-"
"""Typed to empty what is filled in already."""

_NUMBER = re.compile(r"[+-]?\d{1,300}(?:\.\d{1,300})?(?:[eE][+-]?\d{1,3})?", re.ASCII)
_TIME = re.compile(r"(\d{1,2}):(\d{2})", re.ASCII)
_NAMED = re.compile(r"\(\?<(?![=!])")  #: a named group, as JavaScript writes it
_EXPONENT = 1e21  #: from here on, JavaScript writes exponents
_YES = frozenset({"y", "yes", "on", "true", "1"})
_NO = frozenset({"n", "no", "off", "false", "0"})


@dataclass(frozen=True, slots=True)
class Fits:
    """It can be sent."""

    value: str  #: empty where nothing is to be sent


@dataclass(frozen=True, slots=True)
class Misfit:
    """It cannot, and why."""

    sentence: str


def value_of(entry: Entry, typed: str) -> Fits | Misfit:
    """What *typed* means for *entry*; where nothing was typed, what stands in it already."""
    given = typed.strip()
    if can_be_cleared(entry) and given == CLEAR:
        return Fits("")
    read = _read(entry, given) if given else Fits(entry.value)
    if isinstance(read, Misfit):
        return read
    is_off = entry.kind is EntryKind.TOGGLE and read.value != entry.choices[0][1]
    if entry.is_required and (not read.value or is_off):
        return Misfit(entry.error or "It is required.")
    return read if not read.value else _bounded(entry, read.value)


def can_be_cleared(entry: Entry) -> bool:
    """Whether something stands in it that need not."""
    return bool(entry.value) and not entry.is_required and entry.kind is not EntryKind.TOGGLE


def chosen(choices: Sequence[tuple[str, str]], typed: str) -> str | None:
    """The value of that one of *choices* whose number, title or value was typed; None for none."""
    by_words = {str(n): value for n, (_, value) in enumerate(choices, start=1)}
    by_words |= {value.lower(): value for _, value in choices}
    by_words |= {title.lower(): value for title, value in choices}
    return by_words.get(typed.strip().lower())


def _read(entry: Entry, typed: str) -> Fits | Misfit:
    readers = {
        EntryKind.NUMBER: _number,
        EntryKind.DATE: _date,
        EntryKind.TIME: _time,
        EntryKind.TOGGLE: _toggled,
        EntryKind.CHOICE: _chosen,
    }
    read = readers.get(entry.kind)
    return read(entry, typed) if read else Fits(typed)


def _number(entry: Entry, typed: str) -> Fits | Misfit:
    if _NUMBER.fullmatch(typed) is None or not math.isfinite(float(typed)):
        return Misfit(entry.error or "Type a number.")
    return Fits(_number_words(float(typed)))


def _date(entry: Entry, typed: str) -> Fits | Misfit:
    try:
        return Fits(date.fromisoformat(typed).isoformat())
    except ValueError:
        return Misfit(entry.error or "Type a date such as 2026-03-02.")


def _time(entry: Entry, typed: str) -> Fits | Misfit:
    found = _TIME.fullmatch(typed)
    if found is None or int(found[1]) > 23 or int(found[2]) > 59:  # noqa: PLR2004  # a day's end
        return Misfit(entry.error or "Type a time such as 14:30.")
    return Fits(f"{int(found[1]):02}:{found[2]}")


def _toggled(entry: Entry, typed: str) -> Fits | Misfit:
    (_, on), (_, off) = entry.choices
    word = typed.lower()
    if word in _YES or word == on.lower():
        return Fits(on)
    if word in _NO or word == off.lower():
        return Fits(off)
    return Misfit("Type yes or no.")


def _chosen(entry: Entry, typed: str) -> Fits | Misfit:
    if not entry.takes_several:
        value = chosen(entry.choices, typed)
        return Misfit("Choose one of them.") if value is None else Fits(value)
    one = chosen(entry.choices, typed)  # a title may have a comma of its own
    parts = [one] if one is not None else [chosen(entry.choices, p) for p in typed.split(",")]
    if None in parts:
        return Misfit("Choose of them, with commas between.")
    return Fits(",".join(value for _, value in entry.choices if value in parts))


def _bounded(entry: Entry, value: str) -> Fits | Misfit:
    """*value*, if it is neither too little nor too much, nor of the wrong form."""
    match entry.kind:
        case EntryKind.TEXT:
            if entry.longest and len(value) > entry.longest:
                more = len(value) - entry.longest
                return Misfit(f"At most {entry.longest} characters; that is {more} too many.")
            fits = _matches(entry.pattern, value)
            return Fits(value) if fits else Misfit(entry.error or "It has not the right form.")
        case EntryKind.NUMBER | EntryKind.DATE | EntryKind.TIME:
            if entry.least and _order(entry, value) < _order(entry, entry.least):
                return Misfit(entry.error or f"At least {entry.least}.")
            if entry.most and _order(entry, value) > _order(entry, entry.most):
                return Misfit(entry.error or f"At most {entry.most}.")
            return Fits(value)
        case _:
            return Fits(value)


def _order(entry: Entry, value: str) -> tuple[float, str]:
    """By what values of its kind are compared: a number, or ISO's text of a date or a time."""
    if entry.kind is EntryKind.NUMBER and _NUMBER.fullmatch(value):
        return (float(value), "")
    return (0, value)


def _matches(pattern: str, value: str) -> bool:
    """Whether JavaScript's *pattern* is found; what Python cannot read is left to the server."""
    if not pattern:
        return True
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # about what another Python may read
            return re.search(_NAMED.sub("(?P<", pattern), value, re.ASCII) is not None
    except re.error:
        return True


def _number_words(number: float) -> str:
    """As JavaScript writes the number."""
    is_whole = number.is_integer() and abs(number) < _EXPONENT
    return str(int(number)) if is_whole else repr(number)
