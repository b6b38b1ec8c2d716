"""Runs and their steps.

What is read stays known until the transaction ends, and is read from the database once. What is
saved is written when it ends, changed columns only; or before a query that must see it.
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import fields
from typing import Any

import sqlalchemy as sa

from domain.actor import ObjectId, TenantId
from domain.errors import UnknownRun
from domain.run import Run, RunId, RunState
from domain.step import StepRun, StepState
from storage import codec
from storage.schema import runs, step_runs
from storage.tracked import AsStored, Tracked, columns

_RUN_FIELDS = tuple(each.name for each in fields(Run) if each.name != "id")
_STEP_FIELDS = tuple(each.name for each in fields(StepRun) if each.name not in {"run_id", "name"})

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
_BELL = sa.select(runs.c.bell, runs.c.carrier).where(runs.c.id == sa.bindparam("run_id"))
_IN_STATE = (
    sa.select(runs.c.id)
    .where(runs.c.state.in_(sa.bindparam("states", expanding=True)))
    .order_by(runs.c.created_at, runs.c.id)
)


class Runs:
    """The table of runs."""

    def __init__(
        self, connection: sa.Connection, *, on_lock: Callable[[str], None] = lambda _run_id: None
    ) -> None:
        """*on_lock* is told the run that is ours from now on: others may have changed it."""
        self._connection = connection
        self._on_lock = on_lock
        self._rows = Tracked[str, Run]()
        self._locked = set[str]()

    def insert(self, run: Run) -> None:
        """Add *run*."""
        self._connection.execute(_INSERT, {"id": run.id, **_run_values(run)})
        self._rows.insert(run.id, run)
        self._locked.add(run.id)

    def get(self, run_id: str) -> Run | None:
        """The run of that id; None where there is none."""
        if (known := self._rows.get(run_id)) is not None:
            return known
        row = self._connection.execute(_GET, {"run_id": run_id}).first()
        return self._read(row) if row else None

    def lock(self, run_id: str) -> Run:
        """The run of that id, nobody else's to change until this transaction ends.

        Raises:
            UnknownRun: there is none.
        """
        known = self._rows.get(run_id)
        if known is not None and run_id in self._locked:
            return known
        row = self._connection.execute(_LOCK, {"run_id": run_id}).first()
        if row is None:
            raise UnknownRun(run_id)
        self._rows.forget(run_id)
        self._locked.add(run_id)
        self._on_lock(run_id)
        return self._read(row)

    def save(self, run: Run) -> None:
        """Put *run* in the place of what it was.

        Raises:
            UnknownRun: it has not been inserted.
        """
        self.lock(run.id)
        self._rows.save(run.id, run)

    def news(self) -> Iterator[tuple[str, Run | None, Run | None]]:
        """What has changed since this was last asked: id, as it was, as it is; see `Tracked`."""
        return self._rows.news()

    def write(self) -> None:
        """Write what was saved."""
        self._rows.write(
            self._connection,
            _SAVE,
            lambda run_id, run, names: {"run_id": run_id, **_run_values(run, names)},
        )

    def latest(self, tenant: TenantId, limit: int = 10, *, before: Run | None = None) -> list[Run]:
        """The newest runs of *tenant*, newest first; with *before*, of those that came before."""
        self.write()
        known = {"of_tenant": tenant, "limit": limit}
        if before is None:
            found = self._connection.execute(_LATEST, known)
        else:
            place = {"moment": before.created_at, "of_run": before.id}
            found = self._connection.execute(_LATEST_BEFORE, known | place)
        return [self._read(row) for row in found]

    def bell(self, run_id: str) -> tuple[int, str | None]:
        """How often the run's bell has rung, and its carrier.

        Raises:
            UnknownRun: there is none.
        """
        self.write()
        row = self._connection.execute(_BELL, {"run_id": run_id}).first()
        if row is None:
            raise UnknownRun(run_id)
        return row.bell, row.carrier

    def in_state(self, *states: RunState) -> list[RunId]:
        """The runs in any of *states*, oldest first."""
        self.write()
        wanted = [each.value for each in states]
        return [RunId(each) for each in self._connection.scalars(_IN_STATE, {"states": wanted})]

    def _read(self, row: sa.Row[Any]) -> Run:
        return self._rows.get(row.id) or self._rows.read(row.id, _run(row))


_INSERT_STEP = sa.insert(step_runs)
_STEPS_OF = (
    sa.select(step_runs)
    .where(step_runs.c.run_id == sa.bindparam("of_run"))
    .order_by(step_runs.c.position, step_runs.c.name)
)
_DROP_STEPS = sa.delete(step_runs).where(step_runs.c.run_id == sa.bindparam("of_run"))
_SAVE_STEP = sa.update(step_runs).where(
    step_runs.c.run_id == sa.bindparam("of_run"), step_runs.c.name == sa.bindparam("of_name")
)


class Steps:
    """The table of step runs."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection
        self._rows = Tracked[tuple[str, str], StepRun]()
        self._names: dict[str, list[str]] = {}  # of the runs whose steps were read

    def insert(self, steps: Sequence[StepRun]) -> None:
        """Add *steps*."""
        if steps:
            self._connection.execute(
                _INSERT_STEP,
                [{"run_id": s.run_id, "name": s.name, **_step_values(s)} for s in steps],
            )
        for run_id in {step.run_id for step in steps}:
            self.forget(run_id)
        for step in steps:
            self._rows.insert((step.run_id, step.name), step)

    def of(self, run_id: str) -> tuple[StepRun, ...]:
        """The steps of a run, in the order of its definition."""
        if run_id not in self._names:
            found = self._connection.execute(_STEPS_OF, {"of_run": run_id})
            self._names[run_id] = [self._read(row).name for row in found]
        known = (self._rows.get((run_id, name)) for name in self._names[run_id])
        return tuple(sorted(filter(None, known), key=lambda step: step.position))

    def replace(self, run_id: str, steps: Sequence[StepRun]) -> None:
        """Have *steps* be those of the run, and no others."""
        for step in self.of(run_id):
            self._rows.drop((run_id, step.name))
        self._names.pop(run_id)
        self._connection.execute(_DROP_STEPS, {"of_run": run_id})
        self.insert(steps)

    def save(self, step: StepRun) -> None:
        """Put *step* in the place of what it was.

        Raises:
            UnknownRun: it has not been inserted.
        """
        if step.name not in {each.name for each in self.of(step.run_id)}:
            raise UnknownRun(step.run_id)
        self._rows.save((step.run_id, step.name), step)

    def forget(self, run_id: str) -> None:
        """Read the steps of the run again when they are asked for; what was saved is written."""
        self.write()
        for name in self._names.pop(run_id, ()):
            self._rows.forget((run_id, name))

    def news(self) -> Iterator[tuple[tuple[str, str], StepRun | None, StepRun | None]]:
        """As of runs; each by the id of its run, and its name."""
        return self._rows.news()

    def write(self) -> None:
        """Write what was saved."""
        self._rows.write(
            self._connection,
            _SAVE_STEP,
            lambda key, step, names: {
                "of_run": key[0],
                "of_name": key[1],
                **_step_values(step, names),
            },
        )

    def _read(self, row: sa.Row[Any]) -> StepRun:
        return self._rows.read((row.run_id, row.name), _step(row))


_AS_STORED: AsStored = {
    "requester": codec.actor_to_json,
    "conversation": codec.conversation_to_json,
    "gate_rule": codec.gate_rule_to_json,
    "state": lambda state: state.value,
    "plan": lambda plan: codec.plan_to_json(plan) if plan else None,
}


def _run_values(run: Run, names: Collection[str] = _RUN_FIELDS) -> dict[str, Any]:
    values = columns(run, names, _AS_STORED)
    return values | {"tenant": run.requester.tenant} if "requester" in names else values


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
        takes_back=row.takes_back,
        paused_by=ObjectId(row.paused_by) if row.paused_by is not None else None,
        bell=row.bell,
        repeats=RunId(row.repeats) if row.repeats is not None else None,
        repeats_from=row.repeats_from,
        policy_digest=row.policy_digest,
        queued_at=row.queued_at,
        started_at=row.started_at,
        finished_at=row.finished_at,
    )


def _step_values(step: StepRun, names: Collection[str] = _STEP_FIELDS) -> dict[str, Any]:
    return columns(step, names, _AS_STORED)


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
        stuck=row.stuck,
        lost=row.lost,
    )
