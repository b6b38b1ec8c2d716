"""How something gets onto the screen, and the pen that writes plain text."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, TextIO

from bot.card_rows import Row
from cards.text import clean_line

_LONGEST_LINE = 4000


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """Something that was said, or what has changed of it."""

    sender: str
    rows: Sequence[Row]
    foot: Sequence[Row] = ()  #: what can be opened and pressed
    title: str = ""  #: of its card
    is_card: bool = False
    is_change: bool = False  #: *rows* and *foot* are what is new of it


class Pen(Protocol):
    """Writes on a screen. Whatever it is given, nothing but letters steers the terminal."""

    def post(self, post: Post) -> None:
        """Write *post*."""

    def line(self, text: str) -> None:
        """Write a line of our own."""


class PlainPen:
    """Implements `Pen` with plain text, as other programs like to read it."""

    def __init__(self, out: TextIO) -> None:
        self._out = out

    def post(self, post: Post) -> None:
        """The sender, then the rows, indented."""
        self.line(f"{post.sender}:")
        for row in (*post.rows, *post.foot):
            self.line(f"  {row}".rstrip())

    def line(self, text: str) -> None:
        """*text*, at once."""
        print(clean_line(text, limit=_LONGEST_LINE), file=self._out, flush=True)
