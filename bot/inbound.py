"""What came in: one verified activity, as far as we care."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from domain.actor import ObjectId, TenantId
from domain.conversation import Conversation


class InboundKind(StrEnum):
    """What somebody did."""

    MESSAGE = "message"  #: typed a line
    ACTION = "action"  #: pressed a button of a card, or their client refreshed one
    FETCH = "fetch"  #: pressed a button that opens a Teams dialog
    FORM = "form"  #: submitted a Teams dialog
    SEARCH = "search"  #: types into a field whose choices are searched for
    INVOKE = "invoke"  #: another invoke; *invoke_name* says which
    INSTALLED = "installed"  #: the app was added to a conversation
    REMOVED = "removed"  #: the app was taken out of a conversation
    OCCURRENCE = "occurrence"  #: nothing: a schedule is due; we make these ourselves
    OTHER = "other"  #: anything else: acknowledged, not acted on


@dataclass(frozen=True, slots=True, kw_only=True)
class Inbound:
    """One activity, after its sender and tenant have been verified.

    Everything but *data* is verified or produced by the channel; *data* is what a card's
    button carried, and whoever pressed may have forged it.
    """

    kind: InboundKind
    activity_id: str
    activity_type: str  #: the wire's word: `message`, `invoke`, …
    conversation: Conversation
    tenant: TenantId
    sender: ObjectId
    sender_name: str
    sender_teams_id: str  #: `29:…`
    text: str = ""  #: what was typed, our own mention cut out
    is_addressed: bool = False  #: we were mentioned, or it is a personal chat
    verb: str = ""  #: the button's `verb`: a command's name
    data: Mapping[str, Any] | None = None  #: the button's data and the inputs, unverified
    is_refresh: bool = False  #: the client asked by itself, nobody pressed
    is_submit: bool = False  #: came as Action.Submit from an old client: a message, no invoke
    reply_to: str = ""  #: the message that the pressed card stands in
    invoke_name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class InvokeAnswer:
    """What an invoke is answered with, in the HTTP answer itself."""

    status: int = 200
    body: Mapping[str, Any] | None = None


Handler = Callable[[Inbound], Awaitable[InvokeAnswer | None]]
"""Takes one inbound activity. None for everything that is no invoke."""
