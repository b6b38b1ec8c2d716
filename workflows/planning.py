"""What a run would do, found out by looking: the live systems are read and nothing is changed.

The plan unfolds the workflow into nodes: a step with `for_each` is there once for each item, and
one that runs another workflow is that one's steps. Arguments of later steps may refer to what
earlier ones found (`steps.previous.version`), so the reading steps that are referred to are
carried out here. What comes late (see `lateness`) cannot be planned with, and `definition_fit`
refuses such references.
"""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from connectors.connector import Action, Actions
from domain.canonical import canonical
from domain.command import Effect
from domain.errors import Refused, Unavailable
from domain.plan import ActionPlan, Change, Lane, Node, Part, Plan, Role, StepPlan
from workflows.concurrency import group_of
from workflows.definition import Step, Workflow
from workflows.expressions import evaluate, holds, references
from workflows.lateness import first_late, is_early
from workflows.limits import check_limits
from workflows.values import accepted

MOST_ITEMS = 200
MOST_NODES = 1000
_LONGEST_FACT = 64
_LONGEST_ITEM = 40
_MOST_DIFFERENCES = 3

Results = Mapping[str, Mapping[str, Any]]
"""Outputs by the names of nodes."""


async def make_plan(
    workflow: Workflow,
    inputs: Mapping[str, str],
    *,
    run_id: str,
    requester: str,
    actions: Actions,
    results: Results | None = None,
    done_in: str = "",
) -> Plan:
    """The plan of a run of *workflow*, as the world is now.

    *results* are what nodes have given already, in the run *done_in*: they are not done again.

    Raises:
        Refused: it cannot be carried out like this; the sentence says which step, and why.
        Unavailable: a live system did not answer.
    """
    group_of(workflow, inputs)  # a run that belongs to no group is refused before anything
    run = {"id": run_id, "requester": requester}
    planner = _Planner(actions=actions, run=run, results=results or {}, done_in=done_in)
    top = _Level.of(workflow, inputs, actions)
    await planner.unfold(top, needs=())
    lock, *locks = planner.locks
    return Plan(
        definition_digest=workflow.digest,
        inputs=inputs,
        steps=tuple(planner.steps),
        lock=lock,
        nodes=tuple(planner.nodes),
        parts=tuple(planner.parts),
        locks=tuple(sorted({each for each in locks if each is not None} - {lock})),
    )


