"""Runs and their steps."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from domain.actor import ObjectId, TenantId
from domain.errors import UnknownRun
from domain.run import Run, RunId, RunState
from domain.step import StepRun, StepState
from storage import codec
from storage.schema import runs, step_runs

_INSERT = sa.insert(runs)
_GET = sa.select(runs).where(runs.c.id == sa.bindparam("run_id"))
_LOCK = _GET.with_for_update()
_SAVE = sa.update(runs).where(runs.c.id == sa.bindparam("run_id"))
_LATEST = (
    sa.select(runs)
    .where(runs.c.tenant == sa.bindparam("of_tenant"))
    .order_by(runs.c.created_at.desc(), runs.c.id.desc())
    .limit(sa.bindparam("limit"))
)
_LATEST_BEFORE = _LATEST.where(
    sa.or_(
        runs.c.created_at < sa.bindparam("moment"),
        sa.and_(runs.c.created_at == sa.bindparam("moment"), runs.c.id < sa.bindparam("of_run")),
    )
)
_WAITING = (
    sa.select(runs.c.id)
    .where(runs.c.state == RunState.QUEUED.value, runs.c.lock == sa.bindparam("for_lock"))
    .order_by(runs.c.queued_at, runs.c.id)
)
_IN_STATE = (
    sa.select(runs.c.id)
    .where(runs.c.state.in_(sa.bindparam("states", expanding=True)))
    .order_by(runs.c.created_at, runs.c.id)
)


class Runs:
    """The table of runs."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def insert(self, run: Run) -> None:
        """Add *run*."""
        self._connection.execute(_INSERT, {"id": run.id, **_run_values(run)})

    def get(self, run_id: str) -> Run | None:
        """The run of that id; None where there is none."""
        row = self._connection.execute(_GET, {"run_id": run_id}).first()
        return _run(row) if row else None

    def lock(self, run_id: str) -> Run:
        """The run of that id, nobody else's to change until this transaction ends.

        Raises:
            UnknownRun: there is none.
        """
        row = self._connection.execute(_LOCK, {"run_id": run_id}).first()
        if row is None:
            raise UnknownRun(run_id)
        return _run(row)

    def save(self, run: Run) -> None:
        """Put *run* in the place of what it was.

        Raises:
            UnknownRun: it has not been inserted.
        """
        values = {"run_id": run.id, **_run_values(run)}
        if self._connection.execute(_SAVE, values).rowcount == 0:
            raise UnknownRun(run.id)

    def latest(self, tenant: TenantId, limit: int = 10, *, before: Run | None = None) -> list[Run]:
        """The newest runs of *tenant*, newest first; with *before*, of those that came before."""
        known = {"of_tenant": tenant, "limit": limit}
        if before is None:
            found = self._connection.execute(_LATEST, known)
        else:
            place = {"moment": before.created_at, "of_run": before.id}
            found = self._connection.execute(_LATEST_BEFORE, known | place)
        return [_run(row) for row in found]

    def waiting_for(self, lock: str) -> list[RunId]:
        """The queued runs that need *lock*, first come first."""
        return [RunId(each) for each in self._connection.scalars(_WAITING, {"for_lock": lock})]

    def in_state(self, *states: RunState) -> list[RunId]:
        """The runs in any of *states*, oldest first."""
        wanted = [each.value for each in states]
        return [RunId(each) for each in self._connection.scalars(_IN_STATE, {"states": wanted})]


_INSERT_STEP = sa.insert(step_runs)
_STEPS_OF = (
    sa.select(step_runs)
    .where(step_runs.c.run_id == sa.bindparam("of_run"))
    .order_by(step_runs.c.position, step_runs.c.name)
)
_SAVE_STEP = sa.update(step_runs).where(
    step_runs.c.run_id == sa.bindparam("of_run"), step_runs.c.name == sa.bindparam("of_name")
)


class Steps:
    """The table of step runs."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def insert(self, steps: Sequence[StepRun]) -> None:
        """Add *steps*."""
        if steps:
            self._connection.execute(
                _INSERT_STEP,
                [{"run_id": s.run_id, "name": s.name, **_step_values(s)} for s in steps],
            )

    def of(self, run_id: str) -> tuple[StepRun, ...]:
        """The steps of a run, in the order of its definition."""
        return tuple(_step(row) for row in self._connection.execute(_STEPS_OF, {"of_run": run_id}))

    def save(self, step: StepRun) -> None:
        """Put *step* in the place of what it was.

        Raises:
            UnknownRun: it has not been inserted.
        """
        values = {"of_run": step.run_id, "of_name": step.name, **_step_values(step)}
        if self._connection.execute(_SAVE_STEP, values).rowcount == 0:
            raise UnknownRun(step.run_id)


def _run_values(run: Run) -> dict[str, Any]:
    return {
        "tenant": run.requester.tenant,
        "workflow": run.workflow,
        "title": run.title,
        "definition": run.definition,
        "inputs": run.inputs,
        "reason": run.reason,
        "requester": codec.actor_to_json(run.requester),
        "conversation": codec.conversation_to_json(run.conversation),
        "gate_rule": codec.gate_rule_to_json(run.gate_rule),
        "state": run.state.value,
        "rev": run.rev,
        "generation": run.generation,
        "created_at": run.created_at,
        "plan": codec.plan_to_json(run.plan) if run.plan else None,
        "lock": run.lock,
        "outcome": run.outcome,
        "cancelled_by": run.cancelled_by,
        "carrier": run.carrier,
        "queued_at": run.queued_at,
        "started_at": run.started_at,
        "finished_at": run.finished_at,
    }


def _run(row: sa.Row[Any]) -> Run:
    return Run(
        id=RunId(row.id),
        workflow=row.workflow,
        title=row.title,
        definition=row.definition,
        inputs=row.inputs,
        reason=row.reason,
        requester=codec.actor_from_json(row.requester),
        conversation=codec.conversation_from_json(row.conversation),
        gate_rule=codec.gate_rule_from_json(row.gate_rule),
        state=RunState(row.state),
        rev=row.rev,
        generation=row.generation,
        created_at=row.created_at,
        plan=codec.plan_from_json(row.plan) if row.plan else None,
        lock=row.lock,
        outcome=row.outcome,
        cancelled_by=ObjectId(row.cancelled_by) if row.cancelled_by is not None else None,
        carrier=row.carrier,
        queued_at=row.queued_at,
        started_at=row.started_at,
        finished_at=row.finished_at,
    )


def _step_values(step: StepRun) -> dict[str, Any]:
    return {
        "title": step.title,
        "position": step.position,
        "state": step.state.value,
        "attempt": step.attempt,
        "undo_attempt": step.undo_attempt,
        "started_at": step.started_at,
        "finished_at": step.finished_at,
        "due_at": step.due_at,
        "output": step.output,
        "detail": step.detail,
    }


def _step(row: sa.Row[Any]) -> StepRun:
    return StepRun(
        run_id=row.run_id,
        name=row.name,
        title=row.title,
        position=row.position,
        state=StepState(row.state),
        attempt=row.attempt,
        undo_attempt=row.undo_attempt,
        started_at=row.started_at,
        finished_at=row.finished_at,
        due_at=row.due_at,
        output=row.output,
        detail=row.detail,
    )
