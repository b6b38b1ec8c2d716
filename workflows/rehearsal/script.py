"""A connector that answers as a case says, and remembers what it was asked.

Its actions are those that there really are: they take the same inputs and have the same time
limits. Only what they find and do is the case's.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any

from connectors.connector import Action, Actions, Inputs, Output
from domain.command import Effect
from domain.errors import Ambiguous, Refused, Unavailable
from domain.plan import ActionPlan
from domain.ports import Clock
from workflows.definition import Step, Workflow
from workflows.expressions import ExpressionFault, evaluate
from workflows.planning import looked_at
from workflows.rehearsal.answers import UNDO, uses_of
from workflows.rehearsal.case import FINE, Answer, Answers, Case, Failure
from workflows.rehearsal.nodes import path_of, steps_of

_SAYS = {
    Failure.REFUSED: "It refuses.",
    Failure.UNAVAILABLE: "It does not answer.",
    Failure.TIMEOUT: "It took too long.",
    Failure.LOST: "The answer was lost.",
}
"""What a failure says where the case gives it no words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One attempt at an action."""

    step: str
    is_undo: bool
    arguments: Mapping[str, Any]
    at: datetime

    @property
    def name(self) -> str:
        """How test files call it: `switch`, `undo switch`."""
        return f"{UNDO}{self.step}" if self.is_undo else self.step


Asks = Callable[[str], Awaitable[tuple[str, bool]]]
"""Which step an idempotency key stands for, and whether it is being undone."""


class Script:
    """The actions of a case."""

    def __init__(
        self, offered: Actions, workflow: Workflow, case: Case, *, asks: Asks, clock: Clock
    ) -> None:
        self.calls: list[Call] = []
        self._offered = offered
        self._workflow = workflow
        self._steps = steps_of(workflow)
        self._wanted = frozenset(_wanted(workflow, ""))  #: the steps that are read for plans
        self._case = case
        self._asks = asks
        self._clock = clock
        self._answered: dict[str, int] = {}  # how often each name has been
        self._effects: dict[str, Output] = {}  # what was done, by idempotency key

    def actions(self) -> Iterable[Action[Any]]:
        """All that there are, each with the case's answers."""
        for action in self._offered:
            reads = action.effect is Effect.READ
            yield replace(
                action,
                apply=partial(self._apply, action),
                plan=None if reads and action.plan is None else partial(self._plan, action),
                reconcile=None if reads else self._reconcile,
                cancel=None if action.cancel is None else self._cancel,
            )

    async def close(self) -> None:
        """Nothing is held."""

    # -- attempts -------------------------------------------------------------------------

    async def _apply(self, action: Action[Any], inputs: Inputs, key: str) -> Output:
        if not key:  # for a plan
            return await self._look(action, inputs)
        step, is_undo = await self._asks(key)
        arguments = inputs.model_dump(mode="json")
        call = Call(step=step, is_undo=is_undo, arguments=arguments, at=self._clock.now())
        self.calls.append(call)
        path = f"{UNDO}{path_of(step)}" if is_undo else path_of(step)
        answer = self._next(call.name, self._case.answers, call.name, path, action.reference)
        await asyncio.sleep(answer.takes.total_seconds())
        gives = dict(answer.gives or {})
        if answer.fails is Failure.LOST:
            self._effects[key] = gives
        await _fail(answer)
        self._effects[key] = gives
        return gives

    async def _reconcile(self, _inputs: Inputs, key: str) -> Output | None:
        return self._effects.get(key)

    async def _cancel(self, _inputs: Inputs, _key: str) -> None:
        """Whoever is told to stop stops: what has not happened by then does not happen."""

    # -- looks for a plan -----------------------------------------------------------------

    async def _plan(self, action: Action[Any], inputs: Inputs) -> ActionPlan:
        _, answer = self._looked(action, inputs)
        await _fail(answer)
        return answer.plan or ActionPlan(summary=action.summary)

    async def _look(self, action: Action[Any], inputs: Inputs) -> Output:
        """What a look finds: what `plans` says, else the first thing that an attempt would."""
        step, answer = self._looked(action, inputs)
        await _fail(answer)
        said = (answer, *_said(self._case.answers, step, action.reference))
        return next((dict(each.gives) for each in said if each.gives is not None), {})

    def _looked(self, action: Action[Any], inputs: Inputs) -> tuple[str, Answer]:
        """The step that is being planned with *inputs*, and what this look at it gets."""
        step = self._step_looked_at(action, inputs)
        look = f"plan of {step} with {inputs.model_dump_json()}"
        return step, self._next(look, self._case.plans, step, action.reference)

    def _step_looked_at(self, action: Action[Any], inputs: Inputs) -> str:
        """The step that is being planned: one that uses *action* with these *inputs*."""
        using = {p: s for p, s in self._steps.items() if uses_of(s) == action.reference}
        if action.effect is Effect.READ:
            using = {path: step for path, step in using.items() if path in self._wanted}
        asked = inputs.model_dump(mode="json")
        known = {"inputs": self._workflow.input_values(self._case.inputs)}
        fitting = (
            path for path, step in using.items() if "/" in path or _fits(step, asked, known)
        )
        return next(fitting, next(iter(using), action.reference))

    def _next(self, counted: str, answers: Answers, *names: str) -> Answer:
        """What is answered now; how often *counted* was answered before says which it is."""
        number = self._answered.get(counted, 0)
        self._answered[counted] = number + 1
        said = _said(answers, *names)
        for answer in said:
            number -= answer.times
            if number < 0:
                return answer
        return said[-1] if said else FINE


def _wanted(workflow: Workflow, prefix: str) -> Iterator[str]:
    for step in workflow.steps:
        if step.name in looked_at(workflow):
            yield f"{prefix}{step.name}"
        if step.run is not None and step.run.workflow is not None:
            yield from _wanted(step.run.workflow, f"{prefix}{step.name}/")


def _said(answers: Answers, *names: str) -> tuple[Answer, ...]:
    """The answers under the first of *names* of which anything is said."""
    return next((answers[name] for name in names if name in answers), ())


def _fits(step: Step, asked: Mapping[str, Any], known: Mapping[str, Any]) -> bool:
    """Whether *asked* may be the arguments of *step*; what other steps give may be anything."""
    for name, value in step.arguments.items():
        try:
            if evaluate(value, known) != asked.get(name):
                return False
        except ExpressionFault:
            continue
    return True


async def _fail(answer: Answer) -> None:
    """Do as *answer* says, where it is a failure.

    Raises:
        Refused, Unavailable, Ambiguous, RuntimeError: it is one that is told.
    """
    says = answer.says or (_SAYS.get(answer.fails, "") if answer.fails else "")
    match answer.fails:
        case None:
            return
        case Failure.REFUSED:
            raise Refused(says)
        case Failure.UNAVAILABLE:
            raise Unavailable(says)
        case Failure.TIMEOUT | Failure.LOST:
            raise Ambiguous(says)
        case Failure.HANG:
            await asyncio.Event().wait()
        case Failure.BUG:
            raise RuntimeError(answer.says or "The case has the connector break here.")
