"""Our own tokens for the channel: one at a time, shared by all, renewed in good time.

The SDK asks for a new one in each turn, and stops the event loop meanwhile.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

import structlog

from domain.errors import Unavailable
from domain.ports import Clock

log = structlog.get_logger(__name__)

RENEW_BEFORE = timedelta(minutes=5)


class TokenSource(Protocol):
    """Gives what the Authorization header carries."""

    async def token(self) -> str:
        """A token that is valid for a while.

        Raises:
            Unavailable: there is none to be had now.
        """
        ...

    def forget(self, token: str) -> None:
        """Do not give *token* again: the channel does not take it."""
        ...


class Issuing(Protocol):
    """A way to come by a token. Its methods block, and run in a thread, one at a time."""

    def acquire(self) -> Mapping[str, Any]:
        """MSAL's answer: `access_token` and `expires_in` seconds, or `error`.

        Raises:
            Unavailable: nobody answered.
        """
        ...

    def forget(self) -> None:
        """Do not answer from memory next time."""
        ...


@dataclass(frozen=True, slots=True)
class _Token:
    text: str
    expires_at: datetime


class Tokens:
    """The `TokenSource` of a process."""

    def __init__(self, issuing: Issuing, clock: Clock) -> None:
        self._issuing = issuing
        self._clock = clock
        self._token: _Token | None = None
        self._is_refused = False
        self._lock = asyncio.Lock()

    async def token(self) -> str:
        """The current token; a new one shortly before that expires."""
        if token := self._lasting():
            return token
        async with self._lock:
            if token := self._lasting():
                return token
            try:
                self._token = await self._acquire()
            except Unavailable as error:
                if self._token and self._clock.now() < self._token.expires_at:
                    log.warning("token not renewed", reason=str(error))
                    return self._token.text
                raise
            return self._token.text

    def forget(self, token: str) -> None:
        """Ask for another one than *token* next time."""
        if self._token and self._token.text == token:
            self._token = None
            self._is_refused = True

    def _lasting(self) -> str:
        if self._token and self._clock.now() < self._token.expires_at - RENEW_BEFORE:
            return self._token.text
        return ""

    async def _acquire(self) -> _Token:
        answer = await asyncio.to_thread(self._issue, self._is_refused)
        self._is_refused = False
        text, seconds = answer.get("access_token"), answer.get("expires_in")
        if not isinstance(text, str) or not isinstance(seconds, int):
            code = answer.get("error")
            log.error("token refused", error=code, codes=answer.get("error_codes"))
            raise Unavailable(
                f"Entra gives me no token for Teams ({code}).",
                hint="Check the app id, its secret or certificate, and the tenant.",
            )
        return _Token(text, self._clock.now() + timedelta(seconds=seconds))

    def _issue(self, anew: bool) -> Mapping[str, Any]:
        if anew:
            self._issuing.forget()
        return self._issuing.acquire()
