"""The Bot Connector's REST API: what the bot calls.

Ids such as `19:…@thread.tacv2;messageid=…` arrive percent-encoded. Tokens are not looked at: this
is loopback, and nothing here is worth one.
https://learn.microsoft.com/azure/bot-service/rest-api/bot-framework-rest-connector-api-reference
"""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from aiohttp import web
import orjson

from sandbox.channel.places import Place
from sandbox.channel.refusal import Refusal, malformed, unknown_conversation
from sandbox.channel.teams import Teams
from sandbox.channel.trouble import Trouble
from sandbox.channel.web import json_object

LARGEST_MESSAGE = 100 * 1024
"""Bytes of a message in UTF-16.
https://learn.microsoft.com/microsoftteams/platform/bots/how-to/format-your-bot-messages"""

_PAGE_SIZES = (1, 500)
_PAGE_SIZE = 200


class ConnectorApi:
    """The handlers."""

    def __init__(self, teams: Teams, trouble: Trouble) -> None:
        self._teams = teams
        self._trouble = trouble

    def add_routes(self, router: web.UrlDispatcher) -> None:
        """Answer under `/v3`."""
        conversation = "/v3/conversations/{conversation}"
        activities = f"{conversation}/activities"
        activity = f"{activities}/{{activity}}"
        for method, path, handler in (
            ("POST", "/v3/conversations", self._create),
            ("POST", activities, self._send),
            ("POST", activity, self._reply),
            ("PUT", activity, self._update),
            ("DELETE", activity, self._delete),
            ("GET", f"{activity}/members", self._members),
            ("GET", f"{conversation}/members", self._members),
            ("GET", f"{conversation}/members/{{member}}", self._member),
            ("GET", f"{conversation}/pagedmembers", self._paged_members),
            ("GET", "/v3/teams/{team}", self._team),
            ("GET", "/v3/teams/{team}/conversations", self._channels),
        ):
            router.add_route(method, path, self._braked(handler))

    def _braked(self, handler: Any) -> Any:
        async def answer(request: web.Request) -> web.StreamResponse:
            edited = request.match_info.get("activity", "") if request.method == "PUT" else ""
            self._trouble.meet(request.match_info.get("conversation", ""), edited=edited)
            response: web.StreamResponse = await handler(request)
            await self._trouble.dawdle()
            return response

        return answer

    async def _send(self, request: web.Request) -> web.Response:
        activity = await _activity(request)
        sent = await self._teams.post(request.match_info["conversation"], activity)
        return web.json_response({"id": sent}, status=HTTPStatus.CREATED)

    async def _reply(self, request: web.Request) -> web.Response:
        activity = await _activity(request)
        conversation, parent = request.match_info["conversation"], request.match_info["activity"]
        sent = await self._teams.post(conversation, activity, reply_to=parent)
        return web.json_response({"id": sent}, status=HTTPStatus.CREATED)

    async def _update(self, request: web.Request) -> web.Response:
        activity = await _activity(request)
        conversation, activity_id = (
            request.match_info["conversation"],
            request.match_info["activity"],
        )
        await self._teams.update(conversation, activity_id, activity)
        return web.json_response({"id": activity_id})

    async def _delete(self, request: web.Request) -> web.Response:
        conversation, activity_id = (
            request.match_info["conversation"],
            request.match_info["activity"],
        )
        await self._teams.delete(conversation, activity_id)
        return web.Response()

    async def _create(self, request: web.Request) -> web.Response:
        """A chat with one person, or a new thread in a channel."""
        body = await json_object(request)
        conversation_id = self._wanted(body)
        answer = {"id": conversation_id}
        first = body.get("activity")
        if isinstance(first, Mapping):
            sent = await self._teams.post(conversation_id, first)
            answer["activityId"] = sent
            answer["id"] = self._teams.thread_of(conversation_id, sent)
        return web.json_response(answer, status=HTTPStatus.CREATED)

    def _wanted(self, body: Mapping[str, Any]) -> str:
        channel_data = body.get("channelData")
        channel = channel_data.get("channel") if isinstance(channel_data, Mapping) else None
        if isinstance(channel, Mapping) and isinstance(channel.get("id"), str):
            return self._place(channel["id"]).id
        members = body.get("members")
        ids = [each.get("id") for each in members or [] if isinstance(each, Mapping)]
        if len(ids) != 1 or not isinstance(ids[0], str):
            raise malformed("A chat is with exactly one member.")
        account = self._teams.roster.find(ids[0])
        if account is None:
            raise Refusal(HTTPStatus.FORBIDDEN, "UserNotInTenant", "There is no such person.")
        return self._teams.places.chats[account.id].id

    async def _members(self, request: web.Request) -> web.Response:
        return web.json_response(self._roster(request))

    async def _paged_members(self, request: web.Request) -> web.Response:
        members = self._roster(request)
        size = _number(request, "pageSize", _PAGE_SIZE)
        size = max(_PAGE_SIZES[0], min(size, _PAGE_SIZES[1]))
        start = _number(request, "continuationToken", 0)
        page: dict[str, Any] = {"members": members[start : start + size]}
        if start + size < len(members):
            page["continuationToken"] = str(start + size)
        return web.json_response(page)

    async def _member(self, request: web.Request) -> web.Response:
        place = self._place(request.match_info["conversation"])
        account = self._teams.roster.find(request.match_info["member"])
        if account is None or account not in place.members:
            sentence = "The person is not in the conversation."
            raise Refusal(HTTPStatus.NOT_FOUND, "MemberNotFoundInConversation", sentence)
        return web.json_response(account.member(self._teams.stage.tenant))

    async def _team(self, request: web.Request) -> web.Response:
        team_id = self._team_id(request)
        return web.json_response({"id": team_id, "name": self._teams.places.team})

    async def _channels(self, request: web.Request) -> web.Response:
        first = self._team_id(request)
        channels = [
            # Teams does not tell the name of the first: it is called differently in each language.
            {"id": each.id} if each.id == first else {"id": each.id, "name": each.name}
            for each in self._teams.places.channels
        ]
        return web.json_response({"conversations": channels})

    def _team_id(self, request: web.Request) -> str:
        team_id = self._teams.places.team_id
        if request.match_info["team"] != team_id:
            raise unknown_conversation()
        return team_id

    def _roster(self, request: web.Request) -> list[Mapping[str, Any]]:
        place = self._place(request.match_info["conversation"])
        tenant = self._teams.stage.tenant
        return [each.member(tenant) for each in place.members]

    def _place(self, conversation_id: str) -> Place:
        return self._teams.places.at(conversation_id).place


async def _activity(request: web.Request) -> Mapping[str, Any]:
    """The activity in the body.

    Raises:
        Refusal: there is none, or it is larger than Teams takes.
    """
    activity = await json_object(request)
    shown = orjson.dumps([activity.get(key) for key in ("text", "attachments", "entities")])
    if len(shown.decode().encode("utf-16-le")) > LARGEST_MESSAGE:
        raise Refusal(
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "MessageSizeTooBig", "The message is too large."
        )
    return activity


def _number(request: web.Request, key: str, default: int) -> int:
    value = request.query.get(key, "")
    return int(value) if value.isascii() and value.isdigit() else default
