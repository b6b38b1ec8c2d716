"""A simulated Teams and a small bot, whose edge to the channel is the product's own."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
import json
from pathlib import Path
from typing import Any

import aiohttp

from bot.botframework.edge import ChannelEdge, build_channel, open_session
from bot.botframework.trust import ChannelTrust
from bot.http import public_app
from bot.inbound import Inbound, InvokeAnswer
from bot.listener import Listener, listen
from domain.actor import ObjectId, Person, TenantId
from domain.conversation import Conversation, ConversationKind
from domain.notice import Message
from sandbox.channel.simulated import SimulatedTeams

APP = "00000000-0000-4000-8000-00000000b07a"
BOT = f"28:{APP}"
TENANT = "00000000-0000-4000-8000-00000000aaaa"
OPS = "19:ops@thread.tacv2"
PEOPLE = tuple(
    Person(id=ObjectId(f"00000000-0000-4000-8000-0000000000{number}"), name=name, is_guest=guest)
    for number, name, guest in (
        ("01", "dev-1", False),
        ("03", "approver-1", False),
        ("04", "approver-2", False),
        ("05", "viewer-1", False),
        ("08", "guest-1", True),
    )
)

Turn = Callable[[Inbound], Awaitable[InvokeAnswer | None]]


class FakeClock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.moment = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)

    def now(self) -> datetime:
        return self.moment

    def move(self, **delta: float) -> None:
        self.moment += timedelta(**delta)


class CountingIds:
    """Counts."""

    def __init__(self) -> None:
        self.count = 0

    def uuid(self) -> str:
        self.count += 1
        return f"00000000-0000-4000-8000-{self.count:012}"

    def run_id(self) -> str:
        return "k7f3q2ma"


@dataclass
class SmallBot:
    """Reads activities as the product does, and answers what it is told to."""

    session: aiohttp.ClientSession
    turns: list[Inbound] = field(default_factory=list)
    denied: list[str] = field(default_factory=list)
    turn: Turn | None = None
    edge: ChannelEdge = field(init=False)
    listener: Listener = field(init=False)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.listener.port}"

    async def start(self, channel: str) -> None:
        trust = ChannelTrust(
            app_id=APP,
            bot_id=BOT,
            tenants=frozenset({TENANT}),
            hosts=frozenset({channel}),
            requires_token=False,
            allows_plain_http=True,
        )
        self.edge = build_channel(
            trust, None, self._turn, self.session, on_denied=self._denied, clock=FakeClock()
        )
        app = public_app(self.edge.handle, requires_token=False)
        self.listener = await listen(app, "127.0.0.1", 0)

    async def stop(self) -> None:
        await self.listener.stop()
        await self.edge.close()

    async def say(self, conversation: Conversation, markdown: str = "", **fields: Any) -> str:
        message = Message(markdown=markdown, **fields)
        return await self.edge.transport.send(conversation, message)

    async def edit(self, conversation: Conversation, message_id: str, card: Any) -> None:
        await self.edge.transport.update(conversation, message_id, Message(card=card))

    async def _turn(self, arrived: Inbound) -> InvokeAnswer | None:
        self.turns.append(arrived)
        return await self.turn(arrived) if self.turn else None

    async def _denied(self, reason: str, facts: Any) -> None:
        self.denied.append(reason)


@dataclass
class World:
    """Both, and a client of the chat API."""

    teams: SimulatedTeams
    bot: SmallBot
    clock: FakeClock
    http: aiohttp.ClientSession

    async def get(self, path: str, **query: str) -> Any:
        async with self.http.get(f"{self.teams.url}{path}", params=query) as response:
            return await response.json()

    async def post(self, path: str, **body: Any) -> Any:
        body = {"as" if key == "person" else key: value for key, value in body.items()}
        async with self.http.post(f"{self.teams.url}{path}", json=body) as response:
            return await response.json()

    async def says(self, person: str, text: str, conversation: str = OPS) -> Any:
        return await self.post(
            "/chat/messages", person=person, conversation=conversation, text=text
        )

    async def sees(self, person: str, conversation: str = OPS) -> list[Any]:
        query = {"as": person, "conversation": conversation}
        return (await self.get("/chat/messages", **query))["messages"]

    async def looks(self, person: str, *messages: str) -> None:
        await self.post("/chat/views", person=person, messages=list(messages))

    async def presses(self, person: str, message: str, **action: Any) -> Any:
        action = {"type": "Action.Execute"} | action
        return await self.post("/chat/actions", person=person, message=message, action=action)

    @asynccontextmanager
    async def hears(self, *people: str) -> AsyncIterator[AsyncIterator[tuple[str, Any]]]:
        """Names and data of the events that a page of *people* is told."""
        query = [("as", person) for person in people]
        async with self.http.get(f"{self.teams.url}/chat/events", params=query) as response:
            yield _events(response.content)

    def conversation(self, conversation_id: str = OPS) -> Conversation:
        kinds = {"a:": ConversationKind.PERSONAL, "19": ConversationKind.CHANNEL}
        in_group = conversation_id.endswith("@thread.v2")
        return Conversation(
            tenant=TenantId(TENANT),
            service_url=f"{self.teams.url}/",
            id=conversation_id,
            kind=ConversationKind.GROUP_CHAT if in_group else kinds[conversation_id[:2]],
            bot_id=BOT,
        )


async def _events(lines: aiohttp.StreamReader) -> AsyncIterator[tuple[str, Any]]:
    """As a browser reads them, a line at a time.

    https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation
    """
    name, data = "", ""
    async for line in lines:
        field_name, _, value = line.decode().rstrip("\n").partition(": ")
        if field_name == "event":
            name = value
        elif field_name == "data":
            data += value
        elif not field_name and name:
            yield name, json.loads(data)
            name, data = "", ""


@asynccontextmanager
async def world_of(history: Path | None = None, **options: Any) -> AsyncIterator[World]:
    """Both started, knowing of each other."""
    clock = FakeClock()
    teams = SimulatedTeams(
        PEOPLE,
        bot_id=BOT,
        bot_url="",
        tenant=TENANT,
        clock=clock,
        ids=CountingIds(),
        history=history,
        **options,
    )
    await teams.start()
    async with aiohttp.ClientSession() as http, open_session() as session:
        bot = SmallBot(session)
        await bot.start(teams.address)
        teams.line.bot_url = bot.url
        try:
            yield World(teams, bot, clock, http)
        finally:
            await bot.stop()
            await teams.stop()


def card(text: str, **fields: Any) -> dict[str, Any]:
    """A card that says *text*."""
    return {
        "type": "AdaptiveCard",
        "version": "1.5",
        "body": [{"type": "TextBlock", "text": text, "wrap": True}],
    } | fields


def refreshing(text: str, *user_ids: str, **fields: Any) -> dict[str, Any]:
    """A card of which *user_ids* get views of their own."""
    action = {"type": "Action.Execute", "verb": "run", "data": {"t": "refresh"}}
    return card(text, refresh={"action": action, "userIds": list(user_ids)}, **fields)


def shows(view: dict[str, Any]) -> InvokeAnswer:
    """The answer that puts *view* in place of the card."""
    kind = "application/vnd.microsoft.card.adaptive"
    return InvokeAnswer(body={"statusCode": 200, "type": kind, "value": view})


def words(message: Any) -> str:
    """What the first card of a message says."""
    return message["cards"][0]["body"][0]["text"]
