"""`signalbox chat` as a process of its own, on a terminal that is none."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
import fcntl
import os
from pathlib import Path
import signal
import struct
import sys
import termios
from typing import Any

import pytest

from bot.inbound import Inbound
from tests.channel.world import OPS, World, card
from tests.ingress.world import until

ROOT = Path(__file__).parents[2]


@dataclass
class Terminal:
    """A terminal of 60 columns, and what was drawn on it."""

    process: asyncio.subprocess.Process
    keys: int
    drawn: bytearray = field(default_factory=bytearray)

    @property
    def text(self) -> str:
        return self.drawn.decode(errors="replace").replace("\r\n", "\n")

    @property
    def echoes(self) -> bool:
        """Whether what is typed would be seen after the program."""
        return bool(termios.tcgetattr(self.keys)[3] & termios.ECHO)

    def type(self, keys: str) -> None:
        os.write(self.keys, keys.encode())

    async def until(self, words: str) -> None:
        await until(lambda: words in self.text, seconds=20)


@asynccontextmanager
async def terminal(*arguments: str, **environment: str) -> AsyncIterator[Terminal]:
    keys, screen = os.openpty()
    fcntl.ioctl(screen, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 60, 0, 0))
    clean = {k: v for k, v in os.environ.items() if k not in {"NO_COLOR", "COLUMNS", "LINES"}}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bot", "chat", *arguments),
        cwd=ROOT,
        env=clean | {"TERM": "xterm"} | environment,
        stdin=screen,
        stdout=screen,
        stderr=screen,
    )
    made = Terminal(process, keys)
    loop = asyncio.get_running_loop()
    os.set_blocking(keys, False)

    def read() -> None:
        try:
            made.drawn.extend(os.read(keys, 65536))
        except OSError:  # the last who had the screen open is gone
            loop.remove_reader(keys)

    loop.add_reader(keys, read)
    try:
        yield made
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
        loop.remove_reader(keys)
        os.close(screen)
        os.close(keys)


def answering(world: World) -> None:
    async def answer(arrived: Inbound) -> Any:
        await world.bot.say(arrived.conversation, card=card("You are **dev-1**."))

    world.bot.turn = answer


async def test_on_a_terminal_there_are_frames_and_looks(world: World) -> None:
    answering(world)
    async with terminal("--url", world.teams.url, "--as", "dev-1", "whoami") as shown:
        assert await shown.process.wait() == 0

        await shown.until("╰")
        assert "You are \x1b[1mdev-1\x1b[0m." in shown.text
        assert shown.text.splitlines()[-1].count("─") == 56 + 2


async def test_colours_can_be_done_without_and_so_can_frames(world: World) -> None:
    answering(world)
    arguments = ("--url", world.teams.url, "--as", "dev-1", "whoami")
    async with terminal(*arguments, NO_COLOR="1") as bleak:
        await bleak.process.wait()
        await bleak.until("╰")
        assert "\x1b[3" not in bleak.text
    async with terminal(*arguments, TERM="dumb") as dumb:
        await dumb.process.wait()
        await dumb.until("You are")
        assert dumb.text == "Signalbox:\n  You are dev-1.\n"


async def test_what_is_being_typed_stays_when_others_say_something(world: World) -> None:
    answering(world)
    async with terminal("--url", world.teams.url, "--as", "dev-1") as shown:
        await shown.until("dev-1> ")
        shown.type("who")
        await shown.until("dev-1> who")
        await world.bot.say(world.conversation(OPS), "Good **morning**")
        await shown.until("morning")
        await until(lambda: shown.text.endswith("dev-1> who"))

        shown.type("ami\n")
        await shown.until("You are")
        await until(lambda: shown.text.endswith("dev-1> "))
        shown.type("\x1b[A")  # the line before comes back
        await until(lambda: shown.text.endswith("dev-1> whoami"))

        shown.type("\x15\x04")
        assert await shown.process.wait() == 0
        assert [turn.text for turn in world.bot.turns] == ["whoami"]
        assert shown.echoes


async def test_who_interrupts_gets_the_terminal_back_as_it_was(world: World) -> None:
    async with terminal("--url", world.teams.url, "--as", "dev-1") as shown:
        await shown.until("dev-1> ")
        await until(lambda: not shown.echoes)  # readline draws what is typed

        shown.process.send_signal(signal.SIGINT)

        assert await shown.process.wait() == 130
        assert shown.echoes


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (("deploy", "shop", "--reason", "it is time"), 'deploy shop --reason "it is time"'),
        (("deploy", '--reason=so "called" now'), 'deploy --reason="so \\"called\\" now"'),
        (("approve x --comment fine",), "approve x --comment fine"),
        (("approve", "x", "--comment", '"it is fine"'), 'approve x --comment "it is fine"'),
    ],
)
async def test_what_is_given_by_name_is_said_to_the_bot(
    world: World, given: tuple[str, ...], said: str
) -> None:
    answering(world)
    async with terminal("--url", world.teams.url, "--as", "dev-1", *given) as shown:
        assert await shown.process.wait() == 0

    assert world.bot.turns[-1].text == said
