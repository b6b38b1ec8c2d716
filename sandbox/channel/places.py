"""Where people talk: a team's channels, and everybody's chat with the bot."""

from collections.abc import Sequence
from dataclasses import dataclass
import re

from domain.conversation import ConversationKind
from sandbox.channel.refusal import unknown_conversation
from sandbox.channel.roster import Account, Roster

GENERAL = "General"
THREAD = ";messageid="
"""What makes a channel's id the id of one of its threads."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A channel, or a personal chat."""

    id: str
    name: str
    kind: ConversationKind
    owner: Account | None = None  #: whose chat with the bot it is; None for a channel

    def is_seen_by(self, account: Account) -> bool:
        """Whether it is among what *account* can open."""
        return self.owner is None or self.owner == account


@dataclass(frozen=True, slots=True, kw_only=True)
class Spot:
    """Where a message stands."""

    place: Place
    root: str = ""  #: the message that starts the thread; empty in a chat, and for a new thread

    @property
    def conversation_id(self) -> str:
        """The id as an activity carries it."""
        return f"{self.place.id}{THREAD}{self.root}" if self.root else self.place.id


class Places:
    """All there is to open."""

    def __init__(self, roster: Roster, *, team: str, channels: Sequence[str], bot: str) -> None:
        self.team = team
        self.roster = roster
        self.channels = tuple(
            Place(id=f"19:{_slug(name)}@thread.tacv2", name=name, kind=ConversationKind.CHANNEL)
            for name in channels
        )
        self.chats = {
            account.id: Place(
                id=f"a:{account.name}", name=bot, kind=ConversationKind.PERSONAL, owner=account
            )
            for account in roster.accounts
        }
        self._by_id = {place.id: place for place in (*self.channels, *self.chats.values())}

    @property
    def team_id(self) -> str:
        """Teams gives a team the id of its first channel."""
        return self.channels[0].id

    def at(self, conversation_id: str) -> Spot:
        """The place, and the thread if any, that *conversation_id* names.

        Raises:
            Refusal: it names none.
        """
        place_id, _, root = conversation_id.partition(THREAD)
        place = self._by_id.get(place_id)
        if place is None:
            raise unknown_conversation()
        return Spot(place=place, root=root if place.kind is ConversationKind.CHANNEL else "")

    def members(self, place: Place) -> tuple[Account, ...]:
        """Who is in *place*, the bot aside."""
        return (place.owner,) if place.owner else self.roster.accounts


def _slug(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "channel"
