"""Workflows that run others: each step with `run` gets the workflow that it names."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from workflows.definition import Step, SubWorkflow, Workflow
from workflows.definition_fit import Misfit
from workflows.expressions import texts_in
from workflows.nearest import did_you_mean

DEEPEST = 5
"""How deep workflows may run others. Readers, not machines, set this limit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Linked:
    """Workflows by name, their steps linked, and what does not fit, with the workflow's name."""

    workflows: Mapping[str, Workflow]
    misfits: tuple[tuple[str, Misfit], ...]


def link(workflows: Mapping[str, Workflow]) -> Linked:
    """*workflows* with the steps of each linked to the others."""
    misfits = [
        (name, each) for name, one in workflows.items() for each in _misfits(one, workflows)
    ]
    if misfits:
        return Linked(workflows=workflows, misfits=tuple(misfits))
    return Linked(
        workflows={name: _linked(one, workflows) for name, one in workflows.items()}, misfits=()
    )


def _linked(workflow: Workflow, known: Mapping[str, Workflow]) -> Workflow:
    if not any(step.run for step in workflow.steps):
        return workflow
    return replace(workflow, steps=tuple(_with_workflow(each, known) for each in workflow.steps))


def _with_workflow(step: Step, known: Mapping[str, Workflow]) -> Step:
    if step.run is None:
        return step
    child = _linked(known[step.run.name], known)
    return replace(step, run=SubWorkflow(name=step.run.name, workflow=child))


def _misfits(workflow: Workflow, known: Mapping[str, Workflow]) -> Iterator[Misfit]:
    for step in workflow.steps:
        if step.run is None or not step.run.name:
            continue
        place = ("steps", step.name, "run")
        child = known.get(step.run.name)
        if child is None:
            guess = did_you_mean(step.run.name, known)
            yield Misfit(place=place, sentence=f"There is no workflow `{step.run.name}`.{guess}")
            continue
        if circle := _circle(child, known, (workflow.name,)):
            sentence = f"These run each other, which would never end: {' → '.join(circle)}."
            yield Misfit(place=place, sentence=sentence)
        elif _depth(child, known) > DEEPEST:
            sentence = f"Workflows run others at most {DEEPEST} deep."
            yield Misfit(place=place, sentence=sentence)
        yield from _inputs(step, child)


def _inputs(step: Step, child: Workflow) -> Iterator[Misfit]:
    declared = {each.name: each for each in child.inputs}
    for key in step.arguments:
        if key not in declared:
            guess = did_you_mean(key, declared)
            sentence = f"`{child.name}` has no input `{key}`.{guess}"
            yield Misfit(place=("steps", step.name, "with", key), sentence=sentence, is_key=True)
    for name, one in declared.items():
        if one.required and name not in step.arguments:
            sentence = f"`{child.name}` needs the input `{name}`."
            yield Misfit(place=("steps", step.name, "run"), sentence=sentence)
    for key, value in step.arguments.items():
        is_plain = isinstance(value, str | bool | int | float)
        if not is_plain and not any("${" in text for text in texts_in(value)):
            sentence = "An input of a workflow is a text, a number, or true or false."
            yield Misfit(place=("steps", step.name, "with", key), sentence=sentence)


def _circle(
    workflow: Workflow, known: Mapping[str, Workflow], above: tuple[str, ...]
) -> tuple[str, ...]:
    """The names on the way from the first of *above* back to it; empty where there is no way."""
    if workflow.name in above:
        return (*above, workflow.name) if workflow.name == above[0] else ()
    for step in workflow.steps:
        child = known.get(step.run.name) if step.run else None
        if child is not None and (found := _circle(child, known, (*above, workflow.name))):
            return found
    return ()


def _depth(workflow: Workflow, known: Mapping[str, Workflow], level: int = 1) -> int:
    """How deep *workflow*, at *level*, runs others; no more than one too many is counted."""
    if level > DEEPEST:
        return level
    children = [
        known[each.run.name] for each in workflow.steps if each.run and each.run.name in known
    ]
    return max((_depth(each, known, level + 1) for each in children), default=level)
