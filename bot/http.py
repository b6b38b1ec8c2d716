"""The HTTP surface: what is refused before anybody looks at what it says.

Every request is a stranger's until `messages` has verified it, so that nothing here may be made
to fail: an answer below 500 for whatever arrives, and no work before the limits hold.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
import secrets
from typing import Any

from aiohttp import web
from aiohttp.typedefs import Handler as WebHandler
import structlog

from bot.listener import greet
from bot.strict_json import NotStrict, loads

log = structlog.get_logger(__name__)

LARGEST_BODY = 256 * 1024  #: bytes; Teams sends a few KB, and messages of at most 100 KB
LONGEST_CREDENTIALS = 8 * 1024  #: characters of the Authorization header
BODY_TIMEOUT = timedelta(seconds=10)

ACTIVITY = web.RequestKey("activity", dict[str, Any])
"""Where `messages` finds the parsed body: an object with a string `type`, the rest unchecked."""

Messages = Callable[[web.Request], Awaitable[web.StreamResponse]]


def public_app(
    messages: Messages,
    *,
    requires_token: bool = True,
    body_timeout: timedelta = BODY_TIMEOUT,
    correlation_id: Callable[[], str] = lambda: secrets.token_hex(4),
) -> web.Application:
    """The listener that the world reaches: `POST /api/messages`, and nothing else.

    *requires_token* asks for the shape of a bearer token before the body is read. An exception
    of *messages* is answered with 503 and logged under a new *correlation_id*: the channel may
    send the activity again.
    """

    async def receive(request: web.Request) -> web.StreamResponse:
        _check_head(request, requires_token=requires_token)
        raw = await _body(request, body_timeout)
        try:
            activity = loads(raw)
        except NotStrict as error:
            log.info("request refused", status=400, reason=str(error), peer=request.remote)
            raise web.HTTPBadRequest from None
        if not isinstance(activity.get("type"), str):
            raise web.HTTPBadRequest
        request[ACTIVITY] = activity
        return await messages(request)

    app = web.Application(middlewares=[greet, _never_500(correlation_id)])
    app.on_response_prepare.append(_set_headers)
    app.router.add_post("/api/messages", receive)
    return app


def admin_app(health: Callable[[], Awaitable[bool]]) -> web.Application:
    """The operator's listener: `/healthz` says that we live, `/readyz` that we can work.

    *health* says whether what we depend on is there.
    """

    async def healthz(_: web.Request) -> web.Response:
        return web.json_response({"status": "ok"})

    async def readyz(_: web.Request) -> web.Response:
        if await health():
            return web.json_response({"status": "ready"})
        return web.json_response({"status": "not ready"}, status=503)

    app = web.Application(middlewares=[greet])
    app.on_response_prepare.append(_set_headers)
    app.router.add_get("/healthz", healthz)
    app.router.add_get("/readyz", readyz)
    return app


def _check_head(request: web.Request, *, requires_token: bool) -> None:
    """Refuse what the head alone shows to be unacceptable.

    Raises:
        web.HTTPException: 415, 413 or 401.
    """
    if request.content_type != "application/json" or "Content-Type" not in request.headers:
        raise web.HTTPUnsupportedMediaType
    if "Content-Encoding" in request.headers:
        raise web.HTTPUnsupportedMediaType
    if (request.content_length or 0) > LARGEST_BODY:
        raise web.HTTPRequestEntityTooLarge(LARGEST_BODY, request.content_length or 0)
    if requires_token and not _has_bearer(request):
        raise web.HTTPUnauthorized(text="")


def _has_bearer(request: web.Request) -> bool:
    """Whether there is exactly one Authorization header, and it looks like a bearer token."""
    headers = request.headers.getall("Authorization", [])
    if len(headers) != 1 or len(headers[0]) > LONGEST_CREDENTIALS:
        return False
    scheme, _, token = headers[0].partition(" ")
    return scheme.lower() == "bearer" and bool(token)


async def _body(request: web.Request, within: timedelta) -> bytes:
    """The whole body.

    Raises:
        web.HTTPException: 413, 408, or 400 where the body breaks off.
    """
    body = bytearray()
    try:
        async with asyncio.timeout(within.total_seconds()):
            while chunk := await request.content.readany():
                body += chunk
                if len(body) > LARGEST_BODY:
                    raise web.HTTPRequestEntityTooLarge(LARGEST_BODY, len(body))
    except TimeoutError:
        raise web.HTTPRequestTimeout(headers={"Connection": "close"}) from None
    except (web.RequestPayloadError, ConnectionError):
        raise web.HTTPBadRequest from None
    return bytes(body)


def _never_500(correlation_id: Callable[[], str]) -> Callable[..., Any]:
    """The middleware that answers for a mistake of ours, without saying anything about it."""

    @web.middleware
    async def answer(request: web.Request, handler: WebHandler) -> web.StreamResponse:
        try:
            return await handler(request)
        except web.HTTPException:
            raise
        except Exception:  # nobody is above us to answer; the log has the trace
            correlation = correlation_id()
            log.exception("request failed", correlation=correlation, path=request.path)
            return web.Response(status=503, text=f"Our mistake; it is logged as {correlation}.")

    return answer


async def _set_headers(_: web.Request, response: web.StreamResponse) -> None:
    response.headers["Cache-Control"] = "no-store"
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers.popall("Server", None)  # it would say which versions to attack
