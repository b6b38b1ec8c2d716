"""The HTTP of the simulated Teams: who may call, what an error looks like, and a body's JSON."""

from collections.abc import Mapping
from http import HTTPStatus
import re
from typing import Any

from aiohttp import web
from aiohttp.typedefs import Handler
import orjson

from sandbox.channel.refusal import Refusal, malformed

LARGEST_BODY = 512 * 1024

_HOST = re.compile(r"(localhost|127\.0\.0\.1)(:[0-9]{1,5})?", re.ASCII)


@web.middleware
async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Keep out what a page of another site makes a browser send here.

    The name guards against DNS rebinding, the origin and the content type against forged requests;
    programs on this machine, the bot among them, send no origin.
    """
    if not _HOST.fullmatch(request.host):
        raise web.HTTPMisdirectedRequest(text="I answer to 127.0.0.1 and localhost.")
    origin = request.headers.get("Origin")
    if origin is not None and origin != f"http://{request.host}":
        raise web.HTTPForbidden(text="That page is none of mine.")
    if request.can_read_body and request.content_type != "application/json":
        raise web.HTTPUnsupportedMediaType(text="Only JSON is taken.")
    return await handler(request)


@web.middleware
async def errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer a refusal in the Bot Connector's words."""
    try:
        return await handler(request)
    except Refusal as refusal:
        headers = {}
        if refusal.retry_after_seconds is not None:
            headers["Retry-After"] = str(refusal.retry_after_seconds)
        body = {"error": {"code": refusal.code, "message": str(refusal)}}
        return web.json_response(body, status=refusal.status, headers=headers)


async def set_headers(_: web.Request, response: web.StreamResponse) -> None:
    """Nothing from elsewhere runs in the page, and the page in nobody's frame."""
    response.headers["Content-Security-Policy"] = (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
        # Microsoft's renderer parses the paragraphs that it has laid out a second time.
        "style-src-attr 'unsafe-inline'; "
        "connect-src 'self'; worker-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["Cache-Control"] = "no-cache"  # an upgrade must not meet an old script
    response.headers.popall("Server", None)


async def json_object(request: web.Request) -> Mapping[str, Any]:
    """The object that the body says.

    Raises:
        Refusal: it says none, or is too large.
    """
    try:
        value = orjson.loads(await request.read())
    except orjson.JSONDecodeError:
        raise malformed("The body is no JSON.") from None
    except web.HTTPRequestEntityTooLarge:
        sentence = "The message is too large."
        raise Refusal(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "MessageSizeTooBig", sentence) from None
    if not isinstance(value, dict):
        raise malformed("The body is no object.")
    return value


def text(body: Mapping[str, Any], key: str) -> str:
    """The text under *key*; empty where there is nothing.

    Raises:
        Refusal: something else is there.
    """
    value = body.get(key) or ""
    if not isinstance(value, str):
        raise malformed(f"The {key} is no text.")
    return value
