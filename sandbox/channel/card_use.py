"""What people do with cards: press, fill in Teams dialogs, search, and see views of their own."""

import asyncio
from collections.abc import Iterable, Mapping
from typing import Any

from domain.ports import Clock, Ids
from sandbox.channel.activities import (
    CARD_ACTION,
    DIALOG_FETCH,
    DIALOG_SUBMIT,
    SEARCH,
    Stage,
    card_action,
    dialog_value,
    search_value,
    typed,
)
from sandbox.channel.bot_line import Answer, BotLine
from sandbox.channel.message import Message, refresh_action
from sandbox.channel.outcome import (
    Found,
    Outcome,
    OutcomeKind,
    card_outcome,
    dialog_outcome,
    found,
)
from sandbox.channel.places import Spot
from sandbox.channel.refusal import malformed
from sandbox.channel.roster import Account
from sandbox.channel.teams import Teams

THEMES = ("default", "dark", "contrast")
"""What Teams calls them, and tells a bot with a dialog."""

_AT_ONCE = 8  #: views that are fetched at the same time


class CardUse:
    """The deeds. A card that a bot answers with is the view of who pressed, and of nobody else."""

    def __init__(
        self, teams: Teams, *, line: BotLine, stage: Stage, clock: Clock, ids: Ids
    ) -> None:
        self._teams = teams
        self._line = line
        self._stage = stage
        self._clock = clock
        self._ids = ids
        self._at_once = asyncio.Semaphore(_AT_ONCE)

    async def press(
        self,
        account: Account,
        message_id: str,
        action: Mapping[str, Any],
        *,
        theme: str = THEMES[0],
    ) -> Outcome:
        """*account* presses a button of the card in a message.

        *action* is the button's JSON, its `data` with the inputs' values. To change a card for
        all, a bot edits the message.

        Raises:
            Refusal: there is no such message, or no such kind of button.
        """
        message = self._teams.shown_to(account, message_id)
        match action.get("type"):
            case "Action.Execute":
                return await self._execute(account, message, action, is_automatic=False)
            case "Action.Submit":
                return await self._submit(account, message, action.get("data"), theme)
            case _:
                raise malformed("Only Action.Execute and Action.Submit go to a bot.")

    async def submit_dialog(
        self,
        account: Account,
        message_id: str,
        action: Mapping[str, Any],
        *,
        theme: str = THEMES[0],
    ) -> Outcome:
        """*account* presses a button in the dialog that a button of the message's card opened.

        Raises:
            Refusal: there is no such message, or no such kind of button.
        """
        message = self._teams.shown_to(account, message_id)
        if action.get("type") not in {"Action.Submit", "Action.Execute"}:
            raise malformed("Only Action.Submit goes to a bot from a dialog.")
        value = dialog_value(action.get("data") or {}, theme=theme)
        return dialog_outcome(await self._invoke(account, message, DIALOG_SUBMIT, value))

    async def search(
        self,
        account: Account,
        message_id: str,
        *,
        dataset: str,
        text: str,
        inputs: Mapping[str, Any] | None,
    ) -> Found:
        """What the bot finds for *text*, typed into an input of the message's card or its dialog.

        *inputs* are the other inputs' values, where the card wants them to go with it.

        Raises:
            Refusal: there is no such message.
        """
        message = self._teams.shown_to(account, message_id)
        value = search_value(text, dataset=dataset, inputs=inputs)
        return found(await self._invoke(account, message, SEARCH, value))

    async def look(self, account: Account, message_ids: Iterable[str]) -> None:
        """*account* has these messages on screen: fetch their own views, as cards ask for it.

        Raises:
            Refusal: there is no such message.
        """
        messages = [self._teams.shown_to(account, each) for each in dict.fromkeys(message_ids)]
        async with asyncio.TaskGroup() as group:
            for message in messages:
                group.create_task(self._look(account, message))

    async def _submit(self, account: Account, message: Message, data: Any, theme: str) -> Outcome:
        own: Mapping[str, Any] = data if isinstance(data, Mapping) else {}
        said: Any = own.get("msteams")
        teams: Mapping[str, Any] = said if isinstance(said, Mapping) else {}
        match teams.get("type"):
            case "task/fetch":
                value = dialog_value(own, theme=theme)
                return dialog_outcome(await self._invoke(account, message, DIALOG_FETCH, value))
            case "imBack":
                return await self._back(account, message, {}, said=teams.get("value"))
            case "messageBack":
                back, text = teams.get("value"), teams.get("text")
                back = back if isinstance(back, Mapping) else own
                shown = teams.get("displayText")
                return await self._back(account, message, back, said=shown, text=text)
            case _:
                return await self._back(account, message, own, said=None)

    async def _back(
        self,
        account: Account,
        message: Message,
        value: Mapping[str, Any],
        *,
        said: Any,
        text: Any = None,
    ) -> Outcome:
        """Send a message with a *value*; *said* is shown as if typed, *text* goes to the bot.

        https://learn.microsoft.com/microsoftteams/platform/task-modules-and-cards/cards/cards-actions
        """
        activity_id = self._teams.next_id()
        if isinstance(said, str) and said.strip():
            activity_id = await self._teams.show(account, self._spot(message), said.strip())
        words = text if isinstance(text, str) else said if isinstance(said, str) else ""
        activity = self._stage.submit(
            account,
            self._spot(message),
            activity_id=activity_id,
            at=self._clock.now(),
            message_id=message.id,
            value=value,
            text=typed(words, ()).text,
        )
        answer = await self._line.post(activity)
        if answer.failure:
            return Outcome(kind=OutcomeKind.FAILURE, text=answer.failure)
        return Outcome(kind=OutcomeKind.NOTHING)

    async def _look(self, account: Account, message: Message) -> None:
        teams = self._teams
        place = teams.places.at(message.place).place
        action = refresh_action(message, account.id, len(place.members))
        if action is None or not teams.views.must_ask(message, account):
            return
        async with self._at_once:
            if not teams.is_current(message):
                return  # edited while it waited: whoever looks is told, and asks anew
            seen = await self._execute(account, message, action, is_automatic=True)
        if seen.kind is OutcomeKind.FAILURE:
            teams.views.ask_again(message, account)

    async def _execute(
        self,
        account: Account,
        message: Message,
        action: Mapping[str, Any],
        *,
        is_automatic: bool,
    ) -> Outcome:
        value = card_action(action, is_automatic=is_automatic)
        became = card_outcome(await self._invoke(account, message, CARD_ACTION, value))
        if became.card is not None:
            self._teams.show_view(account, message, became.card)
        return became

    async def _invoke(
        self, account: Account, message: Message, name: str, value: Mapping[str, Any]
    ) -> Answer:
        activity = self._stage.invoke(
            account,
            self._spot(message),
            activity_id=f"f:{self._ids.uuid()}",
            at=self._clock.now(),
            name=name,
            message_id=message.id,
            value=value,
        )
        return await self._line.post(activity)

    def _spot(self, message: Message) -> Spot:
        return Spot(place=self._teams.places.at(message.place).place, root=message.root)
