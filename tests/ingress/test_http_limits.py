"""What is refused unread: sizes, types, shapes and speeds, on a real socket."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
import gzip
from typing import Any

import aiohttp
from aiohttp import web
import pytest

from bot.http import ACTIVITY, LARGEST_BODY, admin_app, public_app
from bot.listener import Listener, listen

BEARER = {"Authorization": "Bearer x"}
JSON = BEARER | {"Content-Type": "application/json"}


class Bot:
    """What stands behind the limits."""

    def __init__(self) -> None:
        self.seen: list[dict[str, Any]] = []
        self.error: Exception | None = None

    async def messages(self, request: web.Request) -> web.StreamResponse:
        self.seen.append(request[ACTIVITY])
        if self.error:
            raise self.error
        return web.Response()


@pytest.fixture
def bot() -> Bot:
    return Bot()


@pytest.fixture
async def listener(bot: Bot) -> AsyncIterator[Listener]:
    app = public_app(
        bot.messages, body_timeout=timedelta(seconds=0.2), correlation_id=lambda: "c0ffee"
    )
    listener = await listen(app, "127.0.0.1", 0, head_timeout=timedelta(seconds=0.2))
    yield listener
    await listener.stop()


@pytest.fixture
async def http(listener: Listener) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(f"http://127.0.0.1:{listener.port}") as session:
        yield session


async def raw(listener: Listener, sent: bytes) -> bytes:
    """What comes back for bytes that no client library would send."""
    reader, writer = await asyncio.open_connection("127.0.0.1", listener.port)
    writer.write(sent)
    async with asyncio.timeout(5):
        answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    return answer


def nested(depth: int) -> bytes:
    """An object of *depth* levels, itself included."""
    return b'{"type":"message","value":' + b"[" * (depth - 1) + b"]" * (depth - 1) + b"}"


def of_size(size: int) -> bytes:
    frame = b'{"type":"message","text":""}'
    return frame[:-2] + b"x" * (size - len(frame)) + frame[-2:]


BODIES: dict[str, tuple[bytes, int]] = {
    "an activity": (b'{"type":"message"}', 200),
    "brackets in a text": (b'{"type":"message","text":"' + b"[" * 200 + b'"}', 200),
    "40 deep": (nested(40), 200),
    "41 deep": (nested(41), 400),
    "50 000 deep": (b"[" * 50_000, 400),
    "50 000 deep objects": (b'{"type":' * 25_000, 400),
    "empty": (b"", 400),
    "broken": (b'{"type":', 400),
    "two values": (b'{"type":"message"}{}', 400),
    "null": (b"null", 400),
    "a list": (b'[{"type":"message"}]', 400),
    "a text": (b'"message"', 400),
    "a number": (b"1", 400),
    "no type": (b'{"text":"x"}', 400),
    "type null": (b'{"type":null}', 400),
    "type 5": (b'{"type":5}', 400),
    "type list": (b'{"type":["message"]}', 400),
    "the same key twice": (b'{"type":"message","type":"invoke"}', 400),
    "twice, once escaped": (b'{"type":"message","\\u0074ype":"invoke"}', 400),
    "the same key twice, deeper": (b'{"type":"message","a":[{"b":1,"b":2}]}', 400),
    "not UTF-8": (b'{"type":"m\xff"}', 400),
    "UTF-16": ('{"type":"message"}'.encode("utf-16"), 400),
    "half a surrogate": (b'{"type":"message","text":"\\ud800"}', 400),
    "a NUL": (b'{"type":"message","text":"a\\u0000b"}', 400),
    "a NUL in a key": (b'{"type":"message","a\\u0000b":1}', 400),
    "what looks like a NUL": (b'{"type":"message","text":"\\\\u0000"}', 200),
    "NaN": (b'{"type":"message","value":NaN}', 400),
    "Infinity": (b'{"type":"message","value":1e999}', 400),
    "a number of 5 000 digits": (b'{"type":"message","value":' + b"9" * 5000 + b"}", 400),
    "as large as may be": (of_size(LARGEST_BODY), 200),
    "a byte too large": (of_size(LARGEST_BODY + 1), 413),
}


@pytest.mark.parametrize("name", BODIES)
async def test_a_body_is_json_of_a_reasonable_shape(
    http: aiohttp.ClientSession, bot: Bot, name: str
) -> None:
    body, status = BODIES[name]

    async with http.post("/api/messages", data=body, headers=JSON) as response:
        assert response.status == status
        assert b"Traceback" not in await response.read()

    assert len(bot.seen) == (status == 200)


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Content-Type": "application/json"}, 200),
        ({"Content-Type": "application/json; charset=utf-8"}, 200),
        ({"Content-Type": "text/plain"}, 415),
        ({"Content-Type": "application/jsonp"}, 415),
        ({"Content-Type": "application/x-www-form-urlencoded"}, 415),
        ({"Content-Type": ""}, 415),
        ({"Content-Type": "application/json", "Content-Encoding": "gzip"}, 415),
        ({"Content-Type": "application/json", "Content-Encoding": "identity"}, 415),
    ],
)
async def test_only_plain_json_is_taken(
    http: aiohttp.ClientSession, headers: dict[str, str], status: int
) -> None:
    body = b'{"type":"message"}'
    data = gzip.compress(body) if headers.get("Content-Encoding") == "gzip" else body

    async with http.post("/api/messages", data=data, headers=BEARER | headers) as response:
        assert response.status == status


async def test_a_missing_content_type_is_none(listener: Listener, bot: Bot) -> None:
    answer = await raw(
        listener,
        b"POST /api/messages HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer x\r\n"
        b'Content-Length: 18\r\nConnection: close\r\n\r\n{"type":"message"}',
    )

    assert answer.startswith(b"HTTP/1.1 415 ")
    assert bot.seen == []


async def test_ten_chunked_megabytes_are_not_read_to_the_end(
    http: aiohttp.ClientSession, bot: Bot
) -> None:
    sent = 0

    async def body() -> AsyncIterator[bytes]:
        nonlocal sent
        yield b'{"type":"message","text":"'
        for _ in range(160):
            sent += 64 * 1024
            yield b"x" * 64 * 1024
        yield b'"}'

    try:
        async with http.post("/api/messages", data=body(), headers=JSON) as response:
            assert response.status == 413
    except aiohttp.ClientOSError:
        assert sent < 160 * 64 * 1024  # cut off while it was still sending

    assert bot.seen == []


async def test_a_declared_size_is_refused_before_a_byte_of_it_comes(listener: Listener) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", listener.port)
    writer.write(
        b"POST /api/messages HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer x\r\n"
        b"Content-Type: application/json\r\nContent-Length: 300000\r\n\r\n"
    )

    async with asyncio.timeout(1):
        assert await reader.readline() == b"HTTP/1.1 413 Request Entity Too Large\r\n"
    writer.close()


async def test_a_slow_body_is_given_up(listener: Listener, bot: Bot) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", listener.port)
    writer.write(
        b"POST /api/messages HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer x\r\n"
        b"Content-Type: application/json\r\nContent-Length: 18\r\n\r\n{"
    )

    async with asyncio.timeout(2):
        assert await reader.readline() == b"HTTP/1.1 408 Request Timeout\r\n"
    writer.close()
    assert bot.seen == []


@pytest.mark.parametrize("head", [b"", b"POST /api/messages HTTP/1.1\r\nHost: x\r\nX-Slow: "])
async def test_a_head_that_does_not_come_is_given_up(listener: Listener, head: bytes) -> None:
    assert await raw(listener, head) == b""


async def test_a_busy_connection_outlives_the_deadline_for_its_first_head(
    http: aiohttp.ClientSession,
) -> None:
    for pause in (0, 0.3, 0):
        await asyncio.sleep(pause)  # longer than the deadline, which has been met
        async with http.post(
            "/api/messages", data=b'{"type":"message"}', headers=JSON
        ) as response:
            assert response.status == 200
    assert http.connector is not None
    assert len(http.connector._conns) == 1  # type: ignore[attr-defined]


POST = b"POST /api/messages HTTP/1.1\r\nHost: x\r\n"
NO_HTTP: dict[str, bytes] = {
    "garbage": b"GARBAGE\r\n\r\n",
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    "length and chunks": (
        POST + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
    ),
    "two lengths": POST + b"Content-Length: 3\r\nContent-Length: 4\r\n\r\n",
    "a field of 200 KB": POST + b"X: " + b"a" * 200_000 + b"\r\n\r\n",
    "100 fields": POST + b"X: y\r\n" * 100 + b"\r\n",
    "no chunk": (
        POST + b"Authorization: Bearer x\r\nContent-Type: application/json\r\n"
        b"Transfer-Encoding: chunked\r\n\r\nZZ\r\n"
    ),
}


@pytest.mark.parametrize("name", NO_HTTP)
async def test_what_is_no_http_is_answered_without_chatter(
    listener: Listener, bot: Bot, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    answer = await raw(listener, NO_HTTP[name])

    assert answer.split(b" ")[1] == b"400"
    for word in (b"aiohttp", b"Python", b"Traceback"):
        assert word not in answer
    assert "Traceback" not in "".join(capsys.readouterr())
    assert bot.seen == []


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/api/messages", 405),
        ("HEAD", "/api/messages", 405),
        ("PUT", "/api/messages", 405),
        ("TRACE", "/api/messages", 405),
        ("OPTIONS", "/api/messages", 405),
        ("POST", "/", 404),
        ("GET", "/", 404),
        ("GET", "/metrics", 404),
        ("GET", "/healthz", 404),
        ("GET", "/docs", 404),
        ("GET", "/.git/config", 404),
        ("POST", "/api/messages/", 404),
        ("POST", "/api/messages/..%2f", 404),
        ("POST", "/API/messages", 404),
    ],
)
async def test_nothing_else_answers(
    http: aiohttp.ClientSession, bot: Bot, method: str, path: str, status: int
) -> None:
    headers = JSON | {"Origin": "https://evil.example"}

    async with http.request(method, path, headers=headers) as response:
        assert response.status == status
        assert "Server" not in response.headers
        assert "Access-Control-Allow-Origin" not in response.headers
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        assert response.headers["Cache-Control"] == "no-store"

    assert bot.seen == []


async def test_a_websocket_is_refused(http: aiohttp.ClientSession) -> None:
    with pytest.raises(aiohttp.WSServerHandshakeError) as refusal:
        await http.ws_connect("/api/messages", headers=BEARER)

    assert refusal.value.status == 405


async def test_a_mistake_of_ours_is_503_and_logged(
    http: aiohttp.ClientSession, bot: Bot, capsys: pytest.CaptureFixture[str]
) -> None:
    bot.error = ZeroDivisionError("a secret")

    async with http.post("/api/messages", data=b'{"type":"message"}', headers=JSON) as response:
        assert response.status == 503
        assert await response.text() == "Our mistake; it is logged as c0ffee."

    logged = "".join(capsys.readouterr())
    assert "c0ffee" in logged
    assert "ZeroDivisionError" in logged


async def test_the_operator_sees_whether_we_live_and_can_work() -> None:
    is_ready = True

    async def health() -> bool:
        return is_ready

    listener = await listen(admin_app(health), "127.0.0.1", 0)
    async with aiohttp.ClientSession(f"http://127.0.0.1:{listener.port}") as http:

        async def get(path: str) -> tuple[int, Any]:
            async with http.get(path) as response:
                assert "Server" not in response.headers
                return response.status, await response.json()

        assert await get("/healthz") == (200, {"status": "ok"})
        assert await get("/readyz") == (200, {"status": "ready"})
        is_ready = False
        assert await get("/healthz") == (200, {"status": "ok"})
        assert await get("/readyz") == (503, {"status": "not ready"})
        async with http.post("/api/messages") as response:
            assert response.status == 404
    await listener.stop()


async def test_a_port_that_is_taken_is_an_error(listener: Listener, bot: Bot) -> None:
    with pytest.raises(OSError, match="in use"):
        await listen(public_app(bot.messages), "127.0.0.1", listener.port)
