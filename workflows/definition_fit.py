"""Whether the parts of a workflow fit together, and fit the actions that there are.

A file can be well formed and still speak of what will not be there: an input that nobody can
give, a step that has not run by then, an argument that the action does not take.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError

from connectors.connector import Action, Actions
from domain.command import Effect
from domain.field import Field
from workflows import syntax
from workflows.cel_tree import Reference
from workflows.definition import PLAN_FIELDS, REASON, RUN_FIELDS, Step, Workflow
from workflows.expressions import check, references, texts_in
from workflows.nearest import did_you_mean
from workflows.yaml_source import Place

_IN_LOCKS = frozenset({"inputs"})
_IN_ARGUMENTS = frozenset({"inputs", "steps", "run"})  #: they are evaluated for the plan
_IN_UNDO = frozenset({"inputs", "steps", "run", "plan"})


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
    yield from _live_choices(inputs, actions)
    yield from _steps(workflow, inputs, actions)


def _live_choices(inputs: Mapping[str, Field], actions: Actions | None) -> Iterator[Misfit]:
    """Whether what lists an input's choices is there, only reads, and can be asked by then."""
    earlier: dict[str, Field] = {}
    for name, one in inputs.items():
        source = one.choices_from
        if source is not None:
            place = ("inputs", name, "choices_from")
            yield from _action((*place, "uses"), source.uses, actions)
            offered = actions if actions is not None and source.uses in actions else None
            if offered is not None and offered.get(source.uses).effect is not Effect.READ:
                sentence = f"`{source.uses}` changes something: choices come from a read."
                yield Misfit(place=(*place, "uses"), sentence=sentence)
            yield from _arguments((*place, "with"), source.uses, source.arguments, actions)
            facts = _Facts(roots=_IN_LOCKS, inputs=earlier)
            for key, value in source.arguments.items():
                yield from _expressions((*place, "with", key), value, facts)
        earlier[name] = one


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
    for name, step in steps.items():
        place = ("steps", name)
        for index, need in enumerate(step.needs):
            if need and need not in before:
                yield Misfit(place=(*place, "needs", index), sentence=_unmet(need, name, steps))
        done = frozenset().union(*({n} | before[n] for n in step.needs if n in before))
        before[name] = done
        yield from _action((*place, "uses"), step.uses, actions)
        yield from _arguments((*place, "with"), step.uses, step.arguments, actions)
        facts = _Facts(roots=_IN_ARGUMENTS, inputs=inputs, steps=steps, done=done)
        written = {each: _first_write(each, steps, before, actions) for each in done}
        for key, value in step.arguments.items():
            yield from _expressions((*place, "with", key), value, facts)
            yield from _plannable((*place, "with", key), value, written)
        if step.undo is not None:
            yield from _undo(step, actions)
            facts = _Facts(roots=_IN_UNDO, inputs=inputs, steps=steps, done=done | {name})
            for key, value in step.undo.arguments.items():
                yield from _expressions((*place, "undo", "with", key), value, facts)


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
    """What *step* does to the world; None for a wait, and where that is not known."""
    if actions is None or step.uses is None or step.uses not in actions:
        return None
    return actions.get(step.uses).effect


def _first_write(
    name: str,
    steps: Mapping[str, Step],
    before: Mapping[str, frozenset[str]],
    actions: Actions | None,
) -> str:
    """The step that has to write before there is what step *name* gives; empty for none."""
    if steps[name].wait is not None:
        return ""
    own = {name} | before[name]
    writing = (
        each.name
        for each in steps.values()
        if each.name in own and _effect(each, actions) not in {None, Effect.READ}
    )
    return next(writing, "")


# -- expressions --------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class _Facts:
    """What an expression can speak of where it stands."""

    roots: Collection[str]
    inputs: Mapping[str, Field]
    steps: Mapping[str, Step] = field(default_factory=dict)
    done: frozenset[str] = frozenset()  #: the steps that have run by then


def _expressions(place: Place, value: Any, facts: _Facts) -> Iterator[Misfit]:
    for text in texts_in(value):
        problems = check(text, facts.roots)
        if not problems:
            problems = tuple(p for each in references(text) if (p := _missing(each, facts)))
        for problem in problems:
            yield Misfit(place=place, sentence=problem)


def _missing(reference: Reference, facts: _Facts) -> str:
    """What of *reference* will not be there; empty where all will."""
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
    return f"`{step.name}` is a wait, which gives nothing." if step.wait is not None else ""


def _plannable(place: Place, value: Any, written: Mapping[str, str]) -> Iterator[Misfit]:
    """Nothing can be planned with what is there only when something has been written.

    *written* are the steps that *value* may speak of, each with the step that has to write first.
    """
    for text in texts_in(value):
        for reference in () if check(text) else references(text):  # what is wrong is told already
            name = reference.path[0] if reference.root == "steps" and reference.path else ""
            if first := written.get(name):
                sentence = (
                    f"`{reference}` is known only when `{first}` has run, "
                    "and the plan is made before."
                )
                yield Misfit(place=place, sentence=sentence)
