"""What happens, as it happens, for pages and terminals: Server-Sent Events.

    GET /chat/events?as=NAME    `hello`, then `message` {as, message} and `typing` {as, place};
                                `trouble`: ask for /chat/trouble

*as* may be given several times: a browser opens only six connections to one address, so that its
windows, each another person, share one. After a break a client reads the messages anew.
https://html.spec.whatwg.org/multipage/server-sent-events.html
"""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from datetime import timedelta
from typing import Any

from aiohttp import web
import orjson

from sandbox.channel.teams import Teams
from sandbox.channel.watch import Changes, Watcher

HEARTBEAT = timedelta(seconds=15)  #: comments, by which both sides notice a dead connection
_RETRY = timedelta(seconds=1)  #: after which a browser connects again


class ChatEvents:
    """The handler."""

    def __init__(self, teams: Teams, *, heartbeat: timedelta = HEARTBEAT) -> None:
        self._teams = teams
        self._heartbeat = heartbeat.total_seconds()

    def add_routes(self, router: web.UrlDispatcher) -> None:
        """Answer under `/chat/events`."""
        router.add_get("/chat/events", self._events)

    async def _events(self, request: web.Request) -> web.StreamResponse:
        names = request.query.getall("as", [""])
        accounts = [self._teams.roster.named(name) for name in names]
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        with self._teams.watchers.watching(*accounts) as watcher:
            await response.prepare(request)
            with suppress(ConnectionError):  # they closed the page
                await self._tell(response, watcher)
        return response

    async def _tell(self, response: web.StreamResponse, watcher: Watcher) -> None:
        await response.write(f"retry: {_RETRY / timedelta(milliseconds=1):.0f}\n".encode())
        await response.write(_event("hello", {}))
        while not watcher.is_over:
            try:
                async with asyncio.timeout(self._heartbeat):
                    changes = await watcher.changes()
            except TimeoutError:
                await response.write(b":\n\n")
                continue
            await response.write(b"".join(self._told(changes)))

    def _told(self, changes: Changes) -> list[bytes]:
        told = []
        for account, message_id in changes.messages:
            message = self._teams.message(account, message_id)
            if message:
                told.append(_event("message", {"as": account.name, "message": message}))
        for account, place in changes.typing:
            told.append(_event("typing", {"as": account.name, "place": place}))
        if changes.trouble:
            told.append(_event("trouble", {}))
        return told


def _event(name: str, data: Mapping[str, Any]) -> bytes:
    return b"event: %s\ndata: %s\n\n" % (name.encode(), orjson.dumps(data))
