"""What a field takes: a text that somebody gave is checked, put in its usual form, and typed."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, time
import re
from typing import Any
import unicodedata

from domain.errors import BadArguments
from domain.field import Field, FieldType, in_digits
from domain.run import RUN_ID_ALPHABET, RUN_ID_LENGTH
from workflows.durations import parse as parse_duration
from workflows.durations import text_of
from workflows.expressions import matches
from workflows.nearest import did_you_mean

LONGEST_VALUE = 1000
LONGEST_REST = 4000
SEPARATOR = ","
"""Joins several choices; Adaptive Cards does so, too.
https://adaptivecards.io/explorer/Input.ChoiceSet.html"""
_MOST_LISTED = 10

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")
_VERSION = re.compile(r"v?[0-9]+(?:\.[0-9]+)*(?:[-+.][0-9A-Za-z.+-]*)?")
_LONGEST_VERSION = 64
_NUMBER = re.compile(r"-?[0-9]{1,15}(?:\.[0-9]{1,15})?")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_TIME = re.compile(r"[0-9]{2}:[0-9]{2}")
_SECRET = re.compile(r"[a-z0-9][a-z0-9_./-]{0,99}")
_RUN = re.compile(f"[{RUN_ID_ALPHABET}]{{{RUN_ID_LENGTH}}}")
_SUCH_AS = re.compile(r'such as ("[^"]+"|[^\s,;]*[^\s,;.])')
_TRUE = frozenset({"true", "yes", "on", "1", "y"})
_FALSE = frozenset({"false", "no", "off", "0", "n"})

_EXAMPLES = {
    FieldType.TEXT: '"some words"',
    FieldType.NUMBER: "3",
    FieldType.BOOLEAN: "yes",
    FieldType.DATE: "2026-11-25",
    FieldType.TIME: "14:30",
    FieldType.DURATION: "30m",
    FieldType.CHOICE: '"some words"',
    FieldType.MULTI_CHOICE: "one,other",
    FieldType.SERVICE: "shop",
    FieldType.ENVIRONMENT: "staging",
    FieldType.VERSION: "v1.2.3",
    FieldType.RUN: "k7f3q2ma",
    FieldType.PERSON: "approver-1",
    FieldType.SECRET: "shop/api-key",
    FieldType.REST: "…",
}

_INVISIBLE = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
_JOINERS = frozenset("\u200c\u200d")  #: parts of emoji and of words in some scripts


def accepted(field: Field, text: str, *, choices: Sequence[str] | None = None) -> str:
    """*text* as a value of *field*, in its usual form: a choice as listed, `true`, `k7f3q2ma`.

    *choices* are what there is to choose from; None where everything of the right form will do.

    Raises:
        BadArguments: it is no such value.
    """
    _check_text(field, text)
    if choices is None and field.choices:
        choices = field.choices
    if field.type is FieldType.MULTI_CHOICE:
        several = [each.strip() for each in text.split(SEPARATOR) if each.strip()]
        if not several:
            raise BadArguments(f"The {words(field)} is empty.")
        if choices is not None:
            several = [_chosen(field, each, choices) for each in several]
        return SEPARATOR.join(dict.fromkeys(several))
    if choices is not None:
        return _chosen(field, text, choices)
    value = _formed(field, text)
    if field.pattern is not None and not matches(field.pattern, value):
        raise BadArguments(f"{shown(text)} is no {words(field)}: it must match {field.pattern}.")
    return value


def typed(fields: Iterable[Field], arguments: Mapping[str, str]) -> dict[str, Any]:
    """*arguments*, which were accepted, as expressions see them: numbers, truth values, texts.

    Every field is there: one that was not given has its default, else None.
    """
    return {
        field.name: _typed(field, arguments.get(field.name, field.default)) for field in fields
    }


def words(field: Field) -> str:
    """What *field* is called in a sentence."""
    return field.name.replace("_", " ")


def shown(text: str) -> str:
    """*text* as a sentence may repeat it: not long, and nothing invisible."""
    longest = 40
    visible = "".join("·" if unicodedata.category(c) in _INVISIBLE else c for c in text[:longest])
    return f"`{visible}…`" if len(text) > longest else f"`{visible}`"


def can_be_given(text: str) -> bool:
    """Whether *text* could be the value of any field: there is some, of a length, all visible."""
    return bool(text.strip()) and len(text) <= LONGEST_VALUE and not _has_unseen(text)


def _has_unseen(text: str) -> bool:
    return any(unicodedata.category(c) in _INVISIBLE and c not in _JOINERS for c in text)


def _check_text(field: Field, text: str) -> None:
    if not text:
        raise BadArguments(f"The {words(field)} is empty.")
    longest = LONGEST_REST if field.type is FieldType.REST else LONGEST_VALUE
    if len(text) > longest:
        raise BadArguments(f"The {words(field)} is longer than {longest} characters.")
    if _has_unseen(text):
        raise BadArguments(f"The {words(field)} has a control character in it: {shown(text)}.")


