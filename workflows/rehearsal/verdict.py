"""Whether what happened is what a case expects; what is not is told where the file expects it."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any

from domain.canonical import canonical
from domain.notice import Notice
from workflows.durations import text_of
from workflows.rehearsal.case import Case, Expected, ExpectedCall, ExpectedNotice
from workflows.rehearsal.nodes import is_of, path_of
from workflows.rehearsal.played import Played, Told
from workflows.rehearsal.script import Call
from workflows.yaml_source import Fault, Place, Source

_MILLISECOND = timedelta(milliseconds=1)


def faults_of(case: Case, played: Played, source: Source) -> tuple[Fault, ...]:
    """A fault for everything about *played* that *case* expects otherwise."""
    place = ("cases", case.name, "expect")
    told = [(each.place, each.sentence) for each in played.complaints]
    told += _differences(case.expect, played, place)
    return tuple(
        source.fault(*at, sentence=f"In “{case.name}”: {sentence}") for at, sentence in told
    )


def _differences(expected: Expected, played: Played, place: Place) -> Iterator[tuple[Place, str]]:
    yield from _end(expected, played, place)
    yield from _steps(expected, played, place)
    if expected.calls is not None:
        yield from _calls(expected.calls, played.calls, (*place, "calls"))
    if expected.undone is not None:
        undone = tuple(dict.fromkeys(each.step for each in played.calls if each.is_undo))
        if expected.undone not in {undone, tuple(map(path_of, undone))}:
            yield (*place, "undone"), f"what was undone {_was(_listed(undone))}."
    if expected.notices is not None:
        yield from _notices(expected.notices, played.told, (*place, "notices"))


def _end(expected: Expected, played: Played, place: Place) -> Iterator[tuple[Place, str]]:
    run = played.run
    why = f" {run.outcome}" if run.outcome else ""
    if expected.state is not None and run.state is not expected.state:
        yield (*place, "state"), f"the run is {run.state}, not {expected.state}.{why}"
    if expected.outcome is not None and expected.outcome not in run.outcome:
        yield (*place, "outcome"), f"the run says {_quoted(run.outcome)}."
    if expected.took is not None and abs(played.took - expected.took) >= _MILLISECOND:
        took, wanted = text_of(played.took), text_of(expected.took)
        yield (*place, "took"), f"it took {took}, not {wanted}."


def _steps(expected: Expected, played: Played, place: Place) -> Iterator[tuple[Place, str]]:
    for name, state in expected.steps.items():
        meant = [each for each in played.steps if is_of(each.name, name)]
        if not meant:
            yield (*place, "steps", name), f"there was no `{name}`."
        for step in meant:
            if step.state is not state:
                detail = f" {step.detail}" if step.detail else ""
                sentence = f"`{step.name}` is {step.state}, not {state}.{detail}"
                yield (*place, "steps", name), sentence
    for name, count in expected.attempts.items():
        made = sum(is_of(each.step, name) and not each.is_undo for each in played.calls)
        if made != count:
            yield (*place, "attempts", name), f"`{name}` was tried {made} times, not {count}."


def _calls(
    expected: Sequence[ExpectedCall], made: Sequence[Call], place: Place
) -> Iterator[tuple[Place, str]]:
    """How the calls that were made differ from those *expected*: the first difference."""
    names = [each.name for each in made]
    for index, (wanted, call) in enumerate(zip(expected, made, strict=False)):
        if wanted.name not in {call.name, path_of(call.name)}:
            sentence = (
                f"call {index + 1} is `{call.name}`; what was called {_was(_listed(names))}."
            )
            yield (*place, index), sentence
            return
        for name, value in wanted.arguments.items():
            if call.arguments.get(name) != value:
                given = _json(call.arguments, name)
                at = (*place, index, wanted.name, name)
                yield at, f"`{wanted.name}` is called with {given}."
    if len(expected) != len(made):
        yield place, f"what was called {_was(_listed(names))}."


def _notices(
    expected: Sequence[ExpectedNotice], told: Sequence[Told], place: Place
) -> Iterator[tuple[Place, str]]:
    was = _was(_listed([f"{each.notice.kind} at {text_of(each.at)}" for each in told]))
    for index, (wanted, got) in enumerate(zip(expected, told, strict=False)):
        problem = _notice(wanted, got)
        if problem:
            yield (*place, index), f"{problem}; what was told {was}."
            return
    if len(expected) != len(told):
        yield place, f"what was told {was}."


def _notice(wanted: ExpectedNotice, got: Told) -> str:
    """How *got* differs from *wanted*; empty where it does not."""
    if got.notice.kind is not wanted.kind:
        return f"the notice is `{got.notice.kind}`, not `{wanted.kind}`"
    called = _called(got.notice)
    if wanted.to and wanted.to != called:
        return f"it calls {called or 'the requester'}, not {wanted.to}"
    if wanted.at is not None and abs(wanted.at - got.at) >= _MILLISECOND:
        return f"it comes at {text_of(got.at)}, not at {text_of(wanted.at)}"
    if wanted.says not in got.notice.reason:
        return f"it says {_quoted(got.notice.reason)}"
    return ""


def _called(notice: Notice) -> str:
    """Whom *notice* calls: a group, or a person by name; empty for the requester."""
    return notice.group or (notice.to[1] if notice.to is not None else "")


def _was(listed: str) -> str:
    return f"was {listed}" if listed else "was nothing"


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names)


def _quoted(text: str) -> str:
    return f"“{text}”" if text else "nothing"


def _json(arguments: Mapping[str, Any], name: str) -> str:
    return f"`{name}` {canonical(arguments[name])}" if name in arguments else f"no `{name}`"
