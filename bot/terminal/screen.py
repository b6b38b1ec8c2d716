"""What was printed, so that a card is told by its changes; and the numbers of its buttons."""

from collections.abc import Mapping, Sequence
from typing import Any

from bot.card_form import Button, card_buttons
from bot.card_rows import Cell, Row, Span, Tone, card_rows, headline, markdown_rows, row
from bot.card_text import plain_words
from bot.terminal.pen import Pen, Post

_TONES = {"positive": Tone.GOOD, "destructive": Tone.ATTENTION}


class Screen:
    """The screen of one person."""

    def __init__(self, pen: Pen) -> None:
        self._pen = pen
        self._printed: dict[str, frozenset[str]] = {}
        self._threads: dict[str, str] = {}
        self._numbers: dict[tuple[str, str], int] = {}
        self._buttons: dict[int, tuple[str, Button]] = {}

    def show(self, message: Any) -> None:
        """Print *message*; of one that was printed before, the rows that are new."""
        rows, foot = _said(message), self._button_rows(message)
        before = self._printed.get(message["id"])
        self._threads[message["id"]] = message["root"]
        self._printed[message["id"]] = frozenset(map(str, [*rows, *foot]))
        if before is not None:
            rows = [each for each in rows if str(each) and str(each) not in before]
            foot = [each for each in foot if str(each) not in before]
        if rows or foot:
            titles = [title for card in message["cards"] if (title := headline(card))]
            self._pen.post(
                Post(
                    sender=message["senderName"],
                    rows=rows,
                    foot=foot,
                    title=titles[0] if titles else "",
                    is_card=bool(message["cards"]),
                    is_change=before is not None,
                )
            )

    def card(self, title: str, card: Mapping[str, Any], buttons: Sequence[Button]) -> None:
        """Print *card*, which is no message: its *buttons* are numbered from 1."""
        cells = [_cell(n, each) for n, each in enumerate(pressable(buttons), start=1)]
        foot = _foot(buttons, cells)
        self._pen.post(Post(sender=title, rows=card_rows(card), foot=foot, is_card=True))

    def line(self, text: str) -> None:
        """Print a line of our own."""
        self._pen.line(text)

    def words(self, markdown: str) -> None:
        """Print what the other side says, where it says something."""
        if markdown:
            self._pen.line(" ".join(plain_words(markdown)))

    def button(self, number: int) -> tuple[str, Button] | None:
        """The message and the button of that number; None where there is none any more."""
        return self._buttons.get(number)

    def thread_of(self, message_id: str) -> str:
        """The thread in which a printed message stands; empty where there are none."""
        return self._threads.get(message_id, "")

    def _button_rows(self, message: Any) -> list[Row]:
        for number in [n for n, (owner, _) in self._buttons.items() if owner == message["id"]]:
            del self._buttons[number]
        buttons = [each for card in message["cards"] for each in card_buttons(card)]
        cells = []
        for button in pressable(buttons):
            key = (message["id"], button.title)
            number = self._numbers.setdefault(key, len(self._numbers) + 1)
            self._buttons[number] = (message["id"], button)
            cells.append(_cell(number, button))
        return _foot(buttons, cells)


def pressable(buttons: Sequence[Button]) -> list[Button]:
    """Those of *buttons* that go to the bot."""
    return [each for each in buttons if not each.url]


def is_live(message: Any) -> bool:
    """Whether a card of *message* may still change by itself: it has something to press."""
    cards = message["cards"]
    return any("refresh" in card or pressable(card_buttons(card)) for card in cards)


def _foot(buttons: Sequence[Button], cells: Sequence[Cell]) -> list[Row]:
    """The links among *buttons*, then the others beside each other, as *cells*."""
    links = (each for each in buttons if each.url)
    rows = [row(Span(f"{each.title}: "), Span(each.url, url=each.url)) for each in links]
    return [*rows, Row(cells=tuple(cells))] if cells else rows


def _cell(number: int, button: Button) -> Cell:
    tone = _TONES.get(button.style, Tone.STRONG)
    return (Span(f"[{number}] ", Tone.ACCENT), Span(button.title, tone))


def _said(message: Any) -> list[Row]:
    if message["isDeleted"]:
        return [row(Span("(deleted)", Tone.QUIET))]
    rows = markdown_rows(message["text"]) if message["text"] else []
    return [*rows, *(each for card in message["cards"] for each in card_rows(card))]
