"""Who acts: a person from Entra ID, or Signalbox itself."""

from dataclasses import dataclass
from enum import StrEnum
from typing import NewType

ObjectId = NewType("ObjectId", str)
"""An Entra object id, a lower-case GUID. Never a display name: those are chosen by their owner."""

TenantId = NewType("TenantId", str)
"""An Entra tenant id, a lower-case GUID."""


class ActorKind(StrEnum):
    """What kind of actor caused an event."""

    USER = "user"
    AGENT = "agent"
    SCHEDULE = "schedule"
    WEBHOOK = "webhook"
    SYSTEM = "system"


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """What the directory says of somebody."""

    id: ObjectId
    name: str
    groups: frozenset[str] = frozenset()  #: object ids of the groups, nested ones included
    is_guest: bool = False
    is_enabled: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """Somebody who asks for something, as far as decisions care."""

    tenant: TenantId
    id: ObjectId
    name: str  #: for the reader, never for a decision
    kind: ActorKind = ActorKind.USER
    roles: frozenset[str] = frozenset()
    groups: frozenset[str] = frozenset()  #: object ids
    is_guest: bool = False
    is_known: bool = True  #: the directory knows the person, and the account is enabled


SYSTEM_ID = ObjectId("signalbox")


def system_actor(tenant: TenantId) -> Actor:
    """Signalbox itself, for what timers and workers do in *tenant*."""
    return Actor(tenant=tenant, id=SYSTEM_ID, name="Signalbox", kind=ActorKind.SYSTEM)
