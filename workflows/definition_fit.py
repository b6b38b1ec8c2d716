"""Whether the parts of a workflow fit together, and fit the actions that there are.

A file can be well formed and still speak of what will not be there: an input that nobody can
give, a step that has not run by then, an argument that the action does not take. Whether a
workflow that a step runs is there is `links`' to say.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from pydantic import ValidationError

from connectors.connector import Action, Actions
from domain.command import Effect
from domain.field import ChoicesFrom, Field
from workflows import syntax
from workflows.cel_tree import Reference
from workflows.definition import FANNED_OUT, PLAN_FIELDS, REASON, RUN_FIELDS, STATE, Step, Workflow
from workflows.expressions import OF_ITEMS, OF_RESULTS, check, references, texts_in
from workflows.lateness import first_late
from workflows.nearest import did_you_mean
from workflows.yaml_source import Place

_IN_LOCKS = frozenset({"inputs"})
_IN_ARGUMENTS = frozenset({"inputs", "steps", "run"})  #: they are evaluated for the plan
_LATE = frozenset({"inputs", "steps", "run", "plan"})  #: they are evaluated when it is their turn
_IN_RESULTS = frozenset({"inputs", "run", *OF_RESULTS})
_IN_OUTPUTS = frozenset({"inputs", "steps", "run"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Misfit:
    """Something that does not fit."""

    place: Place
    sentence: str
    is_key: bool = False  #: the key at *place* is wrong, not the value


def misfits(workflow: Workflow, actions: Actions | None) -> Iterator[Misfit]:
    """What does not fit in *workflow*; *actions* None: whatever a step uses is there."""
    inputs = {each.name: each for each in workflow.inputs}
    if workflow.command:
        yield from _command(workflow, inputs)
    if workflow.lock is not None:
        facts = _Facts(roots=_IN_LOCKS, inputs=inputs)
        yield from _expressions(("lock",), workflow.lock, facts)
    if workflow.concurrency is not None:
        facts = _Facts(roots=_IN_LOCKS, inputs=inputs)
        yield from _expressions(("concurrency", "group"), workflow.concurrency.group, facts)
    yield from _inputs(inputs, actions)
    yield from _steps(workflow, inputs, actions)


def _inputs(inputs: Mapping[str, Field], actions: Actions | None) -> Iterator[Misfit]:
    """Whether what an input hangs on was asked for by then."""
    earlier: dict[str, Field] = {}
    for name, one in inputs.items():
        facts = _Facts(roots=_IN_LOCKS, inputs=earlier)
        if one.choices_from is not None:
            place = ("inputs", name, "choices_from")
            yield from _live_choices(place, one.choices_from, facts, actions)
        if one.required_if is not None:
            yield from _expressions(("inputs", name, "required_if"), one.required_if, facts)
        earlier[name] = one


def _live_choices(
    place: Place, source: ChoicesFrom, facts: "_Facts", actions: Actions | None
) -> Iterator[Misfit]:
    """Whether what lists an input's choices is there, and only reads."""
    yield from _action((*place, "uses"), source.uses, actions)
    offered = actions if actions is not None and source.uses in actions else None
    if offered is not None and offered.get(source.uses).effect is not Effect.READ:
        sentence = f"`{source.uses}` changes something: choices come from a read."
        yield Misfit(place=(*place, "uses"), sentence=sentence)
    yield from _arguments((*place, "with"), source.uses, source.arguments, actions)
    for key, value in source.arguments.items():
        yield from _expressions((*place, "with", key), value, facts)


def _command(workflow: Workflow, inputs: Mapping[str, Field]) -> Iterator[Misfit]:
    try:
        parsed = syntax.parse(workflow.command)
    except ValueError as error:
        yield Misfit(place=("command",), sentence=str(error))
        return
    if workflow.name and parsed.name != workflow.name:
        sentence = f"It begins with the workflow's name, `{workflow.name}`."
        yield Misfit(place=("command",), sentence=sentence)
    positional = {each.name: each for each in parsed.placeholders}
    for name in (*positional, *parsed.flags):
        if name not in inputs and not (name == REASON.name and name in parsed.flags):
            sentence = f"`{name}` is no input.{did_you_mean(name, inputs)}"
            yield Misfit(place=("command",), sentence=sentence)
    for name, one in inputs.items():
        if not one.required:
            continue
        if name not in positional and name not in parsed.flags:
            sentence = f"The input `{name}` is required, and `command` has no place for it."
            yield Misfit(place=("inputs", name), sentence=sentence, is_key=True)
        elif name in positional and not positional[name].is_required:
            sentence = f"The input `{name}` is required: write <{name}>."
            yield Misfit(place=("command",), sentence=sentence)


