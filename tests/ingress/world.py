"""A bot behind real sockets, a channel that writes down what it gets, and activities to send."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
from aiohttp import web
import orjson

from bot.botframework.edge import ChannelEdge, build_channel, open_session
from bot.botframework.tokens import TokenSource
from bot.botframework.trust import ChannelTrust
from bot.http import public_app
from bot.inbound import Inbound, InvokeAnswer
from bot.listener import Listener, listen
from domain.actor import TenantId
from domain.conversation import Conversation, ConversationKind
from sandbox.entra import Issuer

APP = "00000000-0000-4000-8000-00000000b07a"
BOT = f"28:{APP}"
TENANT = "00000000-0000-4000-8000-00000000aaaa"
FOREIGN = "00000000-0000-4000-8000-00000000ffff"
DEV = "00000000-0000-4000-8000-000000000001"


class _Absent:
    """In place of a field's value: the field is not there. It prints the same in every process."""

    def __repr__(self) -> str:
        return "ABSENT"


ABSENT = _Absent()


class FakeClock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.moment = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)

    def now(self) -> datetime:
        return self.moment

    def move(self, **delta: float) -> None:
        self.moment += timedelta(**delta)


@dataclass
class Request:
    """What reached the channel."""

    method: str
    path: str  #: as it came, quoted
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: Any


class RecordingChannel:
    """A Bot Connector: writes down what it gets, answers what it is told to."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.answers: list[web.Response | Callable[[], Awaitable[web.Response]]] = []
        self.url = ""
        self.address = ""

    async def start(self) -> None:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._handle)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.address = f"127.0.0.1:{self._runner.addresses[0][1]}"
        self.url = f"http://{self.address}/"

    async def stop(self) -> None:
        await self._runner.cleanup()

    async def _handle(self, request: web.Request) -> web.Response:
        raw = await request.read()
        path = request.raw_path.partition("?")[0]
        self.requests.append(
            Request(
                request.method,
                path,
                dict(request.query),
                dict(request.headers),
                orjson.loads(raw) if raw else None,
            )
        )
        if self.answers:
            answer = self.answers.pop(0)
            return answer if isinstance(answer, web.Response) else await answer()
        return web.json_response({"id": f"sent-{len(self.requests)}"})


@dataclass
class World:
    """The bot and everything around it."""

    clock: FakeClock
    issuer: Issuer
    channel: RecordingChannel
    http: aiohttp.ClientSession  #: the sender's
    session: aiohttp.ClientSession  #: the bot's
    trust: ChannelTrust
    turns: list[Inbound] = field(default_factory=list)
    denied: list[tuple[str, Mapping[str, str]]] = field(default_factory=list)
    answer: InvokeAnswer | Exception | None = None

    edge: ChannelEdge = field(init=False)
    listener: Listener = field(init=False)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.listener.port}/api/messages"

    async def start(self, tokens: TokenSource | None = None) -> None:
        self.edge = build_channel(
            self.trust,
            tokens,
            self._turn,
            self.session,
            on_denied=self._denied,
            clock=self.clock,
        )
        app = public_app(
            self.edge.handle,
            requires_token=self.trust.requires_token,
            correlation_id=lambda: "c0ffee",
        )
        self.listener = await listen(app, "127.0.0.1", 0)

    async def stop(self) -> None:
        await self.listener.stop()
        await self.edge.close()

    async def _turn(self, arrived: Inbound) -> InvokeAnswer | None:
        self.turns.append(arrived)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    async def _denied(self, reason: str, facts: Mapping[str, str]) -> None:
        self.denied.append((reason, facts))

    def token(self, **claims: Any) -> str:
        return self.issuer.sign(APP, self.channel.url, **claims)

    def activity(self, **fields: Any) -> dict[str, Any]:
        return message(self.channel.url, **fields)

    async def post(
        self, activity: Any = None, *, token: Any = None, **options: Any
    ) -> tuple[int, bytes]:
        """Status and body of the answer. *token* is a good one unless given; ABSENT for none."""
        headers = dict(options.pop("headers", {}))
        if token is not ABSENT and "Authorization" not in headers:
            headers["Authorization"] = f"Bearer {self.token() if token is None else token}"
        body = {} if "data" in options else {"json": activity or self.activity()}
        async with self.http.post(self.url, headers=headers, **body, **options) as response:
            return response.status, await response.read()

    def conversation(self, conversation_id: str = "a:dm") -> Conversation:
        return Conversation(
            tenant=TenantId(TENANT),
            service_url=self.channel.url,
            id=conversation_id,
            kind=ConversationKind.CHANNEL
            if "thread" in conversation_id
            else ConversationKind.PERSONAL,
            bot_id=BOT,
        )


def message(service_url: str, **fields: Any) -> dict[str, Any]:
    """A message of dev-1 in a personal chat, with *fields* in place of its own; ABSENT removes."""
    activity = {
        "type": "message",
        "id": "1700000000001",
        "timestamp": "2026-03-02T09:30:00.1234567Z",
        "channelId": "msteams",
        "serviceUrl": service_url,
        "from": {"id": "29:dev-1", "name": "dev-1", "aadObjectId": DEV},
        "recipient": {"id": BOT, "name": "Signalbox"},
        "conversation": {"id": "a:dm", "conversationType": "personal", "tenantId": TENANT},
        "channelData": {"tenant": {"id": TENANT}},
        "textFormat": "plain",
        "text": "status shop",
        "entities": [{"type": "clientInfo", "locale": "en-GB", "timezone": "Europe/Berlin"}],
    } | fields
    return {key: value for key, value in activity.items() if value is not ABSENT}


@asynccontextmanager
async def world_of(
    issuer: Issuer, clock: FakeClock, tokens: TokenSource | None = None, **trust: Any
) -> AsyncIterator[World]:
    """A started world; *trust* replaces fields of its `ChannelTrust`."""
    channel = RecordingChannel()
    await channel.start()
    fields: dict[str, Any] = {
        "app_id": APP,
        "bot_id": BOT,
        "tenants": frozenset({TENANT}),
        "hosts": frozenset({channel.address, "smba.trafficmanager.net"}),
        "metadata_url": issuer.metadata_url,
        "allows_plain_http": True,
    }
    async with aiohttp.ClientSession() as http, open_session() as session:
        world = World(clock, issuer, channel, http, session, ChannelTrust(**(fields | trust)))
        await world.start(tokens)
        try:
            yield world
        finally:
            await world.stop()
            await channel.stop()


async def until(condition: Callable[[], bool], *, seconds: float = 5) -> None:
    """Wait for *condition*."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110  # what is waited for knows no event
            await asyncio.sleep(0.005)
