"""Schedules: what is carried out for whom, and when it is due next."""

from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from domain.actor import ObjectId, TenantId
from domain.schedule import Schedule, ScheduleId, ScheduleState, UnknownSchedule, When
from storage import codec
from storage.schema import on_conflict, schedules

_OVER = (ScheduleState.DONE.value, ScheduleState.DELETED.value)
_KEPT = (ScheduleState.ACTIVE.value, ScheduleState.PAUSED.value)

_INSERT = on_conflict(
    lambda insert: insert(schedules).on_conflict_do_nothing(index_elements=["id"]).inline()
)
_GET = sa.select(schedules).where(schedules.c.id == sa.bindparam("of_id"))
_SAVE = sa.update(schedules).where(
    schedules.c.id == sa.bindparam("of_id"), schedules.c.rev == sa.bindparam("at_rev")
)
_DUE = (
    sa.select(schedules.c.id)
    .where(
        schedules.c.state == ScheduleState.ACTIVE.value,
        schedules.c.next_at <= sa.bindparam("now"),
    )
    .order_by(schedules.c.next_at, schedules.c.id)
    .limit(sa.bindparam("limit"))
)
_LISTED = (
    sa.select(schedules)
    .where(schedules.c.tenant == sa.bindparam("of_tenant"), schedules.c.state.in_(_KEPT))
    .order_by(schedules.c.next_at.is_(None), schedules.c.next_at, schedules.c.id)
    .limit(sa.bindparam("limit"))
)
_COUNT = sa.select(sa.func.count()).where(
    schedules.c.tenant == sa.bindparam("of_tenant"),
    schedules.c.owner_id == sa.bindparam("of_owner"),
    schedules.c.state.in_(_KEPT),
)
_OF_FILES = sa.select(schedules).where(
    schedules.c.tenant == sa.bindparam("of_tenant"),
    schedules.c.source != "",
    schedules.c.state.not_in(_OVER),
)
_FORGET = sa.delete(schedules).where(
    schedules.c.state == ScheduleState.PROPOSED.value,
    schedules.c.created_at < sa.bindparam("before"),
)


class Schedules:
    """The table of schedules."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def insert(self, schedule: Schedule) -> bool:
        """Add *schedule*; False where there is one of its id already, and nothing changes."""
        values = {
            "id": schedule.id,
            "tenant": schedule.owner.tenant,
            "created_at": schedule.created_at,
            "source": schedule.source,
            **_moving(schedule),
        }
        added = self._connection.execute(_INSERT[self._connection.dialect.name], values)
        return added.rowcount == 1

    def get(self, schedule_id: str) -> Schedule | None:
        """The schedule of that id; None where there is none."""
        row = self._connection.execute(_GET, {"of_id": schedule_id}).first()
        return _schedule(row) if row else None

    def of(self, schedule_id: str, tenant: TenantId) -> Schedule:
        """The schedule of that id.

        Raises:
            UnknownSchedule: there is none, or it is another tenant's.
        """
        found = self.get(schedule_id)
        if found is None or found.owner.tenant != tenant:
            raise UnknownSchedule(schedule_id)
        return found

    def save(self, schedule: Schedule) -> bool:
        """Put *schedule* in place of its revision before; False where somebody was faster."""
        saved = self._connection.execute(
            _SAVE, {"of_id": schedule.id, "at_rev": schedule.rev - 1, **_moving(schedule)}
        )
        return saved.rowcount == 1

    def due(self, now: datetime, limit: int = 100) -> list[str]:
        """The ids of those that are due by *now*, the oldest first."""
        return list(self._connection.scalars(_DUE, {"now": now, "limit": limit}))

    def listed(self, tenant: TenantId, limit: int = 200) -> list[Schedule]:
        """Those of *tenant* that are active or paused, what is due next first."""
        found = self._connection.execute(_LISTED, {"of_tenant": tenant, "limit": limit})
        return [_schedule(row) for row in found]

    def count_of(self, tenant: TenantId, owner: ObjectId) -> int:
        """How many *owner* has that are active or paused."""
        counted = self._connection.scalar(_COUNT, {"of_tenant": tenant, "of_owner": owner})
        return int(counted or 0)

    def of_files(self, tenant: TenantId) -> list[Schedule]:
        """Those that workflow files say, and that are not over."""
        found = self._connection.execute(_OF_FILES, {"of_tenant": tenant})
        return [_schedule(row) for row in found]

    def forget(self, before: datetime) -> int:
        """Drop previews from before that moment which nobody saved; how many went."""
        return self._connection.execute(_FORGET, {"before": before}).rowcount


def _moving(schedule: Schedule) -> dict[str, Any]:
    """What may change in a schedule's life."""
    place = schedule.conversation
    return {
        "owner_id": schedule.owner.id,
        "owner": codec.actor_to_json(schedule.owner),
        "channel": schedule.channel,
        "conversation": codec.conversation_to_json(place) if place else None,
        "reply_to": schedule.reply_to,
        "command": schedule.command,
        "arguments": dict(schedule.arguments),
        "line": schedule.line,
        "rule": schedule.when.text,
        "zone": schedule.when.zone,
        "cron": schedule.when.cron,
        "once_at": schedule.when.at,
        "may_be_late": int(schedule.may_be_late.total_seconds()),
        "state": schedule.state.value,
        "rev": schedule.rev,
        "next_at": schedule.next_at,
        "gate": schedule.gate,
        "last_at": schedule.last_at,
        "last_result": schedule.last_result,
        "last_run_id": schedule.last_run_id,
        "why": schedule.why,
    }


def _schedule(row: sa.Row[Any]) -> Schedule:
    return Schedule(
        id=ScheduleId(row.id),
        owner=codec.actor_from_json(row.owner),
        channel=row.channel,
        conversation=codec.conversation_from_json(row.conversation) if row.conversation else None,
        command=row.command,
        arguments=row.arguments,
        line=row.line,
        when=When(text=row.rule, zone=row.zone, cron=row.cron, at=row.once_at),
        may_be_late=timedelta(seconds=row.may_be_late),
        state=ScheduleState(row.state),
        rev=row.rev,
        created_at=row.created_at,
        next_at=row.next_at,
        reply_to=row.reply_to,
        gate=row.gate,
        last_at=row.last_at,
        last_result=row.last_result,
        last_run_id=row.last_run_id,
        why=row.why,
        source=row.source,
    )
