"""What there is to know of a step, in few words, for those who read a workflow."""

from collections.abc import Iterator

from workflows.definition import Step
from workflows.durations import text_of
from workflows.parts import Approve, Canary, RetryOn

_LONGEST = 60


def deed(step: Step) -> str:
    """What *step* does: `releases.switch@1`, `approve: 2 of owners, within 30m`, `wait 10s`."""
    if step.approve is not None:
        return f"approve: {_asked(step.approve)}"
    if step.notify is not None:
        return f"notify {step.notify.to or 'the requester'}: {_short(step.notify.message)}"
    if step.run is not None:
        return f"run {step.run.name}"
    if step.until is not None:
        until = step.until
        return (
            f"wait until {_short(until.holds)}: {until.uses} every {text_of(until.every)}"
            f" for {text_of(until.timeout)}"
        )
    if step.wait is not None:
        return f"wait {text_of(step.wait)}"
    return str(step.uses)


def terms(step: Step) -> Iterator[str]:
    """On which terms, in the order in which it matters."""
    if step.condition is not None:
        yield f"if {_short(step.condition)}"
    yield from _fan(step)
    if step.timeout is not None:
        yield f"within {text_of(step.timeout)}"
    if step.retry.attempts > 1:
        only = "" if step.retry.on == tuple(RetryOn) else f" on {', '.join(step.retry.on)}"
        pause = text_of(step.retry.backoff)
        yield f"{step.retry.attempts} attempts{only}, {pause} apart at first"
    if step.undo is not None:
        yield f"undone by {step.undo.uses}"
    if step.always:
        yield "always, at the end"


def _fan(step: Step) -> Iterator[str]:
    if step.for_each is not None:
        yield f"for each of {_items(step)}"
    if step.max_parallel is not None:
        yield f"{step.max_parallel} at once"
    if step.limits is not None and step.limits.max_targets is not None:
        yield f"at most {step.limits.max_targets}"
    if step.limits is not None and step.limits.max_percent is not None:
        yield f"at most {step.limits.max_percent:g} % of {_short(str(step.limits.of))}"
    if step.canary is not None:
        yield _canary(step.canary)


def _asked(asked: Approve) -> str:
    called = f", {asked.escalate} are called after half of it" if asked.escalate else ""
    return f"{asked.count} of {asked.by}, within {text_of(asked.expires)}{called}"


def _items(step: Step) -> str:
    if isinstance(step.for_each, list):
        return _short(", ".join(map(str, step.for_each)))
    return _short(str(step.for_each))


def _canary(canary: Canary) -> str:
    if canary.wait is not None:
        return f"the first {canary.first} ahead, the others {text_of(canary.wait)} later"
    asked = _asked(canary.approve) if canary.approve is not None else ""
    return f"the first {canary.first} ahead, the others when approved: {asked}"


def _short(text: str) -> str:
    words = " ".join(text.split())
    return words if len(words) <= _LONGEST else f"{words[: _LONGEST - 1]}…"
