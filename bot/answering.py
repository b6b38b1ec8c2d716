"""What somebody who pressed a button or sent a form is answered, in the HTTP answer itself.

It is made from what has been committed by then: the run's card or the dialog's as this person
sees it, and words where there is no card for them.
"""

from collections.abc import Mapping
from typing import Any

from bot.command import Installation
from bot.dialog_views import DialogViews, Filled
from bot.inbound import InboundKind, InvokeAnswer
from bot.replies import card_answer, markdown, window_answer, window_words, words_answer
from bot.run_views import find_run
from bot.turn import Turn
from dialogs.flow import title
from domain.actor import Actor
from domain.command import Card, DialogCard, Reply, RunCard, ScheduleCard, Text
from domain.errors import Refused, Unavailable
from storage.store import Store
from storage.unit import UnitOfWork

_LATE = "That takes longer than usual. I am on it: look at the card again in a moment."
_SEEN = "I have answered that already."


class Answering:
    """Answers invokes."""

    def __init__(self, store: Store, installation: Installation, dialogs: DialogViews) -> None:
        self._store = store
        self._installation = installation
        self._dialogs = dialogs

    async def done(self, turn: Turn, reply: Reply | None) -> InvokeAnswer:
        """The answer once *reply* is committed; None where the activity was seen before."""
        kind = turn.inbound.kind
        if kind is InboundKind.FETCH:
            return await self._window(turn, "", _SEEN)
        if kind is InboundKind.FORM and reply is not None:
            return InvokeAnswer()  # the window closes; the card behind it shows what came of it
        match reply:
            case None:
                return await self.told(turn, _SEEN, is_new=False)
            case Text(words):
                return words_answer(words)
            case Card(content):
                return card_answer(content)
            case RunCard(run_id=run_id, note=note):
                return await self._run_or(turn, run_id, note, note or "Done.")
            case DialogCard(dialog_id=dialog_id, note=note):
                return await self._dialog_or(turn, dialog_id, note, note or "Done.")
            case ScheduleCard(schedule_id=schedule_id, note=note):
                return await self._schedule_or(schedule_id, note, note or "Done.")

    async def told(self, turn: Turn, words: str, *, is_new: bool = True) -> InvokeAnswer:
        """*words* on the card that was pressed; of what was said before, the card alone."""
        note = words if is_new else ""
        if turn.inbound.kind in {InboundKind.FETCH, InboundKind.FORM}:
            return await self._window(turn, note, words)
        if turn.dialog is not None:
            return await self._dialog_or(turn, turn.dialog.id, note, words)
        return await self._run_or(turn, turn.run_id, note, words)

    def late(self, turn: Turn) -> InvokeAnswer | None:
        """The answer to what is not yet done and goes on; None for what is no invoke."""
        if not turn.is_invoke:
            return None
        if turn.inbound.kind in {InboundKind.FETCH, InboundKind.FORM}:
            return window_words(_LATE)
        return words_answer(_LATE)

    async def looked(self, turn: Turn, run_id: str, words: str) -> InvokeAnswer:
        """The run as this person sees it, else *words*."""
        return await self._run_or(turn, run_id, "", words)

    async def _run_or(self, turn: Turn, run_id: str, note: str, words: str) -> InvokeAnswer:
        """The card of a run, else *words*."""
        actor = turn.who
        if run_id:
            try:
                card = await self._store.read(lambda unit: self._run(unit, run_id, actor, note))
            except Unavailable:
                card = None
            if card is not None:
                return card_answer(card)
        return words_answer(markdown(words))

    def _run(
        self, unit: UnitOfWork, run_id: str, actor: Actor, note: str
    ) -> Mapping[str, Any] | None:
        """The run's card for *actor*; None where there is none for them."""
        run, views = find_run(unit, run_id, actor.tenant), self._installation.views
        if run is None or not views.may_look(run, actor):
            return None
        return views.personal(unit, run_id, actor, note)

    async def _dialog_or(self, turn: Turn, dialog_id: str, note: str, words: str) -> InvokeAnswer:
        """The card of a dialog, else *words*; the run's card where it ended in one."""
        if turn.dialog is None:  # a button of another card began it: that card stays
            return await self._run_or(turn, turn.run_id, note, words)
        try:
            dialog = await self._store.read(lambda unit: unit.dialogs.get(dialog_id))
            if dialog is not None and dialog.run_id and dialog.result is None:
                return await self._run_or(turn, dialog.run_id, note, words)
            card = await self._dialogs.card(dialog_id, _filled(turn, note), within=turn.time_left)
            return card_answer(card)
        except (Refused, Unavailable):
            return words_answer(markdown(words))

    async def _schedule_or(self, schedule_id: str, note: str, words: str) -> InvokeAnswer:
        """The card of a schedule, else *words*."""
        try:
            card = await self._installation.schedule_views.card(schedule_id, note)
            return card_answer(card)
        except (Refused, Unavailable):
            return words_answer(markdown(words))

    async def _window(self, turn: Turn, note: str, words: str) -> InvokeAnswer:
        """The form in a Teams dialog, else *words*."""
        dialog = turn.dialog
        if dialog is None or dialog.owner.id != turn.who.id:
            return window_words(words)
        try:
            card = await self._dialogs.window(
                dialog.id, _filled(turn, note), within=turn.time_left
            )
        except (Refused, Unavailable):
            card = None
        if card is None:
            return window_words(words)
        return window_answer(title(dialog.command), card)


def _filled(turn: Turn, note: str) -> Filled:
    # What is wrong with a field stands beside it, and need not be said twice.
    return Filled(note="" if turn.errors else note, typed=turn.typed, errors=turn.errors)
