"""Writes into conversations: the port `Transport`, over the adapter."""

from botbuilder.core import TurnContext
from botbuilder.schema import (
    Activity,
    ActivityTypes,
    Attachment,
    ChannelAccount,
    Entity,
    TextFormatTypes,
)
from botbuilder.schema import Mention as MentionEntity

from bot.botframework.adapter import Adapter
from bot.botframework.codec import Shared
from bot.botframework.connector import Connector
from domain.conversation import Conversation
from domain.notice import Member, Mention, Message

CARD = "application/vnd.microsoft.card.adaptive"


class ConnectorTransport:
    """Messages by way of a turn of the adapter and the Bot Connector."""

    def __init__(self, adapter: Adapter) -> None:
        self._adapter = adapter

    async def send(self, conversation: Conversation, message: Message) -> str:
        """Post *message*; its activity id comes back.

        Raises:
            Ambiguous: it was sent, and nobody said whether it arrived.
            Unavailable: not now; `retry_after` says when, where the channel said so.
            Refused: never.
        """
        activity_id = ""

        async def turn(context: TurnContext) -> None:
            nonlocal activity_id
            activity_id = (await context.send_activity(activity(message))).id

        await self._adapter.converse(conversation, message.reply_to, turn)
        return activity_id

    async def update(self, conversation: Conversation, activity_id: str, message: Message) -> None:
        """Put *message* in place of what *activity_id* was.

        Raises:
            Unavailable: not now.
            UnknownMessage: the message is gone.
            Refused: never.
        """

        async def turn(context: TurnContext) -> None:
            replacement = activity(message)
            replacement.id = activity_id
            await context.update_activity(replacement)

        await self._adapter.converse(conversation, message.reply_to, turn)

    async def members(self, conversation: Conversation) -> tuple[Member, ...]:
        """The roster of the channel or chat.

        Raises:
            Unavailable: not now.
            Refused: the channel does not tell.
        """
        members: tuple[Member, ...] = ()

        async def turn(context: TurnContext) -> None:
            nonlocal members
            connector: Connector = context.turn_state[Adapter.BOT_CONNECTOR_CLIENT_KEY]
            members = await connector.conversations.members(conversation.roster_id)

        await self._adapter.converse(conversation, "", turn)
        return members


def activity(message: Message) -> Activity:
    """*message* as an activity. Beside a card, its words are what a notification shows."""
    if message.card is None:
        return Activity(
            type=ActivityTypes.message,
            text=message.markdown,
            text_format=TextFormatTypes.markdown,
            entities=[_mention(each) for each in message.mentions] or None,
        )
    return Activity(
        type=ActivityTypes.message,
        summary=message.markdown or None,
        attachments=[Attachment(content_type=CARD, content=Shared(message.card))],
    )


def _mention(mention: Mention) -> Entity:
    # https://learn.microsoft.com/microsoftteams/platform/bots/how-to/conversations/channel-and-group-conversations#add-mentions-to-your-messages
    return MentionEntity(
        type="mention",
        text=mention.text,
        mentioned=ChannelAccount(id=mention.teams_id, name=mention.name),
    )