def _chosen(field: Field, text: str, choices: Sequence[str]) -> str:
    if text in choices:
        return text
    # Phones begin a word with a capital. Only ASCII: a long s is another letter.
    alike = [each for each in choices if each.isascii() and each.lower() == text.lower()]
    if len(alike) == 1 and text.isascii():
        return alike[0]
    listed = ", ".join(choices[:_MOST_LISTED]) or "none"
    more = f" and {len(choices) - _MOST_LISTED} more" if len(choices) > _MOST_LISTED else ""
    raise BadArguments(
        f"I know no {words(field)} {shown(text)}. Known: {listed}{more}."
        f"{did_you_mean(text, choices, limit=1)}"
    )


def _formed(field: Field, text: str) -> str:
    if field.type is FieldType.BOOLEAN:
        return _truth(field, text)
    lower = field.type in _LOWER and text.isascii()
    value = text.lower() if lower else text
    has_form = _FORMS.get(field.type)
    if has_form is not None and not has_form(value):
        if field.type is FieldType.SECRET:  # it may be the secret itself: it is not said again
            sentence = f"That is no {words(field)}: give the name of a secret, such as"
            raise BadArguments(f"{sentence} {example(field)}, never the secret itself.")
        raise BadArguments(f"{shown(text)} is no {words(field)}, such as {example(field)}.")
    if field.type is FieldType.NUMBER:
        _check_range(field, float(text))
    if field.type is FieldType.DURATION:
        value = text_of(parse_duration(value))
    _check_limits(field, value)
    return value


_LOWER = frozenset({FieldType.RUN, FieldType.DURATION})
"""What phones may begin with a capital."""


def _truth(field: Field, text: str) -> str:
    if text.lower() in _TRUE:
        return "true"
    if text.lower() in _FALSE:
        return "false"
    raise BadArguments(f"{shown(text)} says neither yes nor no for {words(field)}.")


def _parses(parse: Callable[[str], object], text: str) -> bool:
    try:
        parse(text)
    except ValueError:
        return False
    return True


_FORMS: Mapping[FieldType, Callable[[str], bool]] = {
    FieldType.NUMBER: lambda text: bool(_NUMBER.fullmatch(text)),
    FieldType.DATE: lambda text: bool(_DATE.fullmatch(text)) and _parses(date.fromisoformat, text),
    FieldType.TIME: lambda text: bool(_TIME.fullmatch(text)) and _parses(time.fromisoformat, text),
    FieldType.DURATION: lambda text: _parses(parse_duration, text),
    FieldType.SERVICE: lambda text: bool(_NAME.fullmatch(text)),
    FieldType.ENVIRONMENT: lambda text: bool(_NAME.fullmatch(text)),
    FieldType.VERSION: lambda text: (
        len(text) <= _LONGEST_VERSION and bool(_VERSION.fullmatch(text))
    ),
    FieldType.RUN: lambda text: bool(_RUN.fullmatch(text)),
    FieldType.SECRET: lambda text: bool(_SECRET.fullmatch(text)),
}
"""What a value of a type looks like; any text will do for the types that are not here."""


def _check_range(field: Field, number: float) -> None:
    low, high = field.minimum, field.maximum
    if (low is not None and number < low) or (high is not None and number > high):
        raise BadArguments(f"The {words(field)} is {in_range(field)}, not {in_digits(number)}.")


def _check_limits(field: Field, text: str) -> None:
    """Refuse a date, time or duration that is out of its range."""
    low, high = field.least, field.most
    if (low is not None and _size(field, text) < _size(field, low)) or (
        high is not None and _size(field, text) > _size(field, high)
    ):
        raise BadArguments(f"The {words(field)} is {in_range(field)}, not {text}.")


def _size(field: Field, text: str) -> tuple[float, str]:
    """What values of *field* are ordered by: dates and times are so by their letters."""
    if field.type is FieldType.DURATION:
        return parse_duration(text).total_seconds(), ""
    return 0, text


def in_range(field: Field) -> str:
    """The range of a field in words: "from 1 to 200"; empty where there is none."""
    low = field.least if field.minimum is None else in_digits(field.minimum)
    high = field.most if field.maximum is None else in_digits(field.maximum)
    is_moment = field.type in {FieldType.DATE, FieldType.TIME}
    if low is None:
        less = "earlier" if is_moment else "less"
        return "" if high is None else f"{high} or {less}"
    if high is None:
        return f"{low} or {'later' if is_moment else 'more'}"
    return f"from {low} to {high}"


def example(field: Field) -> str:
    """A value that *field* might take: what its description says behind "such as", if anything."""
    if field.choices:
        return field.choices[0]
    described = _SUCH_AS.search(field.description)
    return described[1] if described else _EXAMPLES[field.type]


def _typed(field: Field, text: str | None) -> Any:
    if text is None:
        return None
    match field.type:
        case FieldType.NUMBER:
            return float(text) if "." in text else int(text)
        case FieldType.BOOLEAN:
            return text == "true"
        case FieldType.MULTI_CHOICE:
            return text.split(SEPARATOR)
        case _:
            return text
