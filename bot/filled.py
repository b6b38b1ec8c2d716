"""The inputs of a card as clients send them. Whoever sent them may have forged them."""

from collections.abc import Mapping
from typing import Any

from cards.form import INPUT
from domain.errors import BadArguments
from domain.field import in_digits


def filled_in(value: Any) -> str:
    """An input's value as text; empty for none.

    Raises:
        BadArguments: it is no text, and no number or truth value, which some clients send.
    """
    match value:
        case None:
            return ""
        case str():
            return value
        case bool():
            return "true" if value else "false"
        case int() | float():
            return in_digits(value)
        case _:
            raise BadArguments("What was filled in is no text.")


def texts_of(data: Mapping[str, Any]) -> dict[str, str]:
    """The inputs in *data*, by the names of their fields.

    Raises:
        BadArguments: one is no text.
    """
    return {
        name.removeprefix(INPUT): filled_in(value)
        for name, value in data.items()
        if name.startswith(INPUT)
    }
