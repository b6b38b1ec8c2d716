"""Activities as Teams sends them. Pure.

https://learn.microsoft.com/microsoftteams/platform/bots/how-to/conversations/conversation-messages
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape
import re
from typing import Any

from domain.conversation import ConversationKind
from sandbox.channel.places import Spot
from sandbox.channel.roster import Account

CARD_ACTION = "adaptiveCard/action"
"""https://learn.microsoft.com/adaptive-cards/authoring-cards/universal-action-model"""
DIALOG_FETCH, DIALOG_SUBMIT = "task/fetch", "task/submit"
"""https://learn.microsoft.com/microsoftteams/platform/task-modules-and-cards/task-modules/task-modules-bots"""
SEARCH = "application/search"
"""https://learn.microsoft.com/microsoftteams/platform/task-modules-and-cards/cards/dynamic-search"""

_MOST_RESULTS = 15  #: that Teams asks for at once


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """What all activities of one installation share."""

    tenant: str
    bot_id: str  #: `28:<app id>`
    bot_name: str
    team_id: str
    team_name: str
    service_url: str

    def message(
        self, sender: Account, spot: Spot, *, activity_id: str, at: datetime, typed: "Typed"
    ) -> dict[str, Any]:
        """Somebody typed something."""
        return self._activity("message", sender, spot, activity_id, at) | {
            "textFormat": "plain",
            "text": typed.text,
            "attachments": [{"contentType": "text/html", "content": f"<p>{typed.text}</p>"}],
            "entities": [*typed.entities, _CLIENT],
        }

    def invoke(
        self,
        sender: Account,
        spot: Spot,
        *,
        activity_id: str,
        at: datetime,
        name: str,
        message_id: str,
        value: Mapping[str, Any],
    ) -> dict[str, Any]:
        """Somebody used the card in *message_id*, and waits for what the bot answers."""
        return self._activity("invoke", sender, spot, activity_id, at) | {
            "name": name,
            "replyToId": message_id,
            "value": dict(value),
            "entities": [_CLIENT],
        }

    def submit(
        self,
        sender: Account,
        spot: Spot,
        *,
        activity_id: str,
        at: datetime,
        message_id: str,
        value: Mapping[str, Any],
        text: str = "",
    ) -> dict[str, Any]:
        """Somebody pressed an `Action.Submit` of the card in *message_id*.

        *text* goes with it, as HTML, where the button says so (`imBack`, `messageBack`).
        """
        words = {"text": text, "textFormat": "plain"} if text else {}
        return self._activity("message", sender, spot, activity_id, at) | {
            "replyToId": message_id,
            "value": dict(value),
            "entities": [_CLIENT],
            **words,
        }

    def installed(
        self, sender: Account, spot: Spot, *, activity_ids: tuple[str, str], at: datetime
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """The two activities that tell that *sender* added the app to a place."""
        update, members = (
            self._activity(kind, sender, spot, activity_id, at)
            for kind, activity_id in zip(
                ("installationUpdate", "conversationUpdate"), activity_ids, strict=True
            )
        )
        return update | {"action": "add"}, members | {"membersAdded": [{"id": self.bot_id}]}

    def _activity(
        self, kind: str, sender: Account, spot: Spot, activity_id: str, at: datetime
    ) -> dict[str, Any]:
        conversation: dict[str, Any] = {
            "id": spot.conversation_id,
            "conversationType": spot.place.kind.value,
            "tenantId": self.tenant,
        }
        channel_data: dict[str, Any] = {"tenant": {"id": self.tenant}}
        if spot.place.kind is not ConversationKind.PERSONAL:
            conversation["isGroup"] = True
        if spot.place.kind is ConversationKind.CHANNEL:
            channel_data |= {
                "teamsChannelId": spot.place.id,
                "teamsTeamId": self.team_id,
                "channel": {"id": spot.place.id},
                "team": {"id": self.team_id, "name": self.team_name},
            }
        return {
            "type": kind,
            "id": activity_id,
            "timestamp": moment(at),
            "localTimestamp": at.astimezone(UTC).isoformat(timespec="milliseconds"),
            "localTimezone": "Etc/UTC",
            "locale": "en-GB",
            "channelId": "msteams",
            "serviceUrl": self.service_url,
            "from": {"id": sender.id, "name": sender.name, "aadObjectId": sender.object_id},
            "recipient": {"id": self.bot_id, "name": self.bot_name},
            "conversation": conversation,
            "channelData": channel_data,
        }


def card_action(action: Mapping[str, Any], *, is_automatic: bool) -> Mapping[str, Any]:
    """The value of `adaptiveCard/action`, for an `Action.Execute` or a card's refresh."""
    known = ("type", "id", "verb", "data")
    return {
        "action": {key: action[key] for key in known if key in action},
        "trigger": "automatic" if is_automatic else "manual",
    }


def dialog_value(data: Any, *, theme: str) -> Mapping[str, Any]:
    """The value of `task/fetch` and `task/submit`: a button's data with the inputs' values."""
    return {"data": data, "context": {"theme": theme}}


def search_value(
    text: str, *, dataset: str, inputs: Mapping[str, Any] | None
) -> Mapping[str, Any]:
    """The value of `application/search`; *inputs* are the other ones' values, or None."""
    value = {
        "queryText": text,
        "queryOptions": {"skip": 0, "top": _MOST_RESULTS},
        "dataset": dataset,
    }
    return value if inputs is None else value | {"data": dict(inputs)}


_CLIENT = {
    "type": "clientInfo",
    "locale": "en-GB",
    "country": "GB",
    "platform": "Web",
    "timezone": "Etc/UTC",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Typed:
    """What somebody typed, as it goes over the wire."""

    text: str  #: HTML, each mention an `<at>`
    entities: tuple[Mapping[str, Any], ...]
    names: tuple[str, ...]  #: who is mentioned

    def mentions(self, account_id: str) -> bool:
        """Whether *account_id* is mentioned."""
        return any(entity["mentioned"]["id"] == account_id for entity in self.entities)


def typed(text: str, people: Iterable[tuple[str, str]]) -> Typed:
    """*text* with each `@name` of *people*, pairs of name and Teams id, made a mention."""
    ids = {name.lower(): (name, account_id) for name, account_id in people}
    longest_first = sorted(ids, key=len, reverse=True)
    names = "|".join(re.escape(name) for name in longest_first)
    pattern = re.compile(rf"(?<![\w@])@({names})(?![\w-])", re.IGNORECASE)
    entities: list[Mapping[str, Any]] = []
    parts: list[str] = []
    end = 0
    for found in pattern.finditer(text):
        name, account_id = ids[found[1].lower()]
        tag = f"<at>{escape(name, quote=False)}</at>"
        entities.append(
            {"type": "mention", "text": tag, "mentioned": {"id": account_id, "name": name}}
        )
        parts += [escape(text[end : found.start()], quote=False), tag]
        end = found.end()
    parts.append(escape(text[end:], quote=False))
    return Typed(
        text="".join(parts),
        entities=tuple(entities),
        names=tuple(dict.fromkeys(entity["mentioned"]["name"] for entity in entities)),
    )


def moment(at: datetime) -> str:
    """*at* as the wire writes it."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
