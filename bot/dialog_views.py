"""A guided dialog's card: the question as everybody sees it, and what came of it.

Only who is asked may answer; that the others see the question is how a team can help.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from bot.access.words import gate_in_words
from bot.card_tokens import CardTokens, Press
from bot.command import Command, Installation, question
from bot.offers import PATIENCE, Offer, Offers
from cards import elements as glyphs
from cards.form import (
    FormButtons,
    FormField,
    FormView,
    ended_card,
    form_card,
    listed,
    window_card,
)
from cards.text import plain
from cards.times import deadline
from cards.view import Button
from dialogs import flow
from domain.actor import Actor
from domain.dialog import Dialog, DialogState, Move
from domain.errors import NotNow, UnknownCommand
from domain.field import Choice, Field, FieldType
from domain.notice import Message
from domain.policy import GateKind
from domain.ports import Clock
from storage.store import Store
from workflows.choices import depends_on

ENDED = {
    DialogState.DONE: ("Done", "All was answered, and carried out.", glyphs.DONE),
    DialogState.CANCELLED: ("Cancelled", "Nothing was done.", glyphs.STOPPED),
    DialogState.EXPIRED: (
        "Expired",
        "Nobody answered in time, and nothing was done.",
        glyphs.LAPSED,
    ),
    DialogState.REPLACED: (
        "Left",
        "Another one was begun here, and nothing was done.",
        glyphs.STOPPED,
    ),
}
"""How a dialog ends: the word, the sentence, the icon."""

_MOST_FOUND = 15
_PLACES = frozenset({FieldType.SERVICE, FieldType.ENVIRONMENT})


@dataclass(frozen=True, slots=True, kw_only=True)
class Filled:
    """What somebody has just sent, which is not kept: shown again with what is wrong with it."""

    note: str = ""
    typed: Mapping[str, str] = field(default_factory=dict)
    errors: Mapping[str, str] = field(default_factory=dict)


NOTHING = Filled()


class DialogViews:
    """Makes the cards of dialogs."""

    def __init__(
        self,
        *,
        store: Store,
        installation: Installation,
        tokens: CardTokens,
        offers: Offers,
        clock: Clock,
    ) -> None:
        self._store = store
        self._installation = installation
        self._tokens = tokens
        self._offers = offers
        self._clock = clock

    async def message(self, dialog_id: str) -> Message:
        """The dialog's message as everybody sees it.

        Raises:
            NotNow: it is not kept any more.
            Unavailable: the database did not answer.
        """
        card = await self.card(dialog_id)
        return Message(markdown=plain(str(card["speak"]), limit=500), card=card)

    async def card(
        self, dialog_id: str, filled: Filled = NOTHING, *, within: timedelta = PATIENCE
    ) -> dict[str, Any]:
        """The dialog's card as it stands; *filled* is for whoever sent it.

        *within* is what live systems get to list their choices; so it is below.

        Raises:
            NotNow: it is not kept any more.
        """
        dialog = await self._found(dialog_id)
        if dialog.state is not DialogState.OPEN:
            return self._ended(dialog)
        command = self._installation.commands.find(dialog.command)
        asks = flow.asked(dialog, command.fields)
        shown = await self._view(dialog, command, asks, filled, within)
        return form_card(shown, self._buttons(dialog, command, asks))

    async def window(
        self, dialog_id: str, filled: Filled = NOTHING, *, within: timedelta = PATIENCE
    ) -> dict[str, Any] | None:
        """All that the command takes as the card of a Teams dialog; None where it has ended.

        Raises:
            NotNow: it is not kept any more.
        """
        dialog = await self._found(dialog_id)
        if dialog.state is not DialogState.OPEN:
            return None
        command = self._installation.commands.find(dialog.command)
        shown = await self._view(dialog, command, command.fields, filled, within)
        submit = self._button(dialog, command, flow.title(command.name), Move.FILLED)
        return window_card(shown, replace(submit, style="positive"))

    async def found(
        self,
        press: Press,
        text: str,
        typed: Mapping[str, str],
        actor: Actor,
        *,
        within: timedelta = PATIENCE,
    ) -> tuple[Choice, ...]:
        """What there is to choose in the field of *press* for who typed *text* into it.

        *typed* is what stands in the other fields of the form.
        """
        dialog = await self._store.read(lambda unit: unit.dialogs.get(press.dialog_id))
        if dialog is None or dialog.owner.id != actor.id:
            return ()
        command = self._installation.commands.find(dialog.command)
        asked = tuple(each for each in command.fields if each.name == press.question)
        context = {**dialog.values, **{k: v for k, v in typed.items() if v}}
        offers = await self._offers.of(command, asked, context, actor, within=within)
        wanted = text.strip().lower()
        return tuple(
            each
            for offer in offers.values()
            for each in offer.choices or ()
            if wanted in each.title.lower()
        )[:_MOST_FOUND]

    async def _view(
        self,
        dialog: Dialog,
        command: Command,
        asks: tuple[Field, ...],
        filled: Filled,
        within: timedelta,
    ) -> FormView:
        context = {**dialog.values, **{k: v for k, v in filled.typed.items() if v}}
        offers = await self._offers.of(command, asks, context, dialog.owner, within=within)
        together = {each.name for each in asks}
        behind = tuple(each for each in command.fields if each.name not in together)
        choosing = sum(bool(each.choices) for each in offers.values())
        now, zone = self._clock.now(), self._installation.zone
        return FormView(
            title=flow.title(command.name),
            asked=dialog.owner.name,
            fields=tuple(
                self._searched(
                    dialog,
                    command,
                    _field(dialog, each, offers[each.name], filled=filled, choosing=choosing),
                    offers,
                )
                for each in asks
            ),
            answered=flow.summary(dialog, behind),
            note=filled.note,
            outlook=self._outlook(dialog, command),
            until=f"Open until {deadline(dialog.expires_at, now=now, zone=zone)}.",
        )

    def _searched(
        self, dialog: Dialog, command: Command, one: FormField, offers: Mapping[str, Offer]
    ) -> FormField:
        """*one* with where clients search for what it does not list, if there may be more.

        That is so where its choices hang on another field of the same form, and where they are
        more than a card takes.
        """
        field, all_of_it = one.field, offers[one.field.name].choices or ()
        is_linked = field.choices_from and depends_on(field, command.fields) & offers.keys()
        if not is_linked and len(all_of_it) == len(one.choices or ()):
            return one
        press = Press(
            verb=command.name, dialog_id=dialog.id, move=Move.SEARCH.value, question=field.name
        )
        return replace(one, dataset=self._tokens.sign(press))

    def _outlook(self, dialog: Dialog, command: Command) -> str:
        """What follows the last answer."""
        if not command.steps:  # it is done at once: there is no plan
            return ""
        values = {name: text for name, text in dialog.values.items() if text}
        places = [each for each in command.fields if each.type in _PLACES and each.required]
        if not places:
            return ""
        if any(each.name not in values for each in places):
            return "Nothing is changed before you have seen the plan."
        decision = self._installation.authorizer.decide(question(command, values, dialog.owner))
        if not decision.allowed:
            return "Whether you may do it, I can tell once all is answered."
        if decision.gate.kind is GateKind.NONE:
            return "Then I plan it, and it starts at once."
        return f"Then I show the plan, which needs {gate_in_words(decision.gate)}."

    def _buttons(self, dialog: Dialog, command: Command, asks: tuple[Field, ...]) -> FormButtons:
        is_last = flow.is_last(dialog, command.fields)
        submit = self._button(
            dialog, command, flow.title(command.name) if is_last else "Next", Move.ANSWER
        )
        is_first = flow.before(dialog, command.fields) is None
        others = [
            *([] if is_first else [self._button(dialog, command, "Back", Move.BACK)]),
            self._button(dialog, command, "Cancel", Move.CANCEL),
            self._button(dialog, command, "Help", Move.HELP),
        ]
        window = self._button(dialog, command, "All in one form", Move.WINDOW)
        return FormButtons(
            submit=replace(submit, style="positive"),
            others=tuple(others),
            window=window if len(asks) < len(command.fields) else None,
        )

    def _button(self, dialog: Dialog, command: Command, title: str, move: Move) -> Button:
        press = Press(
            verb=command.name,
            dialog_id=dialog.id,
            move=move.value,
            question=flow.question_id(flow.asked(dialog, command.fields)),
        )
        return Button(title=title, verb=command.name, token=self._tokens.sign(press))

    def _ended(self, dialog: Dialog) -> dict[str, Any]:
        if dialog.result is not None:
            return dict(dialog.result)
        state, sentence, glyph = ENDED[dialog.state]
        try:
            fields = self._installation.commands.find(dialog.command).fields
        except UnknownCommand:  # it has gone since, with its fields
            fields = ()
        return ended_card(
            title=flow.title(dialog.command),
            state=f"{state} · asked of {dialog.owner.name}",
            words=sentence,
            answered=flow.summary(dialog, fields),
            glyph=glyph,
        )

    async def _found(self, dialog_id: str) -> Dialog:
        dialog = await self._store.read(lambda unit: unit.dialogs.get(dialog_id))
        if dialog is None:
            raise NotNow("That question is long over.")
        return dialog


def _field(
    dialog: Dialog, one: Field, offer: Offer, *, filled: Filled, choosing: int
) -> FormField:
    """The input for *one*, one of *choosing* fields that offer choices."""
    only = offer.choices[0].value if offer.choices and len(offer.choices) == 1 else ""
    before = dialog.values.get(one.name) or dialog.drafts.get(one.name)
    value = filled.typed.get(one.name, before or one.default or only)
    if one.type is FieldType.SECRET and one.name in filled.errors:
        value = ""  # it may be the secret itself
    return FormField(
        field=one,
        choices=listed(offer.choices, value=value, fields=choosing),
        value=value,
        error=filled.errors.get(one.name, ""),
        note=offer.note,
    )
