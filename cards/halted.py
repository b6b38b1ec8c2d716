"""The row on a card that says that everything is halted."""

from datetime import datetime, tzinfo

from cards import elements as e
from cards import teams
from cards.text import escape
from cards.waits import halt_words
from domain.lock import Halt


def halted(halt: Halt | None, *, now: datetime, zone: tzinfo) -> list[teams.Element]:
    """The row that says that nothing goes on; none where it does."""
    if halt is None:
        return []
    words = e.body(f"**Everything is halted**{_escaped(halt_words(halt, now=now, zone=zone))}")
    note = e.meta("No step begins until that is over.")
    return [e.group([e.row(e.REFUSED, [words, note])])]


def _escaped(words: str) -> str:
    """*words*, which begin with the space that joins them to what stands before."""
    return f" {escape(words.lstrip())}"
