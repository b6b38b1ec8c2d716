"""Guided dialogs on the one road: a command that lacks something asks for it, and then is used.

An answer is pressed or typed. Each is one transaction: the dialog's row moves on, its message
shows the next question, and the last answer carries the command out like any other, with a fresh
look at who answers and what the policy says. Nothing of a dialog is kept but its row.
"""

from collections.abc import Mapping
from typing import Any

from bot.access.words import denial
from bot.command import Command, Installation, Work, choices, question
from bot.dialog_views import ENDED
from bot.filled import texts_of
from bot.inbound import Inbound, InboundKind
from bot.offers import Offers
from bot.parsing import complete
from bot.preparation import Preparation
from bot.replies import markdown as escaped
from bot.replies import text as words_reply
from bot.turn import Turn
from bot.typed_line import answers, move_of, stands_by_itself
from cards.form import said_card
from dialogs import flow
from dialogs.expiry import closed
from dialogs.form import checked
from domain.audit import Event
from domain.command import Card, DialogCard, Effect, Reply, RunCard, ScheduleCard, Text
from domain.conversation import ConversationKind
from domain.dialog import Dialog, DialogState, Move
from domain.errors import (
    BadArguments,
    NotNow,
    NotPermitted,
)
from domain.field import Field, FieldType
from domain.ports import Clock, Ids
from storage.store import Store
from storage.unit import UnitOfWork
from workflows.values import example, words

_HOW_TO_TYPE = {
    ConversationKind.PERSONAL: "type the answer",
    ConversationKind.GROUP_CHAT: "mention me and type the answer",
    ConversationKind.CHANNEL: "reply in this thread, mention me and type the answer",
}

_PLACES = frozenset({FieldType.SERVICE, FieldType.ENVIRONMENT})
_SUBJECTS = _PLACES | {FieldType.RUN}


