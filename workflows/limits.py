"""How much a step may touch: a run that would touch more is refused before it begins."""

from typing import Any

from domain.errors import Refused
from domain.field import in_digits
from workflows.parts import Limits


def check_limits(title: str, limits: Limits, count: int, whole: Any) -> None:
    """Let the step called *title* be done *count* times, of *whole* that there are in all.

    Raises:
        Refused: that is more than *limits* allow.
    """
    if limits.max_targets is not None and count > limits.max_targets:
        raise Refused(
            f"{title}: it would be done for {count}; at most {limits.max_targets} are allowed.",
            hint="Choose fewer, or have the workflow's limit raised.",
        )
    if limits.max_percent is None:
        return
    if not isinstance(whole, int | float) or isinstance(whole, bool) or whole <= 0:
        raise Refused(f"{title}: of how many there are in all, nothing is known.")
    percent = 100 * count / whole
    if percent > limits.max_percent:
        raise Refused(
            f"{title}: {count} of {in_digits(whole)} are {percent:.0f} %, "
            f"and at most {in_digits(limits.max_percent)} % are allowed.",
            hint="Choose fewer, or have the workflow's limit raised.",
        )
