"""The Bot Connector's REST API, as much of it as we use, over one pooled session.

Stands in for the SDK's client, which opens a new connection in a new thread for each turn. No
retries here: the one who calls knows what may be repeated, and when.
https://learn.microsoft.com/azure/bot-service/rest-api/bot-framework-rest-connector-api-reference
"""

from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from http import HTTPStatus
import re
from typing import Any
from urllib.parse import quote, urlencode

import aiohttp
from botbuilder.schema import Activity, ResourceResponse
import orjson
from yarl import URL

from bot.botframework.bounded import NotBounded, bounded_body
from bot.botframework.codec import write
from bot.botframework.tokens import TokenSource
from bot.botframework.trust import ChannelTrust
from domain.errors import Ambiguous, Refused, SignalboxError, Unavailable, UnknownMessage
from domain.notice import Member
from domain.ports import Clock

TIMEOUT = timedelta(seconds=15)
LONGEST_WAIT = timedelta(hours=1)  #: that a Retry-After may ask for

_LARGEST_ANSWER = 4 * 1024 * 1024
_MOST_PAGES = 50
_PAGE_SIZE = 500  #: the most that Teams gives at once
_LATER = frozenset({408, 412, 425, 429, 502, 503, 504})
"""412, 429, 502 and 504 are Microsoft's list; the others mean the same.
https://learn.microsoft.com/microsoftteams/platform/bots/how-to/rate-limit"""
_NO_PAGES = frozenset({404, 405, 501})
_CODE = re.compile(r"[A-Za-z0-9_.-]{1,80}", re.ASCII)


class Wire:
    """Sends one request to the channel, with our token where it may go."""

    def __init__(
        self,
        trust: ChannelTrust,
        tokens: TokenSource | None,
        session: aiohttp.ClientSession,
        clock: Clock,
    ) -> None:
        self._trust = trust
        self._tokens = tokens
        self._session = session
        self._clock = clock

    async def call(
        self,
        method: str,
        service_url: str,
        path: str,
        *,
        body: bytes | None = None,
        query: Mapping[str, str] | None = None,
    ) -> Any:
        """The JSON that the channel answers; None where that is none.

        Raises:
            Unavailable: not now.
            Ambiguous: a POST was sent, and nobody said what became of it.
            Answered: the channel said no.
            Refused: *service_url* is no address of the channel: it may have been tampered with.
        """
        if not self._trust.allows(service_url):
            raise Refused("That conversation is at an address that is not Teams'.")
        headers = {"Content-Type": "application/json; charset=utf-8"} if body else {}
        token = await self._tokens.token() if self._tokens else ""
        if token:
            headers["Authorization"] = f"Bearer {token}"
        url = service_url.rstrip("/") + path + (f"?{urlencode(query)}" if query else "")
        status, retry_after, answer = await self._exchange(method, url, headers, body)
        if status == HTTPStatus.UNAUTHORIZED and self._tokens:
            self._tokens.forget(token)
        if HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
            return _json(answer)
        now = self._clock.now()
        raise failure(method, status, retry_after=wait(retry_after, now), answer=_json(answer))

    async def _exchange(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: bytes | None,
    ) -> tuple[int, str, bytes]:
        """Status, Retry-After and body."""
        try:
            async with self._session.request(
                method,
                URL(url, encoded=True),  # else it takes back some of the quoting
                data=body,
                headers=headers,
                allow_redirects=False,  # a redirect would take the token elsewhere
                timeout=aiohttp.ClientTimeout(total=TIMEOUT.total_seconds()),
            ) as response:
                answer = await bounded_body(response, _LARGEST_ANSWER)
                return response.status, response.headers.get("Retry-After", ""), answer
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            raise Unavailable("Teams cannot be reached.") from error
        except (aiohttp.ClientError, TimeoutError, NotBounded) as error:
            raise _unanswered(method, "Teams did not answer.") from error


class Answered(Refused):
    """The channel's no, with its status."""

    def __init__(self, status: int, sentence: str, *, hint: str = "") -> None:
        super().__init__(sentence, hint=hint)
        self.status = status


def failure(
    method: str, status: int, *, retry_after: timedelta | None, answer: Any
) -> SignalboxError:
    """What the channel's *status*, other than 2xx, means."""
    said = " ".join(part for part in (str(status), _code(answer)) if part)
    if status in _LATER:
        return Unavailable(f"Teams takes no messages right now ({said}).", retry_after=retry_after)
    if status == HTTPStatus.UNAUTHORIZED:
        return Unavailable(
            f"Teams does not accept my credentials ({said}).",
            hint="Check the app id, its secret or certificate, and the tenant.",
        )
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return _unanswered(method, f"Teams failed ({said}).", retry_after=retry_after)
    return Answered(status, f"Teams refused it ({said}).")


