"""Misbehaviour on demand: what Teams does to a bot on a bad day.

Refused requests: https://learn.microsoft.com/microsoftteams/platform/bots/how-to/rate-limit
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any

from domain.ports import Clock
from sandbox.channel.activities import moment
from sandbox.channel.places import THREAD
from sandbox.channel.refusal import Refusal, unknown_message

SLOWEST = timedelta(minutes=2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusing:
    """Requests of the bot that are answered with an error, and from when on no more."""

    status: HTTPStatus
    retry_after: timedelta | None  #: what the answer asks for; None for nothing
    left: int | None  #: how many more; None for all
    until: datetime | None  #: not longer than this; None for ever
    conversation: str  #: only those to this channel or chat; empty for all

    def concerns(self, conversation: str, now: datetime) -> bool:
        """Whether a request to *conversation*, maybe a thread, is refused."""
        is_there = self.conversation in {"", conversation.partition(THREAD)[0], conversation}
        return is_there and self.left != 0 and (self.until is None or now < self.until)

    def refusal(self) -> Refusal:
        """The answer."""
        code = self.status.phrase.title().replace(" ", "")
        seconds = int(self.retry_after.total_seconds()) if self.retry_after is not None else None
        return Refusal(self.status, code, self.status.phrase, retry_after_seconds=seconds)


class Trouble:
    """What is wrong, now. Nothing is, at first."""

    def __init__(self, clock: Clock) -> None:
        self.on_change: Callable[[], None] = lambda: None
        self.is_offline = False
        self._clock = clock
        self._refusing: Refusing | None = None
        self._delay = timedelta()
        self._lost_until = 0  #: messages of the bot up to this id are gone, for the bot

    def refuse(
        self,
        times: int | None = None,
        *,
        span: timedelta | None = None,
        status: HTTPStatus = HTTPStatus.TOO_MANY_REQUESTS,
        retry_after: timedelta | None = timedelta(seconds=1),
        conversation: str = "",
    ) -> None:
        """Answer the bot's next *times* requests, or all within *span*, with *status*."""
        until = self._clock.now() + span if span is not None else None
        self._refusing = Refusing(
            status=status,
            retry_after=retry_after,
            left=times,
            until=until,
            conversation=conversation,
        )
        self.on_change()

    def slow_down(self, delay: timedelta) -> None:
        """Do what the bot asks at once, and answer after *delay*; zero ends it."""
        self._delay = min(delay, SLOWEST)
        self.on_change()

    def lose(self, last_id: str) -> None:
        """The bot's messages up to *last_id* are gone: edits of them are answered with 404."""
        self._lost_until = int(last_id)
        self.on_change()

    def go_offline(self) -> None:
        """Requests of the bot are answered with 503, and it hears of nothing."""
        self.is_offline = True
        self.on_change()

    def end(self) -> None:
        """Nothing is wrong any more."""
        self.is_offline = False
        self._refusing = None
        self._delay = timedelta()
        self._lost_until = 0
        self.on_change()

    def stop_refusing(self) -> None:
        """Take all requests again."""
        self._refusing = None
        self.on_change()

    def find_again(self) -> None:
        """What was lost is there again."""
        self._lost_until = 0
        self.on_change()

    def come_back(self) -> None:
        """Teams is there again."""
        self.is_offline = False
        self.on_change()

    def meet(self, conversation: str, *, edited: str = "") -> None:
        """Let a request of the bot to *conversation* pass, or not; *edited* is a message's id.

        Raises:
            Refusal: it shall not pass.
        """
        if self.is_offline:
            status = HTTPStatus.SERVICE_UNAVAILABLE
            raise Refusal(status, "ServiceUnavailable", "Teams is offline.")
        refusing = self._refusing
        if refusing and refusing.concerns(conversation, self._clock.now()):
            if refusing.left is not None:
                self._refusing = replace(refusing, left=refusing.left - 1)
                self.on_change()
            raise refusing.refusal()
        if edited.isdigit() and int(edited) <= self._lost_until:
            raise unknown_message()

    async def dawdle(self) -> None:
        """Return when the answer may go out."""
        await asyncio.sleep(self._delay.total_seconds())

    def state(self) -> Mapping[str, Any]:
        """What is wrong, as the page is told."""
        refusing = self._refusing
        if refusing and not refusing.concerns(refusing.conversation, self._clock.now()):
            refusing = None
        return {
            "refusing": _told(refusing) if refusing else None,
            "slow": self._delay.total_seconds(),
            "lost": self._lost_until > 0,
            "offline": self.is_offline,
        }


def _told(refusing: Refusing) -> Mapping[str, Any]:
    return {
        "status": refusing.status,
        "retryAfter": refusing.retry_after.total_seconds() if refusing.retry_after else 0,
        "left": refusing.left,
        "until": moment(refusing.until) if refusing.until else None,
        "conversation": refusing.conversation,
    }
