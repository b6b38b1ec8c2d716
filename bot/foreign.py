"""A genuine activity from a tenant that is not served: no answer, no turn, one audit event."""

from collections.abc import Mapping

from bot.botframework.trust import OnDenied
from domain.actor import Actor, ObjectId, TenantId
from domain.audit import Event
from storage.store import Store
from storage.unit import UnitOfWork


def recorder(store: Store) -> OnDenied:
    """What the channel tells of such an activity: it goes into the audit log of *store*."""

    async def record(reason: str, facts: Mapping[str, str]) -> None:
        def append(unit: UnitOfWork) -> None:
            unit.audit.append(_event(reason, facts))

        await store.transaction(append)

    return record


def _event(reason: str, facts: Mapping[str, str]) -> Event:
    """All of *facts* are claims of somebody we do not serve."""
    claimed = Actor(
        tenant=TenantId(facts["tenant"]),
        id=ObjectId(facts["sender"]),
        name="",
        is_known=False,
    )
    return Event(
        type="tenant.denied",
        actor=claimed,
        subject=f"activity/{facts['activity']}",
        outcome="denied",
        reason=reason,
        conversation_id=facts["conversation"],
        data={"activity_type": facts["type"]},
    )