def _unanswered(
    method: str, sentence: str, *, retry_after: timedelta | None = None
) -> Unavailable:
    """A POST may have been carried out; everything else may simply be repeated."""
    kind = Ambiguous if method == "POST" else Unavailable
    return kind(sentence, retry_after=retry_after)


def wait(header: str, now: datetime) -> timedelta | None:
    """How long a Retry-After *header*, seconds or a date, asks to wait; None where it does not.

    https://www.rfc-editor.org/rfc/rfc9110#field.retry-after
    """
    value = header.strip()
    if value.isascii() and value.isdigit():
        seconds = int(value) if len(value) < 10 else LONGEST_WAIT.total_seconds()  # noqa: PLR2004
        return min(timedelta(seconds=seconds), LONGEST_WAIT)
    try:
        moment = parsedate_to_datetime(value)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return min(max(moment - now, timedelta(0)), LONGEST_WAIT)


class Conversations:
    """The operations on conversations at one service URL, under the SDK's names for them."""

    def __init__(self, wire: Wire, service_url: str) -> None:
        self._wire = wire
        self._service_url = service_url

    async def send_to_conversation(
        self, conversation_id: str, activity: Activity
    ) -> ResourceResponse:
        """Post *activity*.

        Raises:
            Ambiguous: it may have been posted.
            Unavailable: not now.
            Refused: never.
        """
        path = f"/v3/conversations/{quote(conversation_id, safe='')}/activities"
        answer = await self._wire.call("POST", self._service_url, path, body=write(activity))
        activity_id = answer.get("id") if isinstance(answer, dict) else None
        if not isinstance(activity_id, str) or not activity_id:
            raise Ambiguous("Teams took a message and did not say which it became.")
        return ResourceResponse(id=activity_id)

    async def reply_to_activity(
        self, conversation_id: str, activity_id: str, activity: Activity
    ) -> ResourceResponse:
        """Post *activity* in answer to *activity_id*, which stands in its `replyToId`, too.

        Not as a path of its own: Teams answers 404 there when the message has been deleted.
        """
        activity.reply_to_id = activity_id
        return await self.send_to_conversation(conversation_id, activity)

    async def update_activity(
        self, conversation_id: str, activity_id: str, activity: Activity
    ) -> ResourceResponse:
        """Put *activity* in place of what *activity_id* was.

        Raises:
            Unavailable: not now.
            UnknownMessage: there is nothing of that id.
            Refused: never.
        """
        path = (
            f"/v3/conversations/{quote(conversation_id, safe='')}"
            f"/activities/{quote(activity_id, safe='')}"
        )
        try:
            await self._wire.call("PUT", self._service_url, path, body=write(activity))
        except Answered as error:
            if error.status == HTTPStatus.NOT_FOUND:
                raise UnknownMessage("The message is gone.") from error
            raise
        return ResourceResponse(id=activity_id)

    async def members(self, conversation_id: str) -> tuple[Member, ...]:
        """The roster.

        Raises:
            Unavailable: not now.
            Refused: the channel does not tell.
        """
        path = f"/v3/conversations/{quote(conversation_id, safe='')}"
        try:
            paged = tuple([member async for member in self._paged(f"{path}/pagedmembers")])
        except Answered as error:
            if error.status not in _NO_PAGES:
                raise
            paged = ()
        if paged:
            return paged
        return tuple(_members(await self._wire.call("GET", self._service_url, f"{path}/members")))

    async def _paged(self, path: str) -> AsyncIterator[Member]:
        query = {"pageSize": str(_PAGE_SIZE)}
        for _ in range(_MOST_PAGES):
            page = await self._wire.call("GET", self._service_url, path, query=query)
            page = page if isinstance(page, dict) else {}
            for member in _members(page.get("members")):
                yield member
            token = page.get("continuationToken")
            if not isinstance(token, str) or not token:
                return
            query["continuationToken"] = token


class Connector:
    """What the SDK asks of its connector client."""

    def __init__(self, wire: Wire, service_url: str) -> None:
        self.conversations = Conversations(wire, service_url)


def _members(answer: Any) -> list[Member]:
    members = []
    for account in answer if isinstance(answer, list) else []:
        if not isinstance(account, dict) or not isinstance(account.get("id"), str):
            continue
        object_id = account.get("aadObjectId") or account.get("objectId")
        name = account.get("name")
        members.append(
            Member(
                teams_id=account["id"],
                object_id=object_id.lower() if isinstance(object_id, str) else "",
                name=name if isinstance(name, str) else "",
            )
        )
    return members


def _code(answer: Any) -> str:
    """The error code in the channel's *answer*, such as `BotNotInConversationRoster`."""
    error = answer.get("error") if isinstance(answer, dict) else None
    code = error.get("code") if isinstance(error, dict) else None
    return code if isinstance(code, str) and _CODE.fullmatch(code) else ""


def _json(answer: bytes) -> Any:
    try:
        return orjson.loads(answer)
    except orjson.JSONDecodeError:
        return None
