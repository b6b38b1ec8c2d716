"""What actions answer in a case, as a test file says it."""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

from domain.plan import ActionPlan, Change
from workflows.definition import FANNED_OUT, STATE, Step, Workflow
from workflows.definition_reader import Reader
from workflows.expressions import references
from workflows.nearest import did_you_mean
from workflows.rehearsal.case import FINE, Answer, Answers, Failure
from workflows.rehearsal.nodes import path_of, steps_of
from workflows.yaml_source import Place

UNDO = "undo "
"""What the name of an undo begins with: `undo switch`."""

ANSWER_KEYS = ("gives", "fails", "takes", "times")
PLAN_KEYS = ("summary", "changes", "untouched", "rollback", "before")
LOOK_KEYS = ("gives", "fails", "times", *PLAN_KEYS)
CHANGE_KEYS = ("target", "what", "before", "after")
_MOST_TIMES = 100
_OURS = frozenset({STATE, *FANNED_OUT})  #: what the engine itself says of steps


class AnswersReader:
    """Reads the answers of one file about *workflow*."""

    def __init__(self, reader: Reader, workflow: Workflow) -> None:
        self._reader = reader
        steps = steps_of(workflow)
        using = {path: each for path, each in steps.items() if uses_of(each)}
        undone = {path: each.undo for path, each in using.items() if each.undo is not None}
        used = [*map(uses_of, using.values()), *(each.uses for each in undone.values())]
        self._looked_at = (*using, *dict.fromkeys(used))
        self._tried = (*self._looked_at, *(f"{UNDO}{path}" for path in undone))

    def answers(self, place: Place, data: Any) -> Answers:
        """What attempts get."""
        return self._read(place, data, self._tried, ANSWER_KEYS)

    def looks(self, place: Place, data: Any) -> Answers:
        """What looks for the plan get."""
        return self._read(place, data, self._looked_at, LOOK_KEYS)

    def _read(
        self, place: Place, data: Any, known: tuple[str, ...], keys: tuple[str, ...]
    ) -> Answers:
        found: dict[str, tuple[Answer, ...]] = {}
        for name, entry in self._reader.mapping(place, data).items():
            at = (*place, name)
            if path_of(name) not in known:
                guess = did_you_mean(name, known) or f" There are {', '.join(known)}."
                sentence = f"`{name}` is no step and no action here.{guess}"
                self._reader.key_fault(*at, sentence=sentence)
            if isinstance(entry, list):
                several = (self._answer((*at, i), one, keys) for i, one in enumerate(entry))
                found[name] = tuple(several) or (FINE,)
            else:
                found[name] = (self._answer(at, entry, keys),)
        return found

    def _answer(self, place: Place, entry: Any, keys: tuple[str, ...]) -> Answer:
        if isinstance(entry, str):
            failure, says = self._failure(place, entry)
            return Answer(fails=failure, says=says)
        if not isinstance(entry, dict):
            sentence = "An answer is `{gives: {…}}`, or a failure such as `unavailable`."
            self._reader.fault(*place, sentence=sentence)
            return FINE
        self._reader.known_keys(place, entry, keys)
        failure, says = None, ""
        if (fails := entry.get("fails")) is not None:
            failure, says = self._failure((*place, "fails"), fails)
        gives = entry.get("gives")
        return Answer(
            gives=None if gives is None else self._reader.mapping((*place, "gives"), gives),
            fails=failure,
            says=says,
            takes=self._reader.duration((*place, "takes"), entry.get("takes")) or timedelta(),
            times=self._times((*place, "times"), entry.get("times", 1)),
            plan=self._plan(place, entry) if any(key in PLAN_KEYS for key in entry) else None,
        )

    def _failure(self, place: Place, value: Any) -> tuple[Failure | None, str]:
        """The failure that *value* says, `refused: It has no disk.`, and its sentence."""
        kind, _, says = self._reader.text(place, value).partition(":")
        known = [each.value for each in Failure]
        if kind in known:
            return Failure(kind), says.strip()
        if kind:
            guess = did_you_mean(kind, known) or f" There are {', '.join(known)}."
            self._reader.fault(*place, sentence=f"`{kind}` is no failure.{guess}")
        return None, ""

    def _times(self, place: Place, value: Any) -> int:
        if isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= _MOST_TIMES:
            return value
        self._reader.fault(*place, sentence=f"`times` is a number from 1 to {_MOST_TIMES}.")
        return 1

    def _plan(self, place: Place, entry: Mapping[str, Any]) -> ActionPlan:
        read = self._reader
        changes = entry.get("changes") or []
        if not isinstance(changes, list):
            read.fault(*place, "changes", sentence="`changes` is a list.")
            changes = []
        before = entry.get("before")
        return ActionPlan(
            summary=read.optional_text((*place, "summary"), entry.get("summary")),
            changes=tuple(
                self._change((*place, "changes", i), each) for i, each in enumerate(changes)
            ),
            untouched=read.texts((*place, "untouched"), entry.get("untouched")),
            rollback=read.optional_text((*place, "rollback"), entry.get("rollback")),
            before=None if before is None else read.mapping((*place, "before"), before),
        )

    def _change(self, place: Place, data: Any) -> Change:
        if not isinstance(data, dict):
            sentence = f"A change says {', '.join(f'`{key}`' for key in CHANGE_KEYS)}."
            self._reader.fault(*place, sentence=sentence)
            data = {}
        self._reader.known_keys(place, data, CHANGE_KEYS)
        said = {
            key: self._reader.optional_text((*place, key), data.get(key)) for key in CHANGE_KEYS
        }
        return Change(**said)


