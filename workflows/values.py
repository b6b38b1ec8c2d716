"""What a field takes: a text that somebody gave is checked, put in its usual form, and typed."""

from collections.abc import Iterable, Mapping, Sequence
import re
from typing import Any
import unicodedata

from domain.errors import BadArguments
from domain.field import Field, FieldType
from domain.run import RUN_ID_ALPHABET, RUN_ID_LENGTH
from workflows.expressions import matches
from workflows.nearest import did_you_mean

LONGEST_VALUE = 1000
LONGEST_REST = 4000
_MOST_LISTED = 10

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")
_VERSION = re.compile(r"v?[0-9]+(?:\.[0-9]+)*(?:[-+.][0-9A-Za-z.+-]*)?")
_LONGEST_VERSION = 64
_NUMBER = re.compile(r"-?[0-9]{1,15}(?:\.[0-9]{1,15})?")
_RUN = re.compile(f"[{RUN_ID_ALPHABET}]{{{RUN_ID_LENGTH}}}")
_SUCH_AS = re.compile(r'such as ("[^"]+"|[^\s,;]*[^\s,;.])')
_TRUE = frozenset({"true", "yes", "on", "1", "y"})
_FALSE = frozenset({"false", "no", "off", "0", "n"})

_EXAMPLES = {
    FieldType.TEXT: '"some words"',
    FieldType.NUMBER: "3",
    FieldType.BOOLEAN: "yes",
    FieldType.CHOICE: '"some words"',
    FieldType.SERVICE: "shop",
    FieldType.ENVIRONMENT: "staging",
    FieldType.VERSION: "v1.2.3",
    FieldType.RUN: "k7f3q2ma",
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
    if choices is None and field.type is FieldType.CHOICE:
        choices = field.choices
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


def _check_text(field: Field, text: str) -> None:
    if not text:
        raise BadArguments(f"The {words(field)} is empty.")
    longest = LONGEST_REST if field.type is FieldType.REST else LONGEST_VALUE
    if len(text) > longest:
        raise BadArguments(f"The {words(field)} is longer than {longest} characters.")
    if any(unicodedata.category(c) in _INVISIBLE and c not in _JOINERS for c in text):
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
    is_ok = True
    value = text
    match field.type:
        case FieldType.NUMBER:
            is_ok = bool(_NUMBER.fullmatch(text))
        case FieldType.BOOLEAN:
            if text.lower() in _TRUE:
                return "true"
            if text.lower() in _FALSE:
                return "false"
            raise BadArguments(f"{shown(text)} says neither yes nor no for {words(field)}.")
        case FieldType.SERVICE | FieldType.ENVIRONMENT:
            is_ok = bool(_NAME.fullmatch(text))
        case FieldType.VERSION:
            is_ok = len(text) <= _LONGEST_VERSION and bool(_VERSION.fullmatch(text))
        case FieldType.RUN:
            value = text.lower() if text.isascii() else text
            is_ok = bool(_RUN.fullmatch(value))
        case FieldType.TEXT | FieldType.CHOICE | FieldType.REST:
            pass
    if not is_ok:
        raise BadArguments(f"{shown(text)} is no {words(field)}, such as {example(field)}.")
    return value


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
        case _:
            return text
