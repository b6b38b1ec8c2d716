"""From a workflow's YAML file to a `Workflow`, or to all that is wrong with the file.

Whatever can be known before anybody runs it is refused here: a misspelt key, a step that is
missing, an expression about something that will not be there.
"""

from collections.abc import Container, Iterable, Mapping
from datetime import timedelta
from pathlib import Path
import re
from typing import Any

from pydantic import ValidationError

from connectors.connector import Action, Actions
from domain.command import Effect
from domain.errors import BadArguments
from domain.field import Field, FieldType
from workflows import syntax
from workflows.cel_tree import Reference
from workflows.definition import (
    REASON,
    RUN_FIELDS,
    DefinitionFaults,
    Retry,
    Step,
    Undo,
    Workflow,
)
from workflows.durations import parse as parse_duration
from workflows.expressions import ExpressionFault, check, matches, references, texts_in
from workflows.nearest import did_you_mean
from workflows.values import accepted
from workflows.yaml_source import Fault, Place, Source, YamlFault, read

_KEYS = ("name", "title", "description", "command", "inputs", "lock", "steps")
_REQUIRED_KEYS = ("name", "title", "command", "steps")
_INPUT_KEYS = ("type", "description", "required", "default", "choices", "pattern")
_STEP_KEYS = ("title", "uses", "with", "needs", "timeout", "retry", "undo", "wait")
_RETRY_KEYS = ("attempts", "backoff")
_UNDO_KEYS = ("uses", "with")
_LATER_KEYS = frozenset(
    {
        *("approve", "run", "notify"),
        *("if", "for_each", "max_parallel", "always", "outputs", "secrets"),
    }
)
"""Step keys of the language that this version does not carry out yet: refused, not ignored."""

_NAME = re.compile(r"[a-z][a-z0-9_-]{0,39}")
_STEP_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
_RESERVED_INPUTS = frozenset({"t", "verb"})  #: what a card's button carries beside its inputs
_MOST_STEPS = 100
_MOST_ATTEMPTS = 20
_SHORTEST_BACKOFF = timedelta(milliseconds=100)


def read_definition(path: Path, *, actions: Container[str] | None = None) -> Workflow:
    """The workflow in the file at *path*.

    *actions* are the references that steps may use; None: any. Given `Actions`, the arguments of
    the steps are checked too.

    Raises:
        DefinitionFaults: it does not validate; all faults at once.
    """
    try:
        source = read(path)
    except YamlFault as error:
        raise DefinitionFaults([error.fault]) from error
    reader = _Reader(source, actions)
    workflow = reader.workflow()
    if reader.faults or workflow is None:
        raise DefinitionFaults(reader.faults)
    return workflow


def load_all(
    folders: Iterable[Path], actions: Container[str] | None = None
) -> Mapping[str, Workflow]:
    """The workflows of all *.yaml files in *folders*, by name, in the order of the files.

    Raises:
        DefinitionFaults: a file does not validate, or two define the same workflow.
    """
    found: dict[str, tuple[Workflow, Path]] = {}
    faults: list[Fault] = []
    for path in (file for folder in folders for file in sorted(folder.glob("*.yaml"))):
        try:
            workflow = read_definition(path, actions=actions)
        except DefinitionFaults as error:
            faults += error.faults
            continue
        if workflow.name in found:
            sentence = f"A workflow `{workflow.name}` is defined in {found[workflow.name][1]}."
            faults.append(Fault(file=str(path), line=1, column=1, sentence=sentence))
        else:
            found[workflow.name] = (workflow, path)
    if faults:
        raise DefinitionFaults(faults)
    return {name: workflow for name, (workflow, _) in found.items()}


