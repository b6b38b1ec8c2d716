"""`signalbox chat`: talks in a running demo's simulated Teams, from a terminal.

An HTTP client of the simulated Teams' chat API, as the page in the browser is one.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
import re
import sys
import threading
from typing import Any, TextIO

from bot.card_text import Button, Entry, card_buttons, card_lines, plain_words
from bot.chat_client import Heard, Talk, connected
from domain.errors import SignalboxError

Ask = Callable[[str], Awaitable[str | None]]
"""Shows a prompt and gives the line that was typed; None at the end of the input."""

_NUMBER = re.compile(r":?([0-9]{1,4})", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long one shot waits for more, since the last change."""

    first: timedelta = timedelta(seconds=10)  #: for the first answer
    answer: timedelta = timedelta(seconds=1.5)  #: for more after one that looks final
    live: timedelta = timedelta(seconds=5)  #: while a card has buttons: it may move on
    ending: timedelta = timedelta(seconds=3)  #: after a card lost its buttons
    whole: timedelta = timedelta(minutes=2)  #: in all


async def converse(
    url: str,
    user: str,
    text: str | None,
    out: TextIO,
    ask: Ask,
    *,
    err: TextIO | None = None,
    patience: Patience = Patience(),
) -> int:
    """Say *text* as *user* and print what comes back; without *text*, talk until the input ends.

    *url* is the chat page's; `?conversation=` in it names a channel, or `chat` for the one with
    the bot; `ops` unless it is said. An empty *user* is the first person there. A *text* such as
    `:1` presses a button. The exit code comes back: 0, 1 where it was not taken, 2 where nobody
    listens or there is no such person or conversation, with a sentence on *err*.
    """
    code = 2
    try:
        async with connected(url, user) as talk:
            if text is None:
                code = await _Prompt(talk, out, ask).run()
            else:
                code = await _Shot(talk, out, ask, patience).run(text)
    except* SignalboxError as errors:
        print(_first(errors).words, file=err or sys.stderr)
    return code


def terminal() -> Ask:
    """Asks at the terminal, in a thread that does not keep the program from ending."""

    async def ask(prompt: str) -> str | None:
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[str | None] = loop.create_future()

        def give(line: str | None) -> None:
            if not answer.done():
                answer.set_result(line)

        def read() -> None:
            line: str | None = None
            with suppress(EOFError):
                line = input(prompt)
            with suppress(RuntimeError):  # the loop has ended meanwhile
                loop.call_soon_threadsafe(give, line)

        threading.Thread(target=read, name="terminal", daemon=True).start()
        return await answer

    return ask


