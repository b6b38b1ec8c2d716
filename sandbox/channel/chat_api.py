"""The API of the chat page and of the terminal: what people do and see.

    GET  /chat/people                              who there is
    GET  /chat/conversations?as=NAME               what somebody can open
    GET  /chat/messages?as=NAME&conversation=ID    the latest messages, as somebody sees them
    POST /chat/messages {as, conversation, text}   say something; *conversation* may name a thread
    POST /chat/actions  {as, message, action}      press a button of a card
    POST /chat/views    {as, messages}             these are on screen: fetch one's own views
    GET  /chat/events?as=NAME                      WebSocket: `hello`, then `message` and `typing`

Anybody on this machine may be anybody here: it is a stand-in, and says so on the page.
"""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from datetime import timedelta
from typing import Any

from aiohttp import web
import orjson

from sandbox.channel.bot_line import Answer
from sandbox.channel.places import Place
from sandbox.channel.refusal import malformed
from sandbox.channel.roster import Account
from sandbox.channel.teams import Teams
from sandbox.channel.watch import Watcher
from sandbox.channel.web import json_object, text

_HEARTBEAT = timedelta(seconds=20)
_MOST_LOOKS = 300  #: messages on screen


class ChatApi:
    """The handlers."""

    def __init__(self, teams: Teams) -> None:
        self._teams = teams

    def add_routes(self, router: web.UrlDispatcher) -> None:
        """Answer under `/chat`."""
        router.add_get("/chat/people", self._people)
        router.add_get("/chat/conversations", self._conversations)
        router.add_get("/chat/messages", self._messages)
        router.add_post("/chat/messages", self._say)
        router.add_post("/chat/actions", self._press)
        router.add_post("/chat/views", self._look)
        router.add_get("/chat/events", self._events)

    async def _people(self, _: web.Request) -> web.Response:
        stage = self._teams.stage
        people = [
            {"id": each.id, "name": each.name, "isGuest": each.is_guest}
            for each in self._teams.roster.accounts
        ]
        bot = {"id": stage.bot_id, "name": stage.bot_name}
        return web.json_response({"people": people, "bot": bot, "team": stage.team_name})

    async def _conversations(self, request: web.Request) -> web.Response:
        account = self._asking(request)
        places = self._teams.places
        return web.json_response(
            {
                "channels": [_place(each) for each in places.channels],
                "chats": [_place(places.chats[account.id])],
            }
        )

    async def _messages(self, request: web.Request) -> web.Response:
        conversation = request.query.get("conversation", "")
        return _json({"messages": self._teams.messages(self._asking(request), conversation)})

    async def _say(self, request: web.Request) -> web.Response:
        body = await json_object(request)
        account = self._teams.roster.named(text(body, "as"))
        said = await self._teams.say(account, text(body, "conversation"), text(body, "text"))
        return _json(
            {
                "message": self._teams.message(account, said.message.id),
                "delivery": _delivery(said.answer) if said.answer else None,
            }
        )

    async def _press(self, request: web.Request) -> web.Response:
        body = await json_object(request)
        account = self._teams.roster.named(text(body, "as"))
        action = body.get("action")
        if not isinstance(action, Mapping):
            raise malformed("There is no action.")
        became = await self._teams.press(account, text(body, "message"), action)
        return _json({"kind": became.kind, "text": became.text})

    async def _look(self, request: web.Request) -> web.Response:
        body = await json_object(request)
        account = self._teams.roster.named(text(body, "as"))
        ids = body.get("messages")
        if not isinstance(ids, list) or len(ids) > _MOST_LOOKS:
            raise malformed(f"The messages are no list, or more than {_MOST_LOOKS}.")
        await self._teams.look(account, [each for each in ids if isinstance(each, str)])
        return web.json_response({})

    async def _events(self, request: web.Request) -> web.WebSocketResponse:
        account = self._asking(request)
        socket = web.WebSocketResponse(heartbeat=_HEARTBEAT.total_seconds())
        with self._teams.watchers.watching(account) as watcher:
            await socket.prepare(request)
            async with asyncio.TaskGroup() as group:
                group.create_task(_listen(socket, watcher))
                with suppress(ConnectionError):  # they closed the page
                    await self._tell(socket, watcher)
                await socket.close()
        return socket

    async def _tell(self, socket: web.WebSocketResponse, watcher: Watcher) -> None:
        await socket.send_json({"type": "hello"})
        while not watcher.is_over:
            changes = await watcher.changes()
            for message_id in changes.messages:
                message = self._teams.message(watcher.account, message_id)
                if message:
                    await _send(socket, {"type": "message", "message": message})
            for place in changes.typing:
                await _send(socket, {"type": "typing", "place": place})

    def _asking(self, request: web.Request) -> Account:
        return self._teams.roster.named(request.query.get("as", ""))


def _place(place: Place) -> Mapping[str, str]:
    return {"id": place.id, "name": place.name, "kind": place.kind.value}


def _delivery(answer: Answer) -> Mapping[str, Any]:
    return {
        "status": answer.status,
        "milliseconds": round(answer.took / timedelta(milliseconds=1)),
        "failure": answer.failure,
    }


async def _listen(socket: web.WebSocketResponse, watcher: Watcher) -> None:
    """Notice that the page was closed; it says nothing else."""
    async for _ in socket:
        pass
    watcher.end()


async def _send(socket: web.WebSocketResponse, event: Mapping[str, Any]) -> None:
    await socket.send_str(orjson.dumps(event).decode())


def _json(value: Any) -> web.Response:
    return web.Response(body=orjson.dumps(value), content_type="application/json")
