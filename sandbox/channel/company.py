"""People of the test kit: what they say, press and see.

What is not as it should be is a `NotSeen`, whose words say what was there instead.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
import re
from typing import Any, TypeVar

from sandbox.channel.card_reading import PREFIX, Button, Input, buttons, inputs, plain, words
from sandbox.channel.outcome import Choice, Outcome, OutcomeKind, TeamsDialog
from sandbox.channel.places import Place
from sandbox.channel.roster import Account
from sandbox.channel.simulated import SimulatedTeams

_T = TypeVar("_T")


class NotSeen(AssertionError):
    """Something is not there; the words say what is."""


class Person:
    """Somebody in the simulated Teams."""

    def __init__(self, teams: SimulatedTeams, account: Account, patience: timedelta) -> None:
        self.name = account.name
        self._teams = teams
        self._account = account
        self._patience = patience

    async def says(
        self, text: str, *, to: str = "ops", in_thread: "Post | None" = None, aside: bool = False
    ) -> "Post":
        """Say *text* in a new thread of the channel *to*, or *in_thread*; the post comes back.

        *to* may be a group chat, or `chat`: one's own with the bot. The bot is mentioned where it
        hears nothing else, unless it is said *aside*, to people.

        Raises:
            NotSeen: the bot did not take it.
        """
        place = in_thread.place if in_thread else self._place(to)
        where = in_thread.conversation_id if in_thread else place.id
        bot = self._teams.teams.stage.bot_name
        is_mentioned = re.search(rf"@{re.escape(bot)}(?![\w-])", text, re.IGNORECASE)
        if place.needs_mention and not aside and not is_mentioned:
            text = f"@{bot} {text}"
        said = await self._teams.teams.say(self._account, where, text)
        if said.answer and said.answer.failure:
            raise NotSeen(f"{self.name} said {text!r}. {said.answer.failure}")
        return Post(author=self, place=place, root=said.message.root, id=said.message.id)

    async def sees(self, card: "Card") -> str:
        """The words of *card* in one's own view, line by line."""
        return words(await self.view(card))

    async def buttons(self, card: "Card") -> tuple[str, ...]:
        """The titles of what one can press in one's own view of *card*."""
        return tuple(each.titles[-1] for each in buttons(await self.view(card)))

    async def presses(self, card: "Card", title: str, **values: str) -> "Pressed":
        """Press the button *title* in one's own view of *card*, with *values* of its inputs.

        A button that is not there yet is waited for: somebody else's view may be ahead. Inputs go
        by id, without the `in.`; what is not given keeps what the card says.

        Raises:
            NotSeen: there is no such button or input, or a required input is empty.
        """
        view = await self._view_with(card, title)
        action = _filled(self.name, view, title, values)
        return Pressed(
            self, card.id, await self._teams.cards.press(self._account, card.id, action)
        )

    async def searches(self, card: "Card", name: str, text: str, **others: str) -> list[Choice]:
        """What the input *name* of *card* offers for *text*, asked for as one types.

        Raises:
            NotSeen: there is no such input, or the bot did not search.
        """
        return await self.search(card.id, await self.view(card), name, text, others)

    # What posts, cards and dialogs need

    async def view(self, card: "Card") -> Mapping[str, Any]:
        """The JSON of *card* as one sees it."""
        for message in await self.thread(card.post):
            if message["id"] == card.id and message["cards"]:
                shown: Mapping[str, Any] = message["cards"][0]
                return shown
        raise NotSeen(f"{self.name} sees no such card any more.")

    async def thread(self, post: "Post") -> list[dict[str, Any]]:
        """The bot's messages after *post*, as one sees them once one's own views are fetched."""
        refreshing = [
            each["id"]
            for each in self._after(post)
            if any("refresh" in card for card in each["cards"])
        ]
        await self._teams.cards.look(self._account, refreshing)
        return self._after(post)

    async def search(
        self,
        message_id: str,
        card: Mapping[str, Any],
        name: str,
        text: str,
        others: Mapping[str, str],
    ) -> list[Choice]:
        """What the input *name* of *card* offers."""
        fields = inputs(card)
        wanted = _named(self.name, fields, name)
        if not wanted.dataset:
            raise NotSeen(f"{name} is not searched for by the bot.")
        rest = [each for each in fields if each is not wanted]
        found = await self._teams.cards.search(
            self._account,
            message_id,
            dataset=wanted.dataset,
            text=text,
            inputs=_values(self.name, rest, others) if wanted.sends_others else None,
        )
        if found.failure:
            raise NotSeen(found.failure)
        return list(found.choices)

    async def submit(self, message_id: str, action: Mapping[str, Any]) -> "Pressed":
        """Press a button of a Teams dialog."""
        outcome = await self._teams.cards.submit_dialog(self._account, message_id, action)
        return Pressed(self, message_id, outcome)

    async def waits(
        self,
        post: "Post",
        find: Callable[[Sequence[dict[str, Any]]], _T | None],
        what: str,
        within: timedelta | None,
    ) -> _T:
        """What *find* finds among the bot's messages after *post*, as soon as it does.

        Raises:
            NotSeen: it did not *within* that time.
        """
        patience = within if within is not None else self._patience

        async def look() -> _T | None:
            return find(await self.thread(post))

        try:
            async with asyncio.timeout(patience.total_seconds()):
                return await self._until(look)
        except TimeoutError:
            seen = "\n".join(_told(each) for each in self._after(post)) or "  nothing"
            sentence = f"{self.name} did not see {what} within {patience.total_seconds():g} s."
            raise NotSeen(f"{sentence} There was:\n{seen}") from None

    async def _view_with(self, card: "Card", title: str) -> Mapping[str, Any]:
        """One's own view of *card*, as soon as *title* can be pressed there; else as it is."""

        async def look() -> Mapping[str, Any] | None:
            view = await self.view(card)
            return view if _found(view, title) else None

        try:
            async with asyncio.timeout(self._patience.total_seconds()):
                return await self._until(look)
        except TimeoutError:
            return await self.view(card)

    async def _until(self, look: Callable[[], Awaitable[_T | None]]) -> _T:
        with self._teams.teams.watchers.watching(self._account) as watcher:
            while True:
                found = await look()
                if found is not None:
                    return found
                await watcher.changes()

    def _after(self, post: "Post") -> list[dict[str, Any]]:
        messages = self._teams.teams.messages(self._account, post.place.id)
        return [
            each
            for each in messages
            if each["isFromBot"] and each["root"] == post.root and int(each["id"]) > int(post.id)
        ]

    def _place(self, name: str) -> Place:
        places = self._teams.teams.places.open_to(self._account)
        known = {each.name if each.needs_mention else "chat": each for each in places}
        if name not in known:
            raise NotSeen(f"{self.name} can open {', '.join(known)}, but no {name}.")
        return known[name]


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """What somebody said, and what the bot says to it."""

    author: Person
    place: Place
    root: str  #: the thread; empty where there are none
    id: str

    @property
    def conversation_id(self) -> str:
        """The conversation as the bot gets it, down to the thread."""
        return f"{self.place.id};messageid={self.root}" if self.root else self.place.id

    async def card(
        self, said: str = "", *, seen_by: Person | None = None, within: timedelta | None = None
    ) -> "Card":
        """The bot's card that says *said*, as soon as it does in the view of *seen_by*.

        Without *seen_by* it is the author who looks.

        Raises:
            NotSeen: there is none *within* that time.
        """

        def find(messages: Sequence[dict[str, Any]]) -> Card | None:
            for each in messages:
                if each["cards"] and said in words(each["cards"][0]):
                    return Card(post=self, id=each["id"])
            return None

        person = seen_by or self.author
        return await person.waits(self, find, f"a card with {said!r}", within)

    async def reply(
        self, said: str = "", *, seen_by: Person | None = None, within: timedelta | None = None
    ) -> str:
        """The bot's words, as soon as some of them are *said*.

        Raises:
            NotSeen: there are none *within* that time.
        """

        def find(messages: Sequence[dict[str, Any]]) -> str | None:
            texts = (plain(each["text"]) for each in messages if each["text"])
            return next((text for text in texts if said in text), None)

        person = seen_by or self.author
        return await person.waits(self, find, f"an answer with {said!r}", within)


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """A message of the bot with a card, which may change."""

    post: Post
    id: str

    async def says(
        self, said: str, *, seen_by: Person | None = None, within: timedelta | None = None
    ) -> None:
        """Return as soon as the card says *said*, in the view of *seen_by* or of the author.

        Raises:
            NotSeen: it does not *within* that time.
        """

        def find(messages: Sequence[dict[str, Any]]) -> bool | None:
            mine = (each["cards"] for each in messages if each["id"] == self.id)
            return any(cards and said in words(cards[0]) for cards in mine) or None

        person = seen_by or self.post.author
        await person.waits(self.post, find, f"{said!r} on the card", within)


