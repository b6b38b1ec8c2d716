"""What test files call steps: by their path, or one of several by its place.

`switch` is a step, `roll/switch` one of the workflow that `roll` runs, and `switch[0]` the first
of those that a step with `for_each` becomes. A path stands for all of them.
"""

from collections.abc import Iterator, Mapping
import re

from workflows.definition import Step, Workflow

_PLACE = re.compile(r"\[[0-9]+\]|\[canary\]")


def steps_of(workflow: Workflow) -> Mapping[str, Step]:
    """The steps of *workflow* by path, with those of the workflows that it runs."""
    return dict(_steps(workflow, ""))


def _steps(workflow: Workflow, prefix: str) -> Iterator[tuple[str, Step]]:
    for step in workflow.steps:
        yield f"{prefix}{step.name}", step
        if step.run is not None and step.run.workflow is not None:
            yield from _steps(step.run.workflow, f"{prefix}{step.name}/")


def path_of(name: str) -> str:
    """The path of the step that *name* is, or is one of."""
    return _PLACE.sub("", name)


def is_of(node: str, named: str) -> bool:
    """Whether the step run *node* is what a test file calls *named*, or one of it."""
    return (
        named in {node, path_of(node)}
        or f"{node}/".startswith(f"{named}/")
        or (path_of(node).startswith(f"{named}/"))
    )
