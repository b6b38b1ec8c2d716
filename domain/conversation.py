"""Where a conversation takes place: enough to write into it again, days later."""

from dataclasses import dataclass
from enum import StrEnum

from domain.actor import TenantId


class ConversationKind(StrEnum):
    """Teams' `conversationType`."""

    PERSONAL = "personal"
    GROUP_CHAT = "groupChat"
    CHANNEL = "channel"


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversation:
    """A place to write to.

    In a channel, *id* names the thread: `19:…@thread.tacv2;messageid=1700000000000`. What is
    sent there lands in the thread of the request.
    https://learn.microsoft.com/microsoftteams/platform/bots/build-conversational-capability
    """

    tenant: TenantId
    service_url: str
    id: str
    kind: ConversationKind
    bot_id: str  #: `28:<app id>`, as the channel addresses us

    @property
    def roster_id(self) -> str:
        """The conversation whose members these are: the channel, not the thread."""
        return self.id.partition(";")[0]
