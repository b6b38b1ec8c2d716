"""From a workflow's YAML file to a `Workflow`, or to all that is wrong with the file.

Here is what each part may look like; whether the parts fit together is `definition_fit`'s to
say. Whatever can be known before anybody runs it is refused.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
import re
from typing import Any

from connectors.connector import Actions
from domain.approval import CommentRule
from domain.field import Field
from workflows import syntax
from workflows.concurrency import read_concurrency
from workflows.definition import DefinitionFaults, Workflow
from workflows.definition_fit import misfits
from workflows.definition_folder import definitions_in
from workflows.definition_inputs import Inputs
from workflows.definition_on import On
from workflows.definition_reader import Reader
from workflows.definition_steps import Steps
from workflows.links import link
from workflows.names import Names
from workflows.nearest import did_you_mean
from workflows.yaml_source import Fault, Place, Source, YamlFault, read

KEYS = (
    *("name", "title", "description", "command", "aliases"),
    *("inputs", "lock", "concurrency", "approval", "on", "steps", "outputs"),
)
REQUIRED_KEYS = ("name", "title", "command", "steps")
_APPROVAL_KEYS = ("comment",)

NAME = re.compile(r"[a-z][a-z0-9_-]{0,39}")


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
    """The workflows of all files in *folders* that are no tests, by name, in their order.

    Raises:
        DefinitionFaults: as `load_files`.
    """
    files = (file for folder in folders for file in definitions_in(folder))
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
    sources: dict[str, Source] = {}
    names = Names(taken)
    faults: list[Fault] = []
    for path in dict.fromkeys(files):
        try:
            workflow, source = _read(path, actions)
        except DefinitionFaults as error:
            faults += error.faults
            continue
        found.setdefault(workflow.name, workflow)
        sources.setdefault(workflow.name, source)
        faults += [
            source.fault(*each.place, sentence=each.sentence)
            for each in names.claim(workflow, path)
        ]
    linked = link(found)
    for name, misfit in linked.misfits:
        faults.append(sources[name].fault(*misfit.place, sentence=misfit.sentence))
    if faults:
        raise DefinitionFaults(faults)
    return linked.workflows


def _read(path: Path, actions: Actions | None) -> tuple[Workflow, Source]:
    """The workflow in the file at *path*, and where the file says what.

    Raises:
        DefinitionFaults: it does not validate; all faults at once.
    """
    try:
        source = read(path)
    except YamlFault as error:
        raise DefinitionFaults([error.fault]) from error
    reader = Reader(source)
    workflow = _Definition(reader).workflow()
    for each in misfits(workflow, actions):
        if each.is_key:
            reader.key_fault(*each.place, sentence=each.sentence)
        else:
            reader.fault(*each.place, sentence=each.sentence)
    if reader.faults:
        raise DefinitionFaults(reader.faults)
    return workflow, source


class _Definition:
    """Reads one file."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    def workflow(self) -> Workflow:
        """The workflow; where there are faults, as much of it as could be read."""
        data = self._reader.data
        if isinstance(data, dict):
            self._reader.known_keys((), data, KEYS)
            for key in REQUIRED_KEYS:
                if data.get(key) is None:
                    self._reader.key_fault(key, sentence=f"`{key}` is missing.")
        else:
            self._reader.fault(sentence="A workflow is a mapping that begins with `name:`.")
            data = {}
        command = self._reader.optional_text(("command",), data.get("command"))
        lock = data.get("lock")
        inputs = _given(command, Inputs(self._reader).read(data.get("inputs")))
        return Workflow(
            name=self._name(("name",), data.get("name")),
            title=self._reader.optional_text(("title",), data.get("title")),
            description=self._reader.optional_text(("description",), data.get("description")),
            command=command,
            inputs=inputs,
            lock=None if lock is None else self._reader.text(("lock",), lock),
            steps=Steps(self._reader).read(data.get("steps")),
            aliases=self._aliases(data.get("aliases")),
            comment=self._comment(self._reader.mapping(("approval",), data.get("approval"))),
            outputs=self._reader.mapping(("outputs",), data.get("outputs")),
            schedules=On(self._reader).schedules(data.get("on"), inputs),
            concurrency=read_concurrency(self._reader, data.get("concurrency")),
        )

    def _comment(self, entry: Mapping[str, Any]) -> CommentRule | None:
        """Which votes must say why; None where the file is silent."""
        self._reader.known_keys(("approval",), entry, _APPROVAL_KEYS)
        said = entry.get("comment")
        known = [each.value for each in CommentRule]
        if said is None or said in known:
            return None if said is None else CommentRule(said)
        guess = did_you_mean(str(said), known)
        sentence = f"`comment` is one of {', '.join(known)}.{guess}"
        self._reader.fault("approval", "comment", sentence=sentence)
        return None

    def _name(self, place: Place, value: Any) -> str:
        name = self._reader.optional_text(place, value)
        if not name.strip() or NAME.fullmatch(name):
            return name.strip()
        sentence = "A name is at most 40 lower-case letters, digits, `-` and `_`."
        self._reader.fault(*place, sentence=sentence)
        return ""

    def _aliases(self, value: Any) -> tuple[str, ...]:
        place = ("aliases",)
        listed = value if isinstance(value, list) else self._reader.texts(place, value)
        return tuple(self._name((*place, index), each) for index, each in enumerate(listed))


def _given(command: str, inputs: tuple[Field, ...]) -> tuple[Field, ...]:
    """*inputs* as *command* takes them: what has no place in the line is given by its name."""
    try:
        placeholders = syntax.parse(command).placeholders
    except ValueError:  # which is for `definition_fit` to tell
        return inputs
    places = {each.name for each in placeholders}
    return tuple(replace(each, flag_only=each.name not in places) for each in inputs)
