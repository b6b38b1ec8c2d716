"""Which inputs are needed, where that hangs on others: `required_if`."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
import re

from domain.field import Field
from workflows.expressions import ExpressionFault, holds
from workflows.values import typed, words

_IS = re.compile(r'\$\{\s*inputs\.(\w+)\s*==\s*(?:"([^"\\]*)"|\'([^\'\\]*)\'|(true|false))\s*\}')

AT_TIMES = "at times"
"""When an input is needed whose condition says more than a few words can."""


def as_needed(fields: Iterable[Field], values: Mapping[str, str]) -> tuple[Field, ...]:
    """*fields* as they are once *values* were given: required, too, where a condition holds.

    Values that are empty were not given. A condition of which nobody can tell counts as one that
    holds: it is better to ask for too much.
    """
    known = tuple(fields)
    given = {name: text for name, text in values.items() if text}
    return tuple(
        replace(each, required=True) if _holds(each, known, given) else each for each in known
    )


def need_in_words(field: Field) -> str:
    """When *field* is needed: "where the environment is prod"; empty where that is always so."""
    if field.required_if is None:
        return ""
    said = _IS.fullmatch(field.required_if.strip())
    if said is None:
        return AT_TIMES
    name, *values = said.groups()
    value = next(each for each in values if each is not None)
    return f"where the {name.replace('_', ' ')} is {value}"


def is_missing(field: Field) -> str:
    """The sentence that says that *field* was not given."""
    when = need_in_words(field)
    return f"The {words(field)} is missing." + (f" It is required {when}." if when else "")


def _holds(field: Field, fields: tuple[Field, ...], given: Mapping[str, str]) -> bool:
    if field.required_if is None:
        return False
    try:
        return holds(field.required_if, {"inputs": typed(fields, given)})
    except ExpressionFault:
        return True
