"""What a case expects, as a test file says it."""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Any, TypeVar

from domain.notice import NoticeKind
from domain.run import RunState
from domain.step import StepState
from workflows.definition import Workflow
from workflows.definition_reader import Reader
from workflows.nearest import did_you_mean
from workflows.rehearsal.answers import UNDO
from workflows.rehearsal.case import Expected, ExpectedCall, ExpectedNotice
from workflows.rehearsal.nodes import path_of, steps_of
from workflows.yaml_source import Place

EXPECT_KEYS = (*("state", "outcome", "steps", "attempts", "calls", "undone", "notices", "took"),)
NOTICE_KEYS = ("notice", "to", "at", "says")

E = TypeVar("E", bound=StrEnum)


class ExpectedReader:
    """Reads what is expected of runs of *workflow*."""

    def __init__(self, reader: Reader, workflow: Workflow) -> None:
        self._reader = reader
        steps = steps_of(workflow)
        self._steps = tuple(steps)
        self._undone = tuple(path for path, each in steps.items() if each.undo is not None)

    def read(self, place: Place, data: Any, *, is_end: bool) -> Expected:
        """What *data* expects; *is_end*: of the run's end, which is some end."""
        entry = self._reader.mapping(place, data)
        self._reader.known_keys(place, entry, EXPECT_KEYS)
        calls, undone, notices = (entry.get(key) for key in ("calls", "undone", "notices"))
        return Expected(
            state=self._state((*place, "state"), entry.get("state"), is_end=is_end),
            outcome=self._reader.optional_text((*place, "outcome"), entry.get("outcome")) or None,
            steps=self._states((*place, "steps"), entry.get("steps")),
            attempts=self._attempts((*place, "attempts"), entry.get("attempts")),
            calls=None if calls is None else self._calls((*place, "calls"), calls),
            undone=None if undone is None else self._names((*place, "undone"), undone),
            notices=None if notices is None else self._notices((*place, "notices"), notices),
            took=self._reader.duration((*place, "took"), entry.get("took")),
        )

    def _state(self, place: Place, value: Any, *, is_end: bool) -> RunState | None:
        if value is None:
            return None
        states = [each for each in RunState if each.is_final or not is_end]
        return self._one_of(place, value, states, "no end of a run" if is_end else "no state")

    def _one_of(self, place: Place, value: Any, known: Iterable[E], what: str) -> E | None:
        listed = {each.value: each for each in known}
        if isinstance(value, str) and value in listed:
            return listed[value]
        guess = did_you_mean(str(value), listed) or f" There are {', '.join(listed)}."
        self._reader.fault(*place, sentence=f"`{value}` is {what}.{guess}")
        return None

    def _known_step(self, place: Place, name: str) -> None:
        if name and path_of(name) not in self._steps:
            guess = did_you_mean(name, self._steps) or f" There are {', '.join(self._steps)}."
            self._reader.key_fault(*place, sentence=f"There is no step `{name}`.{guess}")

    def _undone_step(self, place: Place, name: str) -> None:
        self._known_step(place, name)
        if path_of(name) in self._steps and path_of(name) not in self._undone:
            self._reader.key_fault(*place, sentence=f"`{name}` has no undo.")

    def _states(self, place: Place, data: Any) -> Mapping[str, StepState]:
        found = {}
        for name, value in self._reader.mapping(place, data).items():
            self._known_step((*place, name), name)
            state = self._one_of((*place, name), value, StepState, "no state of a step")
            if state is not None:
                found[name] = state
        return found

    def _attempts(self, place: Place, data: Any) -> Mapping[str, int]:
        found = {}
        for name, value in self._reader.mapping(place, data).items():
            self._known_step((*place, name), name)
            if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
                found[name] = value
            else:
                self._reader.fault(*place, name, sentence="How many attempts is a number.")
        return found

    def _calls(self, place: Place, data: Any) -> tuple[ExpectedCall, ...]:
        if not isinstance(data, list):
            sentence = "`calls` is a list of steps: `[look, switch: {version: v2}]`."
            self._reader.fault(*place, sentence=sentence)
            return ()
        return tuple(self._call((*place, index), each) for index, each in enumerate(data))

    def _call(self, place: Place, data: Any) -> ExpectedCall:
        if isinstance(data, dict) and len(data) == 1:
            ((name, arguments),) = data.items()
            self._called((*place, name), name)
            given = self._reader.mapping((*place, name), arguments)
            return ExpectedCall(name=name, arguments=given)
        name = self._reader.text(place, data)
        self._called(place, name)
        return ExpectedCall(name=name)

    def _called(self, place: Place, name: str) -> None:
        if name.startswith(UNDO):
            self._undone_step(place, name.removeprefix(UNDO))
        else:
            self._known_step(place, name)

    def _names(self, place: Place, data: Any) -> tuple[str, ...]:
        names = self._reader.texts(place, data)
        for index, name in enumerate(names):
            self._undone_step((*place, index), name)
        return names

    def _notices(self, place: Place, data: Any) -> tuple[ExpectedNotice, ...]:
        if not isinstance(data, list):
            sentence = "`notices` is a list: `[approved, {notice: ended, at: 1h}]`."
            self._reader.fault(*place, sentence=sentence)
            return ()
        found = (self._notice((*place, index), each) for index, each in enumerate(data))
        return tuple(each for each in found if each is not None)

    def _notice(self, place: Place, data: Any) -> ExpectedNotice | None:
        entry, at = ({"notice": data}, place) if isinstance(data, str) else (data, ())
        if not isinstance(entry, dict) or entry.get("notice") is None:
            self._reader.fault(*place, sentence="A notice is `ended`, or `{notice: ended, …}`.")
            return None
        self._reader.known_keys(place, entry, NOTICE_KEYS)
        kind = self._one_of(
            at or (*place, "notice"), entry["notice"], NoticeKind, "nothing that people are told"
        )
        to = self._reader.optional_text((*place, "to"), entry.get("to"))
        moment = self._reader.duration((*place, "at"), entry.get("at"))
        says = self._reader.optional_text((*place, "says"), entry.get("says"))
        return None if kind is None else ExpectedNotice(kind=kind, to=to, at=moment, says=says)
