"""The three kinds of work: plan a run, carry out a stretch of it, close a gate in time.

The worker asks the rows what is to be done, does it outside any transaction, and puts down what
came of it. It may be killed anywhere: what was put down is not done again, and what was begun
and not put down is reconciled with the target first.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
import secrets
from typing import Any, TypeVar

import structlog

from connectors.connector import Actions
from domain.actor import ObjectId
from domain.approval import Gate
from domain.errors import Bug, Refused, Unavailable
from domain.plan import Plan
from domain.ports import Clock
from domain.run import Run
from domain.step import Fail, Outcome
from storage.store import Store
from storage.unit import UnitOfWork
from workflows.definition import Retry as RetryRule
from workflows.definition import from_pinned
from workflows.engine.attempt import attempt, decide
from workflows.engine.durable import Kind, Work
from workflows.engine.plans import Plans
from workflows.engine.progress import Pause, Progress, Task
from workflows.engine.turns import Admission, Turns, carrier_of
from workflows.engine.voters import Voters
from workflows.expressions import evaluate
from workflows.planning import drift, make_plan, scope

log = structlog.get_logger(__name__)

T = TypeVar("T")

_LOOKS = 3
"""How often the live systems are looked at before a plan is given up, or the directory is before
a run is put off."""

_UNDO = RetryRule(attempts=5, backoff=timedelta(seconds=1))
"""An undo is tried harder than a step: half done is the worst of all ends."""

_DATABASE_PAUSES = (0.2, 1.0, 5.0, 15.0)


class Worker:
    """Carries out work. One per process."""

    def __init__(
        self,
        *,
        store: Store,
        plans: Plans,
        turns: Turns,
        progress: Progress,
        actions: Actions,
        voters: Voters,
        clock: Clock,
        correlation_id: Callable[[], str] = lambda: secrets.token_hex(4),
    ) -> None:
        self._store = store
        self._plans = plans
        self._turns = turns
        self._progress = progress
        self._actions = actions
        self._voters = voters
        self._clock = clock
        self._correlation_id = correlation_id

    @property
    def work(self) -> Mapping[Kind, Work]:
        """What to call for each kind of work."""
        return {Kind.PLAN: self.plan, Kind.STRETCH: self.stretch, Kind.TIMER: self.timer}

    async def plan(self, _work_id: str, run_id: str, rev_text: str) -> None:
        """Look at the live systems and say what the run would do."""
        await self._or_give_up(run_id, self._plan(run_id, int(rev_text)))

    async def stretch(self, work_id: str, run_id: str) -> None:
        """Do one thing after the other for the run, until it ends or has to wait."""
        await self._or_give_up(run_id, self._stretch(work_id, run_id))

    async def timer(self, _work_id: str, gate_id: str) -> None:
        """Do what is due at the gate, if it is still open."""
        await self._transaction(lambda u: self._plans.ring(u, gate_id))

    async def _or_give_up(self, run_id: str, work: Awaitable[None]) -> None:
        """Do *work*; a mistake of ours ends the run, for nobody else would ever go on with it."""
        try:
            await work
        except Exception:  # whatever it was: the run, its lock and its people must not wait on
            correlation = self._correlation_id()
            log.exception("work failed", run=run_id, correlation=correlation)
            words = f"That was our mistake; it is logged as {correlation}."
            await self._transaction(lambda u: self._turns.give_up(u, run_id, words))

    async def _plan(self, run_id: str, rev: int) -> None:
        run = await self._transaction(lambda u: self._plans.to_plan(u, run_id, rev))
        if run is None:
            return
        made = await self._look(run)
        if isinstance(made, Plan):
            await self._transaction(lambda u: self._plans.planned(u, run_id, rev, made))
        else:
            await self._transaction(lambda u: self._plans.not_planned(u, run_id, rev, made))

    async def _stretch(self, work_id: str, run_id: str) -> None:
        carrier = carrier_of(work_id, secrets.token_hex(4))
        turn = await self._transaction(
            lambda u: self._turns.take_turn(u, run_id, carrier, begins=True)
        )
        while turn is not None:
            turn = await self._go_on(turn, carrier)

    async def _go_on(
        self, turn: Admission | Task | Pause, carrier: str
    ) -> Admission | Task | Pause | None:
        match turn:
            case Pause(run_id=run_id, until=until):
                await self._sleep_until(until)
                return await self._transaction(lambda u: self._turns.take_turn(u, run_id, carrier))
            case Admission():
                return await self._admit(turn, carrier)
            case Task():
                outcome = await self._carry_out(turn)
                return await self._transaction(lambda u: self._progress.record(u, turn, outcome))

    async def _admit(self, admission: Admission, carrier: str) -> Task | Pause | None:
        made = await self._look(admission.run)
        if isinstance(made, str):
            await self._transaction(lambda u: self._turns.not_admitted(u, admission, made))
            return None
        approved = admission.run.plan
        words = drift(approved, made) if approved else ""
        objections = None
        if admission.gate is not None and approved and approved.digest == made.digest:
            try:
                objections = await self._objections(admission.run, admission.gate)
            except Unavailable as unavailable:
                why = f"the approvals cannot be checked: {unavailable}"
                await self._transaction(lambda u: self._turns.unverified(u, admission, why))
                return None
        return await self._transaction(
            lambda u: self._turns.admit(u, admission, made, words, carrier, objections=objections)
        )

    async def _objections(self, run: Run, gate: Gate) -> Mapping[ObjectId, str]:
        """What is to be said against the votes that let the run go on.

        Raises:
            Unavailable: nobody can tell.
        """
        number = 1
        while True:
            try:
                return await self._voters.objections(run, gate)
            except Unavailable:
                if number >= _LOOKS:
                    raise
                await self._sleep_until(self._clock.now() + timedelta(seconds=number))
                number += 1

    async def _carry_out(self, task: Task) -> Outcome:
        """One attempt at the task's step; a wait has nothing to do here."""
        step = task.step
        undo = step.undo if task.is_undo else None
        try:
            action = self._actions.get((undo.uses if undo else step.uses) or "")
            arguments = evaluate(undo.arguments, _scope(task)) if undo else _approved(task)
        except Refused as refused:
            return Fail(refused.words)
        outcome = await attempt(
            action,
            arguments,
            task.key,
            within=action.timeout if task.is_undo else step.timeout or action.timeout,
            was_begun=task.was_begun,
            in_doubt=task.in_doubt,
            correlation_id=self._correlation_id,
        )
        rule = _UNDO if task.is_undo else step.retry
        return decide(outcome, number=task.attempt, rule=rule)

    async def _look(self, run: Run) -> Plan | str:
        """The plan of *run* as the world is now; a sentence where none can be made."""
        workflow = from_pinned(run.definition)
        number = 1
        while True:
            try:
                return await make_plan(
                    workflow,
                    run.inputs,
                    run_id=run.id,
                    requester=run.requester.id,
                    actions=self._actions,
                )
            except Refused as refused:
                return refused.words
            except Unavailable as unavailable:
                if number >= _LOOKS:
                    return unavailable.words
                await asyncio.sleep(number)
                number += 1
            except Exception as error:  # a connector's mistake must not leave the run hanging
                correlation = self._correlation_id()
                log.exception("planning failed", run=run.id, correlation=correlation)
                blame = str(error) if isinstance(error, Bug) else "That was our mistake"
                return f"{blame}; it is logged as {correlation}."

    async def _transaction(self, work: Callable[[UnitOfWork], T]) -> T:
        """As the store's, but a database that does not answer is waited for."""
        failures = 0
        while True:
            try:
                return await self._store.transaction(work)
            except Unavailable as unavailable:
                pause = _DATABASE_PAUSES[min(failures, len(_DATABASE_PAUSES) - 1)]
                log.warning("database did not answer", problem=str(unavailable), again_in=pause)
                failures += 1
                await asyncio.sleep(pause)

    async def _sleep_until(self, until: datetime) -> None:
        await asyncio.sleep(max((until - self._clock.now()).total_seconds(), 0.0))


def _approved(task: Task) -> Mapping[str, Any]:
    """The step's arguments as they stand in the plan, which is what people agreed to.

    Evaluated anew they might differ: a read before may find something else by now.
    """
    for planned in task.run.plan.steps if task.run.plan else ():
        if planned.step == task.step.name:
            return planned.arguments
    raise Bug(f"The plan of run {task.run.id} has no step {task.step.name}.")


def _scope(task: Task) -> dict[str, Any]:
    """What the expressions of an undo can speak of: the outputs of what was done, too."""
    run = task.run
    return scope(
        task.workflow,
        run.inputs,
        task.outputs,
        run_id=run.id,
        requester=run.requester.id,
        plan=run.plan,
    )
