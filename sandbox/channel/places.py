"""Where people talk: a team's channels, group chats, and everybody's chat with the bot."""

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
    """A channel, a group chat, or a personal chat."""

    id: str
    name: str
    kind: ConversationKind
    members: tuple[Account, ...]  #: who is in it, the bot aside

    @property
    def has_threads(self) -> bool:
        """Whether each message stands in a thread."""
        return self.kind is ConversationKind.CHANNEL

    @property
    def needs_mention(self) -> bool:
        """Whether the bot hears only what mentions it."""
        return self.kind is not ConversationKind.PERSONAL

    def is_seen_by(self, account: Account) -> bool:
        """Whether it is among what *account* can open."""
        return account in self.members


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

    def __init__(
        self,
        roster: Roster,
        *,
        team: str,
        channels: Sequence[str],
        group_chats: Sequence[str],
        bot: str,
    ) -> None:
        """Everybody is in the channels, guests too; in group chats are all but guests."""
        self.team = team
        self.roster = roster
        everybody = roster.accounts
        self.channels = tuple(
            Place(
                id=f"19:{_slug(name)}@thread.tacv2",
                name=name,
                kind=ConversationKind.CHANNEL,
                members=everybody,
            )
            for name in channels
        )
        self.group_chats = tuple(
            Place(
                id=f"19:{_slug(name)}@thread.v2",
                name=name,
                kind=ConversationKind.GROUP_CHAT,
                members=tuple(each for each in everybody if not each.is_guest),
            )
            for name in group_chats
        )
        self.chats = {
            account.id: Place(
                id=f"a:{account.name}",
                name=bot,
                kind=ConversationKind.PERSONAL,
                members=(account,),
            )
            for account in everybody
        }
        places = (*self.channels, *self.group_chats, *self.chats.values())
        self._by_id = {place.id: place for place in places}

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
        return Spot(place=place, root=root if place.has_threads else "")

    def open_to(self, account: Account) -> tuple[Place, ...]:
        """What *account* can open, their own chat with the bot before the group chats."""
        groups = (each for each in self.group_chats if each.is_seen_by(account))
        return (*self.channels, self.chats[account.id], *groups)


def _slug(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "channel"