def _steps(
    workflow: Workflow, inputs: Mapping[str, Field], actions: Actions | None
) -> Iterator[Misfit]:
    steps = {each.name: each for each in workflow.steps}
    before: dict[str, frozenset[str]] = {}  # the steps that are done when one begins
    late = first_late(workflow.steps, actions)
    for name, step in steps.items():
        yield from _needs(step, steps, before)
        done = frozenset().union(*({n} | before[n] for n in step.needs if n in before))
        before[name] = done
        facts = _Facts(roots=_IN_ARGUMENTS, inputs=inputs, steps=steps, done=done)
        written = {each: late.get(each, "") for each in done}
        yield from _use(step, facts, written, actions)
        yield from _fan(step, facts, written)
        yield from _late(step, facts, actions)
    facts = _Facts(roots=_IN_OUTPUTS, inputs=inputs, steps=steps, done=frozenset(steps))
    for key, value in workflow.outputs.items():
        yield from _expressions(("outputs", key), value, facts)


def _needs(
    step: Step, steps: Mapping[str, Step], before: Mapping[str, frozenset[str]]
) -> Iterator[Misfit]:
    for index, need in enumerate(step.needs):
        place = ("steps", step.name, "needs", index)
        if need and need not in before:
            yield Misfit(place=place, sentence=_unmet(need, step.name, steps))
        elif need and steps[need].always and not step.always:
            sentence = f"`{need}` is done at the end, always: `{step.name}` would come too late."
            yield Misfit(place=place, sentence=sentence)


def _use(
    step: Step, facts: "_Facts", written: Mapping[str, str], actions: Actions | None
) -> Iterator[Misfit]:
    """The action that *step* uses, or looks with, and its arguments: they are planned with."""
    place: Place = ("steps", step.name)
    uses, arguments = step.uses, step.arguments
    if step.until is not None:
        place, uses, arguments = (*place, "wait"), step.until.uses, step.until.arguments
        if _effect_of(uses, actions) not in {None, Effect.READ}:
            sentence = f"`{uses}` changes something: what is waited for is only looked at."
            yield Misfit(place=(*place, "uses"), sentence=sentence)
    yield from _action((*place, "uses"), uses, actions)
    yield from _arguments((*place, "with"), uses, arguments, actions)
    facts = facts.of(step)
    for key, value in arguments.items():
        yield from _expressions((*place, "with", key), value, facts)
        yield from _plannable((*place, "with", key), value, written)


def _fan(step: Step, facts: "_Facts", written: Mapping[str, str]) -> Iterator[Misfit]:
    """What *step* is done for: that is planned with, too."""
    planned: dict[Place, Any] = {("for_each",): step.for_each}
    if step.run is not None and step.condition is not None:
        # Whether another workflow is part of the run is to be seen in its plan.
        planned["if",] = step.condition
    if step.limits is not None:
        planned["limits", "of"] = step.limits.of
    for key, value in planned.items():
        place = ("steps", step.name, *key)
        yield from _expressions(place, value, facts)
        yield from _plannable(place, value, written)


def _late(step: Step, facts: "_Facts", actions: Actions | None) -> Iterator[Misfit]:
    """What is looked at when it is the step's turn, and speaks of what was done by then."""
    place = ("steps", step.name)
    others = frozenset(facts.steps) - {step.name}
    done = others if step.always else facts.done
    late = replace(facts.of(step), roots=facts.of(step).roots | _LATE, done=done)
    if step.condition is not None:
        yield from _expressions((*place, "if"), step.condition, late)
    if step.notify is not None:
        yield from _expressions((*place, "notify", "message"), step.notify.message, late)
    of_results = replace(late, roots=_IN_RESULTS | (late.roots & frozenset(OF_ITEMS)))
    if step.until is not None:
        yield from _expressions((*place, "wait", "until"), step.until.holds, of_results)
    for key, value in step.outputs.items():
        yield from _expressions((*place, "outputs", key), value, of_results)
    if step.undo is not None:
        yield from _undo(step, actions)
        known = replace(late, done=facts.done | {step.name})
        for key, value in step.undo.arguments.items():
            yield from _expressions((*place, "undo", "with", key), value, known)


def _unmet(need: str, name: str, steps: Mapping[str, Step]) -> str:
    if need == name:
        return "A step cannot need itself."
    if need in steps:
        return f"`{need}` comes after `{name}`: write steps in the order of their needs."
    return f"There is no step `{need}`.{did_you_mean(need, steps)}"


# -- actions ------------------------------------------------------------------------------


def _action(place: Place, uses: str | None, actions: Actions | None) -> Iterator[Misfit]:
    if uses and actions is not None and uses not in actions:
        guess = did_you_mean(uses, (each.reference for each in actions))
        yield Misfit(place=place, sentence=f"There is no action `{uses}`.{guess}")


def _undo(step: Step, actions: Actions | None) -> Iterator[Misfit]:
    place = ("steps", step.name, "undo")
    if step.undo is not None:
        yield from _action((*place, "uses"), step.undo.uses, actions)
        yield from _arguments((*place, "with"), step.undo.uses, step.undo.arguments, actions)
    if _effect(step, actions) is Effect.READ:
        sentence = f"`{step.name}` only reads: there is nothing to undo."
        yield Misfit(place=place, sentence=sentence, is_key=True)


