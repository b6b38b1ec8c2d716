"""One message, as it stands in a conversation. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from html import unescape
import re
from typing import Any

from sandbox.channel.refusal import malformed

CARD = "application/vnd.microsoft.card.adaptive"
MOST_REFRESHES = 60
"""Without `userIds` a card refreshes for everybody in conversations of at most 60.
https://learn.microsoft.com/microsoftteams/platform/task-modules-and-cards/cards/universal-actions-for-adaptive-cards/work-with-universal-actions-for-adaptive-cards"""

_AT = re.compile(r"<at\b[^<>]{0,200}>([^<>]{0,400})</at>", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """What everybody sees of a message; one's own view of its card is kept elsewhere."""

    id: str
    place: str  #: id of the channel or chat
    root: str  #: the thread's first message, this one's own id if it is that; empty in a chat
    sender: str  #: `29:…` or `28:…`
    sender_name: str
    at: str  #: ISO 8601, UTC
    text: str = ""
    format: str = "plain"  #: "plain" | "markdown"
    mentions: tuple[str, ...] = ()  #: names that stand in the text as `@name`
    summary: str = ""  #: what a notification would say
    cards: tuple[Mapping[str, Any], ...] = ()
    version: int = 1
    is_deleted: bool = False

    def to_json(self) -> Mapping[str, Any]:
        """All of it."""
        return asdict(self)


def from_json(stored: Mapping[str, Any]) -> Message:
    """The message that `to_json` gave."""
    lists = {"mentions": tuple(stored["mentions"]), "cards": tuple(stored["cards"])}
    return Message(**{**stored, **lists})


def content(activity: Mapping[str, Any]) -> Mapping[str, Any]:
    """What a bot's *activity* puts into a message: the fields of `Message` by name.

    Raises:
        Refusal: there is nothing to show, or it is not shaped like an activity.
    """
    text = activity.get("text") or ""
    attachments = activity.get("attachments") or []
    if not isinstance(text, str) or not isinstance(attachments, list):
        raise malformed("The activity's text is no text, or its attachments are no list.")
    cards = tuple(_card(each) for each in attachments)
    if not text.strip() and not cards:
        raise malformed("The activity has neither text nor attachments.")
    mentioned = _mentioned(activity.get("entities"))
    names = tuple(name for name in (_name(tag) for tag in _AT.findall(text)) if name in mentioned)
    text = _AT.sub(lambda tag: f"@{_name(tag[1])}" if _name(tag[1]) in mentioned else tag[0], text)
    summary = activity.get("summary")
    is_plain = activity.get("textFormat") == "plain"
    return {
        "text": text,
        "format": "plain" if is_plain else "markdown",
        "mentions": names,
        "summary": summary if isinstance(summary, str) else "",
        "cards": cards,
    }


def refresh_action(message: Message, account_id: str, members: int) -> Mapping[str, Any] | None:
    """The action that fetches *account_id* a view of their own; None where they get none.

    *members* is how many people are in the conversation.
    """
    refresh = message.cards[0].get("refresh") if message.cards else None
    if not isinstance(refresh, Mapping):
        return None
    action, user_ids = refresh.get("action"), refresh.get("userIds")
    if not isinstance(action, Mapping) or action.get("type") != "Action.Execute":
        return None
    if user_ids is None:
        return action if members <= MOST_REFRESHES else None
    return action if isinstance(user_ids, list) and account_id in user_ids else None


def mentions_in_cards(cards: Iterable[Mapping[str, Any]]) -> frozenset[str]:
    """The ids whom *cards* mention, as Teams has them: `29:…`, object ids or addresses.

    https://learn.microsoft.com/microsoftteams/platform/task-modules-and-cards/cards/cards-format#mention-support-within-adaptive-cards
    """
    ids = set()
    for card in cards:
        teams = card.get("msteams")
        entities = teams.get("entities") if isinstance(teams, Mapping) else None
        for entity in entities if isinstance(entities, list) else []:
            mentioned = entity.get("mentioned") if isinstance(entity, Mapping) else None
            if isinstance(mentioned, Mapping):
                ids.add(str(mentioned.get("id")))
    return frozenset(ids)


def _card(attachment: Any) -> Mapping[str, Any]:
    if not isinstance(attachment, Mapping) or attachment.get("contentType") != CARD:
        raise malformed("Only Adaptive Cards can be attached here.")
    card = attachment.get("content")
    if not isinstance(card, Mapping) or card.get("type") != "AdaptiveCard":
        raise malformed("The attachment is no Adaptive Card.")
    return card


def _mentioned(entities: Any) -> frozenset[str]:
    """The names that *entities* make mentions of."""
    names = set()
    for entity in entities if isinstance(entities, list) else []:
        if isinstance(entity, Mapping) and entity.get("type") == "mention":
            tag = _AT.fullmatch(str(entity.get("text")))
            names.add(_name(tag[1]) if tag else "")
    return frozenset(names - {""})


def _name(tag: str) -> str:
    return unescape(tag).strip()