class Pressed:
    """What whoever pressed a button got to see."""

    def __init__(self, person: Person, message_id: str, outcome: Outcome) -> None:
        self.kind: OutcomeKind = outcome.kind
        self._person = person
        self._message_id = message_id
        self._outcome = outcome

    @property
    def words(self) -> str:
        """The words of the card or dialog, or the notice; empty where the bot said nothing."""
        outcome = self._outcome
        if outcome.dialog:
            return self.dialog.words
        return words(outcome.card) if outcome.card else plain(outcome.text)

    @property
    def dialog(self) -> "Dialog":
        """The Teams dialog that is open now.

        Raises:
            NotSeen: none is.
        """
        if self._outcome.dialog is None:
            raise NotSeen(f"No dialog is open for {self._person.name}: {self.kind}, {self.words}")
        return Dialog(self._person, self._message_id, self._outcome.dialog)


class Dialog:
    """A Teams dialog that is open for somebody."""

    def __init__(self, person: Person, message_id: str, shown: TeamsDialog) -> None:
        self.title = shown.title
        self.card = shown.card
        self._person = person
        self._message_id = message_id

    @property
    def words(self) -> str:
        """All that can be read in it."""
        return words(self.card)

    @property
    def values(self) -> dict[str, str]:
        """What stands in its inputs, by id without the `in.`."""
        return {each.name: each.value for each in inputs(self.card)}

    async def submits(self, title: str, **values: str) -> Pressed:
        """Press the button *title* with *values* of the inputs; what is not given stays.

        Raises:
            NotSeen: there is no such button or input, or a required input is empty.
        """
        action = _filled(self._person.name, self.card, title, values)
        return await self._person.submit(self._message_id, action)

    async def searches(self, name: str, text: str, **others: str) -> list[Choice]:
        """What the input *name* offers for *text*, asked for as one types.

        Raises:
            NotSeen: there is no such input, or the bot did not search.
        """
        return await self._person.search(self._message_id, self.card, name, text, others)


