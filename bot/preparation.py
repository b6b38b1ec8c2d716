"""From an activity to work that is ready: look up, identify, bind, authorize, prepare.

Nothing is written on this stretch of the road; what it finds out stands in the turn.
"""

import asyncio
from collections.abc import Mapping

from bot.access.words import denial, gate_without_run
from bot.card_tokens import BadToken, CardTokens, Press
from bot.command import Command, Context, Installation, Work, choices, question
from bot.inbound import Inbound, InboundKind
from bot.parsing import bind, complete, head
from bot.permitted import denied_everywhere
from bot.refusals import four_eyes
from bot.run_views import find_run, was_known
from bot.turn import Turn, unverified
from domain.actor import Actor
from domain.command import Effect, Invocation
from domain.conversation import Conversation
from domain.dialog import Move
from domain.errors import (
    BadArguments,
    Bug,
    ForgottenRun,
    NotNow,
    NotPermitted,
    Refused,
    Unavailable,
    UnknownRun,
)
from domain.field import FieldType
from domain.policy import Decision, GateKind, Request
from domain.run import Run
from storage.store import Store

_TOKEN = "t"  # noqa: S105  # where a button's data carries it
_INPUT = "in."
_EMPTY_LINE = "help"


class DirectorySilent(Unavailable):
    """Nobody can say who this is: nothing is done for them."""

    def __init__(self) -> None:
        super().__init__(
            "I cannot check your groups right now, so I do nothing.",
            hint="Try again in a moment.",
        )