def uses_of(step: Step) -> str:
    """The action that *step* uses, or looks with; empty for none."""
    return (step.until.uses if step.until else step.uses) or ""


def unanswered(workflow: Workflow, answers: Answers, prefix: str = "") -> Iterator[str]:
    """What actions are to give to expressions and, by *answers*, do not; a sentence for each.

    Nothing is made up: what an expression refers to has to be said.
    """
    wanted_of = _referred_to(workflow)
    for step in workflow.steps:
        path = f"{prefix}{step.name}"
        if step.run is not None and step.run.workflow is not None:
            yield from unanswered(step.run.workflow, answers, f"{path}/")
        wanted = _results_in(step) if _shapes(step) else wanted_of.get(step.name, ())
        if not uses_of(step) or not wanted:
            continue
        said = [each for name, each in answers.items() if path_of(name) == path]
        said = said or [each for name, each in answers.items() if name == uses_of(step)]
        if not said:
            listed = " and ".join(f"`{each}`" for each in wanted)
            yield f"Expressions want {listed} of `{path}`: say in `answers` what it `gives`."
            continue
        for name in wanted:
            several = (answer for each in said for answer in each)
            if any(each.fails is None and name not in (each.gives or {}) for each in several):
                yield f"`{path}` gives no `{name}` here, and expressions want it."


def _shapes(step: Step) -> bool:
    """Whether *step* looks at what its action gave before others do."""
    return step.until is not None or bool(step.outputs)


def _results_in(step: Step) -> tuple[str, ...]:
    looks = [step.until.holds if step.until else "", dict(step.outputs)]
    found = (each.path for each in references(looks) if each.root == "result" and each.path)
    return tuple(dict.fromkeys(path[0] for path in found))


def _referred_to(workflow: Workflow) -> Mapping[str, tuple[str, ...]]:
    """Which outputs expressions anywhere in *workflow* refer to, by step."""
    wanted: dict[str, dict[str, None]] = {}
    for each in references([workflow.pinned["steps"], dict(workflow.outputs)]):
        if each.root == "steps" and len(each.path) > 1 and each.path[1] not in _OURS:
            wanted.setdefault(each.path[0], {})[each.path[1]] = None
    return {step: tuple(names) for step, names in wanted.items()}
