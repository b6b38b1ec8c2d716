"""The prompt: talks until the input ends, and prints what others say meanwhile."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from bot.chat_client import Heard, Talk
from bot.terminal.desk import Desk
from bot.terminal.pressing import press
from bot.terminal.typed import (
    HELP,
    Answer,
    Become,
    Begin,
    Enter,
    Help,
    Press,
    Quit,
    Say,
    Typed,
    Unknown,
    typed,
)
from domain.errors import SignalboxError

_AGAIN = 1  #: seconds after a lost connection


@dataclass(frozen=True, slots=True, kw_only=True)
class Next:
    """Who somebody wants to be, or where; empty for no change."""

    user: str = ""
    conversation: str = ""  #: as the page's address names it


async def talk_on(desk: Desk, patience: timedelta) -> Next | None:
    """Talk at the prompt, until somebody wants to be elsewhere; None where the input has ended.

    After a line, the bot has *patience* to answer before the prompt comes again.
    """
    prompt = _Prompt(desk, patience)
    async with asyncio.TaskGroup() as group:
        printing = group.create_task(prompt.listen())
        try:
            return await prompt.run()
        finally:
            printing.cancel()


class _Prompt:
    def __init__(self, desk: Desk, patience: timedelta) -> None:
        self._desk = desk
        self._patience = patience.total_seconds()
        self._answered: set[str] = set()  #: threads in which the bot was heard since one spoke
        self._news = asyncio.Event()
        self._told = ""  #: the thread that the next line goes to, as far as somebody knows
        self._is_asking = False

    async def run(self) -> Next | None:
        desk, talk = self._desk, self._desk.talk
        desk.screen.line(f"You are {talk.user}, in {_where(talk)}. A number presses a button.")
        await desk.catch_up()
        while (line := await self._ask()) is not None:
            meant = typed(line)
            if meant is None:
                continue
            if isinstance(meant, Quit):
                break
            try:
                if (following := await self._take(meant)) is not None:
                    return following
            except SignalboxError as error:
                desk.screen.line(error.words)
        return None

    async def listen(self) -> None:
        """Print what others say, for ever."""
        desk = self._desk
        while True:
            heard = Heard(desk.talk)
            try:
                async with asyncio.TaskGroup() as group:
                    group.create_task(heard.listen())
                    while True:
                        for message in await heard.changed(None):
                            self._hear(message)
            except* SignalboxError as errors:
                desk.screen.line(f"{first_of(errors)} Trying again …")
            await asyncio.sleep(_AGAIN)

    async def _ask(self) -> str | None:
        """The line that is typed; before it stands who one is, and the thread it goes to."""
        threads, user = self._desk.threads, self._desk.talk.user
        self._told = threads.asking
        where = f", in “{threads.words(threads.asking)}”" if threads.asking else ""
        self._is_asking = True
        try:
            return await self._desk.ask(f"{user}{where}> ")
        finally:
            self._is_asking = False

    def _hear(self, message: Any) -> None:
        desk = self._desk
        desk.threads.note(message)
        if message["senderName"] == desk.talk.user:
            return  # one knows what one has typed
        desk.screen.show(message)
        if message["isFromBot"]:
            self._answered.add(message["root"])
            self._news.set()
        thread = desk.threads.asking
        if self._is_asking and thread != self._told:
            self._told = thread
            words = desk.threads.words(thread)
            desk.screen.line(
                f"The next line is said in “{words}”; :new begins a new post."
                if thread
                else "The next line begins a new post."
            )

    async def _take(self, meant: Typed) -> Next | None:
        """Do what is *meant*; where that is to be elsewhere, it comes back."""
        threads = self._desk.threads
        match meant:
            case Become(name) if name:
                return Next(user=name)
            case Enter(name) if name:
                return Next(conversation=name)
            case Become() | Enter() | Help() | Unknown():
                await self._explain(meant)
            case Say(text):
                await self._say(text, threads.asking)
            case Answer(text):
                await self._say(text, threads.asking or threads.latest)
            case Begin(text):
                threads.leave()
                await self._say(text, "")
            case Press(number, text):
                if self._is_answer(meant):
                    await self._say(text, threads.asking)
                else:
                    await self._press(number)
        return None

    async def _explain(self, meant: Become | Enter | Help | Unknown) -> None:
        screen = self._desk.screen
        match meant:
            case Become():
                screen.line(f"Say who: {', '.join(await self._names('/chat/people'))}.")
            case Enter():
                screen.line(f"Say where: {', '.join(await self._names('/chat/conversations'))}.")
            case Help():
                for line in HELP.splitlines():
                    screen.line(line)
            case Unknown(word):
                screen.line(f"There is no {word} here; :help tells what there is.")

    def _is_answer(self, pressed: Press) -> bool:
        """Whether a number is what the bot has asked for, and no button of its question."""
        question = self._desk.threads.question
        found = self._desk.screen.button(pressed.number)
        is_button = found is not None and found[0] == question
        return bool(question) and not pressed.is_certain and not is_button

    async def _say(self, text: str, thread: str) -> None:
        self._answered.clear()
        if text and (mine := await self._desk.say(text, thread)):
            await self._until_answered(mine["root"])

    async def _press(self, number: int) -> None:
        self._answered.clear()
        if message_id := await press(self._desk, number):
            await self._until_answered(self._desk.screen.thread_of(message_id))

    async def _until_answered(self, thread: str) -> None:
        """Wait until the bot has said something in *thread*, or patience is at an end."""
        with suppress(TimeoutError):
            async with asyncio.timeout(self._patience):
                while thread not in self._answered:
                    self._news.clear()
                    await self._news.wait()

    async def _names(self, path: str) -> list[str]:
        """The names of people or conversations, as one types them."""
        talk = self._desk.talk
        found = await talk.call("GET", path, query={"as": talk.user})
        some = [*found.get("people", ()), *found.get("channels", ()), *found.get("chats", ())]
        return ["chat" if each["name"] == talk.bot else str(each["name"]) for each in some]


def _where(talk: Talk) -> str:
    """The conversation in words: the chat with the bot is called as the bot is."""
    if talk.place.is_channel:
        return f"#{talk.place.name}"
    return "your chat" if talk.place.name == talk.bot else talk.place.name


def first_of(errors: BaseExceptionGroup[SignalboxError]) -> SignalboxError:
    """The first error of a group, however deep."""
    error = errors.exceptions[0]
    return first_of(error) if isinstance(error, BaseExceptionGroup) else error
