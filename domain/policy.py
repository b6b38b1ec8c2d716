"""May this actor do this to that? The question, the answer, and the gate that goes with a yes."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum

from domain.actor import Actor


class GateKind(StrEnum):
    """What must happen before a permitted run may go on."""

    NONE = "none"
    CONFIRM = "confirm"  #: the requester says yes to the plan
    APPROVAL = "approval"  #: others say yes to the plan


@dataclass(frozen=True, slots=True, kw_only=True)
class GateRule:
    """The gate a policy rule asks for, from its annotations."""

    kind: GateKind = GateKind.NONE
    count: int = 0  #: approvals needed
    group: str = ""  #: the name of the group whose members may approve
    expires: timedelta = timedelta(minutes=30)
    escalate: str = ""  #: the group that is called where the approval takes long; empty: none
    escalate_after: timedelta | None = None  #: None: after half of *expires*

    @property
    def calls_after(self) -> timedelta | None:
        """How long after its opening the second group is called; None where none is."""
        if not self.escalate:
            return None
        return self.expires / 2 if self.escalate_after is None else self.escalate_after

    @property
    def weight(self) -> tuple[int, int]:
        """How heavy the gate is: the lightest one that a satisfied rule asks for is the gate."""
        return ([GateKind.NONE, GateKind.CONFIRM, GateKind.APPROVAL].index(self.kind), self.count)


NO_GATE = GateRule()


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One question to the policy."""

    actor: Actor
    action: str  #: the command's name
    service: str = ""  #: what it is done to; empty where the command has no target
    environment: str = ""
    requester: str = (
        ""  #: object id of who asked for the run in question; empty where there is none
    )
    attributes: Mapping[str, str] = field(default_factory=dict)  #: further arguments


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """The policy's answer."""

    allowed: bool
    gate: GateRule = NO_GATE  #: meaningful only where *allowed*
    rule: str = ""  #: the id of the deciding rule; empty where none allows it
    reason: str = ""  #: the rule's own words
    error: str = ""  #: an evaluation error; it always denies
    would_need: tuple[str, ...] = ()  #: roles that would have allowed it, lightest first
    hangs_on_arguments: bool = False  #: a no that may be a yes with other, or further, arguments

    @property
    def may_be_allowed(self) -> bool:
        """Whether it is a yes, or may become one as more arguments are given."""
        return self.allowed or self.hangs_on_arguments
