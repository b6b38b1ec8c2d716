"""Another Bot Connector on loopback: it keeps the messages that the bot writes, as Teams would."""

from dataclasses import dataclass, field
import re
from typing import Any
from urllib.parse import unquote

from aiohttp import web

TENANT = "00000000-0000-4000-8000-00000000aaaa"
BOT = "28:00000000-0000-4000-8000-00000000b07a"
CHANNEL = "19:ops-of-scenarios@thread.tacv2"
PEOPLE = {
    name: f"00000000-0000-4000-8000-0000000000{number:02}"
    for number, name in enumerate(
        (
            "dev-1",
            "sre-1",
            "approver-1",
            "approver-2",
            "viewer-1",
            "auditor-1",
            "commander-1",
            "guest-1",
        ),
        start=1,
    )
}

_SEND = re.compile(r"/v3/conversations/([^/]+)/activities(?:/[^/]+)?")
_MEMBERS = re.compile(r"/v3/conversations/([^/]+)/(?:paged)?members")


def teams_id(name: str) -> str:
    return f"29:{name}-in-teams"


@dataclass
class Posted:
    """A message of the bot, as it is now."""

    id: str
    conversation_id: str
    activity: dict[str, Any]
    versions: list[dict[str, Any]] = field(default_factory=list)  #: all there were, oldest first

    @property
    def text(self) -> str:
        return str(self.activity.get("text") or "")

    @property
    def card(self) -> dict[str, Any] | None:
        for attachment in self.activity.get("attachments") or []:
            if attachment["contentType"] == "application/vnd.microsoft.card.adaptive":
                return dict(attachment["content"])
        return None


class BotConnector:
    """Listens between `start` and `stop`."""

    def __init__(self) -> None:
        self.messages: dict[str, Posted] = {}
        self.authorizations: set[str] = set()
        self.address = ""
        self._runner: web.AppRunner | None = None

    @property
    def url(self) -> str:
        return f"http://{self.address}/"

    async def start(self) -> None:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._handle)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.address = f"127.0.0.1:{self._runner.addresses[0][1]}"

    async def stop(self) -> None:
        if self._runner:
            await self._runner.cleanup()

    def said_in(self, conversation_id: str) -> list[Posted]:
        return [m for m in self.messages.values() if m.conversation_id == conversation_id]

    async def _handle(self, request: web.Request) -> web.Response:
        self.authorizations.add(request.headers.get("Authorization", ""))
        path = request.raw_path.partition("?")[0]
        if request.method == "GET" and (match := _MEMBERS.fullmatch(path)):
            members = [
                {"id": teams_id(name), "name": name, "aadObjectId": object_id}
                for name, object_id in PEOPLE.items()
            ]
            return web.json_response({"members": members} if "paged" in path else members)
        match = _SEND.fullmatch(path)
        if match is None:
            return web.json_response({"error": {"code": "NotFound"}}, status=404)
        activity = await request.json()
        if request.method == "PUT":
            message_id = unquote(path.rpartition("/")[2])
            known = self.messages.get(message_id)
            if known is None:
                return web.json_response({"error": {"code": "ActivityNotFound"}}, status=404)
            known.activity = activity
            known.versions.append(activity)
            return web.json_response({"id": message_id})
        message_id = f"17000000{len(self.messages):05}"
        self.messages[message_id] = Posted(
            id=message_id,
            conversation_id=unquote(match[1]),
            activity=activity,
            versions=[activity],
        )
        return web.json_response({"id": message_id}, status=201)
