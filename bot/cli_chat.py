"""`signalbox chat`: the simulated Teams in a terminal."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
import io
import os
import sys
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from bot.terminal.pen import Pen


@click.command(context_settings={"ignore_unknown_options": True})
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

    What a TEXT says by name goes as it stands: `chat deploy shop … --reason "it is time"`.

    In a channel, a TEXT that begins with `>` answers in the latest thread.

    On a terminal there are frames and colours, elsewhere it is plain text.
    """
    from bot.chat import converse
    from bot.terminal.keyboard import keyboard

    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a terminal that does not know all letters
    said = _typed(text) or None
    with keyboard() as keys:
        pen = _pen(keys.aside)
        return asyncio.run(converse(url, user, said, sys.stdout, keys.ask, pen=pen))


def _typed(words: Sequence[str]) -> str:
    """*words* as one would type them: what belongs to a `--name` has lost its quotes to the shell.

    Other words stay as they are, so that a whole line may be given as one.
    """
    line: list[str] = []
    for before, word in zip(("", *words), words, strict=False):
        flag, sign, value = word.partition("=") if word.startswith("--") else ("", "", word)
        is_value = bool(sign) or before.startswith("--")
        line.append(f"{flag}{sign}{_quoted(value)}" if is_value else word)
    return " ".join(line)


def _quoted(value: str) -> str:
    """*value* in quotes, where it is of several words and has none."""
    if len(value.split()) < 2 or value.startswith('"'):  # noqa: PLR2004  # several
        return value
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _pen(aside: "Callable[[], AbstractContextManager[None]]") -> "Pen | None":
    """The pen for a person's eyes; None where it is no terminal, or one that can only print."""
    if not sys.stdout.isatty() or os.environ.get("TERM", "") in {"dumb", "unknown"}:
        return None
    from bot.terminal.rich_pen import rich_pen

    return rich_pen(sys.stdout, aside=aside)
