"""Whether what answers at a URL is well: the version that is wanted, several times in a row."""

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from http import HTTPStatus

import aiohttp
import orjson

IN_A_ROW = 3

_PAUSE = timedelta(milliseconds=150)
_PATIENCE = aiohttp.ClientTimeout(total=1)  #: for one answer
_LARGEST_ANSWER = 64 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """What was found at last."""

    http_status: int = 0
    status: str = ""
    version: str = ""
    fault: str = ""  #: why there is no such answer: "does not answer"
    is_good: bool = False


async def health(
    session: aiohttp.ClientSession, url: str, version: str, within: timedelta
) -> Health:
    """What *url* says, as soon as that is good for *version*; else the last answer in time.

    Answers are `{"status", "version"}`; `ok` with HTTP 200 is good.
    """
    found = Health(fault="does not answer")
    good = 0
    try:
        async with asyncio.timeout(within.total_seconds()):
            while True:
                found = await _look(session, url, version)
                good = good + 1 if found.is_good else 0
                if good == IN_A_ROW:
                    return found
                await asyncio.sleep(_PAUSE.total_seconds())
    except TimeoutError:
        return Health(fault="was not well for long enough") if found.is_good else found


async def probe(session: aiohttp.ClientSession, url: str) -> Health:
    """What *url* says this once; good for whichever version it says."""
    return await _look(session, url, None)


async def _look(session: aiohttp.ClientSession, url: str, version: str | None) -> Health:
    body = bytearray()
    try:
        async with session.get(url, allow_redirects=False, timeout=_PATIENCE) as response:
            code = response.status
            async for chunk in response.content.iter_any():
                body += chunk
                if len(body) > _LARGEST_ANSWER:
                    return Health(http_status=code, fault="answers more than a health check does")
    except (aiohttp.ClientError, TimeoutError):
        return Health(fault="does not answer")
    try:
        answer = orjson.loads(body)
    except orjson.JSONDecodeError:
        answer = None
    if not isinstance(answer, dict):
        return Health(http_status=code, fault=f"answers {code}, but not as a health check")
    status, found = str(answer.get("status", "")), str(answer.get("version", ""))
    is_good = code == HTTPStatus.OK and status == "ok" and version in {None, found}
    return Health(http_status=code, status=status, version=found, is_good=is_good)