class _Screen:
    """What was printed, so that a card is told by its changes; and the buttons' numbers."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._printed: dict[str, list[str]] = {}
        self._numbers: dict[tuple[str, str], int] = {}
        self._buttons: dict[int, tuple[str, Button]] = {}

    def show(self, message: Any) -> None:
        """Print *message*; of one that was printed before, the lines that are new."""
        lines = [*_said(message), *self._button_lines(message)]
        before = self._printed.get(message["id"])
        self._printed[message["id"]] = lines
        new = lines if before is None else [line for line in lines if line and line not in before]
        if new:
            self.line(f"{message['senderName']}:")
            for line in new:
                self.line(f"  {line}".rstrip())

    def line(self, text: str) -> None:
        """Print a line of our own."""
        print(text, file=self._out, flush=True)

    def button(self, number: int) -> tuple[str, Button] | None:
        """The message and the button of that number; None where there is none any more."""
        return self._buttons.get(number)

    def _button_lines(self, message: Any) -> list[str]:
        for number in [n for n, (owner, _) in self._buttons.items() if owner == message["id"]]:
            del self._buttons[number]
        lines, row = [], []
        for button in (each for card in message["cards"] for each in card_buttons(card)):
            if button.url:
                lines.append(f"{button.title}: {button.url}")
                continue
            key = (message["id"], button.title)
            number = self._numbers.setdefault(key, len(self._numbers) + 1)
            self._buttons[number] = (message["id"], button)
            row.append(f"[{number}] {button.title}")
        return [*lines, "  ".join(row)] if row else lines


class _Shot:
    """Says one thing, and waits until the bot is quiet."""

    def __init__(self, talk: Talk, out: TextIO, ask: Ask, patience: Patience) -> None:
        self._talk = talk
        self._screen = _Screen(out)
        self._ask = ask
        self._patience = patience

    async def run(self, text: str) -> int:
        async with asyncio.TaskGroup() as group:
            heard = Heard(self._talk)
            listening = group.create_task(heard.listen())
            try:
                await heard.is_listening.wait()
                return await self._run(text, heard)
            finally:
                listening.cancel()

    async def _run(self, text: str, heard: Heard) -> int:
        number = _NUMBER.fullmatch(text.strip())
        if number:
            await _catch_up(self._talk, self._screen)
            message_id = await _press(
                self._talk, self._screen, self._ask, int(number[1]), may_be_silent=True
            )
            if not message_id:
                return 1
            await self._follow(heard, lambda message: message["id"] == message_id)
            return 0
        said = await self._talk.say(text)
        failure = (said["delivery"] or {}).get("failure")
        if failure:
            self._screen.line(failure)
            return 1
        mine = said["message"]
        await self._follow(
            heard,
            lambda each: each["root"] == mine["root"] and int(each["id"]) > int(mine["id"]),
        )
        return 0

    async def _follow(self, heard: Heard, concerns_us: Callable[[Any], bool]) -> None:
        """Print what concerns us, until nothing has come for as long as patience lasts."""
        live: dict[str, bool] = {}
        wait = self._patience.first
        with suppress(TimeoutError):
            async with asyncio.timeout(self._patience.whole.total_seconds()):
                while True:
                    changed = await heard.changed(wait)
                    for message in filter(concerns_us, changed):
                        was_live = live.get(message["id"], False)
                        self._screen.show(message)
                        live[message["id"]] = _is_live(message)
                        wait = self._patience.ending if was_live else self._patience.answer
                    if any(live.values()):
                        wait = self._patience.live


class _Prompt:
    """Talks until the input ends, and prints what others say meanwhile."""

    def __init__(self, talk: Talk, out: TextIO, ask: Ask) -> None:
        self._talk = talk
        self._screen = _Screen(out)
        self._ask = ask

    async def run(self) -> int:
        place = f"#{self._talk.place.name}" if self._talk.place.is_channel else "your chat"
        self._screen.line(f"You are {self._talk.user}, in {place}. A number presses a button.")
        await _catch_up(self._talk, self._screen)
        async with asyncio.TaskGroup() as group:
            printing = group.create_task(self._print())
            try:
                while (line := await self._ask(f"{self._talk.user}> ")) is not None:
                    await self._take(line.strip())
            finally:
                printing.cancel()
        return 0

    async def _take(self, line: str) -> None:
        number = _NUMBER.fullmatch(line)
        try:
            if number:
                await _press(self._talk, self._screen, self._ask, int(number[1]))
            elif line:
                said = await self._talk.say(line)
                failure = (said["delivery"] or {}).get("failure")
                if failure:
                    self._screen.line(failure)
        except SignalboxError as error:
            self._screen.line(error.words)

    async def _print(self) -> None:
        while True:
            heard = Heard(self._talk)
            try:
                async with asyncio.TaskGroup() as group:
                    group.create_task(heard.listen())
                    while True:
                        for message in await heard.changed(None):
                            if message["senderName"] != self._talk.user:
                                self._screen.show(message)
            except* SignalboxError as errors:
                self._screen.line(f"{_first(errors)} Trying again …")
            await asyncio.sleep(1)


async def _catch_up(talk: Talk, screen: _Screen) -> None:
    """Print the latest message that has buttons, so that they can be pressed."""
    for message in reversed(await talk.messages()):
        if any(not each.url for card in message["cards"] for each in card_buttons(card)):
            screen.show(message)
            return


async def _press(
    talk: Talk, screen: _Screen, ask: Ask, number: int, *, may_be_silent: bool = False
) -> str:
    """Press the button of that number; the id of its message, empty where nothing came of it.

    Where the input ends before all is filled in it is not pressed; but with *may_be_silent*,
    which is for scripts, what is optional is then left as it is.
    """
    found = screen.button(number)
    if found is None:
        screen.line(f"There is no button {number}.")
        return ""
    message_id, button = found
    values = {}
    for entry in button.entries:
        value = await _filled_in(entry, screen, ask)
        if value is None and may_be_silent and not entry.is_required:
            value = entry.value
        if value is None:
            screen.line(f"{button.title}: not pressed.")
            return ""
        values[entry.id] = value
    became = await talk.press(message_id, button.pressed(values))
    if became["text"]:
        screen.line(" ".join(plain_words(became["text"])))
    return "" if became["kind"] == "failure" else message_id


async def _filled_in(entry: Entry, screen: _Screen, ask: Ask) -> str | None:
    """What goes into *entry*; None where the input ended."""
    for number, (title, _) in enumerate(entry.choices, start=1):
        screen.line(f"  {number}. {title}")
    default = f" [{entry.value}]" if entry.value else ""
    while (line := await ask(f"{entry.label}{default}: ")) is not None:
        typed = line.strip() or entry.value
        if not typed and entry.is_required:
            screen.line("It is required.")
            continue
        if not entry.choices or not typed:
            return typed
        by_words = {title.lower(): value for title, value in entry.choices}
        by_words |= {value.lower(): value for _, value in entry.choices}
        by_words |= {str(n): value for n, (_, value) in enumerate(entry.choices, start=1)}
        if typed.lower() in by_words:
            return by_words[typed.lower()]
        screen.line("Choose one of them.")
    return None


def _first(errors: BaseExceptionGroup[SignalboxError]) -> SignalboxError:
    error = errors.exceptions[0]
    return _first(error) if isinstance(error, BaseExceptionGroup) else error


def _said(message: Any) -> list[str]:
    if message["isDeleted"]:
        return ["(deleted)"]
    lines = plain_words(message["text"]) if message["text"] else []
    return [*lines, *(line for card in message["cards"] for line in card_lines(card))]


def _is_live(message: Any) -> bool:
    """Whether the card may still change by itself: it has something to press."""
    buttons = (each for card in message["cards"] for each in card_buttons(card))
    return any("refresh" in card for card in message["cards"]) or any(
        not each.url for each in buttons
    )
