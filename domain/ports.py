"""What the inside asks of the outside."""

from collections.abc import Mapping
from datetime import datetime
from typing import Protocol

from domain.actor import ObjectId, Person
from domain.conversation import Conversation
from domain.notice import Member, Message
from domain.policy import Decision, Request


class Clock(Protocol):
    """Tells the time. Tests give one that stands still until it is moved."""

    def now(self) -> datetime:
        """The current moment, aware, in UTC."""
        ...


class Ids(Protocol):
    """Makes ids. Tests give one that counts."""

    def uuid(self) -> str:
        """A random UUID, as text."""
        ...

    def run_id(self) -> str:
        """Eight base-32 characters, random."""
        ...


class Directory(Protocol):
    """Knows people and their groups."""

    async def person(self, object_id: ObjectId, *, fresh: bool = False) -> Person | None:
        """What the directory says of *object_id*; None for a stranger.

        With *fresh*, no cache answers: what changes something must not rest on a stale grant.

        Raises:
            Unavailable: the directory did not answer.
        """
        ...

    async def members(self, group_id: str) -> tuple[Person, ...]:
        """The people in a group, by object id of the group; empty for a group it does not know.

        Raises:
            Unavailable: the directory did not answer.
        """
        ...


class Authorizer(Protocol):
    """Decides who may do what."""

    def decide(self, request: Request) -> Decision:
        """Whether the policy allows *request*, and under which gate. Deny by default."""
        ...

    @property
    def digest(self) -> str:
        """Which policy it is: SHA-256 over all that decides; 64 hex digits."""
        ...

    def group_id(self, name: str) -> str:
        """The object id of the group that the policy calls *name*; empty where it names none."""
        ...

    def roles_of(self, groups: frozenset[str]) -> frozenset[str]:
        """The roles that membership in *groups* (object ids) gives, included roles and all."""
        ...


class Catalogue(Protocol):
    """The services we operate."""

    def services(self) -> tuple[str, ...]:
        """Names, in the order of the file."""
        ...

    def environments(self, service: str | None = None) -> tuple[str, ...]:
        """The environments of *service*, or of all services."""
        ...

    def attributes(self, service: str, environment: str) -> Mapping[str, str]:
        """What the policy may look at: `owner`, `tier`. Empty for what the file does not know."""
        ...


class Transport(Protocol):
    """Writes into conversations: the Bot Connector, or a fake of it."""

    async def send(self, conversation: Conversation, message: Message) -> str:
        """Post *message*; its activity id comes back.

        Raises:
            Unavailable: not now; `retry_after` says when, where the channel said so.
            Refused: never: the conversation is gone, or the message is not acceptable.
        """
        ...

    async def update(self, conversation: Conversation, activity_id: str, message: Message) -> None:
        """Put *message* in place of what *activity_id* was.

        Raises:
            Unavailable: not now.
            UnknownMessage: the message is gone.
            Refused: never.
        """
        ...

    async def members(self, conversation: Conversation) -> tuple[Member, ...]:
        """The roster of the channel or chat.

        Raises:
            Unavailable: not now.
            Refused: the channel does not tell.
        """
        ...
