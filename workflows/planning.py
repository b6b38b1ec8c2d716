"""What a run would do, found out by looking: the live systems are read and nothing is changed.

Arguments of later steps may refer to what earlier ones found (`steps.previous.version`), so the
reading steps that are referred to are carried out here. What a writing step gives is not known
before it has run: nothing can be planned with it, and `definition_file` refuses such references.
"""

import asyncio
from collections.abc import Iterator, Mapping
from typing import Any

from connectors.connector import Action, Actions
from domain.command import Effect
from domain.errors import Refused, SignalboxError, Unavailable
from domain.plan import ActionPlan, Change, Plan, StepPlan
from workflows.cel_tree import Reference
from workflows.definition import Step, Workflow
from workflows.expressions import evaluate, references


async def make_plan(
    workflow: Workflow,
    inputs: Mapping[str, str],
    *,
    run_id: str,
    requester: str,
    actions: Actions,
) -> Plan:
    """The plan of a run of *workflow*, as the world is now.

    Raises:
        Refused: it cannot be carried out like this; the sentence says which step, and why.
        Unavailable: a live system did not answer.
    """
    outputs: dict[str, Mapping[str, Any]] = {}
    wanted = looked_at(workflow)
    plans: list[StepPlan] = []

    def now() -> dict[str, Any]:
        return scope(workflow, inputs, outputs, run_id=run_id, requester=requester, plan=None)

    for step in workflow.steps:
        if step.uses is None:
            continue
        action = actions.get(step.uses)
        try:
            arguments = evaluate(step.arguments, now())
            async with asyncio.timeout(action.timeout.total_seconds()):
                planned = await _look(action, arguments)
                if action.effect is Effect.READ and step.name in wanted:
                    outputs[step.name] = await action.apply(action.parse(arguments), "")
        except TimeoutError as error:
            raise Unavailable(f"{step.title}: {action.name} did not answer.") from error
        except SignalboxError as error:
            raise _at(step, error) from error
        plans.append(
            StepPlan(
                step=step.name,
                uses=step.uses,
                effect=action.effect,
                arguments=arguments,
                plan=planned,
            )
        )
    return Plan(
        definition_digest=workflow.digest,
        inputs=inputs,
        steps=tuple(plans),
        lock=None if workflow.lock is None else str(evaluate(workflow.lock, now())),
    )


def scope(
    workflow: Workflow,
    inputs: Mapping[str, str],
    outputs: Mapping[str, Mapping[str, Any]],
    *,
    run_id: str,
    requester: str,
    plan: Plan | None,
) -> dict[str, Any]:
    """What expressions can speak of; *outputs* are those of the steps done, by name."""
    return {
        "inputs": workflow.input_values(inputs),
        "steps": dict(outputs),
        "run": {"id": run_id, "requester": requester},
        "plan": {"digest": plan.digest, "lock": plan.lock or ""} if plan else {},
    }


def looked_at(workflow: Workflow) -> frozenset[str]:
    """The steps whose outputs the plan needs: those that arguments, or the lock, refer to."""
    texts = [workflow.lock, *(step.arguments for step in workflow.steps)]
    return frozenset(
        reference.path[0]
        for text in texts
        for reference in references(text)
        if _is_output(reference)
    )


def drift(approved: Plan, now: Plan) -> str:
    """What has changed between two plans, in one sentence for people; empty where nothing has."""
    if approved.digest == now.digest:
        return ""
    differences = list(_differences(approved, now))
    if not differences:
        return "What the plan was made from has changed."
    return "; ".join(differences[:3]) + "."


def _differences(approved: Plan, now: Plan) -> Iterator[str]:
    before = {(c.target, c.what): c for c in approved.changes}
    for change in now.changes:
        known = before.get((change.target, change.what))
        if known is None:
            yield f"{change.what} of {change.target} would change too"
        else:
            yield from _difference(known, change)
    if approved.lock != now.lock:
        yield f"the lock would be {now.lock or 'none'}"
    yield from _moved(approved, now)


def _difference(known: Change, change: Change) -> Iterator[str]:
    where = f"{change.what} of {change.target}"
    if known.before != change.before:
        yield f"{where} is {change.before} now, not {known.before}"
    if known.after != change.after:
        yield f"{where} would become {change.after}, not {known.after}"


def _moved(approved: Plan, now: Plan) -> Iterator[str]:
    """Facts behind the changes, such as the commit that a version stands for."""
    for old, new in zip(approved.steps, now.steps, strict=False):
        was, has_become = _before(old.plan), _before(new.plan)
        shown = {c.before for c in (new.plan.changes if new.plan else ())}
        for name in sorted(has_become.keys() | was.keys()):
            value = has_become.get(name)
            if was.get(name) != value and value not in shown:
                yield f"{name.replace('_', ' ')} is {value} now, not {was.get(name)}"


def _before(plan: ActionPlan | None) -> Mapping[str, Any]:
    return (plan.before or {}) if plan else {}


async def _look(action: Action[Any], arguments: Mapping[str, Any]) -> ActionPlan | None:
    inputs = action.parse(arguments)
    return await action.plan(inputs) if action.plan is not None else None


def _is_output(reference: Reference) -> bool:
    return reference.root == "steps" and bool(reference.path)


def _at(step: Step, error: SignalboxError) -> SignalboxError:
    """*error*, saying at which step."""
    sentence = f"{step.title}: {error}"
    if isinstance(error, Unavailable):
        return Unavailable(sentence, hint=error.hint, retry_after=error.retry_after)
    if isinstance(error, Refused):
        return Refused(sentence, hint=error.hint)
    return error
