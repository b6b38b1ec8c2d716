"""A card as lines of plain text. Pure.

What a card says came from outside: nothing of it reaches the terminal but letters.
"""

from collections.abc import Mapping
from typing import Any

from bot.card_rows import card_rows, markdown_rows


def card_lines(card: Mapping[str, Any]) -> list[str]:
    """What can be read on *card*, an empty line between its parts."""
    return [str(row) for row in card_rows(card)]


def plain_words(markdown: str) -> list[str]:
    """*markdown* as it reads, line by line."""
    return [str(row) for row in markdown_rows(markdown)]
