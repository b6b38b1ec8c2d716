"""What is written into a conversation."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One message: words, or a card with words to fall back to."""

    markdown: str = ""
    card: Mapping[str, Any] | None = None
    reply_to: str = ""  #: id of the activity it answers; empty where it answers none


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """Somebody of a conversation's roster."""

    teams_id: str  #: `29:…`, what cards and mentions address
    object_id: str  #: Entra object id, lower case; empty where Teams did not say
    name: str