def _filled(
    who: str, card: Mapping[str, Any], title: str, given: Mapping[str, str]
) -> Mapping[str, Any]:
    """The pressed button *title* of *card*, as the client would send it."""
    button = _button(who, card, title)
    values = _values(who, button.inputs, given)
    for each in button.inputs:
        if each.is_required and not values.get(each.id):
            raise NotSeen(f"{title} needs {each.name} ({each.label}), and {who} left it empty.")
    return button.pressed(values)


def _button(who: str, card: Mapping[str, Any], title: str) -> Button:
    found = _found(card, title)
    if found is None:
        titles = ", ".join(" > ".join(each.titles) for each in buttons(card)) or "none"
        raise NotSeen(f"{who} can press no {title}. There are: {titles}. The card:\n{words(card)}")
    return found


def _found(card: Mapping[str, Any], title: str) -> Button | None:
    """The button called *title*, or the only one behind what is called so; None: no such one."""
    there = buttons(card)
    exact = [each for each in there if each.titles[-1] == title]
    behind = [each for each in there if title in each.titles]
    if not exact and len(behind) != 1:
        return None
    return (exact or behind)[0]


def _values(who: str, fields: Sequence[Input], given: Mapping[str, str]) -> dict[str, str]:
    """The values of *fields* by id: those *given* by name, and what stands in the others."""
    values = {each.id: each.value for each in fields if each.value}
    for name, value in given.items():
        wanted = _named(who, fields, name)
        if wanted.choices and value and value not in wanted.choices:
            raise NotSeen(f"{name} can be {', '.join(wanted.choices)}, but not {value}.")
        values[wanted.id] = value
    return values


def _named(who: str, fields: Sequence[Input], name: str) -> Input:
    for each in fields:
        if name in {each.id, each.name} or each.id == PREFIX + name:
            return each
    names = ", ".join(each.name for each in fields) or "nothing"
    raise NotSeen(f"{who} can fill in {names}, but no {name}.")


def _told(message: Mapping[str, Any]) -> str:
    """A message as a failure quotes it."""
    if message["isDeleted"]:
        said = "(deleted)"
    else:
        said = "\n".join([plain(message["text"]), *map(words, message["cards"])]).strip()
    return "\n    | ".join([f"  {message['senderName']}:", *said.splitlines()])
