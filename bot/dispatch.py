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
from typing import Any, Protocol

import structlog

from bot.access.words import denial
from bot.card_tokens import BadToken, CardTokens
from bot.command import Installation, Work
from bot.inbound import Inbound, InboundKind, InvokeAnswer
from bot.permitted import guessed
from bot.preparation import DirectorySilent, Preparation
from bot.refusals import recorded
from bot.replies import card_answer, markdown, words_answer
from bot.run_views import LOOK, find_run
from bot.turn import Turn
from bot.welcome import welcome
from domain.actor import Actor
from domain.audit import Event
from domain.command import Card, Effect, Reply, RunCard, Text
from domain.conversation import Conversation
from domain.errors import NotPermitted, Refused, Unavailable, UnknownCommand, UnknownRun
from domain.notice import Message
from domain.policy import GateKind, Request
from domain.ports import Ids
from storage.store import Store
from storage.unit import UnitOfWork

log = structlog.get_logger(__name__)

PATIENCE = timedelta(seconds=1.6)
"""What directory and live systems get together: the channel wants an answer within two seconds."""

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
        outbound: Outbound,
        ids: Ids,
    ) -> None:
        self._store = store
        self._installation = installation
        self._preparation = Preparation(store, installation, tokens)
        self._tokens = tokens
        self._outbound = outbound
        self._ids = ids

    async def handle(self, inbound: Inbound) -> InvokeAnswer | None:
        """Answer *inbound*; None for what is no invoke."""
        match inbound.kind:
            case InboundKind.MESSAGE if inbound.is_addressed:
                return await self._serve(inbound)
            case InboundKind.ACTION if not inbound.is_submit and (
                inbound.is_refresh or inbound.verb == LOOK
            ):
                return await self._refresh(self._begin(inbound))
            case InboundKind.ACTION:
                return await self._serve(inbound)
            case InboundKind.INVOKE:
                return InvokeAnswer(status=_NOT_A_CARD_ACTION)
            case InboundKind.INSTALLED | InboundKind.REMOVED:
                await self._welcome(inbound)
                return None
            case InboundKind.MESSAGE | InboundKind.OTHER:
                return None

    async def _serve(self, inbound: Inbound) -> InvokeAnswer | None:
        turn = self._begin(inbound)
        try:
            work = await self._preparation.prepared(turn)
            reply = await self._store.transaction(lambda unit: self._commit(unit, turn, work))
        except Refused as refused:
            return await self._refuse(turn, refused)
        except Unavailable as unavailable:
            return await self._apologise(turn, unavailable)
        except Exception:  # whoever asked waits, and nobody above us can tell them
            mistake = self._ids.uuid()[:8]
            log.exception("request failed", mistake=mistake, activity=inbound.activity_id)
            return await self._own_up(turn, mistake)
        return await self._answer(turn, reply)

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
        if command.effect is not Effect.READ and inbound.sender_teams_id:
            # So that their client can be asked to refresh the run's card.
            unit.members.remember(
                inbound.tenant, turn.who.id, inbound.sender_teams_id, turn.who.name
            )
        run_id = reply.run_id if isinstance(reply, RunCard) else turn.run_id
        unit.audit.append(turn.event("command.parsed", outcome="ok", run_id=run_id))
        if not turn.is_invoke:
            self._say(unit, inbound, reply)
        return reply

    def _say(self, unit: UnitOfWork, inbound: Inbound, reply: Reply) -> None:
        """Put what answers a message into the outbox; a run's own card follows by itself."""
        match reply:
            case Text(words):
                said = Message(markdown=words, reply_to=inbound.activity_id)
            case Card(content):
                words = str(content.get("speak", ""))
                said = Message(markdown=words, card=content, reply_to=inbound.activity_id)
            case RunCard(note=note):
                if not note:
                    return
                said = Message(markdown=markdown(note), reply_to=inbound.activity_id)
        self._outbound.put(unit, inbound.conversation, said)

    async def _answer(self, turn: Turn, reply: Reply | None) -> InvokeAnswer | None:
        """What an invoke is answered with, once all is committed."""
        if not turn.is_invoke:
            return None
        match reply:
            case None:
                return await self._card_or(turn, "", "I have answered that already.")
            case Text(words):
                return words_answer(words)
            case Card(content):
                return card_answer(content)
            case RunCard(note=note):
                return await self._card_or(turn, note, note or "Done.")

    async def _card_or(self, turn: Turn, note: str, words: str) -> InvokeAnswer:
        """The card of the run in question as this person sees it, else *words*."""
        run_id, actor = turn.run_id, turn.who
        if run_id:
            try:
                card = await self._store.read(lambda unit: self._card(unit, run_id, actor, note))
            except Unavailable:
                card = None
            if card is not None:
                return card_answer(card)
        return words_answer(markdown(words))

    def _card(
        self, unit: UnitOfWork, run_id: str, actor: Actor, note: str
    ) -> Mapping[str, Any] | None:
        """The run's card for *actor*; None where there is none for them."""
        run, views = find_run(unit, run_id, actor.tenant), self._installation.views
        if run is None or not views.may_look(run, actor):
            return None
        return views.personal(unit, run_id, actor, note)

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
        return await self._tell(turn, event, refused.words)

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
            return words_answer(markdown(words)) if turn.is_invoke else None
        if not turn.is_invoke:
            return None
        return await self._card_or(turn, words if is_new else "", words)

    # -- what is no command ---------------------------------------------------------------

    async def _refresh(self, turn: Turn) -> InvokeAnswer | None:
        """A client asks for its user's view of a run: it reads, and leaves no trace.

        A person who presses "Refresh card" does the same.
        """
        try:
            turn.press = self._preparation.pressed(turn.inbound, verb=LOOK)
            turn.actor = await self._preparation.identify(turn, fresh=False)
        except BadToken as bad:
            return await self._refuse(turn, bad)
        except DirectorySilent as silent:
            return words_answer(markdown(silent.words))
        return await self._card_or(turn, "", UnknownRun(turn.press.run_id).words)

    async def _welcome(self, inbound: Inbound) -> None:
        """Say what we are for where we were added: once, whatever comes again.

        Where we were removed, whoever adds us again is greeted again.
        """
        said = welcome(inbound.conversation, self._installation, self._tokens)
        greeting = _greeting(inbound)

        def transact(unit: UnitOfWork) -> None:
            if not _claim(unit, inbound):
                return
            if inbound.kind is InboundKind.REMOVED:
                unit.inbox.release(**_key(greeting))
            elif _claim(unit, greeting):
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