class Preparation:
    """Takes turns up to the transaction."""

    def __init__(self, store: Store, installation: Installation, tokens: CardTokens) -> None:
        self._store = store
        self._installation = installation
        self._tokens = tokens

    async def prepared(self, turn: Turn) -> Work:
        """What is to be done for *turn*, permitted and ready.

        Raises:
            Refused: it makes no sense, or the policy denies it.
            Unavailable: the directory or a live system did not answer in time.
        """
        line = self._look_up(turn)
        if turn.known_command.repeats:
            return await self._again(turn)
        command = turn.known_command
        try:
            turn.actor = await self.identify(turn, fresh=command.effect is not Effect.READ)
        except DirectorySilent:
            if command.needs_identity:
                raise
            turn.actor = unverified(turn.inbound)
            turn.decision = Decision(allowed=True)
        await self._bind(turn, command, line)
        if turn.decision is None:
            turn.decision = await self.authorize(turn, command)
        return await self.carry_out(turn, command)

    async def _again(self, turn: Turn) -> Work:
        """What the person last said in this place, on the same road once more.

        Raises:
            NotNow: they have said nothing yet.
            Refused, Unavailable: as `prepared`.
        """
        inbound = turn.inbound
        turn.actor = await self.identify(turn, fresh=True)
        last = await self._store.read(
            lambda unit: unit.recents.last(
                inbound.tenant, inbound.conversation.roster_id, turn.who.id
            )
        )
        if last is None:
            raise NotNow(
                "You have said nothing here yet that I could do again.",
                hint="Say `help` for what you may say.",
            )
        return await self.repeated(turn, last.command, last.arguments)

    async def repeated(self, turn: Turn, name: str, arguments: Mapping[str, str]) -> Work:
        """The command *name* with *arguments* that fitted it once, for the turn's actor as of now.

        Raises:
            UnknownCommand, BadArguments: they do not fit any more.
            Refused, Unavailable: as `prepared`.
        """
        command = turn.command = self._installation.commands.find(name)
        known = choices(command, self._installation.catalogue)
        turn.arguments = complete(arguments, command.syntax, command.fields, known)
        turn.decision = await self.authorize(turn, command)
        return await self.carry_out(turn, command)

    async def carry_out(
        self, turn: Turn, command: Command, *, conversation: Conversation | None = None
    ) -> Work:
        """The permitted command's own preparation, in the turn's conversation or in another.

        Raises:
            Refused, Unavailable: as the command says.
        """
        invocation = Invocation(
            name=command.name,
            arguments=turn.arguments,
            actor=turn.who,
            conversation=conversation or turn.inbound.conversation,
            trigger=turn.trigger,
        )
        if turn.decision is None:
            raise Bug(f"`{command.name}` was about to be carried out without the policy's yes.")
        context = Context(
            installation=self._installation,
            decision=turn.decision,
            activity_id=turn.answers,
            run=turn.run,
            gate_id=(turn.press.gate_id or None) if turn.press else None,
        )
        if not command.digest and turn.decision.gate.kind is not GateKind.NONE:
            raise gate_without_run(command.name, turn.decision)
        try:
            async with asyncio.timeout_at(turn.deadline):
                return await command.prepare(invocation, context)
        except TimeoutError as error:
            raise Unavailable(
                f"It took too long to prepare {command.name}.", hint="Try again in a moment."
            ) from error

    def pressed(self, inbound: Inbound, *, verb: str) -> Press:
        """What the pressed button stands for, taken as *verb*; empty: as what its token says.

        Raises:
            BadToken: it is not ours, or is another verb's.
        """
        return self._tokens.verify((inbound.data or {}).get(_TOKEN), verb)

    def searched(self, inbound: Inbound) -> Press:
        """Which field of which form somebody types into.

        Raises:
            BadToken: the form is not ours.
        """
        press = self._tokens.verify((inbound.data or {}).get("dataset"), "")
        if press.move != Move.SEARCH:
            raise BadToken
        return press

    def _look_up(self, turn: Turn) -> str:
        """Find the command; the rest of a typed line comes back.

        Raises:
            BadToken: the button is not ours.
            UnknownCommand: there is none of that name.
        """
        inbound = turn.inbound
        if inbound.kind is not InboundKind.MESSAGE:
            turn.press = self.pressed(inbound, verb=inbound.verb)
            turn.command = self._installation.commands.find(turn.press.verb)
            return ""
        name, line = head(inbound.text)
        turn.command = self._installation.commands.find(name or _EMPTY_LINE)
        return line

    async def identify(self, turn: Turn, *, fresh: bool) -> Actor:
        """Who sent the activity; with *fresh*, by what the directory says now.

        Raises:
            DirectorySilent: it says nothing, or not in time.
        """
        inbound, identity = turn.inbound, self._installation.identity
        try:
            async with asyncio.timeout_at(turn.deadline):
                return await identity.actor(inbound.tenant, inbound.sender, fresh=fresh)
        except (Unavailable, TimeoutError) as error:
            raise DirectorySilent from error

    async def _bind(self, turn: Turn, command: Command, line: str) -> None:
        """Bind the arguments, and find the run that they name.

        Raises:
            BadArguments: they do not fit.
            MissingArguments: they do, as far as they go.
            NotPermitted: they do not fit, and the command is not for this person anyway.
        """
        known = choices(command, self._installation.catalogue)
        try:
            if turn.press is not None:
                pressed = _pressed(turn.press, turn.inbound, command)
                bound = complete(pressed, command.syntax, command.fields, known)
            else:
                bound = bind(line, command.syntax, command.fields, known)
        except BadArguments as error:
            denied = turn.decision is None and denied_everywhere(
                command, turn.who, self._installation
            )
            if denied:
                raise await self._denial(turn, *denied) from error
            raise
        turn.arguments = bound

    async def authorize(
        self, turn: Turn, command: Command, *, is_partial: bool = False
    ) -> Decision:
        """The policy's yes to the command with its arguments.

        With *is_partial* more of them will follow: a no that they may turn is none yet, and its
        decision is no yes.

        Raises:
            NotPermitted: it says no; or it is a vote on one's own run.
            UnknownRun: there is no such run, or this person may not know of it.
        """
        actor, arguments = turn.who, turn.arguments
        run_id = command.argument(FieldType.RUN, arguments)
        if run_id:
            turn.run = await self._store.read(lambda unit: find_run(unit, run_id, actor.tenant))
            if turn.run is not None:
                _check_four_eyes(command, turn.run, actor)
            else:
                unknown = await self._unknown_run(turn, command, run_id)
                if not (command.looks_back and isinstance(unknown, ForgottenRun)):
                    raise unknown
        asked = question(command, arguments, actor, turn.run)
        decision = self._installation.authorizer.decide(asked)
        if decision.allowed or (is_partial and decision.hangs_on_arguments):
            return decision
        denied = await self._denial(turn, asked, decision)
        if turn.run is not None and not self._installation.views.may_look(turn.run, actor):
            turn.run = None
            raise await self._unknown_run(turn, command, run_id) from denied
        raise denied

    async def _unknown_run(self, turn: Turn, command: Command, run_id: str) -> Refused:
        """The answer for a run that does not exist; and for one that exists, but not for them."""
        actor = turn.who
        asked = Request(
            actor=actor, action=command.name, requester=actor.id, attributes=turn.arguments
        )
        decision = self._installation.authorizer.decide(asked)
        if not decision.allowed:
            return await self._denial(turn, asked, decision)
        is_forgotten = await self._store.read(
            lambda unit: (
                unit.runs.get(run_id) is None
                and was_known(unit.audit.of_run(run_id), actor.tenant)
            )
        )
        return ForgottenRun(run_id) if is_forgotten else UnknownRun(run_id)

    async def _denial(self, turn: Turn, asked: Request, decision: Decision) -> NotPermitted:
        """The refusal that goes with the policy's no, with who can help if that can be told."""
        identity, roles = self._installation.identity, self._installation.roles
        try:
            async with asyncio.timeout_at(turn.deadline):
                names = await identity.helpers(decision, roles)
        except (Unavailable, TimeoutError):
            names = ()
        return denial(asked, decision, names)


def _pressed(press: Press, inbound: Inbound, command: Command) -> Mapping[str, str]:
    """What a button gives: what we filled in for it, its inputs, and the run it was made for.

    Whoever pressed may have forged the inputs; only those that the command takes are read, and
    none says which run it is.

    Raises:
        BadArguments: an input is no text.
    """
    values = dict(press.arguments)
    for each in command.fields:
        if each.name in values:
            continue
        value = (inbound.data or {}).get(f"{_INPUT}{each.name}")
        if value is not None and not isinstance(value, str):
            raise BadArguments(f"The {each.name} is no text.")
        if value and value.strip() and each.type is not FieldType.RUN:
            values[each.name] = value.strip()
    about = command.field_of(FieldType.RUN)
    if about is not None and press.run_id:
        values[about.name] = press.run_id
    return values


def _check_four_eyes(command: Command, run: Run, actor: Actor) -> None:
    """Refuse a vote on one's own run before the policy is asked: it is the better answer.

    Raises:
        NotPermitted: *actor* asked for *run*.
    """
    is_vote = command.decides_at is GateKind.APPROVAL and run.gate_rule.kind is GateKind.APPROVAL
    if is_vote and run.requester.id == actor.id:
        raise four_eyes(run.gate_rule.group)
