"""The way to the bot."""

import asyncio
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from http import HTTPStatus
import time
from typing import Any

import aiohttp
import orjson

from sandbox.channel.activities import SEARCH
from sandbox.channel.trouble import Trouble

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
    is_held: bool = False  #: it goes to the bot later


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One activity that was sent, and the answer."""

    activity: Mapping[str, Any]
    answer: Answer


class BotLine:
    """Posts activities to the bot's messaging endpoint. Use it within `open` and `close`."""

    def __init__(
        self,
        bot_url: str,
        token: TokenFactory | None,
        trouble: Trouble,
        timeout: timedelta = TIMEOUT,
    ) -> None:
        self.bot_url = bot_url
        self._trouble = trouble
        self._held: deque[Mapping[str, Any]] = deque(maxlen=REMEMBERED)
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
            await asyncio.sleep(0)  # its connections close at the loop's next turn
            self._session = None

    @property
    def held(self) -> int:
        """How many activities wait for Teams to be back."""
        return len(self._held)

    async def deliver_held(self) -> None:
        """Send what was held, in its order."""
        while self._held and not self._trouble.is_offline:
            await self.post(self._held.popleft())
            self._trouble.on_change()

    async def redeliver(
        self, activity: Mapping[str, Any] | None = None, *, times: int = 1, new_id: str = ""
    ) -> tuple[Answer, ...]:
        """Send *activity*, or what a person last did, again, *times* times at once.

        It keeps its id unless there is a *new_id*. Where nobody has done anything, no answers.
        """
        again = activity if activity is not None else self._latest()
        if again is None:
            return ()
        if new_id:
            again = {**again, "id": new_id}
        async with asyncio.TaskGroup() as group:
            sent = [group.create_task(self.post(again)) for _ in range(times)]
        return tuple(each.result() for each in sent)

    def _latest(self) -> Mapping[str, Any] | None:
        """What a person last did; not what their client did by itself."""
        for delivery in reversed(self.deliveries):
            if delivery.activity["type"] in {"message", "invoke"} and not _is_automatic(
                delivery.activity
            ):
                return delivery.activity
        return None

    async def post(self, activity: Mapping[str, Any]) -> Answer:
        """Send *activity*, once. Never raises for what the bot does.

        While Teams is offline, invokes fail, and everything else is held.
        """
        if self._trouble.is_offline:
            if activity["type"] == "invoke":
                return _unsent("Teams is offline. Try again when it is back.")
            self._held.append(activity)
            self._trouble.on_change()
            return replace(_unsent(""), is_held=True)
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


def _unsent(failure: str) -> Answer:
    return Answer(status=0, body=None, took=timedelta(), failure=failure)


def _is_automatic(activity: Mapping[str, Any]) -> bool:
    if activity.get("name") == SEARCH:
        return True
    value = activity.get("value")
    return isinstance(value, Mapping) and value.get("trigger") == "automatic"


def _json(body: bytes) -> Any:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
