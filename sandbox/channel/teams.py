"""The simulated Teams: what people do in it, what the bot does in it, and who sees what of it."""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from http import HTTPStatus
from typing import Any

from domain.conversation import ConversationKind
from domain.ports import Clock, Ids
from sandbox.channel.activities import Stage, moment, typed
from sandbox.channel.bot_line import (
    Answer,
    BotLine,
    Outcome,
    OutcomeKind,
    outcome,
)
from sandbox.channel.history import History
from sandbox.channel.message import Message, content, refresh_action
from sandbox.channel.places import Place, Places, Spot
from sandbox.channel.refusal import (
    Refusal,
    malformed,
    unknown_conversation,
    unknown_message,
)
from sandbox.channel.roster import Account
from sandbox.channel.views import Views
from sandbox.channel.watch import Watchers

LONGEST_TEXT = 20_000  #: characters that somebody may type
LARGEST_MESSAGE = 100 * 1024
"""Bytes of a bot's message in UTF-16.
https://learn.microsoft.com/microsoftteams/platform/bots/how-to/format-your-bot-messages"""

_LATEST = 300  #: messages of a place that a page gets
_AT_ONCE = 8  #: views that are fetched at the same time


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What became of a message that somebody typed."""

    message: Message
    answer: Answer | None  #: the bot's; None where it was not told, nobody having mentioned it


class Teams:
    """One tenant with one team, its channels, and each person's chat with the bot."""

    def __init__(
        self,
        *,
        places: Places,
        history: History,
        line: BotLine,
        stage: Stage,
        clock: Clock,
        ids: Ids,
    ) -> None:
        self.places = places
        self.roster = places.roster
        self.stage = stage
        self.watchers = Watchers()
        self._history = history
        self._line = line
        self._clock = clock
        self._ids = ids
        self._views = Views()
        self._last_id = history.last_id
        self._at_once = asyncio.Semaphore(_AT_ONCE)

    # What people do

    async def say(self, account: Account, conversation_id: str, text: str) -> Said:
        """*account* types *text*; the bot is told where Teams would tell it.

        In a channel *conversation_id* may name the thread; else a new one starts.

        Raises:
            Refusal: there is no such conversation, or nothing to say.
        """
        spot = self._open_to(account, conversation_id)
        if not text.strip():
            raise malformed("There is nothing to send.")
        if len(text) > LONGEST_TEXT:
            sentence = f"A message has at most {LONGEST_TEXT} characters."
            raise Refusal(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "MessageSizeTooBig", sentence)
        at = self._clock.now()
        people = [(each.name, each.id) for each in self.roster.accounts]
        written = typed(text.strip(), [(self.stage.bot_name, self.stage.bot_id), *people])
        message_id = self._message_id(at)
        in_channel = spot.place.kind is ConversationKind.CHANNEL
        spot = replace(spot, root=spot.root or message_id) if in_channel else spot
        message = Message(
            id=message_id,
            place=spot.place.id,
            root=spot.root,
            sender=account.id,
            sender_name=account.name,
            at=moment(at),
            text=text.strip(),
            mentions=written.names,
        )
        await self._keep(message, spot.place)
        if in_channel and not written.mentions(self.stage.bot_id):
            return Said(message=message, answer=None)
        activity = self.stage.message(account, spot, activity_id=message_id, at=at, typed=written)
        return Said(message=message, answer=await self._line.post(activity))

    async def press(self, account: Account, message_id: str, action: Mapping[str, Any]) -> Outcome:
        """*account* presses a button of the card in a message.

        *action* is the button's JSON, its `data` with the inputs' values. A card that comes back
        is the view of who pressed, and of nobody else: to change it for all, a bot edits the
        message.

        Raises:
            Refusal: there is no such message, or no such kind of button.
        """
        message = self._shown_to(account, message_id)
        at = self._clock.now()
        spot = Spot(place=self.places.at(message.place).place, root=message.root)
        match action.get("type"):
            case "Action.Execute":
                return await self._execute(account, message, action, is_automatic=False)
            case "Action.Submit":
                data = action.get("data")
                activity = self.stage.submit(
                    account,
                    spot,
                    activity_id=self._message_id(at),
                    at=at,
                    message_id=message.id,
                    value=data if isinstance(data, Mapping) else {},
                )
                answer = await self._line.post(activity)
                if answer.failure:
                    return Outcome(kind=OutcomeKind.FAILURE, text=answer.failure)
                return Outcome(kind=OutcomeKind.NOTHING)
            case _:
                raise malformed("Only Action.Execute and Action.Submit go to a bot.")

    async def look(self, account: Account, message_ids: Iterable[str]) -> None:
        """*account* has these messages on screen: fetch their own views, as cards ask for it.

        Raises:
            Refusal: there is no such message.
        """
        messages = [self._shown_to(account, each) for each in dict.fromkeys(message_ids)]
        async with asyncio.TaskGroup() as group:
            for message in messages:
                group.create_task(self._look(account, message))

    async def install(self, conversation_id: str = "", *, by: Account | None = None) -> None:
        """Tell the bot that it was added: to the team, or to the chat *conversation_id*."""
        spot = self.places.at(conversation_id or self.places.team_id)
        sender = by or spot.place.owner or self.roster.accounts[0]
        ids = (f"f:{self._ids.uuid()}", f"f:{self._ids.uuid()}")
        stage, at = self.stage, self._clock.now()
        for activity in stage.installed(sender, spot, activity_ids=ids, at=at):
            await self._line.post(activity)

    # What people see

    def messages(self, account: Account, conversation_id: str) -> list[dict[str, Any]]:
        """The latest messages of a place, as *account* sees them, oldest first.

        Raises:
            Refusal: there is no such conversation.
        """
        place = self._open_to(account, conversation_id).place
        latest = self._history.of(place.id, most=_LATEST)
        return [self._seen_by(account, each) for each in latest]

    def message(self, account: Account, message_id: str) -> dict[str, Any] | None:
        """One message as *account* sees it; None where it is not there any more."""
        message = self._history.get(message_id)
        return self._seen_by(account, message) if message else None

    # What the bot does

    async def post(
        self, conversation_id: str, activity: Mapping[str, Any], *, reply_to: str = ""
    ) -> str:
        """The bot sends *activity*; its id comes back.

        Raises:
            Refusal: there is no such conversation, or the activity cannot be shown.
        """
        spot = self.places.at(conversation_id)
        kind = activity.get("type")
        if kind == "typing":
            self.watchers.tell_typing(spot.place)
            return self._message_id(self._clock.now())
        if kind != "message":
            raise malformed("Only messages can be sent.")
        shown = content(activity)
        at = self._clock.now()
        message_id = self._message_id(at)
        message = Message(
            id=message_id,
            place=spot.place.id,
            root=self._root(spot, activity, reply_to) or message_id,
            sender=self.stage.bot_id,
            sender_name=self.stage.bot_name,
            at=moment(at),
            **shown,
        )
        if spot.place.kind is not ConversationKind.CHANNEL:
            message = replace(message, root="")
        await self._keep(message, spot.place)
        return message_id

    async def update(
        self, conversation_id: str, message_id: str, activity: Mapping[str, Any]
    ) -> None:
        """The bot puts *activity* in place of a message of its own.

        Raises:
            Refusal: it is not there, or not the bot's, or the activity cannot be shown.
        """
        message = self._bots_own(conversation_id, message_id)
        await self._edit(replace(message, version=message.version + 1, **content(activity)))

    async def delete(self, conversation_id: str, message_id: str) -> None:
        """The bot takes back a message of its own.

        Raises:
            Refusal: it is not there, or not the bot's.
        """
        message = self._bots_own(conversation_id, message_id)
        gone: dict[str, Any] = {"text": "", "summary": "", "cards": (), "mentions": ()}
        version = message.version + 1
        await self._edit(replace(message, is_deleted=True, version=version, **gone))

    def thread_of(self, conversation_id: str, message_id: str) -> str:
        """The id of the conversation, down to the thread, in which a message stands."""
        message = self._history.get(message_id)
        place = self.places.at(conversation_id).place
        return Spot(place=place, root=message.root if message else "").conversation_id

    # How it is done

    async def _look(self, account: Account, message: Message) -> None:
        place = self.places.at(message.place).place
        action = refresh_action(message, account.id, len(self.places.members(place)))
        if action is None or not self._views.must_ask(message, account):
            return
        async with self._at_once:
            if self._history.get(message.id) is not message:
                return  # edited while it waited: whoever looks is told, and asks anew
            seen = await self._execute(account, message, action, is_automatic=True)
        if seen.kind is OutcomeKind.FAILURE:
            self._views.ask_again(message, account)

    async def _execute(
        self,
        account: Account,
        message: Message,
        action: Mapping[str, Any],
        *,
        is_automatic: bool,
    ) -> Outcome:
        place = self.places.at(message.place).place
        activity = self.stage.execute(
            account,
            Spot(place=place, root=message.root),
            activity_id=f"f:{self._ids.uuid()}",
            at=self._clock.now(),
            message_id=message.id,
            action=action,
            is_automatic=is_automatic,
        )
        became = outcome(await self._line.post(activity))
        if became.card is not None and self._history.get(message.id) is message:
            # Where the message was edited meanwhile, the card may be older than the edit.
            self._views.show(message, account, became.card)
            self.watchers.tell(place, message.id, only=account)
        return became

    async def _edit(self, message: Message) -> None:
        await self._keep(message, self.places.at(message.place).place)

    async def _keep(self, message: Message, place: Place) -> None:
        await self._history.put(message)
        self.watchers.tell(place, message.id)

    def _bots_own(self, conversation_id: str, message_id: str) -> Message:
        place = self.places.at(conversation_id).place
        message = self._history.get(message_id)
        if message is None or message.is_deleted or message.place != place.id:
            raise unknown_message()
        if message.sender != self.stage.bot_id:
            sentence = "That message is not the bot's."
            raise Refusal(HTTPStatus.FORBIDDEN, "MessageWritesBlocked", sentence)
        return message

    def _root(self, spot: Spot, activity: Mapping[str, Any], reply_to: str) -> str:
        """The thread that a bot's message goes to; empty for a new one."""
        wanted = spot.root or reply_to or activity.get("replyToId") or ""
        parent = self._history.get(wanted) if isinstance(wanted, str) else None
        if parent is None or parent.place != spot.place.id:
            if spot.root:
                raise unknown_conversation()
            if reply_to:
                raise unknown_message()
            return ""
        return parent.root

    def _shown_to(self, account: Account, message_id: str) -> Message:
        message = self._history.get(message_id)
        if message is None or message.is_deleted:
            raise unknown_message()
        if not self.places.at(message.place).place.is_seen_by(account):
            raise unknown_message()
        return message

    def _open_to(self, account: Account, conversation_id: str) -> Spot:
        spot = self.places.at(conversation_id)
        if not spot.place.is_seen_by(account):
            raise unknown_conversation()
        if spot.root:
            root = self._history.get(spot.root)
            if root is None or root.place != spot.place.id or root.root != root.id:
                raise unknown_conversation()
        return spot

    def _seen_by(self, account: Account, message: Message) -> dict[str, Any]:
        own = self._views.card(message, account)
        cards = message.cards if own is None else (own, *message.cards[1:])
        return {
            "id": message.id,
            "place": message.place,
            "root": message.root,
            "sender": message.sender,
            "senderName": message.sender_name,
            "isFromBot": message.sender == self.stage.bot_id,
            "at": message.at,
            "text": message.text,
            "format": message.format,
            "mentions": list(message.mentions),
            "summary": message.summary,
            "cards": list(cards),
            "version": message.version,
            "isDeleted": message.is_deleted,
            "isOwnView": own is not None,
        }

    def _message_id(self, at: datetime) -> str:
        """Teams' ids are milliseconds since 1970, and no two are the same."""
        self._last_id = max(self._last_id + 1, int(at.timestamp() * 1000))
        return str(self._last_id)
