"""Who is looking: what changed since somebody's page was last told."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from sandbox.channel.places import Place
from sandbox.channel.roster import Account


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """What a page has to be told."""

    messages: tuple[str, ...]  #: ids, in the order of the first change
    typing: tuple[str, ...]  #: ids of places where the bot is typing


@dataclass(slots=True, eq=False)
class Watcher:
    """One open page. Changes of one message that it was not told yet count once."""

    account: Account
    _messages: dict[str, None] = field(default_factory=dict)
    _typing: dict[str, None] = field(default_factory=dict)
    _is_due: asyncio.Event = field(default_factory=asyncio.Event)
    is_over: bool = False  #: nothing more will come

    async def changes(self) -> Changes:
        """The next changes; none of them where it is over."""
        await self._is_due.wait()
        self._is_due.clear()
        changes = Changes(messages=tuple(self._messages), typing=tuple(self._typing))
        self._messages.clear()
        self._typing.clear()
        return changes

    def note_message(self, message_id: str) -> None:
        """A message is new or other than it was."""
        self._messages[message_id] = None
        self._is_due.set()

    def note_typing(self, place_id: str) -> None:
        """The bot is typing."""
        self._typing[place_id] = None
        self._is_due.set()

    def end(self) -> None:
        """Nothing more will come."""
        self.is_over = True
        self._is_due.set()


class Watchers:
    """All open pages."""

    def __init__(self) -> None:
        self._open: set[Watcher] = set()

    @contextmanager
    def watching(self, account: Account) -> Iterator[Watcher]:
        """A page of *account*, for as long as it is open."""
        watcher = Watcher(account)
        self._open.add(watcher)
        try:
            yield watcher
        finally:
            self._open.discard(watcher)

    def tell(self, place: Place, message_id: str, *, only: Account | None = None) -> None:
        """Note the change of a message for all who see *place*, or *only* for one of them."""
        for watcher in self._seeing(place):
            if only is None or watcher.account == only:
                watcher.note_message(message_id)

    def tell_typing(self, place: Place) -> None:
        """Note that the bot is typing in *place*."""
        for watcher in self._seeing(place):
            watcher.note_typing(place.id)

    def end(self) -> None:
        """Send everybody home."""
        for watcher in self._open:
            watcher.end()

    def _seeing(self, place: Place) -> Iterator[Watcher]:
        return (watcher for watcher in self._open if place.is_seen_by(watcher.account))
