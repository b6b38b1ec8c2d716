"""What we have to say reaches Teams: a loop over the outbox and over the cards that live.

Replies that this process makes are sent as soon as their transaction has committed, without
another look at the database. Whatever does not go through, or was left behind by a process that
died, is found by the loop. Of a card only the newest state matters: it is rendered when it is
sent, at most every two seconds, and the last state is always sent.
"""

import asyncio
from collections import defaultdict, deque
from collections.abc import Awaitable, Callable, Coroutine
from datetime import datetime, timedelta
from typing import Any

import structlog

from domain.actor import ObjectId
from domain.conversation import Conversation
from domain.dialog import DIALOG
from domain.errors import Refused, Unavailable, UnknownMessage
from domain.notice import Message, Notice
from domain.ports import Clock, Transport
from storage.living_cards import LivingCard
from storage.outbox import OutboxItem
from storage.store import Store
from storage.unit import UnitOfWork

log = structlog.get_logger(__name__)

EDIT_PAUSE = timedelta(seconds=2)
"""Edits count as sends: 60 in 30 s per conversation, and several runs may share one.
https://learn.microsoft.com/microsoftteams/platform/bots/how-to/rate-limit"""

_DIALOG_PAUSE = timedelta(milliseconds=300)
_POLL = timedelta(milliseconds=250)
_CALM_POLL = timedelta(milliseconds=500)  #: after a while without anything to send
_A_WHILE = timedelta(seconds=30)
_LEASE = timedelta(seconds=60)
_BATCH = 32
_LONGEST_PAUSE = timedelta(minutes=5)
_GIVE_UP_AFTER = 20  #: attempts, about an hour
_ROSTER_AGE = timedelta(minutes=5)

CardOf = Callable[[str], Awaitable[Message]]
"""The message that shows a run or a guided dialog, by subject, to everybody, as it is now."""

NoticeOf = Callable[[Notice, int], Awaitable[Message]]
"""The message for a notice, after so many attempts that failed."""


