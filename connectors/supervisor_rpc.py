"""supervisord's XML-RPC over its unix socket, without a thread.

https://supervisord.org/api.html
"""

import asyncio
from collections.abc import Callable
from datetime import timedelta
import re
from typing import Any
from xml.parsers.expat import ExpatError
from xmlrpc import client

import aiohttp

from domain.errors import Ambiguous, Unavailable

_URL = "http://supervisord/RPC2"  # the host is for the header only: the socket is the address
_LARGEST_ANSWER = 1024 * 1024
_NOT_IN_XML = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")
"""Log lines with colours have them, supervisord passes them on, and no XML parser takes them."""

_NO_ANSWER = (ExpatError, client.Error, ValueError, TypeError, LookupError, AttributeError)
"""What the standard library's reader raises for what is no XML-RPC: it reads without checking."""


class Fault(Exception):
    """supervisord's own no, with its code."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(f"{code} {text}")
        self.code = code
        self.text = text


class Unreadable(ValueError):
    """An answer that is no answer to a call."""


class SupervisorRpc:
    """Calls supervisord. The socket's path is asked for at the first call."""

    def __init__(self, socket: Callable[[], str]) -> None:
        self._socket = socket
        self._session: aiohttp.ClientSession | None = None

    async def ask(self, method: str, *arguments: Any, within: timedelta) -> Any:
        """The answer to a call that changes nothing.

        Raises:
            Fault: supervisord says no.
            Unavailable: it does not answer.
        """
        try:
            return await self._call(method, arguments, within)
        except (aiohttp.ClientError, TimeoutError, Unreadable) as error:
            raise Unavailable("supervisord does not answer.") from error

    async def tell(self, method: str, *arguments: Any, within: timedelta) -> Any:
        """The answer to a call that changes something.

        Raises:
            Fault: supervisord says no.
            Unavailable: it cannot be reached: nothing was sent.
            Ambiguous: it was sent, and no answer came.
        """
        try:
            return await self._call(method, arguments, within)
        except aiohttp.ClientConnectorError as error:
            raise Unavailable("supervisord does not answer.") from error
        except (aiohttp.ClientError, TimeoutError, Unreadable) as error:
            raise Ambiguous("supervisord was asked, and did not answer.") from error

    async def close(self) -> None:
        """Let go of the socket."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def _call(self, method: str, arguments: tuple[Any, ...], within: timedelta) -> Any:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                # A connection that supervisord has closed meanwhile would look like a lost answer.
                connector=aiohttp.UnixConnector(self._socket(), force_close=True)
            )
        async with (
            asyncio.timeout(within.total_seconds()),
            self._session.post(
                _URL,
                data=client.dumps(arguments, method).encode(),
                headers={"Content-Type": "text/xml"},
                allow_redirects=False,
            ) as response,
        ):
            body = bytearray()
            async for chunk in response.content.iter_any():
                body += chunk
                if len(body) > _LARGEST_ANSWER:
                    raise Unreadable("too large")
            if response.status != 200:  # noqa: PLR2004 - HTTP's OK
                raise Unreadable(f"HTTP {response.status}")
            return read_answer(bytes(body))


def read_answer(body: bytes) -> Any:
    """The value in a method response. No document type, hence no entities, are read.

    Raises:
        Fault: it is a fault.
        Unreadable: it is no method response.
    """
    try:
        text = _NOT_IN_XML.sub("", body.decode())
    except UnicodeDecodeError as error:
        raise Unreadable("no UTF-8") from error
    if "<!" in text:
        raise Unreadable("a document type")
    try:
        (value,), _method = client.loads(text)
    except client.Fault as fault:
        raise Fault(fault.faultCode, fault.faultString) from fault
    except _NO_ANSWER as error:
        raise Unreadable("no method response") from error
    return value
