"""Views of one's own: the cards that only one person sees in place of a message's card.

As in Teams, an edit of the message ends them all, and clients ask anew.
https://learn.microsoft.com/microsoftteams/platform/task-modules-and-cards/cards/universal-actions-for-adaptive-cards/user-specific-views
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sandbox.channel.message import Message
from sandbox.channel.roster import Account

_MOST = 2000
"""Messages with views; the oldest go first. What goes is fetched again when somebody looks."""


@dataclass(slots=True)
class _Own:
    version: int
    cards: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    asked: set[str] = field(default_factory=set)


class Views:
    """Who sees what, by message and account."""

    def __init__(self) -> None:
        self._own: dict[str, _Own] = {}

    def card(self, message: Message, account: Account) -> Mapping[str, Any] | None:
        """The view that *account* has of *message*; None where they see what all see."""
        own = self._own.get(message.id)
        return own.cards.get(account.id) if own and own.version == message.version else None

    def show(self, message: Message, account: Account, card: Mapping[str, Any]) -> None:
        """From now on *account* sees *card* in *message*, until the message is edited."""
        self._of(message).cards[account.id] = card

    def must_ask(self, message: Message, account: Account) -> bool:
        """Whether *account* has not asked for a view of *message* as it is now; true only once."""
        asked = self._of(message).asked
        is_new = account.id not in asked
        asked.add(account.id)
        return is_new

    def ask_again(self, message: Message, account: Account) -> None:
        """Nothing came of it: the next look may ask once more."""
        self._of(message).asked.discard(account.id)

    def _of(self, message: Message) -> _Own:
        own = self._own.get(message.id)
        if own is None or own.version < message.version:
            self._own.pop(message.id, None)
            own = self._own[message.id] = _Own(message.version)
            if len(self._own) > _MOST:
                del self._own[next(iter(self._own))]
        return own