def plain_nodes(workflow: Workflow) -> tuple[Node, ...]:
    """The steps of *workflow*, not unfolded: what is known of a run before it is planned."""
    return tuple(
        Node(name=each.name, title=each.title, of=each.name, needs=each.needs)
        for each in workflow.steps
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Level:
    """A workflow that is being unfolded: the run's own, or one that a step runs."""

    workflow: Workflow
    inputs: Mapping[str, str]
    late: Mapping[str, str]
    wanted: frozenset[str]  #: the steps that are carried out for the plan
    prefix: str = ""  #: of its nodes' names
    path: str = ""  #: of its steps in the definition
    title: str = ""  #: what stands before its nodes' titles
    lanes: tuple[Lane, ...] = ()
    outputs: dict[str, Mapping[str, Any]] = field(default_factory=dict)  #: known, by step

    @classmethod
    def of(
        cls, workflow: Workflow, inputs: Mapping[str, str], actions: Actions, **where: Any
    ) -> "_Level":
        """The level of *workflow*."""
        late = first_late(workflow.steps, actions)
        return cls(
            workflow=workflow,
            inputs=inputs,
            late=late,
            wanted=looked_at(workflow) - late.keys(),
            **where,
        )


@dataclass(slots=True, kw_only=True)
class _Planner:
    """Unfolds one workflow."""

    actions: Actions
    run: Mapping[str, str]
    results: Results
    done_in: str
    nodes: list[Node] = field(default_factory=list)
    steps: list[StepPlan] = field(default_factory=list)
    parts: list[Part] = field(default_factory=list)
    locks: list[str | None] = field(default_factory=list)  #: the run's own comes first

    async def unfold(self, level: _Level, needs: tuple[str, ...]) -> tuple[str, ...]:
        """Add the nodes of *level*, which begin after *needs*; the last ones come back."""
        workflow = level.workflow
        self.locks.append(_lock(workflow.lock, self._scope(level)))
        ends: dict[str, tuple[str, ...]] = {}
        for step in workflow.steps:
            own = tuple(dict.fromkeys(n for need in step.needs for n in ends[need])) or needs
            ends[step.name] = await self._step(level, step, own)
        needed = {need for step in workflow.steps if not step.always for need in step.needs}
        last = [ends[s.name] for s in workflow.steps if s.name not in needed and not s.always]
        return tuple(name for each in last for name in each)

    async def _step(self, level: _Level, step: Step, needs: tuple[str, ...]) -> tuple[str, ...]:
        if step.for_each is None:
            ends, output = await self._once(level, step, needs)
            if output is not None:
                level.outputs[step.name] = output
            return ends
        return await self._for_each(level, step, needs)

    async def _for_each(
        self, level: _Level, step: Step, needs: tuple[str, ...]
    ) -> tuple[str, ...]:
        items = self._items(level, step)
        name = f"{level.prefix}{step.name}"
        if not items:
            node = self._node(level, step, name, needs, skipped="there is nothing to do it for")
            level.outputs[step.name] = {"results": [], "count": 0}
            return (node.name,)
        first = step.canary.first if step.canary else len(items)
        ends: list[str] = []
        outputs: list[Mapping[str, Any] | None] = []
        for index, item in enumerate(items):
            if index == first:
                canary = f"{name}[canary]"
                self._node(level, step, canary, tuple(ends), role=Role.CANARY)
                needs = (canary,)
            one, output = await self._once(level, step, needs, index=index, item=item)
            ends += one
            outputs.append(output)
        if all(each is not None for each in outputs):
            level.outputs[step.name] = {"results": outputs, "count": len(outputs)}
        return tuple(ends)

    def _items(self, level: _Level, step: Step) -> Sequence[Any]:
        scope = self._scope(level)
        items = evaluate(step.for_each, scope)
        if not isinstance(items, list):
            raise Refused(f"{step.title}: what it is to be done for is no list.", hint=_OWNER)
        if len(items) > MOST_ITEMS:
            raise Refused(f"{step.title}: {len(items)} items are more than {MOST_ITEMS}.")
        if step.limits is not None:
            whole = None if step.limits.of is None else evaluate(step.limits.of, scope)
            check_limits(step.title, step.limits, len(items), whole)
        return items

    async def _once(
        self,
        level: _Level,
        step: Step,
        needs: tuple[str, ...],
        *,
        index: int | None = None,
        item: Any = None,
    ) -> tuple[tuple[str, ...], Mapping[str, Any] | None]:
        """Add what is to be done in *step*, once; its last nodes, and its output if known."""
        name = f"{level.prefix}{step.name}" + ("" if index is None else f"[{index}]")
        # What is done at the end, always, takes nobody's place before.
        lanes = () if step.always else level.lanes
        if index is not None and step.max_parallel is not None:
            of = f"{level.prefix}{step.name}"
            lanes = (*lanes, Lane(of=of, index=index, at_once=step.max_parallel))
        scope = self._scope(level, index=index, item=item)
        known: dict[str, Any] = {"index": index, "item": item, "lanes": lanes}
        if self._is_out(level, step, scope):
            known["skipped"] = "its condition does not hold"
            return (self._node(level, step, name, needs, **known).name,), {}
        if step.run is not None and step.run.workflow is not None:
            child = _Level.of(
                step.run.workflow,
                _inputs(step.title, step.run.workflow, evaluate(step.arguments, scope)),
                self.actions,
                prefix=f"{name}/",
                path=f"{level.path}{step.name}/",
                title=f"{_title(level, step, index, item)}: ",
                lanes=lanes,
            )
            part = Part(prefix=child.prefix, of=f"{level.path}{step.name}", inputs=child.inputs)
            self.parts.append(part)
            return await self.unfold(child, needs), None
        node = self._node(level, step, name, needs, **known)
        if node.done_in:
            return (name,), self.results[name]
        return (name,), await self._use(level, step, name, scope)

    def _is_out(self, level: _Level, step: Step, scope: Mapping[str, Any]) -> bool:
        """Whether it is known already that *step*'s condition does not hold."""
        if step.condition is None or step.always or not is_early(step.condition, level.late):
            return False
        return not holds(step.condition, scope)

    def _node(
        self,
        level: _Level,
        step: Step,
        name: str,
        needs: tuple[str, ...],
        *,
        index: int | None = None,
        item: Any = None,
        **more: Any,
    ) -> Node:
        title = _title(level, step, index, item)
        is_canary = more.get("role") is Role.CANARY
        node = Node(
            name=name,
            title=f"{title}: look at the first" if is_canary else title,
            of=f"{level.path}{step.name}",
            needs=needs,
            item=item,
            index=index,
            inputs=level.inputs if level.prefix else None,
            scope=level.prefix,
            done_in=self.done_in if name in self.results else "",
            **more,
        )
        self.nodes.append(node)
        if len(self.nodes) > MOST_NODES:
            raise Refused(f"This would be more than {MOST_NODES} steps.")
        return node

    async def _use(
        self, level: _Level, step: Step, name: str, scope: Mapping[str, Any]
    ) -> Mapping[str, Any] | None:
        """Plan the action that *step* uses or looks with; what it gives, where it was asked."""
        uses = step.until.uses if step.until else step.uses
        if uses is None:
            return None
        reads = step.name in level.wanted and step.uses is not None
        try:
            action = self.actions.get(uses)
            arguments = evaluate(step.until.arguments if step.until else step.arguments, scope)
            async with asyncio.timeout(action.timeout.total_seconds()):
                planned, found = await _look(action, arguments, reads=reads)
            if found is not None:
                found = shaped(step, found, scope)
        except TimeoutError as error:
            raise Unavailable(f"{step.title}: {action.name} did not answer.") from error
        except Unavailable as error:
            sentence = f"{step.title}: {error}"
            raise Unavailable(sentence, hint=error.hint, retry_after=error.retry_after) from error
        except Refused as error:
            raise Refused(f"{step.title}: {error}", hint=error.hint) from error
        effect = action.effect
        self.steps.append(
            StepPlan(step=name, uses=uses, effect=effect, arguments=arguments, plan=planned)
        )
        return found

    def _scope(
        self, level: _Level, *, index: int | None = None, item: Any = None
    ) -> dict[str, Any]:
        known = {
            "inputs": level.workflow.input_values(level.inputs),
            "steps": dict(level.outputs),
            "run": dict(self.run),
            "plan": {},
        }
        return known if index is None else {**known, "index": index, "item": item}


_OWNER = "Whoever looks after the workflow can correct it."


def shaped(step: Step, result: Mapping[str, Any], scope: Mapping[str, Any]) -> Mapping[str, Any]:
    """What *step* gives of what its action gave.

    Raises:
        ExpressionFault: one of its outputs has no value.
    """
    if not step.outputs:
        return result
    given: Mapping[str, Any] = evaluate(step.outputs, {**scope, "result": result})
    return given


def looked_at(workflow: Workflow) -> frozenset[str]:
    """The steps whose outputs the plan needs: those that are referred to for it."""
    return frozenset(
        reference.path[0]
        for step in workflow.steps
        for reference in references(_planned_with(step))
        if reference.root == "steps" and reference.path
    )


def _planned_with(step: Step) -> list[Any]:
    looks = step.until.arguments if step.until else {}
    whole = step.limits.of if step.limits else None
    return [step.arguments, looks, step.for_each, whole, step.condition]


def _inputs(title: str, workflow: Workflow, given: Mapping[str, Any]) -> dict[str, str]:
    """*given* as the inputs of *workflow*, which the step called *title* runs.

    Raises:
        Refused: one of them is no such value.
    """
    inputs: dict[str, str] = {}
    for each in workflow.inputs:
        value = given.get(each.name)
        if value is None:
            if each.required:
                raise Refused(f"{title}: `{workflow.name}` needs the input `{each.name}`.")
            continue
        text = value if isinstance(value, str) else canonical(value)
        try:
            inputs[each.name] = accepted(each, text)
        except Refused as error:
            raise Refused(f"{title}: {error}", hint=error.hint) from error
    return inputs


def _title(level: _Level, step: Step, index: int | None, item: Any) -> str:
    title = f"{level.title}{step.title}"
    if index is None:
        return title
    named = item.get("name") if isinstance(item, Mapping) else item
    said = str(named) if isinstance(named, str | int | float) else f"{index + 1}"
    return f"{title} \N{MIDDLE DOT} {said[:_LONGEST_ITEM]}"


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
    names = [{node.name: node for node in plan.nodes} for plan in (approved, now)]
    if all(names):  # plans of older versions have none
        yield from (
            f"{n.title} would be done, too" for k, n in names[1].items() if k not in names[0]
        )
        yield from (
            f"{n.title} would not be done" for k, n in names[0].items() if k not in names[1]
        )
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