def _arguments(
    place: Place, uses: str | None, arguments: Mapping[str, Any], actions: Actions | None
) -> Iterator[Misfit]:
    """Whether *arguments* are what the action takes, as far as they are written out."""
    if not uses or actions is None or uses not in actions:
        return
    action = actions.get(uses)
    fields = action.inputs.model_fields
    for key in arguments:
        if key not in fields:
            sentence = f"{uses} has no input `{key}`.{did_you_mean(key, fields)}"
            yield Misfit(place=(*place, key), sentence=sentence, is_key=True)
    for key, one in fields.items():
        if one.is_required() and key not in arguments:
            sentence = f"{uses} needs the input `{key}`."
            yield Misfit(place=place, sentence=sentence, is_key=True)
    yield from _values(place, action, {k: v for k, v in arguments.items() if k in fields})


def _values(place: Place, action: Action[Any], arguments: Mapping[str, Any]) -> Iterator[Misfit]:
    plain = {k: v for k, v in arguments.items() if not any("${" in t for t in texts_in(v))}
    try:
        action.inputs.model_validate(plain)
    except ValidationError as error:
        for detail in error.errors():
            at = detail["loc"]
            if at and at[0] in plain:
                words = detail["msg"].removeprefix("Value error, ")
                sentence = f"`{'.'.join(map(str, at))}`: {words}."
                yield Misfit(place=(*place, *at), sentence=sentence)


def _effect(step: Step, actions: Actions | None) -> Effect | None:
    """What *step* does to the world; None for one without action, and where that is not known."""
    return _effect_of(step.uses or "", actions)


def _effect_of(uses: str, actions: Actions | None) -> Effect | None:
    return actions.get(uses).effect if actions is not None and uses in actions else None


# -- expressions --------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class _Facts:
    """What an expression can speak of where it stands."""

    roots: frozenset[str]
    inputs: Mapping[str, Field]
    steps: Mapping[str, Step] = field(default_factory=dict)
    done: frozenset[str] = frozenset()  #: the steps that have run by then

    def of(self, step: Step) -> "_Facts":
        """As it is in *step*, which may be done for each of some items."""
        items = frozenset(OF_ITEMS) if step.for_each is not None else frozenset()
        return replace(self, roots=frozenset(self.roots) | items)


def _expressions(place: Place, value: Any, facts: _Facts) -> Iterator[Misfit]:
    for text in texts_in(value):
        problems = check(text, facts.roots)
        if not problems:
            problems = tuple(p for each in references(text) if (p := _missing(each, facts)))
        for problem in problems:
            yield Misfit(place=place, sentence=problem)


def _missing(reference: Reference, facts: _Facts) -> str:
    """What of *reference* will not be there; empty where all will."""
    if reference.root in {*OF_ITEMS, *OF_RESULTS}:
        return ""  # what they hold is known when there is one
    if not reference.path:
        return f"`{reference}` needs a name behind it, such as `{reference.root}.name`."
    name = reference.path[0]
    known: Iterable[str]
    match reference.root:
        case "inputs":
            known, what = facts.inputs, "input"
        case "run":
            known, what = RUN_FIELDS, "fact of the run"
        case "plan":
            known, what = PLAN_FIELDS, "fact of the plan"
        case _:
            if name in facts.steps:
                return _missing_output(reference, facts.steps[name], facts.done)
            known, what = facts.done, "step"
    return "" if name in known else f"There is no {what} `{name}`.{did_you_mean(name, known)}"


def _missing_output(reference: Reference, step: Step, done: Collection[str]) -> str:
    if step.name not in done:
        return f"`{reference}` is not known here: `{step.name}` is not among the needs."
    output = reference.path[1:2]
    if output == (STATE,):
        return ""
    if step.for_each is not None and output and output[0] not in FANNED_OUT:
        return (
            f"`{step.name}` is done for each of some items: "
            f"there are `steps.{step.name}.results` and `steps.{step.name}.count`."
        )
    if step.outputs and output and output[0] not in step.outputs:
        guess = did_you_mean(output[0], step.outputs)
        return f"`{step.name}` gives no `{output[0]}`.{guess}"
    if step.wait is not None or step.notify is not None:
        kind = "wait" if step.wait is not None else "notification"
        return f"`{step.name}` is a {kind}, which gives nothing."
    return ""


def _plannable(place: Place, value: Any, written: Mapping[str, str]) -> Iterator[Misfit]:
    """Nothing can be planned with what is there only when something has been written.

    *written* are the steps that *value* may speak of, each with the step that has to write first.
    """
    for text in texts_in(value):
        for reference in () if check(text) else references(text):  # what is wrong is told already
            name = reference.path[0] if reference.root == "steps" and reference.path else ""
            if reference.path[1:2] == (STATE,) and name in written:
                sentence = f"`{reference}` is known only when it has run: the plan is made before."
                yield Misfit(place=place, sentence=sentence)
            elif first := written.get(name):
                sentence = (
                    f"`{reference}` is known only when `{first}` has run, "
                    "and the plan is made before."
                )
                yield Misfit(place=place, sentence=sentence)
