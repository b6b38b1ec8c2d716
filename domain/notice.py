"""What is written into a conversation."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Mention:
    """Somebody whom a message calls: it holds *text*, which Teams shows as the name."""

    teams_id: str  #: `29:…`
    name: str
    text: str  #: `<at>dev-1</at>`, exactly as it stands in the message


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One message: words, or a card with words to fall back to."""

    markdown: str = ""
    card: Mapping[str, Any] | None = None
    reply_to: str = ""  #: id of the activity it answers; empty where it answers none
    mentions: tuple[Mention, ...] = ()


class NoticeKind(StrEnum):
    """What people are told about a run. The names stand in the database: they do not change."""

    APPROVED = "approved"
    REJECTED = "rejected"
    EXPIRED = "expired"
    REOPENED = "reopened"  #: approvals that it had do not count any more
    HANDED_OVER = "handed_over"  #: one who may decide asks another to
    ESCALATED = "escalated"  #: nobody has decided: a second group is called
    ASKED = "asked"  #: a step of the run waits for people
    TOLD = "told"  #: what the workflow says, in *reason*
    ENDED = "ended"


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """Something that happened to a run, for those who wait for it; words come when it is sent."""

    kind: NoticeKind
    run_id: str
    by: tuple[str, ...] = ()  #: names of who did it; empty where nobody did
    reason: str = ""  #: why, in somebody's words
    group: str = ""  #: the group whose members are called; empty: *to* is, or the requester
    to: tuple[str, str] | None = None  #: object id and name of who is called


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """Somebody of a conversation's roster."""

    teams_id: str  #: `29:…`, what cards and mentions address
    object_id: str  #: Entra object id, lower case; empty where Teams did not say
    name: str
