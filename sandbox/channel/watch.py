"""Who is looking: what changed since somebody's page was last told."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from sandbox.channel.places import Place
from sandbox.channel.roster import Account


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """What a page has to be told: who sees what change."""

    messages: tuple[tuple[Account, str], ...]  #: with ids, in the order of the first change
    typing: tuple[tuple[Account, str], ...]  #: with ids of places where the bot is typing
    trouble: bool  #: whether something else is wrong with Teams than before


@dataclass(slots=True, eq=False)
class Watcher:
    """One open page, or the open pages of several people.

    Changes of one message that they were not told yet count once.
    """

    accounts: tuple[Account, ...]
    _messages: dict[tuple[Account, str], None] = field(default_factory=dict)
    _typing: dict[tuple[Account, str], None] = field(default_factory=dict)
    _trouble: bool = False
    _is_due: asyncio.Event = field(default_factory=asyncio.Event)
    is_over: bool = False  #: nothing more will come

    async def changes(self) -> Changes:
        """The next changes; none of them where it is over."""
        await self._is_due.wait()
        self._is_due.clear()
        changes = Changes(
            messages=tuple(self._messages), typing=tuple(self._typing), trouble=self._trouble
        )
        self._messages.clear()
        self._typing.clear()
        self._trouble = False
        return changes

    def note_message(self, account: Account, message_id: str) -> None:
        """A message is new to *account*, or other than it was."""
        self._messages[account, message_id] = None
        self._is_due.set()

    def note_typing(self, account: Account, place_id: str) -> None:
        """*account* can see that the bot is typing."""
        self._typing[account, place_id] = None
        self._is_due.set()

    def note_trouble(self) -> None:
        """Something else is wrong with Teams than before."""
        self._trouble = True
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
    def watching(self, *accounts: Account) -> Iterator[Watcher]:
        """A page of *accounts*, for as long as it is open."""
        watcher = Watcher(tuple(dict.fromkeys(accounts)))
        self._open.add(watcher)
        try:
            yield watcher
        finally:
            self._open.discard(watcher)

    def tell(self, place: Place, message_id: str, *, only: Account | None = None) -> None:
        """Note the change of a message for all who see *place*, or *only* for one of them."""
        for watcher, account in self._seeing(place):
            if only is None or account == only:
                watcher.note_message(account, message_id)

    def tell_typing(self, place: Place) -> None:
        """Note that the bot is typing in *place*."""
        for watcher, account in self._seeing(place):
            watcher.note_typing(account, place.id)

    def tell_trouble(self) -> None:
        """Note for all that something else is wrong than before."""
        for watcher in self._open:
            watcher.note_trouble()

    def end(self) -> None:
        """Send everybody home."""
        for watcher in self._open:
            watcher.end()

    def _seeing(self, place: Place) -> Iterator[tuple[Watcher, Account]]:
        for watcher in self._open:
            for account in watcher.accounts:
                if place.is_seen_by(account):
                    yield watcher, account