class _Reader:
    """Reads one file, and collects what is wrong with it."""

    def __init__(self, source: Source, actions: Container[str] | None) -> None:
        self._source = source
        self._actions = actions
        self.faults: list[Fault] = []

    def workflow(self) -> Workflow | None:
        """The workflow; of no use where there are faults."""
        data = self._source.data
        if not isinstance(data, dict):
            self._fault(sentence="A workflow is a mapping that begins with `name:`.")
            return None
        self._known_keys((), data, _KEYS)
        for key in _REQUIRED_KEYS:
            if key not in data:
                self._fault(sentence=f"`{key}` is missing.")
        inputs = self._inputs(data.get("inputs"))
        steps = self._steps(data.get("steps"))
        name = self._text(("name",), data.get("name", ""))
        if "name" in data and not _NAME.fullmatch(name):
            self._fault("name", sentence="A name is lower-case letters, digits, `-` and `_`.")
        command = self._text(("command",), data.get("command", ""))
        if "command" in data:
            self._command(command, name, inputs)
        lock = data.get("lock")
        if lock is not None:
            lock = self._text(("lock",), lock)
            self._expressions(("lock",), lock, {"inputs"}, inputs, steps={})
        self._steps_fit(steps, inputs)
        return Workflow(
            name=name,
            title=self._text(("title",), data.get("title", "")),
            description=self._text(("description",), data.get("description", "")),
            command=command,
            inputs=tuple(inputs.values()),
            lock=lock,
            steps=tuple(steps.values()),
        )

    # -- inputs ---------------------------------------------------------------------------

    def _inputs(self, data: Any) -> dict[str, Field]:
        found: dict[str, Field] = {}
        for name, entry in self._mapping(("inputs",), data).items():
            place = ("inputs", name)
            if not _STEP_NAME.fullmatch(name):
                self._key_fault(*place, sentence=f"`{name}` is no name for an input.")
            elif name in _RESERVED_INPUTS:
                self._key_fault(*place, sentence=f"`{name}` is what buttons carry: rename it.")
            found[name] = self._input(place, name, self._mapping(place, entry))
        return found

    def _input(self, place: Place, name: str, entry: Mapping[str, Any]) -> Field:
        self._known_keys(place, entry, _INPUT_KEYS)
        kind = self._kind(place, entry.get("type", "text"))
        choices = tuple(
            self._text((*place, "choices", index), each)
            for index, each in enumerate(self._list((*place, "choices"), entry.get("choices")))
        )
        if (kind is FieldType.CHOICE) != bool(choices):
            sentence = (
                "A choice needs `choices`."
                if kind is FieldType.CHOICE
                else "Only an input of the type `choice` has `choices`."
            )
            self._fault(*place, sentence=sentence)
        required = entry.get("required", "default" not in entry)
        if not isinstance(required, bool):
            self._fault(*place, "required", sentence="`required` is true or false.")
            required = True
        field = Field(
            name=name,
            type=kind,
            description=self._text((*place, "description"), entry.get("description", "")),
            required=required,
            choices=choices,
            pattern=self._pattern(place, entry.get("pattern")),
        )
        return self._with_default(place, field, entry)

    def _kind(self, place: Place, value: Any) -> FieldType:
        known = [each.value for each in FieldType if each is not FieldType.REST]
        if value in known:
            return FieldType(value)
        guess = did_you_mean(str(value), known)
        listed = ", ".join(known)
        self._fault(*place, "type", sentence=f"There is no type `{value}`: {listed}.{guess}")
        return FieldType.TEXT

    def _pattern(self, place: Place, value: Any) -> str | None:
        if value is None:
            return None
        pattern = self._text((*place, "pattern"), value)
        try:
            matches(pattern, "")
        except ExpressionFault as fault:
            self._fault(*place, "pattern", sentence=str(fault))
            return None
        return pattern

    def _with_default(self, place: Place, field: Field, entry: Mapping[str, Any]) -> Field:
        if entry.get("default") is None:
            return field
        default = entry["default"]
        text = str(default).lower() if isinstance(default, bool) else str(default)
        try:
            value = accepted(field, text)
        except BadArguments as error:
            self._fault(*place, "default", sentence=str(error))
            return field
        return Field(
            name=field.name,
            type=field.type,
            description=field.description,
            required=False,
            default=value,
            choices=field.choices,
            pattern=field.pattern,
        )

    def _command(self, text: str, name: str, inputs: Mapping[str, Field]) -> None:
        try:
            parsed = syntax.parse(text)
        except ValueError as error:
            self._fault("command", sentence=str(error))
            return
        if parsed.name != name:
            self._fault("command", sentence=f"It begins with the workflow's name, `{name}`.")
        given = [*(p.name for p in parsed.placeholders), *parsed.flags]
        for each in given:
            if each not in inputs and each != REASON.name:
                guess = did_you_mean(each, inputs)
                self._fault("command", sentence=f"`{each}` is no input.{guess}")
        for each, field in inputs.items():
            if each not in given and field.required:
                sentence = f"The input `{each}` is required, and `command` has no place for it."
                self._key_fault("inputs", each, sentence=sentence)
        for placeholder in parsed.placeholders:
            known = inputs.get(placeholder.name)
            if known and known.required and not placeholder.is_required:
                sentence = f"The input `{known.name}` is required: write <{known.name}>."
                self._fault("command", sentence=sentence)

    # -- steps ----------------------------------------------------------------------------

    def _steps(self, data: Any) -> dict[str, Step]:
        entries = self._mapping(("steps",), data)
        if data is not None and not entries:
            self._fault("steps", sentence="A workflow has at least one step.")
        if len(entries) > _MOST_STEPS:
            self._fault("steps", sentence=f"A workflow has at most {_MOST_STEPS} steps.")
        return {
            name: self._step(("steps", name), name, self._mapping(("steps", name), entry))
            for name, entry in entries.items()
        }

    def _step(self, place: Place, name: str, entry: Mapping[str, Any]) -> Step:
        if not _STEP_NAME.fullmatch(name):
            sentence = "A step's name is lower-case letters, digits and `_`."
            self._key_fault(*place, sentence=sentence)
        for key in sorted(_LATER_KEYS & entry.keys()):
            sentence = f"`{key}` is not supported by this version."
            self._key_fault(*place, key, sentence=sentence)
        self._known_keys(place, entry, (*_STEP_KEYS, *_LATER_KEYS))
        if ("uses" in entry) == ("wait" in entry) and not _LATER_KEYS & entry.keys():
            self._key_fault(*place, sentence="A step either `uses` an action or has a `wait`.")
        for key in ("with", "retry", "timeout", "undo"):
            if "wait" in entry and key in entry:
                self._key_fault(*place, key, sentence=f"A wait has no `{key}`.")
        uses = self._uses((*place, "uses"), entry.get("uses"))
        return Step(
            name=name,
            title=self._text(
                (*place, "title"), entry.get("title", name.replace("_", " ").capitalize())
            ),
            uses=uses,
            arguments=self._arguments((*place, "with"), uses, entry.get("with")),
            needs=tuple(
                self._text((*place, "needs", index), each)
                for index, each in enumerate(self._list((*place, "needs"), entry.get("needs")))
            ),
            timeout=self._duration((*place, "timeout"), entry.get("timeout")),
            retry=self._retry((*place, "retry"), entry.get("retry")),
            undo=self._undo((*place, "undo"), entry.get("undo")),
            wait=self._duration((*place, "wait"), entry.get("wait")),
        )

    def _retry(self, place: Place, data: Any) -> Retry:
        if data is None:
            return Retry()
        entry = self._mapping(place, data)
        self._known_keys(place, entry, _RETRY_KEYS)
        attempts = entry.get("attempts", 1)
        is_number = isinstance(attempts, int) and not isinstance(attempts, bool)
        if not is_number or not 1 <= attempts <= _MOST_ATTEMPTS:
            sentence = f"`attempts` is a number from 1 to {_MOST_ATTEMPTS}."
            self._fault(*place, "attempts", sentence=sentence)
            attempts = 1
        backoff = self._duration((*place, "backoff"), entry.get("backoff")) or Retry().backoff
        if backoff < _SHORTEST_BACKOFF:
            self._fault(*place, "backoff", sentence="A pause of less than 100ms helps nobody.")
        return Retry(attempts=attempts, backoff=backoff)

    def _undo(self, place: Place, data: Any) -> Undo | None:
        if data is None:
            return None
        entry = self._mapping(place, data)
        self._known_keys(place, entry, _UNDO_KEYS)
        if "uses" not in entry:
            self._fault(*place, sentence="An undo says what it `uses`.")
        uses = self._uses((*place, "uses"), entry.get("uses"))
        arguments = self._arguments((*place, "with"), uses, entry.get("with"))
        return Undo(uses=uses or "", arguments=arguments)

    def _uses(self, place: Place, value: Any) -> str | None:
        if value is None:
            return None
        uses = self._text(place, value)
        if self._actions is not None and uses not in self._actions:
            known = (
                [a.reference for a in self._actions] if isinstance(self._actions, Actions) else []
            )
            self._fault(
                *place, sentence=f"There is no action `{uses}`.{did_you_mean(uses, known)}"
            )
        return uses

    def _arguments(self, place: Place, uses: str | None, data: Any) -> Mapping[str, Any]:
        entry = self._mapping(place, data)
        if uses is not None and isinstance(self._actions, Actions) and uses in self._actions:
            self._fit(place, self._actions.get(uses), entry)
        return entry

    def _fit(self, place: Place, action: Action[Any], entry: Mapping[str, Any]) -> None:
        """Whether *entry* is what *action* takes, as far as its values are written out."""
        fields = action.inputs.model_fields
        for key in entry.keys() - fields.keys():
            guess = did_you_mean(key, fields)
            sentence = f"{action.reference} has no input `{key}`.{guess}"
            self._key_fault(*place, key, sentence=sentence)
        for key, field in fields.items():
            if field.is_required() and key not in entry:
                sentence = f"{action.reference} needs the input `{key}`."
                self._key_fault(*place, sentence=sentence)
        plain = {key: v for key, v in entry.items() if not any("${" in t for t in texts_in(v))}
        try:
            action.inputs.model_validate(plain)
        except ValidationError as error:
            for detail in error.errors():
                key = detail["loc"][0]
                if key in plain and detail["type"] != "extra_forbidden":
                    self._fault(*place, str(key), sentence=f"`{key}`: {detail['msg']}.")

    # -- what refers to what --------------------------------------------------------------

    def _steps_fit(self, steps: Mapping[str, Step], inputs: Mapping[str, Field]) -> None:
        before: dict[str, frozenset[str]] = {}  # the steps that are done when one begins
        for name, step in steps.items():
            done: set[str] = set()
            for index, need in enumerate(step.needs):
                if need in before:
                    done |= {need} | before[need]
                else:
                    self._need_fault(("steps", name, "needs", index), name, need, steps)
            before[name] = frozenset(done)
            place = ("steps", name)
            known = {each: steps[each] for each in done}
            roots = {"inputs", "steps", "run", "plan"}
            for key, value in step.arguments.items():
                self._expressions((*place, "with", key), value, roots, inputs, known)
                self._plannable((*place, "with", key), value, known)
            if step.undo is not None:
                own = {**known, name: step}
                for key, value in step.undo.arguments.items():
                    self._expressions((*place, "undo", "with", key), value, roots, inputs, own)

    def _need_fault(self, place: Place, name: str, need: str, steps: Mapping[str, Step]) -> None:
        if need == name:
            self._fault(*place, sentence="A step cannot need itself.")
        elif need in steps:
            sentence = f"`{need}` comes after `{name}`: write steps in the order of their needs."
            self._fault(*place, sentence=sentence)
        else:
            sentence = f"There is no step `{need}`.{did_you_mean(need, steps)}"
            self._fault(*place, sentence=sentence)

    def _expressions(
        self,
        place: Place,
        value: Any,
        roots: set[str],
        inputs: Mapping[str, Field],
        steps: Mapping[str, Step],
    ) -> None:
        for text in texts_in(value):
            problems = check(text, roots)
            for problem in problems:
                self._fault(*place, sentence=problem)
            if not problems:
                for reference in references(text):
                    problem = _missing(reference, inputs, steps)
                    if problem:
                        self._fault(*place, sentence=problem)

    def _plannable(self, place: Place, value: Any, steps: Mapping[str, Step]) -> None:
        """Nothing can be planned with what a writing step will give."""
        if not isinstance(self._actions, Actions):
            return
        for reference in self._read(value):
            step = steps.get(reference.path[0]) if reference.root == "steps" else None
            if step is None or step.uses is None or step.uses not in self._actions:
                continue
            if self._actions.get(step.uses).effect is not Effect.READ:
                sentence = (
                    f"`{reference}` is known only when `{step.name}` has run, "
                    "and the plan is made before."
                )
                self._fault(*place, sentence=sentence)

    def _read(self, value: Any) -> tuple[Reference, ...]:
        try:
            return tuple(each for each in references(value) if each.path)
        except ExpressionFault:  # told already
            return ()

    # -- values ---------------------------------------------------------------------------

    def _known_keys(self, place: Place, entry: Mapping[str, Any], known: tuple[str, ...]) -> None:
        for key in entry:
            if key not in known:
                guess = did_you_mean(key, known) or f" There are {', '.join(known)}."
                sentence = f"`{key}` is no key here.{guess}"
                self._key_fault(*place, key, sentence=sentence)

    def _mapping(self, place: Place, value: Any) -> dict[str, Any]:
        if value is None:
            return {}
        if isinstance(value, dict):
            return value
        self._fault(*place, sentence=f"`{place[-1]}` is a mapping: `name: value`.")
        return {}

    def _list(self, place: Place, value: Any) -> list[Any]:
        if value is None:
            return []
        if isinstance(value, list):
            return value
        self._fault(*place, sentence=f"`{place[-1]}` is a list: `[one, two]`.")
        return []

    def _text(self, place: Place, value: Any) -> str:
        if isinstance(value, str):
            return value
        self._fault(*place, sentence="This is a text; put it in quotes.")
        return ""

    def _duration(self, place: Place, value: Any) -> timedelta | None:
        if value is None:
            return None
        try:
            return parse_duration(self._text(place, value))
        except ValueError as error:
            self._fault(*place, sentence=str(error))
            return None

    def _fault(self, *place: str | int, sentence: str) -> None:
        self.faults.append(self._source.fault(*place, sentence=sentence))

    def _key_fault(self, *place: str | int, sentence: str) -> None:
        self.faults.append(self._source.key_fault(*place, sentence=sentence))


def _missing(reference: Reference, inputs: Mapping[str, Field], steps: Mapping[str, Step]) -> str:
    """What of *reference* will not be there; empty where all will."""
    known: Iterable[str]
    match reference.root:
        case "inputs":
            known, what = inputs, "input"
        case "steps":
            known, what = steps, "step that is done by then"
        case "run":
            known, what = RUN_FIELDS, "fact of the run"
        case _:
            known, what = ("digest", "lock"), "fact of the plan"
    if not reference.path:
        return f"`{reference}` needs a name behind it, such as `{reference.root}.name`."
    name = reference.path[0]
    if name in known:
        return ""
    return f"There is no {what} `{name}`.{did_you_mean(name, known)}"
