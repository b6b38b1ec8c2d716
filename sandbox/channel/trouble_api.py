"""The API of the page's Trouble panel.

GET  /chat/trouble               what is wrong now
POST /chat/trouble {…}           change it; only what is named changes
     refusing: {times | seconds, retryAfter, status, conversation} or null
     slow: seconds · lost: true or false · offline: true or false
POST /chat/redeliver {newId}     deliver what somebody last did again, under its id or a new one
"""

from collections.abc import Mapping
from datetime import timedelta
from http import HTTPStatus
from typing import Any

from aiohttp import web
import orjson

from sandbox.channel.bot_line import BotLine
from sandbox.channel.refusal import malformed
from sandbox.channel.teams import Teams
from sandbox.channel.trouble import Trouble
from sandbox.channel.web import json_object, text

_LONGEST = 3600
_MOST = 1000
_KNOWN = frozenset({"refusing", "slow", "lost", "offline"})


class TroubleApi:
    """The handlers."""

    def __init__(self, trouble: Trouble, teams: Teams, line: BotLine) -> None:
        self._trouble = trouble
        self._teams = teams
        self._line = line

    def add_routes(self, router: web.UrlDispatcher) -> None:
        """Answer under `/chat`."""
        router.add_get("/chat/trouble", self._state)
        router.add_post("/chat/trouble", self._change)
        router.add_post("/chat/redeliver", self._redeliver)

    async def _state(self, _: web.Request) -> web.Response:
        state = {**self._trouble.state(), "held": self._line.held}
        return web.Response(body=orjson.dumps(state), content_type="application/json")

    async def _change(self, request: web.Request) -> web.Response:
        body = await json_object(request)
        if unknown := sorted(body.keys() - _KNOWN):
            raise malformed(f"There is no trouble {unknown[0][:80]!r}.")
        if "refusing" in body:
            self._refuse(body["refusing"])
        if "slow" in body:
            self._trouble.slow_down(timedelta(seconds=_number(body, "slow", most=_LONGEST)))
        if "lost" in body:
            if _flag(body, "lost"):
                self._trouble.lose(self._teams.next_id())
            else:
                self._trouble.find_again()
        if "offline" in body:
            if _flag(body, "offline"):
                self._trouble.go_offline()
            else:
                self._trouble.come_back()
                await self._line.deliver_held()
        return await self._state(request)

    def _refuse(self, wanted: Any) -> None:
        if wanted is None:
            self._trouble.stop_refusing()
            return
        if not isinstance(wanted, Mapping):
            raise malformed("The refusing is no object.")
        seconds = _number(wanted, "seconds", most=_LONGEST) if "seconds" in wanted else None
        try:
            status = HTTPStatus(int(_number(wanted, "status", most=599, default=429)))
        except ValueError:
            raise malformed("There is no such status.") from None
        self._trouble.refuse(
            None if seconds else int(_number(wanted, "times", most=_MOST, default=1)),
            span=timedelta(seconds=seconds) if seconds else None,
            status=status,
            retry_after=timedelta(seconds=_number(wanted, "retryAfter", most=_LONGEST)),
            conversation=text(wanted, "conversation"),
        )

    async def _redeliver(self, request: web.Request) -> web.Response:
        body = await json_object(request)
        new_id = self._teams.next_id() if _flag(body, "newId") else ""
        answers = await self._line.redeliver(new_id=new_id)
        if not answers:
            return web.json_response({"status": 0, "failure": "Nobody has done anything yet."})
        return web.json_response({"status": answers[0].status, "failure": answers[0].failure})


def _number(body: Mapping[str, Any], key: str, *, most: float, default: float = 0) -> float:
    value = body.get(key, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= most:
        raise malformed(f"The {key} is no number from 0 to {most}.")
    return value


def _flag(body: Mapping[str, Any], key: str) -> bool:
    value = body.get(key, False)
    if not isinstance(value, bool):
        raise malformed(f"The {key} is neither true nor false.")
    return value
