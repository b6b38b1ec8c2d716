"""The one road: a verified activity becomes a command, is permitted, carried out and recorded.

Look up, bind the arguments, ask who it is, ask the policy, prepare: up to here nothing is
written. Then one transaction claims the activity, does the work, records it and puts the reply
into the outbox. Claiming comes first in it: an activity that was seen before does nothing, in
however many copies it arrives at once.

What is refused is claimed and recorded too, in a transaction of its own. So is a mistake of ours:
its own transaction was undone as a whole, and the person is told so. If the same activity came
again and succeeded after that, what we said would be untrue; who wants it again can say it again.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Protocol

import structlog

from bot.access.words import denial
from bot.answering import Answering
from bot.card_tokens import BadToken, CardTokens
from bot.command import Installation, Work
from bot.dialog_views import DialogViews
from bot.filled import filled_in, texts_of
from bot.guided import Guided
from bot.inbound import Inbound, InboundKind, InvokeAnswer
from bot.offers import Offers
from bot.permitted import guessed
from bot.preparation import DirectorySilent, Preparation
from bot.refusals import recorded
from bot.replies import found_answer, markdown, words_answer
from bot.run_views import LOOK
from bot.turn import Turn
from bot.welcome import welcome
from domain.audit import Event
from domain.command import Card, DialogCard, Effect, Reply, RunCard, ScheduleCard, Text
from domain.conversation import Conversation
from domain.dialog import Move
from domain.errors import (
    MissingArguments,
    NotPermitted,
    Refused,
    Unavailable,
    UnknownCommand,
    UnknownRun,
)
from domain.notice import Message
from domain.policy import GateKind, Request
from domain.ports import Clock, Ids
from storage.recents import Said
from storage.store import Store
from storage.unit import UnitOfWork

log = structlog.get_logger(__name__)

PATIENCE = timedelta(seconds=1.6)
"""What directory and live systems get together: the channel wants an answer within two seconds."""

LATEST = timedelta(seconds=1.9)
"""When whoever pressed a button is answered, though the database has not answered us yet."""

_WELCOME = "welcome"
"""What is claimed, like an activity, in each conversation that we have greeted."""

_NOT_A_CARD_ACTION = 501


class Outbound(Protocol):
    """Where replies go."""

    def put(self, unit: UnitOfWork, conversation: Conversation, message: Message) -> None:
        """Have *message* sent once the transaction has committed."""
        ...


class Dispatcher:
    """Answers activities."""

    def __init__(
        self,
        *,
        store: Store,
        installation: Installation,
        tokens: CardTokens,
        offers: Offers,
        dialogs: DialogViews,
        outbound: Outbound,
        clock: Clock,
        ids: Ids,
    ) -> None:
        self._store = store
        self._installation = installation
        self._preparation = Preparation(store, installation, tokens)
        self._guided = Guided(
            store=store,
            installation=installation,
            preparation=self._preparation,
            offers=offers,
            clock=clock,
            ids=ids,
        )
        self._dialogs = dialogs
        self._answering = Answering(store, installation, dialogs)
        self._outbound = outbound
        self._ids = ids
        self._serving: set[asyncio.Task[InvokeAnswer | None]] = set()
        self._known: set[tuple[str, str]] = set()

    async def handle(self, inbound: Inbound) -> InvokeAnswer | None:
        """Answer *inbound*; None for what is no invoke."""
        match inbound.kind:
            case InboundKind.MESSAGE if inbound.is_addressed:
                return await self._serve(inbound)  # it may come again, so it is not hurried
            case InboundKind.ACTION if not inbound.is_submit and (
                inbound.is_refresh or inbound.verb == LOOK
            ):
                return await self._refresh(self._begin(inbound))
            case InboundKind.ACTION | InboundKind.FETCH | InboundKind.FORM:
                return await self._serve_in_time(inbound)
            case InboundKind.SEARCH:
                return await self._search(self._begin(inbound))
            case InboundKind.INVOKE:
                return InvokeAnswer(status=_NOT_A_CARD_ACTION)
            case InboundKind.INSTALLED | InboundKind.REMOVED:
                await self._welcome(inbound)
                return None
            case InboundKind.MESSAGE | InboundKind.OCCURRENCE | InboundKind.OTHER:
                return None

    async def _serve_in_time(self, inbound: Inbound) -> InvokeAnswer | None:
        """As `_serve`; what takes too long goes on, and its outcome is seen on the cards."""
        serving = asyncio.get_running_loop().create_task(self._serve(inbound))
        self._serving.add(serving)
        serving.add_done_callback(self._served)
        try:
            await asyncio.wait({serving}, timeout=LATEST.total_seconds())
        except asyncio.CancelledError:
            serving.cancel()
            raise
        if serving.done():
            return serving.result()
        log.warning("request is late", activity=inbound.activity_id)
        return self._answering.late(self._begin(inbound))

    def _served(self, serving: asyncio.Task[InvokeAnswer | None]) -> None:
        self._serving.discard(serving)
        if not serving.cancelled() and (error := serving.exception()) is not None:
            log.error("answer not made", problem=repr(error))

    async def _serve(self, inbound: Inbound) -> InvokeAnswer | None:
        turn = self._begin(inbound)
        try:
            work = await self._work(turn)
            reply = await self._store.transaction(lambda unit: self._commit(unit, turn, work))
        except Refused as refused:
            return await self._refuse(turn, refused)
        except Unavailable as unavailable:
            return await self._apologise(turn, unavailable)
        except Exception:  # whoever asked waits, and nobody above us can tell them
            mistake = self._ids.uuid()[:8]
            log.exception("request failed", mistake=mistake, activity=inbound.activity_id)
            return await self._own_up(turn, mistake)
        return await self._answering.done(turn, reply) if turn.is_invoke else None

    async def _work(self, turn: Turn) -> Work:
        """What is to be done: a step in a guided dialog, a command, or asking for its inputs.

        Raises:
            Refused, Unavailable: as `Preparation.prepared` and `Guided.work`.
        """
        dialog = await self._guided.dialog_of(turn)
        if dialog is not None:
            return await self._guided.work(turn, dialog)
        try:
            work = await self._preparation.prepared(turn)
        except MissingArguments as missing:
            return await self._guided.opening(turn, missing.values)
        if turn.press is not None and turn.press.move == Move.BEGIN:
            turn.decision = None  # nothing is carried out yet: it is decided on at the end
            return await self._guided.opening(turn, turn.press.arguments)
        return work

    def _begin(self, inbound: Inbound) -> Turn:
        deadline = asyncio.get_running_loop().time() + PATIENCE.total_seconds()
        return Turn(inbound=inbound, deadline=deadline)

    # -- the transaction ------------------------------------------------------------------

    def _commit(self, unit: UnitOfWork, turn: Turn, work: Work) -> Reply | None:
        """Do the work, once for each activity; None where it was done before."""
        if not _claim(unit, turn.inbound):
            return None
        reply = work(unit)
        inbound, command = turn.inbound, turn.known_command
        self._know(unit, inbound.conversation)
        if command.effect is not Effect.READ and inbound.sender_teams_id:
            # So that their client can be asked to refresh the run's card.
            unit.members.remember(
                inbound.tenant, turn.who.id, inbound.sender_teams_id, turn.who.name
            )
        if turn.decision is not None:  # else it was a step of a dialog, which records itself
            run_id = reply.run_id if isinstance(reply, RunCard) else turn.run_id
            unit.audit.append(turn.event("command.parsed", outcome="ok", run_id=run_id))
            self._remember(unit, turn)
        if not turn.is_invoke:
            self._say(unit, inbound, reply)
        return reply

    def _know(self, unit: UnitOfWork, conversation: Conversation) -> None:
        """Keep how to write into that channel or chat, for what is said there unasked."""
        place = (conversation.roster_id, conversation.service_url)
        if place not in self._known:
            unit.places.remember(conversation)
            unit.after_commit(lambda: self._known.add(place))

    def _remember(self, unit: UnitOfWork, turn: Turn) -> None:
        """Keep what was typed, so that `again` can say it once more."""
        if turn.press is not None and turn.dialog is None:
            return
        inbound, said = (
            turn.inbound,
            Said(command=turn.known_command.name, arguments=turn.arguments),
        )
        unit.recents.remember(inbound.tenant, inbound.conversation.roster_id, turn.who.id, said)

    def _say(self, unit: UnitOfWork, inbound: Inbound, reply: Reply) -> None:
        """Put what answers a message into the outbox; a run's own card follows by itself."""
        match reply:
            case Text(words):
                said = Message(markdown=words, reply_to=inbound.activity_id)
            case Card(content):
                words = str(content.get("speak", ""))
                said = Message(markdown=words, card=content, reply_to=inbound.activity_id)
            case DialogCard():
                return
            case RunCard(note=note) | ScheduleCard(note=note):
                if not note:
                    return
                said = Message(markdown=markdown(note), reply_to=inbound.activity_id)
        self._outbound.put(unit, inbound.conversation, said)

    # -- what does not go through ---------------------------------------------------------

    async def _refuse(self, turn: Turn, refused: Refused) -> InvokeAnswer | None:
        """Record that *refused* is the answer, and give it."""
        if turn.actor is None:  # it failed before anybody asked who it is
            try:
                turn.actor = await self._preparation.identify(turn, fresh=False)
            except DirectorySilent as silent:
                if not isinstance(refused, BadToken):
                    return await self._apologise(turn, silent)
        refused = self._for_members_only(turn, refused)
        if isinstance(refused, UnknownCommand):
            refused = await asyncio.to_thread(guessed, refused, turn.who, self._installation)
        command = turn.command
        kind, reason = recorded(
            refused,
            decides_at=command.decides_at if command else GateKind.NONE,
            was_permitted=turn.decision is not None,
        )
        rule = refused.rule if isinstance(refused, NotPermitted) else ""
        event = turn.event(kind, outcome="denied", reason=reason, rule=rule)
        log.info("request refused", kind=kind, reason=reason, command=event.subject)
        return await self._tell(turn, event, self._guided.reminded(turn, refused.words))

    def _for_members_only(self, turn: Turn, refused: Refused) -> Refused:
        """*refused*; but who has no access at all learns that, and nothing about commands."""
        actor = turn.actor
        if actor is None or isinstance(refused, BadToken | NotPermitted):
            return refused
        if actor.is_known and not actor.is_guest:
            return refused
        asked = Request(actor=actor, action="help")
        decision = self._installation.authorizer.decide(asked)
        return refused if decision.allowed else denial(asked, decision)

    async def _apologise(self, turn: Turn, unavailable: Unavailable) -> InvokeAnswer | None:
        """Say that somebody we depend on does not answer."""
        is_silent = isinstance(unavailable, DirectorySilent)
        event = turn.event(
            "identity.unavailable" if is_silent else "command.parsed",
            outcome="denied" if is_silent else "failed",
            reason="unavailable",
        )
        log.warning("request not served", problem=str(unavailable), command=event.subject)
        return await self._tell(turn, event, unavailable.words)

    async def _own_up(self, turn: Turn, mistake: str) -> InvokeAnswer | None:
        """Say that we made a mistake, and under which word it stands in the log."""
        event = turn.event("command.parsed", outcome="failed", reason=f"mistake {mistake}")
        sentence = f"That was our mistake; it is logged as {mistake}."
        return await self._tell(turn, event, sentence)

    async def _tell(self, turn: Turn, event: Event, words: str) -> InvokeAnswer | None:
        """Claim the activity, record *event*, and say *words*."""
        inbound = turn.inbound

        def transact(unit: UnitOfWork) -> bool:
            if not _claim(unit, inbound):
                return False
            unit.audit.append(event)
            if not turn.is_invoke:
                self._say(unit, inbound, Text(markdown(words)))
            return True

        try:
            is_new = await self._store.transaction(transact)
        except Unavailable:
            log.exception("refusal not recorded")
            return await self._answering.told(turn, words) if turn.is_invoke else None
        if not turn.is_invoke:
            return None
        return await self._answering.told(turn, words, is_new=is_new)

    # -- what is no command ---------------------------------------------------------------

    async def _refresh(self, turn: Turn) -> InvokeAnswer | None:
        """A client asks for its user's view of a run: it reads, and leaves no trace.

        A person who presses "Refresh card" does the same.
        """
        try:
            turn.press = self._preparation.pressed(turn.inbound, verb=LOOK)
            if turn.press.dialog_id:  # somebody is asked which run to look at
                return await self._serve(turn.inbound)
            turn.actor = await self._preparation.identify(turn, fresh=False)
        except BadToken as bad:
            return await self._refuse(turn, bad)
        except DirectorySilent as silent:
            return words_answer(markdown(silent.words))
        run_id = turn.press.run_id
        return await self._answering.looked(turn, run_id, UnknownRun(run_id).words)

    async def _search(self, turn: Turn) -> InvokeAnswer:
        """Somebody types into a field: what there is to choose. It reads, and leaves no trace."""
        data = turn.inbound.data or {}
        try:
            press = self._preparation.searched(turn.inbound)
            turn.actor = await self._preparation.identify(turn, fresh=False)
            text, others = filled_in(data.get("queryText")), data.get("data")
            typed = texts_of(others) if isinstance(others, Mapping) else {}
            found = await self._dialogs.found(press, text, typed, turn.who, within=turn.time_left)
            return found_answer(found)
        except (Refused, Unavailable) as problem:
            log.info("search not served", problem=str(problem))
            return found_answer(())

    async def _welcome(self, inbound: Inbound) -> None:
        """Say what we are for where we were added: once, whatever comes again.

        Where we were removed, whoever adds us again is greeted again.
        """
        said = welcome(inbound.conversation, self._installation)
        greeting = _greeting(inbound)

        def transact(unit: UnitOfWork) -> None:
            if not _claim(unit, inbound):
                return
            if inbound.kind is InboundKind.REMOVED:
                unit.inbox.release(**_key(greeting))
            elif _claim(unit, greeting):
                self._know(unit, inbound.conversation)
                self._outbound.put(unit, inbound.conversation, said)

        await self._store.transaction(transact)


def _greeting(inbound: Inbound) -> Inbound:
    """What stands for our greeting in the whole of a conversation, not in one of its threads."""
    place = replace(inbound.conversation, id=inbound.conversation.roster_id)
    return replace(inbound, conversation=place, activity_id=_WELCOME)


def _claim(unit: UnitOfWork, inbound: Inbound) -> bool:
    return unit.inbox.claim(**_key(inbound))


def _key(inbound: Inbound) -> dict[str, str]:
    """What tells *inbound* from other activities."""
    return {
        "tenant": inbound.tenant,
        "conversation_id": inbound.conversation.id,
        "activity_id": inbound.activity_id,
        "activity_type": inbound.activity_type,
    }