class Guided:
    """Opens dialogs, and takes them further."""

    def __init__(
        self,
        *,
        store: Store,
        installation: Installation,
        preparation: Preparation,
        offers: Offers,
        clock: Clock,
        ids: Ids,
    ) -> None:
        self._store = store
        self._installation = installation
        self._preparation = preparation
        self._offers = offers
        self._clock = clock
        self._ids = ids

    # -- what belongs to a dialog ---------------------------------------------------------

    async def dialog_of(self, turn: Turn) -> Dialog | None:
        """The dialog that the turn goes on with; None where it is something else.

        Raises:
            BadToken: the button is not ours.
            NotNow: the dialog is not kept any more.
        """
        inbound = turn.inbound
        if inbound.kind is InboundKind.MESSAGE:
            return await self._typed_into(inbound)
        press = self._preparation.pressed(inbound, verb=inbound.verb)
        if not press.dialog_id:
            return None
        turn.press = press
        dialog = await self._store.read(lambda unit: unit.dialogs.get(press.dialog_id))
        if dialog is None:
            raise NotNow("That question is long over.", hint=f"Say `{press.verb}` to begin anew.")
        return dialog

    async def _typed_into(self, inbound: Inbound) -> Dialog | None:
        """The open dialog that a typed line answers; a command that stands by itself does not."""
        conversation = inbound.conversation
        begins_thread = conversation.kind is ConversationKind.CHANNEL and (
            conversation.id.endswith(f"={inbound.activity_id}")
        )
        if begins_thread or not inbound.text:
            return None
        found = await self._store.read(
            lambda unit: unit.dialogs.open_of(conversation.id, inbound.sender)
        )
        names = {each.name for each in self._installation.commands}
        for dialog in found:
            if dialog.owner.tenant == inbound.tenant and dialog.command in names:
                is_answer = not stands_by_itself(inbound.text, dialog, self._installation)
                return dialog if is_answer else None
        return None

    def reminded(self, turn: Turn, words: str) -> str:
        """*words*, which say what is wrong with a typed answer, and that it was taken for one."""
        dialog = turn.dialog
        if dialog is None or turn.press is not None or dialog.state is not DialogState.OPEN:
            return words
        return f"{words} I am asking you about `{dialog.command}` here; `cancel` leaves it."

    # -- what comes of a turn -------------------------------------------------------------

    async def opening(self, turn: Turn, values: Mapping[str, str]) -> Work:
        """Ask for what *values* leave open; any other dialog of the same person here ends.

        Raises:
            NotPermitted: they name a place, or a run, for which the policy denies it.
            UnknownRun: they name none.
        """
        command, inbound = turn.known_command, turn.inbound
        if _says_where(command, values):
            turn.arguments = values
            await self._preparation.authorize(turn, command, is_partial=True)
        dialog_id = self._ids.uuid()

        def opened(unit: UnitOfWork) -> Reply:
            for other in unit.dialogs.open_of(inbound.conversation.id, turn.who.id):
                self._end(unit, other, DialogState.REPLACED)
            dialog = flow.opened(
                dialog_id,
                command=command.name,
                fields=command.fields,
                values=values,
                owner=turn.who,
                conversation=inbound.conversation,
                now=unit.now,
            )
            unit.dialogs.insert(dialog)
            reply_to = inbound.reply_to if turn.press else inbound.activity_id
            unit.cards.touch(dialog.subject, dialog.conversation, reply_to)
            unit.audit.append(_event(dialog, turn, "form.opened"))
            return DialogCard(dialog.id, note="I ask you below." if turn.press else "")

        return opened

    async def work(self, turn: Turn, dialog: Dialog) -> Work:
        """What the turn does in *dialog*.

        Raises:
            NotPermitted: it is somebody else's.
            NotNow: it has ended.
            BadArguments: what was filled in does not fit; the turn says what is wrong with it.
            Refused, Unavailable: as carrying out the command, where that was the last answer.
        """
        turn.dialog = dialog
        turn.command = self._command(dialog)
        is_writing = turn.command.effect is not Effect.READ
        turn.actor = await self._preparation.identify(turn, fresh=is_writing)
        if (turn.actor.tenant, turn.actor.id) != (dialog.owner.tenant, dialog.owner.id):
            raise NotPermitted(
                f"This question is for {dialog.owner.name}.",
                hint=f"Say `{dialog.command}` for one of your own.",
                reason="not_asked",
            )
        if dialog.state is not DialogState.OPEN:
            raise NotNow(ENDED[dialog.state][1])
        if self._clock.now() >= dialog.expires_at:
            raise NotNow("The time for answering this is over.")
        move = self._move(turn, dialog)
        is_stale = turn.press is not None and turn.press.question != self._question(dialog)
        match move:
            case Move.HELP:
                return self._help(turn, dialog)
            case Move.CANCEL:
                return self._cancelling(turn, dialog)
            case Move.WINDOW:
                return lambda _: DialogCard(dialog.id)
            case Move.FILLED:
                return await self._answering(turn, dialog, self._fields(dialog))
            case _ if is_stale:
                return lambda _: DialogCard(dialog.id, note="That was answered already.")
            case Move.BACK:
                return self._going_back(turn, dialog)
            case _:
                asks = flow.asked(dialog, self._fields(dialog))
                return await self._answering(turn, dialog, asks)

    def _move(self, turn: Turn, dialog: Dialog) -> Move:
        if turn.press is not None:
            return Move(turn.press.move)
        return move_of(turn.inbound.text, dialog, self._installation)

    async def _answering(self, turn: Turn, dialog: Dialog, asks: tuple[Field, ...]) -> Work:
        command = turn.known_command
        if turn.press is None:
            asks, turn.typed = answers(turn.inbound.text, dialog, command, asks)
        else:
            sent = texts_of(turn.inbound.data or {})
            turn.typed = {each.name: sent.get(each.name, "") for each in asks}
        context = {**dialog.values, **{k: v for k, v in turn.typed.items() if v}}
        offers = await self._offers.of(command, asks, context, turn.who, within=turn.time_left)
        known = {name: offer.known for name, offer in offers.items()}
        result = checked(asks, turn.typed, known)
        after = flow.answered(dialog, result.values, self._clock.now())
        errors = dict(result.errors) or self._denied(turn, command, after, asks)
        if errors:
            turn.errors = errors
            raise BadArguments(" ".join(errors.values()))
        if flow.asked(after, self._fields(after)):
            return self._moving(turn, dialog, after, "form.submitted")
        return await self._carrying_out(turn, after)

    def _denied(
        self, turn: Turn, command: Command, after: Dialog, asks: tuple[Field, ...]
    ) -> Mapping[str, str]:
        """The policy's no to the place that was just answered, where it is known by now."""
        if not _says_where(command, after.values):
            return {}
        here = next((each for each in reversed(asks) if each.type in _PLACES), None)
        if here is None:
            return {}
        request = question(command, _said(after.values), turn.who)
        decision = self._installation.authorizer.decide(request)
        return {} if decision.may_be_allowed else {here.name: denial(request, decision).words}

    async def _carrying_out(self, turn: Turn, dialog: Dialog) -> Work:
        """Use the command, now that nothing is missing; the dialog's message shows what comes."""
        command = turn.known_command
        known = choices(command, self._installation.catalogue)
        turn.arguments = complete(_said(dialog.values), command.syntax, command.fields, known)
        turn.decision = await self._preparation.authorize(turn, command)
        work = await self._preparation.carry_out(turn, command, conversation=dialog.conversation)

        def carried_out(unit: UnitOfWork) -> Reply:
            reply = work(unit)
            run_id = reply.run_id if isinstance(reply, RunCard) else ""
            is_new = bool(run_id) and _was_made_now(unit, run_id)
            result = None if is_new else _result(reply, command)
            done = flow.done(dialog, run_id=run_id, result=result)
            if not unit.dialogs.save(done):  # nothing of the work above stays
                raise NotNow("That was answered already.")
            unit.audit.append(_event(done, turn, "form.submitted"))
            if is_new:
                unit.cards.hand_over(dialog.subject, to=run_id)
                return reply
            unit.cards.touch(dialog.subject, dialog.conversation)
            return DialogCard(dialog.id)

        return carried_out

    def _going_back(self, turn: Turn, dialog: Dialog) -> Work:
        after = flow.back(dialog, self._fields(dialog), self._clock.now())
        if after == dialog:
            return lambda _: DialogCard(dialog.id, note="This is the first question.")
        return self._moving(turn, dialog, after, "form.reopened")

    def _moving(self, turn: Turn, before: Dialog, after: Dialog, event: str) -> Work:
        def moved(unit: UnitOfWork) -> Reply:
            if not unit.dialogs.save(after):
                return DialogCard(before.id, note="That was answered already.")
            unit.cards.touch(after.subject, after.conversation)
            unit.audit.append(_event(after, turn, event))
            return DialogCard(after.id)

        return moved

    def _cancelling(self, turn: Turn, dialog: Dialog) -> Work:
        del turn

        def cancelled(unit: UnitOfWork) -> Reply:
            self._end(unit, dialog, DialogState.CANCELLED)
            return DialogCard(dialog.id)

        return cancelled

    def _end(self, unit: UnitOfWork, dialog: Dialog, state: DialogState) -> None:
        if unit.dialogs.save(flow.ended(dialog, state)):
            unit.cards.touch(dialog.subject, dialog.conversation)
            unit.audit.append(closed(dialog, state))

    def _help(self, turn: Turn, dialog: Dialog) -> Work:
        sentences = self._explained(turn.known_command, dialog)
        if turn.press is not None:
            return lambda _: DialogCard(dialog.id, note=" ".join(sentences))
        return lambda _: words_reply(*sentences)

    def _explained(self, command: Command, dialog: Dialog) -> list[str]:
        asks = flow.asked(dialog, self._fields(dialog))
        told = [f"{each.description or words(each).capitalize()}." for each in asks]
        words_too = ["back"] if flow.before(dialog, self._fields(dialog)) else []
        words_too += ["cancel"] if all(each.required for each in asks) else ["skip", "cancel"]
        samples = ", ".join(example(each) for each in asks if each.type is not FieldType.TEXT)
        return [
            *told,
            *([f"Such as {samples}."] if samples else []),
            (
                f"Choose here, or {_HOW_TO_TYPE[dialog.conversation.kind]}."
                f" I understand {' and '.join(words_too)}, too."
            ),
            f"In one line it is: {command.syntax.text}",
        ]

    # -- what it is made of ---------------------------------------------------------------

    def _command(self, dialog: Dialog) -> Command:
        """The command as it is now.

        Raises:
            UnknownCommand: there is none of that name any more.
        """
        return self._installation.commands.find(dialog.command)

    def _fields(self, dialog: Dialog) -> tuple[Field, ...]:
        return self._command(dialog).fields

    def _question(self, dialog: Dialog) -> str:
        return flow.question_id(flow.asked(dialog, self._fields(dialog)))


