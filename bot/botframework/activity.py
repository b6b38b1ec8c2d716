"""An activity's JSON, once its origin is verified, in our words. Pure.

https://learn.microsoft.com/azure/bot-service/rest-api/bot-framework-rest-connector-api-reference#activity-object
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from bot.botframework.codec import Malformed
from bot.botframework.mention import without_us
from bot.botframework.origin import Origin
from bot.inbound import Inbound, InboundKind
from domain.conversation import Conversation, ConversationKind

CARD_ACTION = "adaptiveCard/action"
"""https://learn.microsoft.com/adaptive-cards/authoring-cards/universal-action-model"""

_DIALOGS = {"task/fetch": InboundKind.FETCH, "task/submit": InboundKind.FORM}
"""https://learn.microsoft.com/microsoftteams/platform/task-modules-and-cards/task-modules/task-modules-bots"""

_SEARCH = "application/search"
"""https://learn.microsoft.com/microsoftteams/platform/task-modules-and-cards/cards/dynamic-search"""

_LONGEST_ID = 1000
_LONGEST_NAME = 200
_THREAD = ";messageid="


def inbound(raw: Mapping[str, Any], origin: Origin) -> Inbound:
    """What the activity *raw* from *origin* says.

    Raises:
        Malformed: it has no id or no conversation, or something in it is of another type.
    """
    sender = _object(raw, "from")
    activity = Inbound(
        kind=InboundKind.OTHER,
        activity_id=_id(raw),
        activity_type=_text(raw, "type"),
        conversation=_conversation(raw, origin),
        tenant=origin.tenant,
        sender=origin.sender,
        sender_name=_text(sender, "name")[:_LONGEST_NAME],
        sender_teams_id=_id(sender) if origin.sender else "",
        reply_to=_id(raw, "replyToId") if raw.get("replyToId") else "",
    )
    match activity.activity_type:
        case "message":
            return _message(raw, activity)
        case "invoke":
            return _invoke(raw, activity)
        case "installationUpdate" if raw.get("action") == "add":
            return replace(activity, kind=InboundKind.INSTALLED)
        case "installationUpdate" if raw.get("action") == "remove":
            return replace(activity, kind=InboundKind.REMOVED)
        case _:
            return activity


def _message(raw: Mapping[str, Any], activity: Inbound) -> Inbound:
    bot_id = activity.conversation.bot_id
    text, is_mentioned = without_us(_text(raw, "text"), raw.get("entities"), bot_id)
    value = raw.get("value")
    if isinstance(value, Mapping) and not text:
        # Action.Submit, to which clients without universal actions fall back. The verb may be
        # missing, then the token in the data names the command.
        verb = value.get("verb")
        return replace(
            activity,
            kind=InboundKind.ACTION,
            is_addressed=True,
            is_submit=True,
            verb=verb if isinstance(verb, str) else "",
            data=value,
        )
    is_personal = activity.conversation.kind is ConversationKind.PERSONAL
    return replace(
        activity,
        kind=InboundKind.MESSAGE,
        text=text,
        is_addressed=is_mentioned or is_personal,
    )


def _invoke(raw: Mapping[str, Any], activity: Inbound) -> Inbound:
    name = _text(raw, "name")
    value = raw.get("value")
    if name in _DIALOGS:
        data = _object(_object(raw, "value"), "data")
        return replace(
            activity, kind=_DIALOGS[name], is_addressed=True, invoke_name=name, data=data
        )
    if name == _SEARCH:
        data = _object(raw, "value")
        return replace(
            activity, kind=InboundKind.SEARCH, is_addressed=True, invoke_name=name, data=data
        )
    if name != CARD_ACTION:
        unknown = value if isinstance(value, Mapping) else None
        return replace(
            activity, kind=InboundKind.INVOKE, is_addressed=True, invoke_name=name, data=unknown
        )
    pressed = _object(raw, "value")
    action = _object(pressed, "action")
    return replace(
        activity,
        kind=InboundKind.ACTION,
        is_addressed=True,
        invoke_name=name,
        verb=_text(action, "verb"),
        data=_object(action, "data"),
        is_refresh=pressed.get("trigger") == "automatic",
    )


def _conversation(raw: Mapping[str, Any], origin: Origin) -> Conversation:
    account = _object(raw, "conversation")
    kind = _kind(account, raw)
    conversation_id = _id(account)
    if kind is ConversationKind.CHANNEL and _THREAD not in conversation_id:
        conversation_id += _thread(raw)
    return Conversation(
        tenant=origin.tenant,
        service_url=_text(raw, "serviceUrl"),
        id=conversation_id,
        kind=kind,
        bot_id=_id(_object(raw, "recipient")),
    )


def _kind(account: Mapping[str, Any], raw: Mapping[str, Any]) -> ConversationKind:
    try:
        return ConversationKind(_text(account, "conversationType"))
    except ValueError:
        # Not said, or a new word: the kind in which nothing is taken for a command unless we
        # are mentioned.
        in_channel = bool(_object(_object(raw, "channelData"), "channel"))
        return ConversationKind.CHANNEL if in_channel else ConversationKind.GROUP_CHAT


def _thread(raw: Mapping[str, Any]) -> str:
    """What makes a channel's id the id of the thread; empty where the activity is in none.

    A message without a parent starts a thread. The ids of other activities are no messages'.
    """
    if raw.get("replyToId"):
        return _THREAD + _id(raw, "replyToId")
    return _THREAD + _id(raw) if raw.get("type") == "message" else ""


def _id(owner: Mapping[str, Any], key: str = "id") -> str:
    value = owner.get(key)
    if not isinstance(value, str) or not 0 < len(value) <= _LONGEST_ID:
        raise Malformed(f"There is no {key}.")
    return value


def _text(owner: Mapping[str, Any], key: str) -> str:
    """The text under *key*; empty where there is nothing."""
    value = owner.get(key)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise Malformed(f"The {key} is no text.")
    return value


def _object(owner: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """The object under *key*; an empty one where there is nothing."""
    value = owner.get(key)
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise Malformed(f"The {key} is no object.")
    return value
