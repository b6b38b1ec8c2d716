"""The simulated Teams: what is said in it, by people and the bot, and who sees what of it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Any

from domain.ports import Clock, Ids
from sandbox.channel.activities import Stage, Typed, moment, typed
from sandbox.channel.bot_line import Answer, BotLine
from sandbox.channel.history import History
from sandbox.channel.message import Message, content, mentions_in_cards
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
_LATEST = 300  #: messages of a place that a page gets


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
        self.views = Views()
        self._history = history
        self._line = line
        self._clock = clock
        self._ids = ids
        self._last_id = history.last_id

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
        written = self._written(text.strip())
        message_id = self.next_id()
        if spot.place.has_threads and not spot.root:
            spot = replace(spot, root=message_id)
        message = await self._said(account, spot, message_id, written, text.strip())
        if spot.place.needs_mention and not written.mentions(self.stage.bot_id):
            return Said(message=message, answer=None)
        activity = self.stage.message(
            account, spot, activity_id=message_id, at=self._clock.now(), typed=written
        )
        return Said(message=message, answer=await self._line.post(activity))

    async def show(self, account: Account, spot: Spot, text: str) -> str:
        """*text* appears as said by *account*, and the bot is not told; its id comes back."""
        message_id = self.next_id()
        await self._said(account, spot, message_id, self._written(text), text)
        return message_id

    async def install(self, conversation_id: str = "", *, by: Account | None = None) -> None:
        """Tell the bot that it was added: to the team, or to the chat *conversation_id*."""
        spot = self.places.at(conversation_id or self.places.team_id)
        sender = by or spot.place.members[0]
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

    def shown_to(self, account: Account, message_id: str) -> Message:
        """The message, which *account* can see.

        Raises:
            Refusal: there is no such message, or it is not theirs to see.
        """
        message = self._history.get(message_id)
        if message is None or message.is_deleted:
            raise unknown_message()
        if not self.places.at(message.place).place.is_seen_by(account):
            raise unknown_message()
        return message

    def is_current(self, message: Message) -> bool:
        """Whether it was not edited since."""
        return self._history.get(message.id) is message

    def show_view(self, account: Account, message: Message, card: Mapping[str, Any]) -> None:
        """*account* sees *card* in *message*, unless that was edited meanwhile.

        The card may be older than the edit.
        """
        if self.is_current(message):
            self.views.show(message, account, card)
            place = self.places.at(message.place).place
            self.watchers.tell(place, message.id, only=account)

    def next_id(self) -> str:
        """A new message id: milliseconds since 1970, as Teams' are, and no two are the same."""
        now = int(self._clock.now().timestamp() * 1000)
        self._last_id = max(self._last_id + 1, now)
        return str(self._last_id)

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
            return self.next_id()
        if kind != "message":
            raise malformed("Only messages can be sent.")
        shown = content(activity)
        at = self._clock.now()
        message_id = self.next_id()
        message = Message(
            id=message_id,
            place=spot.place.id,
            root=self._root(spot, activity, reply_to) or message_id,
            sender=self.stage.bot_id,
            sender_name=self.stage.bot_name,
            at=moment(at),
            **shown,
        )
        if not spot.place.has_threads:
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

    def _written(self, text: str) -> Typed:
        people = [(each.name, each.id) for each in self.roster.accounts]
        return typed(text, [(self.stage.bot_name, self.stage.bot_id), *people])

    async def _said(
        self, account: Account, spot: Spot, message_id: str, written: Typed, text: str
    ) -> Message:
        message = Message(
            id=message_id,
            place=spot.place.id,
            root=spot.root,
            sender=account.id,
            sender_name=account.name,
            at=moment(self._clock.now()),
            text=text,
            mentions=written.names,
        )
        await self._keep(message, spot.place)
        return message

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
        own = self.views.card(message, account)
        cards = message.cards if own is None else (own, *message.cards[1:])
        ids = mentions_in_cards(cards)
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
            "mentionsMe": account.name in message.mentions
            or bool(ids & {account.id, account.object_id}),
            "summary": message.summary,
            "cards": list(cards),
            "version": message.version,
            "isDeleted": message.is_deleted,
            "isOwnView": own is not None,
        }
