"""`signalbox chat`: the simulated Teams in a terminal."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractContextManager
import io
import os
import sys
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from bot.terminal.pen import Pen


@click.command()
@click.option("--as", "user", default="", metavar="USER", help="Who you are. Default: the first.")
@click.option(
    "--url",
    default="http://127.0.0.1:3979",
    show_default=True,
    help="Where the demo's chat page is; `?conversation=` in it names a channel or chat.",
)
@click.argument("text", nargs=-1)
def chat(*, user: str, url: str, text: tuple[str, ...]) -> int:
    """Talk to a running demo: say TEXT, or be asked line by line.

    Cards are printed as text, and their buttons are numbered: `:1` presses one.

    In a channel, a TEXT that begins with `>` answers in the latest thread.

    On a terminal there are frames and colours, elsewhere it is plain text.
    """
    from bot.chat import converse
    from bot.terminal.keyboard import keyboard

    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a terminal that does not know all letters
    said = " ".join(text) or None
    with keyboard() as keys:
        pen = _pen(keys.aside)
        return asyncio.run(converse(url, user, said, sys.stdout, keys.ask, pen=pen))


def _pen(aside: "Callable[[], AbstractContextManager[None]]") -> "Pen | None":
    """The pen for a person's eyes; None where it is no terminal, or one that can only print."""
    if not sys.stdout.isatty() or os.environ.get("TERM", "") in {"dumb", "unknown"}:
        return None
    from bot.terminal.rich_pen import rich_pen

    return rich_pen(sys.stdout, aside=aside)
