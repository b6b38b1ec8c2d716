"""One shot: say or press one thing, and wait until the bot is quiet."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from bot.chat_client import Heard
from bot.terminal.desk import Desk
from bot.terminal.pressing import press
from bot.terminal.screen import is_live
from bot.terminal.threads import asks
from bot.terminal.typed import Answer, Press, typed


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long to wait for more, since the last change."""

    first: timedelta = timedelta(seconds=10)  #: for the first answer
    answer: timedelta = timedelta(seconds=1.5)  #: for more after one that looks final
    live: timedelta = timedelta(seconds=5)  #: while a card has buttons: it may move on
    ending: timedelta = timedelta(seconds=3)  #: after a card lost its buttons
    whole: timedelta = timedelta(minutes=2)  #: in all
    prompt: timedelta = timedelta(seconds=3)  #: for an answer before one is asked for more


USUAL = Patience()


async def shoot(desk: Desk, text: str, patience: Patience) -> int:
    """Say *text*, or press the button that it names, and print what comes back; the exit code."""
    async with asyncio.TaskGroup() as group:
        heard = Heard(desk.talk)
        listening = group.create_task(heard.listen())
        try:
            await heard.is_listening.wait()
            return await _Shot(desk, heard, patience).run(text)
        finally:
            listening.cancel()


class _Shot:
    def __init__(self, desk: Desk, heard: Heard, patience: Patience) -> None:
        self._desk = desk
        self._heard = heard
        self._patience = patience

    async def run(self, text: str) -> int:
        match typed(text):
            case Press(number):
                await self._desk.catch_up()
                message_id = await press(self._desk, number)
                if not message_id:
                    return 1
                await self._follow(self._comes_of(message_id))
                return 0
            case Answer(words):
                await self._desk.note_messages()
                threads = self._desk.threads
                return await self._say(words, threads.asking or threads.latest)
            case _:
                return await self._say(text)

    async def _say(self, text: str, thread: str = "") -> int:
        mine = await self._desk.say(text, thread)
        if mine is None:
            return 1

        def concerns_us(each: Any) -> bool:
            is_new = int(each["id"]) > int(mine["id"])
            is_edited = each["isFromBot"] and (bool(thread) or asks(each))
            return bool(each["root"] == mine["root"] and (is_new or is_edited))

        await self._follow(concerns_us)
        return 0

    def _comes_of(self, message_id: str) -> Callable[[Any], bool]:
        """Whether a message is the one that was pressed, or the bot's later one beside it."""
        thread = self._desk.screen.thread_of(message_id)

        def concerns_us(each: Any) -> bool:
            is_later = int(each["id"]) > int(message_id)
            is_beside = each["isFromBot"] and each["root"] == thread
            return bool(each["id"] == message_id or (is_later and is_beside))

        return concerns_us

    async def _follow(self, concerns_us: Callable[[Any], bool]) -> None:
        """Print what concerns us, until nothing has come for as long as patience lasts."""
        live: dict[str, bool] = {}
        wait = self._patience.first
        with suppress(TimeoutError):
            async with asyncio.timeout(self._patience.whole.total_seconds()):
                while True:
                    changed = await self._heard.changed(wait)
                    for message in filter(concerns_us, changed):
                        was_live = live.get(message["id"], False)
                        self._desk.screen.show(message)
                        live[message["id"]] = is_live(message)
                        wait = self._patience.ending if was_live else self._patience.answer
                    if any(live.values()):
                        wait = self._patience.live
