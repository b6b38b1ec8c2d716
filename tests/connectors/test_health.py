"""The health check against a server that answers as it is told."""

from collections.abc import AsyncIterator
from datetime import timedelta
import itertools

import aiohttp
from aiohttp import web
import pytest

from connectors.health import Health, health

SHORT = timedelta(seconds=0.7)


@pytest.fixture
async def service() -> AsyncIterator["Service"]:
    service = Service()
    await service.start()
    yield service
    await service.stop()


class Service:
    def __init__(self) -> None:
        self.answers = itertools.repeat((200, '{"status": "ok", "version": "v1"}'))
        self.headers: dict[str, str] = {}

    async def start(self) -> None:
        app = web.Application()
        app.router.add_get("/healthz", self._answer)
        self._runner = web.AppRunner(app)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self._session = aiohttp.ClientSession()

    async def stop(self) -> None:
        await self._session.close()
        await self._runner.cleanup()

    async def _answer(self, _request: web.Request) -> web.Response:
        status, text = next(self.answers)
        return web.Response(status=status, text=text, headers=self.headers)

    async def look(self, within: timedelta = SHORT) -> Health:
        url = f"http://127.0.0.1:{self._runner.addresses[0][1]}/healthz"
        return await health(self._session, url, "v1", within)


GOOD = (200, '{"status": "ok", "version": "v1"}')
BAD = (503, '{"status": "fail", "version": "v1"}')


async def test_three_good_answers_in_a_row_are_health(service):
    service.answers = iter([BAD, GOOD, GOOD, BAD, GOOD, GOOD, GOOD])

    found = await service.look(timedelta(seconds=5))

    assert found == Health(http_status=200, status="ok", version="v1", is_good=True)
    assert list(service.answers) == []


async def test_two_good_answers_are_not(service):
    service.answers = itertools.cycle([GOOD, GOOD, BAD])

    assert not (await service.look()).is_good


@pytest.mark.parametrize(
    ("answer", "found"),
    [
        (BAD, Health(http_status=503, status="fail", version="v1")),
        (
            (200, '{"status": "ok", "version": "v2"}'),
            Health(http_status=200, status="ok", version="v2"),
        ),
        (
            (500, '{"status": "ok", "version": "v1"}'),
            Health(http_status=500, status="ok", version="v1"),
        ),
        (
            (200, "<html>"),
            Health(http_status=200, fault="answers 200, but not as a health check"),
        ),
        ((200, "[]"), Health(http_status=200, fault="answers 200, but not as a health check")),
        (
            (200, "x" * 65_537),
            Health(http_status=200, fault="answers more than a health check does"),
        ),
    ],
)
async def test_anything_else_is_told_as_it_was_found(service, answer, found):
    service.answers = itertools.repeat(answer)

    assert await service.look() == found


async def test_a_redirect_is_not_followed(service):
    service.answers = itertools.repeat((302, ""))
    service.headers = {"Location": "/healthz"}

    assert (await service.look()).http_status == 302


async def test_nobody_there_is_told(service):
    await service._runner.cleanup()
    async with aiohttp.ClientSession() as session:
        found = await health(session, "http://127.0.0.1:9/healthz", "v1", SHORT)

    assert found == Health(fault="does not answer")