class Delivery:
    """Sends what is due. One per process that may talk to the channel."""

    def __init__(
        self,
        store: Store,
        transport: Transport,
        clock: Clock,
        *,
        owner: str,
        card_of: CardOf,
        notice_of: NoticeOf,
    ) -> None:
        self._store = store
        self._transport = transport
        self._clock = clock
        self._owner = owner
        self._card_of = card_of
        self._notice_of = notice_of
        self._mine: dict[str, deque[OutboxItem]] = defaultdict(deque)
        self._behind: set[str] = set()  #: conversations whose messages wait in the database
        self._sent: list[int] = []
        self._rosters: dict[str, datetime] = {}
        self._busy_at = clock.now()
        self._wake = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._is_ending = False

    def put(self, unit: UnitOfWork, conversation: Conversation, message: Message) -> None:
        """Have *message* sent once the transaction has committed, in the order of the puts."""
        if conversation.id in self._behind:
            unit.outbox.put(conversation, message)
            unit.after_commit(self._wake.set)
            return
        number = unit.outbox.put(conversation, message, owner=self._owner)
        item = OutboxItem(id=number, conversation=conversation, message=message, attempts=0)
        unit.after_commit(lambda: self._send_mine(item))

    async def run(self) -> None:
        """Deliver until it is to finish. What fails is tried again, later and later."""
        while not self._is_ending:
            try:
                is_busy = await self._round()
            except Unavailable as unavailable:
                log.warning("delivery waits for the database", problem=str(unavailable))
                is_busy = False
            if is_busy:
                self._busy_at = self._clock.now()
            else:
                await self._pause()

    async def finish(self, within: timedelta) -> None:
        """Begin nothing more, and let what is under way come to its end, for a clean stop.

        What is not sent stays in the database, for the next process.
        """
        self._is_ending = True
        self._wake.set()
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=within.total_seconds())
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        await self._record_sent()

    # -- our own replies ------------------------------------------------------------------

    def _send_mine(self, item: OutboxItem) -> None:
        if item.conversation.id in self._behind:  # it fell behind while this one was committed
            self._spawn(self._hand_over([item]))
            return
        waiting = self._mine[item.conversation.id]
        waiting.append(item)
        if len(waiting) == 1:
            self._spawn(self._drain(item.conversation.id))

    async def _drain(self, conversation_id: str) -> None:
        """Send this process's replies to one conversation, one after the other."""
        waiting = self._mine[conversation_id]
        try:
            while waiting and await self._send(waiting[0]):
                waiting.popleft()
        finally:  # whatever broke: the next reply must not wait behind this one for ever
            del self._mine[conversation_id]
            if waiting:
                self._behind.add(conversation_id)
        if waiting:
            await self._hand_over(list(waiting)[1:])

    async def _hand_over(self, rest: list[OutboxItem]) -> None:
        """Leave *rest* to the loop, which keeps the order: the first one waits for its time."""

        def postpone(unit: UnitOfWork) -> None:
            for item in rest:
                unit.outbox.postpone(item.id, unit.now, "behind another message")

        await self._store.transaction(postpone)

    async def _send(self, item: OutboxItem) -> bool:
        """Send one message; False where it is to be tried again later."""
        try:
            said = item.message
            if isinstance(said, Notice):
                said = await self._notice_of(said, item.attempts)
            await self._transport.send(item.conversation, said)
        except Unavailable as unavailable:
            return await self._postpone(item, unavailable)
        except Refused as refused:
            log.warning("message refused for good", id=item.id, problem=str(refused))
        except Exception:  # a message that breaks us must not stop the others
            log.exception("message could not be sent", id=item.id)
        self._sent.append(item.id)
        return True

    async def _postpone(self, item: OutboxItem, unavailable: Unavailable) -> bool:
        if item.attempts + 1 >= _GIVE_UP_AFTER:
            log.error("message given up", id=item.id, problem=str(unavailable))
            self._sent.append(item.id)
            return True
        until = self._clock.now() + _backoff(item.attempts, unavailable)
        problem = str(unavailable)
        await self._store.transaction(lambda unit: unit.outbox.postpone(item.id, until, problem))
        return False

    async def _record_sent(self) -> None:
        """Drop what was sent; the loop does it for many at once, not for each by itself."""
        done, self._sent = self._sent, []
        if not done:
            return
        try:
            await self._store.transaction(lambda unit: unit.outbox.done(done))
        except BaseException:  # else it would be sent again: they are dropped the next time
            self._sent += done
            raise

    # -- the loop -------------------------------------------------------------------------

    async def _round(self) -> bool:
        """Begin to send what is due; whether there was anything."""
        await self._record_sent()
        now = self._clock.now()
        is_due = await self._store.read(
            lambda unit: unit.outbox.is_due(now) or unit.cards.is_due(now)
        )
        if not is_due:
            return False
        items, cards = await self._store.transaction(
            lambda unit: (
                unit.outbox.due(now, self._owner, _LEASE, _BATCH),
                unit.cards.due(now, self._owner, _LEASE, _BATCH),
            )
        )
        for item in items:
            if not self._is_in_hand(item):
                self._spawn(self._send_due(item))
        for card in cards:
            self._spawn(self._show(card))
        return bool(items or cards)

    def _is_in_hand(self, item: OutboxItem) -> bool:
        """Whether we are sending it, or have sent it, for longer than its first lease."""
        mine = self._mine.get(item.conversation.id, ())
        return item.id in self._sent or any(each.id == item.id for each in mine)

    async def _send_due(self, item: OutboxItem) -> None:
        if not await self._send(item):
            return
        await self._record_sent()  # the next one of the conversation is due only then
        conversation_id = item.conversation.id
        if not await self._store.read(lambda unit: unit.outbox.is_waiting(conversation_id)):
            self._behind.discard(conversation_id)
        self._wake.set()

    async def _show(self, card: LivingCard) -> None:
        """Post or edit a message that lives."""
        try:
            await self._know_roster(card.conversation)
            message = await self._card_of(card.subject)
            activity_id = await self._put_card(card, message)
        except UnknownMessage:
            await self._store.transaction(lambda unit: unit.cards.forget_message(card.id))
            self._wake.set()
            return
        except Unavailable as unavailable:
            until = self._clock.now() + _backoff(card.attempts, unavailable)
        except Refused as refused:
            log.warning("card refused", subject=card.subject, problem=str(refused))
            until = self._clock.now() + _LONGEST_PAUSE
        except Exception:  # a card that breaks us must not stop the others
            log.exception("card could not be shown", subject=card.subject)
            until = self._clock.now() + _LONGEST_PAUSE
        else:
            at = self._clock.now()
            await self._store.transaction(
                lambda unit: unit.cards.sent(
                    card.id,
                    activity_id=activity_id,
                    version=card.wanted,
                    at=at,
                    pause=_pause_after(card),
                )
            )
            return
        await self._store.transaction(lambda unit: unit.cards.postpone(card.id, until))

    async def _put_card(self, card: LivingCard, message: Message) -> str:
        if card.activity_id is not None:
            await self._transport.update(card.conversation, card.activity_id, message)
            return card.activity_id
        posted = Message(markdown=message.markdown, card=message.card, reply_to=card.reply_to)
        return await self._transport.send(card.conversation, posted)

    async def _know_roster(self, conversation: Conversation) -> None:
        """Learn how Teams addresses the people of the conversation: a card's refresh needs it.

        Without it the card is shown all the same: whoever may decide can type.
        """
        now = self._clock.now()
        known = self._rosters.get(conversation.roster_id)
        if known is not None and now - known < _ROSTER_AGE:
            return
        self._rosters[conversation.roster_id] = now
        try:
            members = await self._transport.members(conversation)
        except (Unavailable, Refused) as error:
            log.warning("roster not known", problem=str(error))
            return

        def remember(unit: UnitOfWork) -> None:
            for member in members:
                if member.object_id:
                    unit.members.remember(
                        conversation.tenant,
                        ObjectId(member.object_id),
                        member.teams_id,
                        member.name,
                    )

        await self._store.transaction(remember)

    async def _pause(self) -> None:
        self._wake.clear()
        poll = _POLL if self._clock.now() - self._busy_at < _A_WHILE else _CALM_POLL
        try:
            async with asyncio.timeout(poll.total_seconds()):
                await self._wake.wait()
        except TimeoutError:
            return

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        if self._is_ending:
            work.close()
            return
        task = asyncio.get_running_loop().create_task(self._guarded(work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _guarded(self, work: Coroutine[Any, Any, None]) -> None:
        """A database that does not answer: the lease runs out, and it is done again."""
        try:
            await work
        except Unavailable as unavailable:
            log.warning("delivery not recorded", problem=str(unavailable))


def _pause_after(card: LivingCard) -> timedelta:
    """How long a message is left alone once it was sent.

    A dialog moves at the pace of the person who is asked, and an edit that comes late would take
    away what they fill in meanwhile.
    """
    is_dialog = card.subject.startswith(f"{DIALOG}/")
    return _DIALOG_PAUSE if is_dialog else EDIT_PAUSE


def _backoff(attempts: int, unavailable: Unavailable) -> timedelta:
    """How long to wait after one more failure than *attempts*, or what the channel asked for."""
    doubled = min(timedelta(seconds=1 << min(attempts, 16)), _LONGEST_PAUSE)
    return max(doubled, unavailable.retry_after or timedelta())
