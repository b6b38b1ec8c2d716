"""The three kinds of work: plan a run, carry out a stretch of it, close a gate in time.

The worker asks the rows what is to be done, does it outside any transaction, and puts down what
came of it. It may be killed anywhere: what was put down is not done again, and what was begun
and not put down is reconciled with the target first.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
import random
import secrets
from typing import Any, TypeVar

import structlog

from connectors.connector import Actions
from domain.errors import Bug, Refused, Unavailable
from domain.plan import Plan
from domain.ports import Clock
from domain.run import RunId
from domain.step import Done, Fail, Later, NotYet, Outcome
from storage.store import Store
from storage.unit import UnitOfWork
from workflows.engine.attempt import attempt, decide
from workflows.engine.durable import Kind, Work
from workflows.engine.looks import Looks
from workflows.engine.moves import HOLD
from workflows.engine.plans import Plans
from workflows.engine.progress import Progress
from workflows.engine.rates import Rates
from workflows.engine.stretch import Stretch
from workflows.engine.tasks import Task, Turn
from workflows.engine.turns import Admission, Turns, carrier_of
from workflows.engine.voters import Voters
from workflows.expressions import ExpressionFault, evaluate, holds
from workflows.parts import Retry as RetryRule
from workflows.planning import drift, shaped

log = structlog.get_logger(__name__)

T = TypeVar("T")

_UNDO = RetryRule(attempts=5, backoff=timedelta(seconds=1))
"""An undo is tried harder than a step: half done is the worst of all ends."""

_LOOKING = RetryRule(attempts=10, backoff=timedelta(seconds=1))
"""What is waited for is looked at again, too, where looking fails."""

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
        rates: Rates | None = None,
        correlation_id: Callable[[], str] = lambda: secrets.token_hex(4),
        jitter: Callable[[], float] = random.random,
    ) -> None:
        """*jitter* gives a number from 0 to 1: by how much of itself a pause is cut short."""
        self._store = store
        self._plans = plans
        self._turns = turns
        self._progress = progress
        self._actions = actions
        self._clock = clock
        self._rates = rates or Rates(store=store)
        self._correlation_id = correlation_id
        self._jitter = jitter
        self._looks = Looks(
            actions=actions,
            voters=voters,
            clock=clock,
            correlation_id=correlation_id,
            sleep_until=self._sleep_until,
        )

    @property
    def work(self) -> Mapping[Kind, Work]:
        """What to call for each kind of work."""
        return {Kind.PLAN: self.plan, Kind.STRETCH: self.stretch, Kind.TIMER: self.timer}

    async def plan(self, _work_id: str, run_id: str, rev_text: str) -> None:
        """Look at the live systems and say what the run would do."""
        rev = int(rev_text)
        await self._or_give_up(run_id, self._plan(run_id, rev), rev=rev)

    async def stretch(self, work_id: str, run_id: str) -> None:
        """Do one thing after the other for the run, until it ends or has to wait."""
        carrier = carrier_of(work_id, secrets.token_hex(4))
        await self._or_give_up(run_id, self._stretch(carrier, run_id), carrier=carrier)

    async def timer(self, _work_id: str, subject: str) -> None:
        """Do what is due at the gate, if it is still open; or at a person's lock."""
        if subject.startswith(HOLD):
            await self._transaction(lambda u: self._turns.ring(u, subject.removeprefix(HOLD)))
        else:
            await self._transaction(lambda u: self._plans.ring(u, subject))

    async def _or_give_up(
        self, run_id: str, work: Awaitable[None], *, carrier: str = "", rev: int = 0
    ) -> None:
        """Do *work*; a mistake of ours ends the run, for nobody else would ever go on with it."""
        try:
            await work
        except Exception:  # whatever it was: the run, its lock and its people must not wait on
            correlation = self._correlation_id()
            log.exception("work failed", run=run_id, correlation=correlation)
            words = f"That was our mistake; it is logged as {correlation}."
            await self._transaction(
                lambda u: self._turns.give_up(u, run_id, words, carrier=carrier, rev=rev)
            )

    async def _plan(self, run_id: str, rev: int) -> None:
        found = await self._read(lambda u: self._plans.to_plan(u, run_id, rev))
        if found is None:
            return
        run, results = found
        made = await self._looks.plan(run, results)
        rule = await self._looks.rule(run, made) if isinstance(made, Plan) else made
        if isinstance(made, Plan) and not isinstance(rule, str):
            await self._transaction(lambda u: self._plans.planned(u, run_id, rev, made, rule))
        else:
            why = str(rule)
            await self._transaction(lambda u: self._plans.not_planned(u, run_id, rev, why))

    async def _stretch(self, carrier: str, run_id: str) -> None:
        stretch = Stretch(
            run_id=RunId(run_id),
            carrier=carrier,
            turns=self._turns,
            progress=self._progress,
            clock=self._clock,
            transaction=self._transaction,
            carry_out=self._carry_out,
            has_rung=self._has_rung,
            sleep_until=self._sleep_until,
            tell_to_stop=self._tell_to_stop,
        )
        turn = await stretch.take_turn(begins=True)
        if isinstance(turn, Admission):
            turn = await self._admit(turn, stretch.carrier)
        await stretch.go_on(turn)

    async def _admit(self, admission: Admission, carrier: str) -> Turn | None:
        results = await self._read(lambda u: self._plans.results(u, admission.run))
        made = await self._looks.plan(admission.run, results)
        if isinstance(made, str):
            await self._transaction(lambda u: self._turns.not_admitted(u, admission, made))
            return None
        approved = admission.run.plan
        words = drift(approved, made) if approved else ""
        objections = None
        if admission.gate is not None and approved and approved.digest == made.digest:
            try:
                objections = await self._looks.objections(admission.run, admission.gate)
            except Unavailable as unavailable:
                why = f"the approvals cannot be checked: {unavailable}"
                await self._transaction(lambda u: self._turns.unverified(u, admission, why))
                return None
        return await self._transaction(
            lambda u: self._turns.admit(u, admission, made, words, carrier, objections=objections)
        )

    async def _has_rung(self, turn: Turn, carrier: str) -> bool:
        """Whether something was done to the run from outside since *turn*."""
        try:
            bell, carries = await self._store.read(lambda u: u.runs.bell(turn.run_id))
        except Unavailable:
            return False  # what is under way is waited for; whoever rang is found in the rows
        return bell != turn.bell or carries != carrier

    async def _tell_to_stop(self, task: Task) -> None:
        """Have the target of *task* stop, where it can; the attempt says what came of it."""
        try:
            action = self._actions.get(task.step.uses or "")
            if action.cancel is not None:
                async with asyncio.timeout(action.timeout.total_seconds()):
                    await action.cancel(action.parse(_approved(task)), task.key)
        except Exception as error:  # noqa: BLE001 - a connector's mistake stops nothing either
            log.warning("could not be stopped", step=task.node.name, problem=repr(error))

    async def _carry_out(self, task: Task) -> Outcome:
        """One attempt at the task's step."""
        step, until = task.step, task.step.until
        undo = step.undo if task.is_undo else None
        try:
            action = self._actions.get((undo or until or step).uses or "")
            arguments = evaluate(undo.arguments, task.scope) if undo else _approved(task)
        except Refused as refused:
            return Fail(refused.words)
        async with self._rates.admission(action.reference) as wait:
            if wait:
                return Later(self._rates.words(action.reference), wait)
            outcome = await attempt(
                action,
                arguments,
                task.key,
                within=action.timeout if task.is_undo else step.timeout or action.timeout,
                was_begun=task.was_begun,
                in_doubt=task.in_doubt,
                is_settling=task.is_settling,
                correlation_id=self._correlation_id,
            )
        if isinstance(outcome, Done) and undo is None:
            outcome = _given(task, outcome)
        rule = _UNDO if task.is_undo else _LOOKING if until is not None else step.retry
        return decide(outcome, number=task.tries, rule=rule, jitter=self._jitter())

    async def _transaction(self, work: Callable[[UnitOfWork], T]) -> T:
        """As the store's, but a database that does not answer is waited for."""
        return await self._patiently(self._store.transaction, work)

    async def _read(self, work: Callable[[UnitOfWork], T]) -> T:
        """As the store's, but a database that does not answer is waited for."""
        return await self._patiently(self._store.read, work)

    async def _patiently(
        self,
        ask: Callable[[Callable[[UnitOfWork], T]], Awaitable[T]],
        work: Callable[[UnitOfWork], T],
    ) -> T:
        failures = 0
        while True:
            try:
                return await ask(work)
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
        if planned.step == task.node.name:
            return planned.arguments
    raise Bug(f"The plan of run {task.run.id} has no step {task.node.name}.")


def _given(task: Task, outcome: Done) -> Outcome:
    """*outcome* as others see it, or that it is not what the step waits for."""
    step = task.step
    try:
        if step.until is not None and not holds(
            step.until.holds, {**task.scope, "result": outcome.output}
        ):
            return NotYet(outcome.detail)
        return Done(shaped(step, outcome.output, task.scope), outcome.detail)
    except ExpressionFault as fault:  # it was done, and is to be undone like everything else
        return Fail(fault.words, may_have_happened=True)