def _says_where(command: Command, values: Mapping[str, str]) -> bool:
    """Whether *values* tell all that the policy is asked about, but for further arguments."""
    wanted = [each for each in command.fields if each.type in _SUBJECTS and each.required]
    return bool(wanted) and all(values.get(each.name) for each in wanted)


def _said(values: Mapping[str, str]) -> dict[str, str]:
    """What was answered, without what was left out."""
    return {name: text for name, text in values.items() if text}


def _was_made_now(unit: UnitOfWork, run_id: str) -> bool:
    """Whether the run came of this transaction, so that it has no message of its own yet."""
    run = unit.runs.get(run_id)
    return run is not None and run.created_at == unit.now


def _result(reply: Reply, command: Command) -> Mapping[str, Any] | None:
    """The card that the dialog's message shows in the end."""
    match reply:
        case Card(content):
            return content
        case Text(markdown):
            return said_card(flow.title(command.name), markdown)
        case RunCard(note=note) | ScheduleCard(note=note):
            return said_card(flow.title(command.name), escaped(note or "Done."))
        case DialogCard():
            return None


def _event(dialog: Dialog, turn: Turn, kind: str) -> Event:
    """What the audit log says of a step in *dialog*."""
    return Event(
        type=kind,
        actor=turn.who,
        subject=f"command/{dialog.command}",
        outcome="ok",
        run_id=dialog.run_id,
        conversation_id=dialog.conversation.id,
        data={
            "dialog_id": dialog.id,
            "arguments": dict(dialog.values),
            "trigger": turn.trigger.value,
            "activity_id": turn.inbound.activity_id,
        },
    )
