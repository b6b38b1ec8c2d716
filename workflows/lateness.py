"""What is known only when it has been done, and so cannot be planned with.

A step comes late where it writes, or runs another workflow, or waits for a condition or for
people; and so does every step that needs one.
"""

from collections.abc import Mapping, Sequence

from connectors.connector import Actions
from domain.command import Effect
from workflows.definition import STATE, Step
from workflows.expressions import references


def first_late(steps: Sequence[Step], actions: Actions | None) -> Mapping[str, str]:
    """For each step that comes late, the first step that has to come before its output is there.

    *actions* None: what no action of that name is known for counts as reading.
    """
    late: dict[str, str] = {}
    before: dict[str, frozenset[str]] = {}
    for step in steps:
        needed = (({need} | before[need]) for need in step.needs if need in before)
        before[step.name] = frozenset().union(*needed)
        own = {step.name} | before[step.name]
        first = next((e.name for e in steps if e.name in own and _is_late(e, actions)), "")
        gives = step.wait is None and step.notify is None
        if first and gives:
            late[step.name] = first
    return late


def is_early(condition: str, late: Mapping[str, str]) -> bool:
    """Whether *condition* speaks of nothing but what is known when the plan is made.

    Raises:
        ExpressionFault: it cannot be read.
    """
    for reference in references(condition):
        if reference.root == "plan":
            return False
        if reference.root == "steps" and (
            reference.path[0] in late or reference.path[1:2] == (STATE,)
        ):
            return False
    return True


def _is_late(step: Step, actions: Actions | None) -> bool:
    if any(each is not None for each in (step.run, step.until, step.approve)):
        return True
    if actions is None or step.uses is None or step.uses not in actions:
        return False
    return actions.get(step.uses).effect is not Effect.READ
