"""What a run would do, found out by looking: the live systems are read and nothing is changed.

Arguments of later steps may refer to what earlier ones found (`steps.previous.version`), so the
reading steps that are referred to are carried out here. What a writing step gives is not known
before it has run: nothing can be planned with it, and `definition_fit` refuses such references.
"""

import asyncio
from collections.abc import Iterator, Mapping
from typing import Any

from connectors.connector import Action, Actions
from domain.canonical import canonical
from domain.command import Effect
from domain.errors import Refused, Unavailable
from domain.plan import ActionPlan, Change, Plan, StepPlan
from workflows.definition import Workflow
from workflows.expressions import evaluate, references

_LONGEST_FACT = 64
_MOST_DIFFERENCES = 3


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
    wanted = looked_at(workflow)
    outputs: dict[str, Mapping[str, Any]] = {}
    plans: list[StepPlan] = []

    def known() -> dict[str, Any]:
        return scope(workflow, inputs, outputs, run_id=run_id, requester=requester, plan=None)

    for step in workflow.steps:
        if step.uses is None:
            continue
        try:
            action = actions.get(step.uses)
            arguments = evaluate(step.arguments, known())
            async with asyncio.timeout(action.timeout.total_seconds()):
                planned, found = await _look(action, arguments, reads=step.name in wanted)
        except TimeoutError as error:
            raise Unavailable(f"{step.title}: {action.name} did not answer.") from error
        except Unavailable as error:
            sentence = f"{step.title}: {error}"
            raise Unavailable(sentence, hint=error.hint, retry_after=error.retry_after) from error
        except Refused as error:
            raise Refused(f"{step.title}: {error}", hint=error.hint) from error
        if found is not None:
            outputs[step.name] = found
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
        lock=_lock(workflow.lock, known()),
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
    """The steps whose outputs the plan needs: those that other steps' arguments refer to."""
    return frozenset(
        reference.path[0]
        for step in workflow.steps
        for reference in references(step.arguments)
        if reference.root == "steps" and reference.path
    )


def drift(approved: Plan, now: Plan) -> str:
    """What has changed between two plans, in one sentence for people; empty where nothing has."""
    if approved.digest == now.digest:
        return ""
    differences = list(_differences(approved, now))
    if not differences:
        return "What the plan was made from has changed."
    return "; ".join(differences[:_MOST_DIFFERENCES]) + "."


def _differences(approved: Plan, now: Plan) -> Iterator[str]:
    before = {(c.target, c.what): c for c in approved.changes}
    after = {(c.target, c.what): c for c in now.changes}
    for key, change in after.items():
        if key not in before:
            yield f"{change.what} of {change.target} would change, too"
        else:
            yield from _difference(before[key], change)
    for key, change in before.items():
        if key not in after:
            yield f"{change.what} of {change.target} would not change"
    if approved.lock != now.lock:
        yield f"the lock would be {now.lock or 'none'}, not {approved.lock or 'none'}"
    yield from _moved(approved, now)


def _difference(known: Change, change: Change) -> Iterator[str]:
    where = f"{change.what} of {change.target}"
    if known.before != change.before:
        yield f"{where} is {change.before} now, not {known.before}"
    if known.after != change.after:
        yield f"{where} would become {change.after}, not {known.after}"


def _moved(approved: Plan, now: Plan) -> Iterator[str]:
    """Facts behind the changes, such as the commit that a version stands for."""
    earlier = {each.step: each.plan for each in approved.steps}
    for each in now.steps:
        was, has_become = _before(earlier.get(each.step)), _before(each.plan)
        shown = [c.before for c in each.plan.changes] if each.plan else []
        for name in sorted(was.keys() | has_become.keys()):
            old, new = was.get(name), has_become.get(name)
            if old != new and new not in shown:
                yield f"{name.replace('_', ' ')} is {_shown(new)} now, not {_shown(old)}"


def _before(plan: ActionPlan | None) -> Mapping[str, Any]:
    return (plan.before or {}) if plan else {}


def _shown(fact: Any) -> str:
    """*fact* in a sentence; a text as it is."""
    if fact is None:
        return "unknown"
    text = fact if isinstance(fact, str) else canonical(fact)
    return text if len(text) <= _LONGEST_FACT else f"{text[:_LONGEST_FACT]}…"


async def _look(
    action: Action[Any], arguments: Mapping[str, Any], *, reads: bool
) -> tuple[ActionPlan | None, Mapping[str, Any] | None]:
    """What *action* would do and, where that is wanted of one that only reads, what it finds."""
    inputs = action.parse(arguments)
    planned = await action.plan(inputs) if action.plan is not None else None
    is_read = action.effect is Effect.READ
    return planned, await action.apply(inputs, "") if reads and is_read else None


def _lock(template: str | None, known: Mapping[str, Any]) -> str | None:
    if template is None:
        return None
    lock = evaluate(template, known)
    if not isinstance(lock, str) or not lock:
        raise Refused(
            "The lock of this workflow is no text, so it would hold nothing.",
            hint="Whoever looks after the workflow can correct it.",
        )
    return lock
