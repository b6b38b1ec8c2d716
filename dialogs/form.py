"""What was filled in, checked field by field: the values that are right, and what is wrong."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from domain.errors import BadArguments
from domain.field import Field, FieldType
from workflows.needed import is_missing
from workflows.values import SEPARATOR, accepted

Known = Mapping[str, Sequence[str] | None]
"""What there is to choose from, by field name; None, or nothing, where anything of its form is."""

_LEFT_OUT = frozenset({"skip", "none", "no", "-"})
"""What people type for nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """What became of what was filled in."""

    values: Mapping[str, str]  #: those that are right; empty for what may be left out, and was
    errors: Mapping[str, str]  #: by field name, a sentence each


def checked(fields: Sequence[Field], given: Mapping[str, str], known: Known) -> Checked:
    """*given* as answers to *fields*."""
    values: dict[str, str] = {}
    errors: dict[str, str] = {}
    for field in fields:
        raw = given.get(field.name, "").strip()
        text = raw if raw in (known.get(field.name) or field.choices) else " ".join(raw.split())
        if not text:
            if field.required:
                errors[field.name] = is_missing(field)
            else:
                values[field.name] = ""
            continue
        try:
            values[field.name] = accepted(field, text, choices=known.get(field.name))
        except BadArguments as error:
            errors[field.name] = str(error)
    return Checked(values=values, errors=errors)


def said(fields: Sequence[Field], text: str) -> Mapping[str, str]:
    """*text*, typed, as the answer to the one field that is asked, by its name."""
    (field,) = fields
    is_nothing = not field.required and text.strip().lower() in _LEFT_OUT
    return {field.name: "" if is_nothing and not _is_listed(field, text) else text}


def answered(fields: Sequence[Field], given: Mapping[str, str]) -> tuple[Field, ...]:
    """Those of *fields* that *given*, typed, answers: all, where it leaves out what may be.

    Where something that is needed is missing, what was given is kept, and the rest asked for.
    """
    some = tuple(each for each in fields if each.name in given)
    is_enough = all(each in some for each in fields if each.required)
    return tuple(fields) if is_enough or not some else some


def is_free(field: Field) -> bool:
    """Whether any text would be an answer."""
    is_text = field.type in {FieldType.TEXT, FieldType.REST}
    return is_text and not field.choices and field.choices_from is None and field.pattern is None


def is_whole(field: Field, text: str) -> bool:
    """Whether *text*, of several words, is one value of *field*."""
    listed = {each.lower() for each in field.choices}
    if field.type is FieldType.MULTI_CHOICE and SEPARATOR in text:
        return True
    return is_free(field) or field.type is FieldType.PERSON or text.strip().lower() in listed


def _is_listed(field: Field, text: str) -> bool:
    """Whether *text* is one of the few values that there are: `no` is one of a truth value."""
    if field.type is not FieldType.BOOLEAN and not field.choices:
        return False
    try:
        accepted(field, text.strip())
    except BadArguments:
        return False
    return True
