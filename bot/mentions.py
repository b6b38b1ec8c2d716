"""Whom a message calls: by a mention where Teams has told us their id there, else by name.

In a personal chat nobody need be called.
https://learn.microsoft.com/microsoftteams/platform/bots/how-to/conversations/channel-and-group-conversations#work-with-mentions
"""

from html import escape as html

from cards.text import escape, plain
from domain.actor import Actor
from domain.conversation import Conversation, ConversationKind
from domain.notice import Mention, Message
from storage.unit import UnitOfWork

_NAME_LIMIT = 60


def said_to(unit: UnitOfWork, person: Actor, conversation: Conversation, words: str) -> Message:
    """The message that says *words*, which are Markdown, to *person* in *conversation*."""
    if conversation.kind is ConversationKind.PERSONAL:
        return Message(markdown=words)
    teams_id = unit.members.teams_ids(person.tenant, [person.id]).get(person.id)
    if teams_id is None:
        return Message(markdown=f"{escape(person.name, limit=_NAME_LIMIT)}: {words}")
    name = plain(person.name, limit=_NAME_LIMIT)
    tag = f"<at>{html(name, quote=False)}</at>"
    mention = Mention(teams_id=teams_id, name=name, text=tag)
    return Message(markdown=f"{tag}: {words}", mentions=(mention,))
