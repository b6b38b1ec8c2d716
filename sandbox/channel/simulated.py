"""The simulated Teams, put together: it listens on loopback, and tests get at it here."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from http import HTTPStatus
from pathlib import Path
import socket
from typing import Any

from aiohttp import web

from domain.actor import Person
from domain.ports import Clock, Ids
from sandbox.channel.activities import Stage
from sandbox.channel.bot_line import TIMEOUT, Answer, BotLine, Delivery, TokenFactory
from sandbox.channel.card_use import CardUse
from sandbox.channel.chat_api import ChatApi
from sandbox.channel.chat_events import ChatEvents
from sandbox.channel.connector_api import ConnectorApi
from sandbox.channel.history import History, open_history
from sandbox.channel.places import GENERAL, Places
from sandbox.channel.roster import Account, Roster
from sandbox.channel.teams import Teams
from sandbox.channel.trouble import Trouble
from sandbox.channel.trouble_api import TroubleApi
from sandbox.channel.web import LARGEST_BODY, errors, guard, set_headers

STATIC = Path(__file__).parent / "static"
LOOPBACK = "127.0.0.1"
CHANNELS = (GENERAL, "ops")


class SimulatedTeams:
    """A tenant with one team; it listens on loopback between `start` and `stop`."""

    teams: Teams  #: what is said in it; there from `start` on
    cards: CardUse  #: what people do with cards; there from `start` on

    def __init__(
        self,
        people: Iterable[Person],
        *,
        bot_id: str,
        bot_url: str,
        tenant: str,
        clock: Clock,
        ids: Ids,
        history: Path | None = None,
        token: TokenFactory | None = None,
        bot_timeout: timedelta = TIMEOUT,
        bot_name: str = "Signalbox",
        team: str = "Railway",
        channels: Sequence[str] = CHANNELS,
        group_chats: Sequence[str] = (),
    ) -> None:
        """*bot_id* is `28:<app id>`; under *bot_url* `/api/messages` is found.

        Messages are kept in the file *history*, and in memory only where it is None. With *token*,
        activities carry an Authorization header.
        """
        self.url = ""  #: where it listens, no slash at the end
        self.trouble = Trouble(clock)  #: what is wrong with it, on demand
        self.line = BotLine(bot_url, token, self.trouble, bot_timeout)
        self._places = Places(
            Roster(people), team=team, channels=channels, group_chats=group_chats, bot=bot_name
        )
        self._tenant = tenant
        self._bot_id = bot_id
        self._bot_name = bot_name
        self._clock = clock
        self._ids = ids
        self._history = history
        self._messages: History | None = None
        self._runner: web.AppRunner | None = None

    @property
    def address(self) -> str:
        """`host:port`, as the bot's list of channel hosts has it."""
        return self.url.removeprefix("http://")

    async def start(self, port: int = 0) -> None:
        """Listen; on a free port where *port* is 0.

        Raises:
            OSError: the port is taken.
        """
        listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        try:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listening.bind((LOOPBACK, port))
            self.url = f"http://{LOOPBACK}:{listening.getsockname()[1]}"
            self._messages = await open_history(self._history)
            await self.line.open()
            self._runner = web.AppRunner(self._app(), access_log=None, shutdown_timeout=1)
            await self._runner.setup()
            await web.SockSite(self._runner, listening).start()
        except BaseException:
            listening.close()
            await self.stop()
            raise

    async def stop(self) -> None:
        """Stop listening, and close what was opened."""
        if self._runner:
            await self._runner.cleanup()
            self._runner = None
        await self.line.close()
        if self._messages:
            await self._messages.close()
            self._messages = None

    def account(self, name: str) -> Account:
        """The account of the person called *name*.

        Raises:
            Refusal: nobody is called that.
        """
        return self._places.roster.named(name)

    def channel(self, name: str) -> str:
        """The conversation id of the channel, or group chat, called *name*.

        Raises:
            KeyError: there is none.
        """
        places = (*self._places.group_chats, *self._places.channels)
        return {each.name: each.id for each in places}[name]

    def chat(self, name: str) -> str:
        """The conversation id of the chat that the person called *name* has with the bot.

        Raises:
            Refusal: nobody is called that.
        """
        return self._places.chats[self.account(name).id].id

    @property
    def deliveries(self) -> tuple[Delivery, ...]:
        """The latest activities that the bot was sent, with its answers, oldest first."""
        return tuple(self.line.deliveries)

    async def redeliver(
        self,
        activity: Mapping[str, Any] | None = None,
        *,
        times: int = 1,
        with_new_id: bool = False,
    ) -> tuple[Answer, ...]:
        """Send *activity*, or what a person last did, again, *times* times at once.

        It has the same id and all, unless *with_new_id*: then Teams takes it for another one.
        """
        new_id = self.teams.next_id() if with_new_id else ""
        return await self.line.redeliver(activity, times=times, new_id=new_id)

    def refuse(
        self,
        times: int | None = None,
        *,
        span: timedelta | None = None,
        status: HTTPStatus = HTTPStatus.TOO_MANY_REQUESTS,
        retry_after: timedelta | None = timedelta(seconds=1),
        conversation: str = "",
    ) -> None:
        """Answer the bot's next *times* requests, or all within *span*, with *status*.

        With *conversation*, only those to that channel or chat.
        """
        self.trouble.refuse(
            times, span=span, status=status, retry_after=retry_after, conversation=conversation
        )

    def lose_messages(self) -> None:
        """Answer edits of what the bot has posted so far with 404, as of deleted messages."""
        self.trouble.lose(self.teams.next_id())

    def slow_down(self, delay: timedelta) -> None:
        """Do what the bot asks at once, and answer after *delay*; zero ends it."""
        self.trouble.slow_down(delay)

    def go_offline(self) -> None:
        """Answer the bot with 503, and hold back what people say, until `come_back`."""
        self.trouble.go_offline()

    async def come_back(self) -> None:
        """End being offline, and deliver what was held back, in its order."""
        self.trouble.come_back()
        await self.line.deliver_held()

    async def behave(self) -> None:
        """End all trouble."""
        self.trouble.end()
        await self.line.deliver_held()

    def _app(self) -> web.Application:
        assert self._messages  # noqa: S101  # `start` has opened it
        stage = Stage(
            tenant=self._tenant,
            bot_id=self._bot_id,
            bot_name=self._bot_name,
            team_id=self._places.team_id,
            team_name=self._places.team,
            service_url=f"{self.url}/",
        )
        self.teams = Teams(
            places=self._places,
            history=self._messages,
            line=self.line,
            stage=stage,
            clock=self._clock,
            ids=self._ids,
        )
        self.cards = CardUse(
            self.teams, line=self.line, stage=stage, clock=self._clock, ids=self._ids
        )
        app = web.Application(middlewares=[errors, guard], client_max_size=LARGEST_BODY)
        app.on_response_prepare.append(set_headers)
        app.on_shutdown.append(self._dismiss)
        self.trouble.on_change = self.teams.watchers.tell_trouble
        ConnectorApi(self.teams, self.trouble).add_routes(app.router)
        ChatApi(self.teams, self.cards).add_routes(app.router)
        ChatEvents(self.teams).add_routes(app.router)
        TroubleApi(self.trouble, self.teams, self.line).add_routes(app.router)
        app.router.add_get("/", _page)
        app.router.add_static("/", STATIC)
        return app

    async def _dismiss(self, _: web.Application) -> None:
        self.teams.watchers.end()


async def _page(_: web.Request) -> web.FileResponse:
    return web.FileResponse(STATIC / "index.html")
