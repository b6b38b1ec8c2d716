"""The choices of an input, asked from a live system at the moment that somebody has to choose."""

from collections.abc import Iterable, Mapping
from itertools import islice

from connectors.connector import Actions
from domain.command import Effect
from domain.errors import Bug, Unavailable
from domain.field import ChoicesFrom, Field, FieldType
from workflows.expressions import evaluate, references
from workflows.values import can_be_given, typed

MOST = 500
"""Choices that are looked at; who has more of them types the value."""


async def listed(
    source: ChoicesFrom, fields: Iterable[Field], values: Mapping[str, str], actions: Actions
) -> tuple[str, ...]:
    """What *source* offers where *values* were answered to *fields*, as far as it can be given.

    Raises:
        Unavailable: the system does not answer, or not with a list.
        Refused: it cannot list anything for these values, or no connection offers the action.
    """
    action = actions.get(source.uses)
    if action.effect is not Effect.READ:
        raise Bug(f"{source.uses} lists choices, and does not only read.")
    arguments = evaluate(source.arguments, {"inputs": typed(fields, values)})
    found = (await action.apply(action.parse(arguments), "")).get(source.list)
    if not isinstance(found, list | tuple):
        raise Unavailable(f"{source.uses} gave no list of {source.list}.")
    texts = dict.fromkeys(str(each).strip() for each in found[: 10 * MOST])
    return tuple(islice(filter(can_be_given, texts), MOST))


def depends_on(field: Field, fields: Iterable[Field]) -> frozenset[str]:
    """The inputs that must be answered before there is anything to choose for *field*."""
    if field.choices_from is not None:
        used = references(field.choices_from.arguments)
        return frozenset(each.path[0] for each in used if each.root == "inputs" and each.path)
    if field.type is FieldType.ENVIRONMENT:
        return frozenset(each.name for each in fields if each.type is FieldType.SERVICE)
    return frozenset()
