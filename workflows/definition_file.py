"""From a workflow's YAML file to a `Workflow`, or to all that is wrong with the file.

Here is what each part may look like; whether the parts fit together is `definition_fit`'s to
say. Whatever can be known before anybody runs it is refused.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
import re
from typing import Any

from connectors.connector import Actions
from domain.approval import CommentRule
from domain.errors import BadArguments
from domain.field import ChoicesFrom, Field, FieldType
from workflows import syntax
from workflows.definition import DefinitionFaults, Retry, Step, Undo, Workflow
from workflows.definition_fit import misfits
from workflows.durations import parse as parse_duration
from workflows.expressions import ExpressionFault, matches
from workflows.names import Names
from workflows.nearest import did_you_mean
from workflows.values import SEPARATOR, accepted
from workflows.yaml_source import Fault, Place, Source, YamlFault, read

_KEYS = (
    *("name", "title", "description", "command", "aliases"),
    *("inputs", "lock", "approval", "steps"),
)
_REQUIRED_KEYS = ("name", "title", "command", "steps")
_INPUT_KEYS = (
    *("type", "description", "required", "default", "choices", "choices_from"),
    *("pattern", "min", "max", "multiline"),
)
_CHOICES_KEYS = ("uses", "with", "list")
_CHOOSING = frozenset({FieldType.CHOICE, FieldType.MULTI_CHOICE})
_LISTED = _CHOOSING | {FieldType.TEXT, FieldType.VERSION}  #: what a live list may offer
_HELD_BACK = frozenset({FieldType.REST})  #: what only built-in commands take
_STEP_KEYS = ("title", "uses", "with", "needs", "timeout", "retry", "undo", "wait")
_APPROVAL_KEYS = ("comment",)
_RETRY_KEYS = ("attempts", "backoff")
_UNDO_KEYS = ("uses", "with")
_KEYS_OF_ACTIONS = ("with", "timeout", "retry", "undo")
_LATER_KEYS = frozenset(
    {
        *("approve", "run", "notify"),
        *("if", "for_each", "max_parallel", "always", "outputs", "secrets"),
    }
)
"""Step keys of the language that this version does not carry out yet: refused, not ignored."""

_NAME = re.compile(r"[a-z][a-z0-9_-]{0,39}")
_PART = re.compile(r"[a-z][a-z0-9_]{0,39}")
_RESERVED_INPUTS = frozenset({"t", "verb"})  #: what a card's button carries beside its inputs
_MOST_STEPS = 100
_MOST_ATTEMPTS = 20
_SHORTEST_BACKOFF = timedelta(milliseconds=100)


def read_definition(path: Path, *, actions: Actions | None = None) -> Workflow:
    """The workflow in the file at *path*.

    *actions* are what its steps may use; None: any action, with any arguments.

    Raises:
        DefinitionFaults: it does not validate; all faults at once.
    """
    workflow, _ = _read(path, actions)
    return workflow


def load_all(
    folders: Iterable[Path], actions: Actions | None = None, *, taken: Collection[str] = ()
) -> Mapping[str, Workflow]:
    """The workflows of all *.yaml files in *folders*, by name, in the order of the files.

    Raises:
        DefinitionFaults: as `load_files`.
    """
    files = (file for folder in folders for file in sorted(folder.glob("*.yaml")))
    return load_files(files, actions, taken=taken)


def load_files(
    files: Iterable[Path], actions: Actions | None = None, *, taken: Collection[str] = ()
) -> Mapping[str, Workflow]:
    """The workflows of *files*, by name, in their order; *actions* as in `read_definition`.

    *taken* are the words that call other commands already: no workflow is called that.

    Raises:
        DefinitionFaults: a file does not validate, or a word would call two commands.
    """
    found: dict[str, Workflow] = {}
    names = Names(taken)
    faults: list[Fault] = []
    for path in dict.fromkeys(files):
        try:
            workflow, source = _read(path, actions)
        except DefinitionFaults as error:
            faults += error.faults
            continue
        found.setdefault(workflow.name, workflow)
        faults += [
            source.fault(*each.place, sentence=each.sentence)
            for each in names.claim(workflow, path)
        ]
    if faults:
        raise DefinitionFaults(faults)
    return found


def _read(path: Path, actions: Actions | None) -> tuple[Workflow, Source]:
    """The workflow in the file at *path*, and where the file says what.

    Raises:
        DefinitionFaults: it does not validate; all faults at once.
    """
    try:
        source = read(path)
    except YamlFault as error:
        raise DefinitionFaults([error.fault]) from error
    reader = _Reader(source)
    workflow = reader.workflow()
    for each in misfits(workflow, actions):
        if each.is_key:
            reader.key_fault(*each.place, sentence=each.sentence)
        else:
            reader.fault(*each.place, sentence=each.sentence)
    if reader.faults:
        raise DefinitionFaults(reader.faults)
    return workflow, source


class _Reader:
    """Reads one file, and collects what is wrong with it."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self.faults: list[Fault] = []

    def workflow(self) -> Workflow:
        """The workflow; where there are faults, as much of it as could be read."""
        data = self._source.data
        if isinstance(data, dict):
            self._known_keys((), data, _KEYS)
            for key in _REQUIRED_KEYS:
                if data.get(key) is None:
                    self.key_fault(key, sentence=f"`{key}` is missing.")
        else:
            self.fault(sentence="A workflow is a mapping that begins with `name:`.")
            data = {}
        command = self._optional_text(("command",), data.get("command"))
        lock = data.get("lock")
        return Workflow(
            name=self._name(("name",), data.get("name")),
            title=self._optional_text(("title",), data.get("title")),
            description=self._optional_text(("description",), data.get("description")),
            command=command,
            inputs=_given(command, self._inputs(data.get("inputs"))),
            lock=None if lock is None else self._text(("lock",), lock),
            steps=self._steps(data.get("steps")),
            aliases=self._aliases(data.get("aliases")),
            comment=self._comment(self._mapping(("approval",), data.get("approval"))),
        )

    def _comment(self, entry: Mapping[str, Any]) -> CommentRule | None:
        """Which votes must say why; None where the file is silent."""
        self._known_keys(("approval",), entry, _APPROVAL_KEYS)
        said = entry.get("comment")
        known = [each.value for each in CommentRule]
        if said is None or said in known:
            return None if said is None else CommentRule(said)
        guess = did_you_mean(str(said), known)
        sentence = f"`comment` is one of {', '.join(known)}.{guess}"
        self.fault("approval", "comment", sentence=sentence)
        return None

    def _name(self, place: Place, value: Any) -> str:
        name = self._optional_text(place, value)
        if not name.strip() or _NAME.fullmatch(name):
            return name.strip()
        sentence = "A name is at most 40 lower-case letters, digits, `-` and `_`."
        self.fault(*place, sentence=sentence)
        return ""

    def _aliases(self, value: Any) -> tuple[str, ...]:
        place = ("aliases",)
        listed = value if isinstance(value, list) else self._texts(place, value)
        return tuple(self._name((*place, index), each) for index, each in enumerate(listed))

    def fault(self, *place: str | int, sentence: str) -> None:
        """Note what is wrong with the value at *place*."""
        self.faults.append(self._source.fault(*place, sentence=sentence))

    def key_fault(self, *place: str | int, sentence: str) -> None:
        """Note what is wrong with the key at *place*."""
        self.faults.append(self._source.key_fault(*place, sentence=sentence))

    # -- inputs ---------------------------------------------------------------------------

    def _inputs(self, data: Any) -> tuple[Field, ...]:
        entries = self._mapping(("inputs",), data)
        return tuple(
            self._input(("inputs", name), name, self._mapping(("inputs", name), entry))
            for name, entry in entries.items()
        )

    def _input(self, place: Place, name: str, entry: Mapping[str, Any]) -> Field:
        if not _PART.fullmatch(name):
            sentence = "An input's name is at most 40 lower-case letters, digits and `_`."
            self.key_fault(*place, sentence=sentence)
        elif name in _RESERVED_INPUTS:
            self.key_fault(*place, sentence=f"`{name}` is what buttons carry: rename it.")
        self._known_keys(place, entry, _INPUT_KEYS)
        kind = self._kind(place, entry.get("type", "text"))
        choices = self._texts((*place, "choices"), entry.get("choices"))
        choices_from = self._choices_from((*place, "choices_from"), entry.get("choices_from"))
        self._check_choices(place, kind, choices, choices_from)
        required = entry.get("required", "default" not in entry)
        if not isinstance(required, bool):
            self.fault(*place, "required", sentence="`required` is true or false.")
            required = True
        field = Field(
            name=name,
            type=kind,
            description=self._optional_text((*place, "description"), entry.get("description")),
            required=required,
            choices=choices,
            choices_from=choices_from,
            pattern=self._pattern(place, entry.get("pattern")),
            minimum=self._limit(place, "min", kind, entry),
            maximum=self._limit(place, "max", kind, entry),
            multiline=self._multiline(place, kind, entry),
        )
        low, high = field.minimum, field.maximum
        if low is not None and high is not None and low > high:
            self.fault(*place, "max", sentence="`max` is less than `min`.")
        return self._with_default(place, field, entry)

    def _check_choices(
        self,
        place: Place,
        kind: FieldType,
        choices: tuple[str, ...],
        choices_from: ChoicesFrom | None,
    ) -> None:
        if choices and choices_from:
            sentence = "What is to choose stands in `choices` or comes from `choices_from`."
            self.fault(*place, sentence=sentence)
        elif kind in _CHOOSING and not choices and not choices_from:
            self.fault(*place, sentence="A choice needs `choices`, or `choices_from`.")
        elif choices and kind not in _CHOOSING:
            sentence = "Only an input of the type `choice` or `multi_choice` has `choices`."
            self.fault(*place, sentence=sentence)
        elif choices_from and kind not in _LISTED:
            listed = ", ".join(f"`{each}`" for each in sorted(_LISTED))
            sentence = f"`choices_from` is for inputs of the type {listed}."
            self.fault(*place, "choices_from", sentence=sentence)
        if kind is FieldType.MULTI_CHOICE:
            for index, each in enumerate(choices):
                if SEPARATOR in each:
                    sentence = "A comma parts several choices, so none has one in it."
                    self.fault(*place, "choices", index, sentence=sentence)

    def _choices_from(self, place: Place, data: Any) -> ChoicesFrom | None:
        if data is None:
            return None
        entry = self._mapping(place, data)
        self._known_keys(place, entry, _CHOICES_KEYS)
        for key in ("uses", "list"):
            if isinstance(data, dict) and entry.get(key) is None:
                self.fault(*place, sentence=f"Live choices need `{key}`.")
        return ChoicesFrom(
            uses=self._optional_text((*place, "uses"), entry.get("uses")),
            arguments=self._mapping((*place, "with"), entry.get("with")),
            list=self._optional_text((*place, "list"), entry.get("list")),
        )

    def _limit(
        self, place: Place, key: str, kind: FieldType, entry: Mapping[str, Any]
    ) -> float | None:
        value = entry.get(key)
        if value is None:
            return None
        if kind is not FieldType.NUMBER:
            self.fault(*place, key, sentence=f"Only a number has a `{key}`.")
            return None
        if isinstance(value, bool) or not isinstance(value, int | float):
            self.fault(*place, key, sentence=f"`{key}` is a number.")
            return None
        return float(value)

    def _multiline(self, place: Place, kind: FieldType, entry: Mapping[str, Any]) -> bool:
        value = entry.get("multiline", False)
        if not isinstance(value, bool):
            self.fault(*place, "multiline", sentence="`multiline` is true or false.")
            return False
        if value and kind is not FieldType.TEXT:
            self.fault(*place, "multiline", sentence="Only a text may be `multiline`.")
        return bool(value)

    def _kind(self, place: Place, value: Any) -> FieldType:
        known = [each.value for each in FieldType if each not in _HELD_BACK]
        if value in known:
            return FieldType(value)
        guess = did_you_mean(str(value), known)
        listed = ", ".join(known)
        self.fault(*place, "type", sentence=f"There is no type `{value}`: {listed}.{guess}")
        return FieldType.TEXT

    def _pattern(self, place: Place, value: Any) -> str | None:
        if value is None:
            return None
        pattern = self._text((*place, "pattern"), value)
        try:
            matches(pattern, "")
        except ExpressionFault as fault:
            self.fault(*place, "pattern", sentence=str(fault))
            return None
        return pattern

    def _with_default(self, place: Place, field: Field, entry: Mapping[str, Any]) -> Field:
        """*field* with the default in *entry*; a field that has one may be left out."""
        default = entry.get("default")
        if default is None:
            return field
        if entry.get("required") is True:
            sentence = "What has a default is not required: leave out one of the two."
            self.fault(*place, "required", sentence=sentence)
        if isinstance(default, dict | list):
            self.fault(*place, "default", sentence="A default is one value.")
            return field
        text = str(default).lower() if isinstance(default, bool) else str(default)
        try:
            return replace(field, required=False, default=accepted(field, text))
        except BadArguments as error:
            self.fault(*place, "default", sentence=str(error))
            return field

    # -- steps ----------------------------------------------------------------------------

    def _steps(self, data: Any) -> tuple[Step, ...]:
        entries = self._mapping(("steps",), data)
        if data == {}:
            self.fault("steps", sentence="A workflow has at least one step.")
        if len(entries) > _MOST_STEPS:
            self.fault("steps", sentence=f"A workflow has at most {_MOST_STEPS} steps.")
        return tuple(
            self._step(("steps", name), name, self._mapping(("steps", name), entry))
            for name, entry in entries.items()
        )

    def _step(self, place: Place, name: str, entry: Mapping[str, Any]) -> Step:
        if not _PART.fullmatch(name):
            sentence = "A step's name is at most 40 lower-case letters, digits and `_`."
            self.key_fault(*place, sentence=sentence)
        later = _LATER_KEYS & entry.keys()
        for key in later:
            sentence = f"`{key}` is not supported by this version."
            self.key_fault(*place, key, sentence=sentence)
        self._known_keys(place, [key for key in entry if key not in later], _STEP_KEYS)
        title, uses, wait = (entry.get(key) for key in ("title", "uses", "wait"))
        if (uses is None) == (wait is None) and not later:
            self.key_fault(*place, sentence="A step either `uses` an action or has a `wait`.")
        for key in _KEYS_OF_ACTIONS if uses is None and wait is not None else ():
            if key in entry:
                self.key_fault(*place, key, sentence=f"A wait has no `{key}`.")
        timeout = self._duration((*place, "timeout"), entry.get("timeout"))
        if timeout == timedelta():
            self.fault(*place, "timeout", sentence="Nothing is done in no time.")
        return Step(
            name=name,
            title=self._optional_text((*place, "title"), title)
            or name.replace("_", " ").capitalize(),
            uses=None if uses is None else self._text((*place, "uses"), uses),
            arguments=self._mapping((*place, "with"), entry.get("with")),
            needs=self._texts((*place, "needs"), entry.get("needs")),
            timeout=timeout,
            retry=self._retry((*place, "retry"), entry.get("retry")),
            undo=self._undo((*place, "undo"), entry.get("undo")),
            wait=self._duration((*place, "wait"), wait),
        )

    def _retry(self, place: Place, data: Any) -> Retry:
        entry = self._mapping(place, data)
        self._known_keys(place, entry, _RETRY_KEYS)
        usual = Retry()
        attempts = entry.get("attempts", usual.attempts)
        is_number = isinstance(attempts, int) and not isinstance(attempts, bool)
        if not is_number or not 1 <= attempts <= _MOST_ATTEMPTS:
            sentence = f"`attempts` is a number from 1 to {_MOST_ATTEMPTS}."
            self.fault(*place, "attempts", sentence=sentence)
        backoff = self._duration((*place, "backoff"), entry.get("backoff"))
        if backoff is None:
            return Retry(attempts=attempts)
        if backoff < _SHORTEST_BACKOFF:
            self.fault(*place, "backoff", sentence="A pause of less than 100ms helps nobody.")
        return Retry(attempts=attempts, backoff=backoff)

    def _undo(self, place: Place, data: Any) -> Undo | None:
        if data is None:
            return None
        entry = self._mapping(place, data)
        self._known_keys(place, entry, _UNDO_KEYS)
        if isinstance(data, dict) and entry.get("uses") is None:
            self.fault(*place, sentence="An undo says what it `uses`.")
        return Undo(
            uses=self._optional_text((*place, "uses"), entry.get("uses")),
            arguments=self._mapping((*place, "with"), entry.get("with")),
        )

    # -- values ---------------------------------------------------------------------------

    def _known_keys(self, place: Place, keys: Iterable[str], known: tuple[str, ...]) -> None:
        for key in keys:
            if key not in known:
                guess = did_you_mean(key, known) or f" There are {', '.join(known)}."
                sentence = f"`{key}` is no key here.{guess}"
                self.key_fault(*place, key, sentence=sentence)

    def _mapping(self, place: Place, value: Any) -> dict[str, Any]:
        if value is None:
            return {}
        if isinstance(value, dict):
            return value
        self.fault(*place, sentence=f"`{place[-1]}` is a mapping: `name: value`.")
        return {}

    def _texts(self, place: Place, value: Any) -> tuple[str, ...]:
        if value is None:
            return ()
        if isinstance(value, list):
            return tuple(self._text((*place, index), each) for index, each in enumerate(value))
        self.fault(*place, sentence=f"`{place[-1]}` is a list: `[one, two]`.")
        return ()

    def _text(self, place: Place, value: Any) -> str:
        if not isinstance(value, str):
            self.fault(*place, sentence="This is a text; put it in quotes.")
            return ""
        if not value.strip():
            self.fault(*place, sentence="This is empty.")
        return value

    def _optional_text(self, place: Place, value: Any) -> str:
        """As `_text`, and empty where *value* is None."""
        return "" if value is None else self._text(place, value)

    def _duration(self, place: Place, value: Any) -> timedelta | None:
        if value is None:
            return None
        try:
            return parse_duration(str(value))
        except ValueError as error:
            self.fault(*place, sentence=str(error))
            return None


def _given(command: str, inputs: tuple[Field, ...]) -> tuple[Field, ...]:
    """*inputs* as *command* takes them: what has no place in the line is given by its name."""
    try:
        placeholders = syntax.parse(command).placeholders
    except ValueError:  # which is for `definition_fit` to tell
        return inputs
    places = {each.name for each in placeholders}
    return tuple(replace(each, flag_only=each.name not in places) for each in inputs)
