"""The product as a process of its own, driven over HTTP as Teams drives it."""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
import itertools
import json
import os
from pathlib import Path
import random
import signal
import socket
import sys
import time
from typing import Any

import aiohttp

from tests.scenarios.bot_connector import (
    BOT,
    CHANNEL,
    PEOPLE,
    TENANT,
    BotConnector,
    Posted,
    teams_id,
)

ROOT = Path(__file__).parents[2]
SLOWEST_ANSWER = 2.0  #: seconds, whatever the work costs
_NUMBERS = itertools.count(1)


@dataclass
class Answer:
    """What the bot's HTTP answer was."""

    status: int
    body: Any
    seconds: float

    @property
    def card(self) -> dict[str, Any] | None:
        is_card = isinstance(self.body, dict) and str(self.body.get("type")).endswith(".adaptive")
        return self.body["value"] if is_card else None


_PORTS = (20_000, 32_000)  #: below those that the system gives to connections that go out


def free_port() -> int:
    """A port that nobody has; by chance, because others who test choose at the same time."""
    while True:
        port = random.SystemRandom().randrange(*_PORTS)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


@dataclass
class Product:
    """`signalbox demo` with a state folder of its own; it may be killed and started again."""

    state: Path
    connector: BotConnector
    http: aiohttp.ClientSession
    port: int = field(default_factory=free_port)
    chat_port: int = field(default_factory=free_port)
    process: asyncio.subprocess.Process | None = None
    slowest: float = 0.0
    settings: Mapping[str, str] = field(default_factory=dict)  #: further environment
    program: str = "bot"  #: the module that is run
    patience: float = 40  #: seconds that a start may take

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/api/messages"

    @property
    def env(self) -> dict[str, str]:
        clean = {k: v for k, v in os.environ.items() if not k.startswith("SIGNALBOX_")}
        return {**clean, "SIGNALBOX_CHANNEL_HOSTS": self.connector.address, **self.settings}

    @property
    def command(self) -> tuple[str, ...]:
        return (
            "demo",
            "--no-browser",
            *("--port", str(self.port)),
            *("--chat-port", str(self.chat_port)),
            *("--state", str(self.state)),
        )

    async def start(self) -> None:
        with (self.state.parent / f"{self.state.name}.log").open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                self.program,
                *self.command,
                cwd=ROOT,
                env=self.env,
                stdout=log,
                stderr=log,
            )
        async with asyncio.timeout(self.patience):
            while not await self._answers():
                assert self.process.returncode is None, self.log()
                await asyncio.sleep(0.05)

    async def _answers(self) -> bool:
        try:
            async with self.http.get(f"http://127.0.0.1:{self.port}/") as response:
                return response.status == 404
        except aiohttp.ClientError:
            return False

    async def kill(self) -> None:
        """SIGKILL: no last words."""
        assert self.process is not None
        self.process.send_signal(signal.SIGKILL)
        await self.process.wait()

    async def stop(self) -> int:
        """A clean stop, as by Ctrl-C; the exit code."""
        assert self.process is not None
        if self.process.returncode is None:
            with suppress(ProcessLookupError):
                self.process.send_signal(signal.SIGINT)
        async with asyncio.timeout(30):
            return await self.process.wait()

    def log(self) -> str:
        return (self.state.parent / f"{self.state.name}.log").read_text(errors="replace")

    # -- as Teams ------------------------------------------------------------------------

    async def post(self, activity: Mapping[str, Any]) -> Answer:
        begun = time.perf_counter()
        async with self.http.post(self.url, json=activity) as response:
            text = await response.text()
        seconds = time.perf_counter() - begun
        self.slowest = max(self.slowest, seconds)
        assert seconds < SLOWEST_ANSWER, f"answered after {seconds:.1f} s"
        return Answer(response.status, json.loads(text) if text else None, seconds)

    async def say(self, name: str, text: str) -> str:
        """Have somebody write to the bot in a new thread; the thread's conversation id."""
        activity = self.message(name, text)
        answer = await self.post(activity)
        assert answer.status in {200, 201, 202}, (answer, self.log())
        return str(activity["conversation"]["id"])

    def message(self, name: str, text: str) -> dict[str, Any]:
        number = next(_NUMBERS)
        root = f"1764000{number:06}"
        return self._activity("message", name, root, f"{CHANNEL};messageid={root}") | {
            "text": f"<at>Signalbox</at> {text}",
            "textFormat": "plain",
            "entities": [
                {
                    "type": "mention",
                    "text": "<at>Signalbox</at>",
                    "mentioned": {"id": BOT, "name": "Signalbox"},
                },
                {"type": "clientInfo", "locale": "en-GB", "timezone": "Europe/Berlin"},
            ],
        }

    def invoke(
        self,
        name: str,
        message: Posted,
        verb: str,
        data: Mapping[str, Any],
        *,
        trigger: str = "manual",
    ) -> dict[str, Any]:
        number = next(_NUMBERS)
        activity = self._activity("invoke", name, f"f:{number:08}", message.conversation_id)
        return activity | {
            "name": "adaptiveCard/action",
            "replyToId": message.id,
            "value": {
                "action": {"type": "Action.Execute", "verb": verb, "data": dict(data)},
                "trigger": trigger,
            },
        }

    def _activity(
        self, kind: str, name: str, activity_id: str, conversation_id: str
    ) -> dict[str, Any]:
        return {
            "type": kind,
            "id": activity_id,
            "timestamp": "2026-11-25T09:30:00.1234567Z",
            "channelId": "msteams",
            "serviceUrl": self.connector.url,
            "from": {"id": teams_id(name), "name": name, "aadObjectId": PEOPLE[name]},
            "recipient": {"id": BOT, "name": "Signalbox"},
            "conversation": {
                "id": conversation_id,
                "conversationType": "channel",
                "isGroup": True,
                "tenantId": TENANT,
            },
            "channelData": {
                "tenant": {"id": TENANT},
                "team": {"id": "19:team@thread.tacv2"},
                "channel": {"id": CHANNEL},
            },
        }

    # -- what people see -----------------------------------------------------------------

    async def view(self, name: str, message: Posted) -> dict[str, Any]:
        """The card as *name*'s client shows it: its own view, where the card lets it refresh."""
        card = message.card
        assert card is not None
        refresh = card.get("refresh")
        if not refresh or teams_id(name) not in refresh.get("userIds", []):
            return card
        action = refresh["action"]
        answer = await self.post(
            self.invoke(name, message, action["verb"], action["data"], trigger="automatic")
        )
        assert answer.card is not None, answer
        return answer.card

    async def press(self, name: str, message: Posted, title: str, **inputs: str) -> Answer:
        """Press the button called *title* in *name*'s own view of the card."""
        button = buttons(await self.view(name, message))[title]
        data = {**button["data"], **{f"in.{key}": value for key, value in inputs.items()}}
        return await self.post(self.invoke(name, message, button["verb"], data))

    async def answer_in(self, conversation_id: str, *, seconds: float = 10) -> Posted:
        """The first thing that the bot wrote in the thread."""
        await self.until(lambda: self.connector.said_in(conversation_id), seconds=seconds)
        return self.connector.said_in(conversation_id)[0]

    async def card_with(self, conversation_id: str, words: str, *, seconds: float = 30) -> Posted:
        """The thread's card, once it says *words*."""

        def shown() -> Posted | None:
            for message in self.connector.said_in(conversation_id):
                if message.card is not None and words in text_of(message.card):
                    return message
            return None

        await self.until(
            lambda: shown() is not None,
            seconds=seconds,
            why=lambda: "\n".join(
                text_of(m.card) if m.card else m.text
                for m in self.connector.said_in(conversation_id)
            ),
        )
        found = shown()
        assert found is not None
        return found

    async def told(self, conversation_id: str, words: str, *, seconds: float = 30) -> Posted:
        """The notice in the thread that says *words*."""

        def found() -> list[Posted]:
            said = self.connector.said_in(conversation_id)
            return [each for each in said if each.card is None and words in each.text]

        await self.until(
            found,
            seconds=seconds,
            why=lambda: "\n".join(m.text for m in self.connector.said_in(conversation_id)),
        )
        return found()[0]

    async def until(
        self,
        condition: Callable[[], Any],
        *,
        seconds: float = 10,
        why: Callable[[], str] = lambda: "",
    ) -> None:
        try:
            async with asyncio.timeout(seconds):
                while not condition():  # noqa: ASYNC110  # what is waited for is another process
                    await asyncio.sleep(0.05)
        except TimeoutError:
            raise AssertionError(
                f"not within {seconds} s: {why()}\n{self.log()[-4000:]}"
            ) from None

    # -- the world -----------------------------------------------------------------------

    async def version(self, service: str, environment: str) -> tuple[str, str]:
        """Status and version that the service itself answers."""
        listed = json.loads((self.state / "services.json").read_text())
        url = next(
            each["url"]
            for each in listed
            if (each["service"], each["environment"]) == (service, environment)
        )
        async with self.http.get(f"{url}/healthz") as response:
            said = await response.json()
        return said["status"], said["version"]

    def effects(self) -> list[dict[str, Any]]:
        file = self.state / "effects.jsonl"
        return (
            [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []
        )

    async def signalbox(self, *arguments: str, **env: str) -> tuple[int, str, str]:
        """Exit code, stdout and stderr of another command on the same state."""
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "bot",
            *arguments,
            cwd=ROOT,
            env={
                **self.env,
                "SIGNALBOX_PROFILE": "demo",
                "SIGNALBOX_STATE_DIR": str(self.state),
                **env,
            },
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, err = await process.communicate()
        return process.returncode or 0, out.decode(), err.decode()


def mentioned(message: Posted) -> list[str]:
    """The Teams ids of those whom the message really calls: their tag stands in its text."""
    entities = [e for e in message.activity.get("entities") or [] if e["type"] == "mention"]
    assert all(each["text"] in message.text for each in entities), message.activity
    return [each["mentioned"]["id"] for each in entities]


def text_of(card: Any) -> str:
    """All that the card says, a line per text, escapes of Markdown taken away."""
    return "\n".join(text.replace("\\", "").replace("**", "") for text in _texts(card))


def _texts(node: Any) -> Iterator[str]:
    match node:
        case dict():
            for key, value in node.items():
                if key in {"text", "title", "label"} and isinstance(value, str):
                    yield value
                elif key not in {"fallback", "data", "speak", "fallbackText"}:
                    yield from _texts(value)
        case list():
            for each in node:
                yield from _texts(each)
        case _:
            pass


def buttons(card: Any) -> dict[str, dict[str, Any]]:
    """The `Action.Execute`s of the card by title; one behind a ShowCard goes by the latter's."""
    found: dict[str, dict[str, Any]] = {}

    def walk(node: Any, title: str | None = None) -> None:
        match node:
            case {"type": "Action.Execute"}:
                found.setdefault(title or node["title"], node)
            case {"type": "Action.ShowCard"}:
                walk(node["card"], title or node["title"])
            case dict():
                for key, value in node.items():
                    if key not in {"fallback", "refresh"}:
                        walk(value, title)
            case list():
                for each in node:
                    walk(each, title)
            case _:
                pass

    walk(card)
    return found
