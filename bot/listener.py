"""Listening on a port, for strangers: aiohttp's server with deadlines and without chatter.

aiohttp waits for the head of a first request for ever, logs a traceback for each malformed one,
and tells its version in the answer.
"""

import asyncio
from datetime import timedelta
from http import HTTPStatus
from typing import Any

from aiohttp import web
from aiohttp.typedefs import Handler as WebHandler
import structlog

log = structlog.get_logger(__name__)

HEAD_TIMEOUT = timedelta(seconds=10)
KEEP_ALIVE = timedelta(seconds=75)

_LARGEST_FIELD = 112 * 1024
"""A bearer token of 100 KB shall be answered with 401, as every other bad one; the parser's own
limit would answer 400. Fewer fields in turn, for a request's head to stay below 5 MB."""
_MOST_FIELDS = 40


class _Connection(web.RequestHandler):
    """One connection of a client."""

    __slots__ = ("_deadline", "_head_timeout")

    def __init__(self, *args: Any, head_timeout: timedelta, **options: Any) -> None:
        super().__init__(*args, **options)
        self._head_timeout = head_timeout
        self._deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        delay = self._head_timeout.total_seconds()
        self._deadline = asyncio.get_running_loop().call_later(delay, self.force_close)

    def connection_lost(self, exc: BaseException | None) -> None:
        self.greet()
        super().connection_lost(exc)

    def greet(self) -> None:
        """Note that a whole head has arrived; from here on the keep-alive timeout watches."""
        if self._deadline:
            self._deadline.cancel()
            self._deadline = None

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,  # noqa: ARG002  # aiohttp's signature
    ) -> web.StreamResponse:
        """Answer what is no HTTP, in one line of the log: its sender wants to fill it.

        *message* stays out of it: it quotes the head, credentials and all.
        """
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR:  # a bug of ours, that no middleware caught
            log.error("request failed", status=status, exc_info=exc)
        else:
            reason = type(exc).__name__
            log.info("request refused", status=status, reason=reason, peer=request.remote)
        response = web.Response(status=status, headers={"Server": "", "Cache-Control": "no-store"})
        response.force_close()
        return response


class Listener:
    """A port that an application answers on."""

    def __init__(self, runner: web.AppRunner, server: asyncio.Server) -> None:
        self._runner = runner
        self._server = server

    @property
    def port(self) -> int:
        """The port, where 0 was asked for: the one that was free."""
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    async def stop(self) -> None:
        """Take no more connections, and let those in progress end."""
        self._server.close()
        await self._runner.cleanup()
        await self._server.wait_closed()
        await asyncio.sleep(
            0
        )  # a connection that was told to close does so at the loop's next turn


async def listen(
    app: web.Application, host: str, port: int, *, head_timeout: timedelta = HEAD_TIMEOUT
) -> Listener:
    """Answer with *app* on *host* and *port*.

    Raises:
        OSError: the port is taken.
    """
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    loop = asyncio.get_running_loop()

    def connection() -> _Connection:
        assert runner.server  # noqa: S101  # there from setup to cleanup
        return _Connection(
            runner.server,
            loop=loop,
            head_timeout=head_timeout,
            access_log=None,
            auto_decompress=False,
            lingering_time=1,  # seconds for which we go on reading what we have refused
            keepalive_timeout=KEEP_ALIVE.total_seconds(),
            max_field_size=_LARGEST_FIELD,
            max_headers=_MOST_FIELDS,
        )

    try:
        server = await loop.create_server(connection, host, port, backlog=1024)
    except OSError:
        await runner.cleanup()
        raise
    return Listener(runner, server)


@web.middleware
async def greet(request: web.Request, handler: WebHandler) -> web.StreamResponse:
    """Tell the connection that its first request's head is complete."""
    if isinstance(request.protocol, _Connection):
        request.protocol.greet()
    return await handler(request)
