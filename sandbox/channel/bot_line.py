"""The way to the bot."""

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from http import HTTPStatus
import time
from typing import Any

import aiohttp
import orjson

TIMEOUT = timedelta(seconds=15)
"""How long Teams waits for a bot."""

REMEMBERED = 200  #: deliveries

TokenFactory = Callable[[str], str]
"""Gives the bearer token that goes with an activity of a service URL."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the bot answered to one activity."""

    status: int  #: 0 where there was no answer
    body: Any  #: parsed JSON; None where it is none
    took: timedelta
    failure: str  #: a sentence for the person; empty where the bot took it


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One activity that was sent, and the answer."""

    activity: Mapping[str, Any]
    answer: Answer


class BotLine:
    """Posts activities to the bot's messaging endpoint. Use it within `open` and `close`."""

    def __init__(
        self, bot_url: str, token: TokenFactory | None, timeout: timedelta = TIMEOUT
    ) -> None:
        self.bot_url = bot_url
        self.deliveries: deque[Delivery] = deque(maxlen=REMEMBERED)
        self._token = token
        self._timeout = timeout
        self._session: aiohttp.ClientSession | None = None

    async def open(self) -> None:
        """Get ready to send."""
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0),
            timeout=aiohttp.ClientTimeout(total=self._timeout.total_seconds()),
            cookie_jar=aiohttp.DummyCookieJar(),
        )

    async def close(self) -> None:
        """Let go of the connections."""
        if self._session:
            await self._session.close()
            self._session = None

    async def post(self, activity: Mapping[str, Any]) -> Answer:
        """Send *activity*, once. Never raises for what the bot does."""
        headers = {"Content-Type": "application/json"}
        if self._token:
            headers["Authorization"] = f"Bearer {self._token(activity['serviceUrl'])}"
        started = time.perf_counter()
        status, body, failure = await self._exchange(orjson.dumps(activity), headers)
        took = timedelta(seconds=time.perf_counter() - started)
        answer = Answer(status=status, body=body, took=took, failure=failure)
        self.deliveries.append(Delivery(activity=activity, answer=answer))
        return answer

    async def _exchange(self, activity: bytes, headers: Mapping[str, str]) -> tuple[int, Any, str]:
        url = f"{self.bot_url.rstrip('/')}/api/messages"
        assert self._session  # noqa: S101  # between `open` and `close`
        try:
            async with self._session.post(
                url, data=activity, headers=headers, allow_redirects=False
            ) as response:
                body = await response.read()
        except TimeoutError:
            return (
                0,
                None,
                f"Signalbox did not answer within {self._timeout.total_seconds():g} seconds.",
            )
        except aiohttp.ClientError:
            return 0, None, f"Signalbox cannot be reached at {self.bot_url}. Is it running?"
        failure = ""
        if not HTTPStatus.OK <= response.status < HTTPStatus.MULTIPLE_CHOICES:
            failure = f"Signalbox did not take it: it answered {response.status}."
        return response.status, _json(body), failure


def _json(body: bytes) -> Any:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
