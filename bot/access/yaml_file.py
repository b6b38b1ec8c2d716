"""YAML of the config folder, read without surprises, each value with its place.

YAML 1.2: `no` is a text. Refused: a key given twice, tags, merge keys, more than one document,
and whatever grows when it is read (size, depth, and aliases that multiply).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
import re
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from bot.access.fault import ConfigFaults, Fault

Place = tuple[str | int, ...]
"""The way to a value in a YAML file: keys and indices."""

_MOST_BYTES = 1_000_000
_MOST_VALUES = 50_000
_DEEPEST = 40
_STANDARD = "tag:yaml.org,2002:"
_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]{0,17})|0x[0-9a-fA-F]{1,15}|0o[0-7]{1,20}")

_FLOAT = re.compile(r"[-+]?[0-9]+\.[0-9]+([eE][-+]?[0-9]{1,2})?")


@dataclass(frozen=True, slots=True, kw_only=True)
class YamlFile:
    """What a file says, and where it says it."""

    file: str
    data: Any  #: dicts, lists, texts, numbers, truth values and None
    places: Mapping[Place, tuple[int, int]]

    def position(self, place: Place) -> tuple[int, int]:
        """Line and column of the value at *place*, or of the nearest one around it."""
        while place not in self.places:
            place = place[:-1]
        return self.places[place]

    def fault(self, place: Place, sentence: str) -> Fault:
        """A fault about the value at *place*."""
        line, column = self.position(place)
        return Fault(file=self.file, line=line, column=column, sentence=sentence)


def read_yaml(path: Path) -> YamlFile:
    """The file at *path*.

    Raises:
        ConfigFaults: it is not there, or is not plain YAML.
    """
    file = str(path)
    text = read_text(path)
    try:
        root = YAML(typ="safe", pure=True).compose(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        sentence = f"This is no YAML: {error.problem or error.context}."
        fault = Fault(file=file, line=line, column=column, sentence=sentence)
        raise ConfigFaults([fault]) from error
    except YAMLError as error:  # a control character: told without a mark
        raise _whole(file, f"This is no YAML: {str(error).splitlines()[0]}.") from error
    except RecursionError as error:
        raise _whole(file, "It is nested too deeply.") from error
    reader = _Reader(file)
    data = {} if root is None else reader.value(root, ())
    if reader.faults:
        raise ConfigFaults(reader.faults)
    return YamlFile(file=file, data=data, places={(): (1, 1)} | reader.places)


def read_text(path: Path) -> str:
    """The text of the file at *path*.

    Raises:
        ConfigFaults: it is not there, too large, or no UTF-8.
    """
    file = str(path)
    try:
        with path.open("rb") as stream:
            content = stream.read(_MOST_BYTES + 1)
    except OSError as error:
        raise _whole(file, f"It cannot be read: {error.strerror}.") from error
    if len(content) > _MOST_BYTES:
        raise _whole(file, "It is larger than 1 MB.")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        fault = Fault(file=file, line=line, column=1, sentence="This is not UTF-8.")
        raise ConfigFaults([fault]) from error


@dataclass(slots=True)
class _Reader:
    """Turns nodes into values, noting where each stands and what is wrong with it."""

    file: str
    places: dict[Place, tuple[int, int]] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    values: int = 0

    def value(self, node: Node, place: Place) -> Any:
        """What *node* says."""
        self.values += 1
        if self.values > _MOST_VALUES or len(place) > _DEEPEST:
            raise ConfigFaults([self._fault(node, "Aliases or nesting make this too large.")])
        self.places[place] = (node.start_mark.line + 1, node.start_mark.column + 1)
        match node:
            case ScalarNode():
                return self._scalar(node)
            case MappingNode(tag="tag:yaml.org,2002:map"):
                return self._mapping(node, place)
            case SequenceNode(tag="tag:yaml.org,2002:seq"):
                return [self.value(item, (*place, index)) for index, item in enumerate(node.value)]
            case _:
                return self._refuse(node, f"The tag `{node.tag}` is not allowed here.")

    def _mapping(self, node: MappingNode, place: Place) -> dict[str, Any]:
        mapping: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key = self._scalar(key_node) if isinstance(key_node, ScalarNode) else None
            if not isinstance(key, str):
                self._refuse(key_node, "A key is a text; put it in quotes.")
            elif key in mapping:
                self._refuse(key_node, f"The key `{key}` is given twice.")
            else:
                mapping[key] = self.value(value_node, (*place, key))
                if not isinstance(value_node, ScalarNode):
                    self._point_at(key_node, (*place, key))
        return mapping

    def _point_at(self, key: Node, place: Place) -> None:
        """A block is where its key is: that is where a reader looks."""
        self.places[place] = (key.start_mark.line + 1, key.start_mark.column + 1)

    def _scalar(self, node: ScalarNode) -> Any:
        text: str = node.value
        value: Any = None
        match str(node.tag).removeprefix(_STANDARD):
            case "str" | "timestamp":
                value = text
            case "null":
                value = None
            case "bool" if text.lower() in {"true", "false"}:
                value = text.lower() == "true"
            case "int" if _INTEGER.fullmatch(text):
                value = int(text, 0 if text[:2] in {"0x", "0o"} else 10)
            case "float" if _FLOAT.fullmatch(text):
                value = float(text)
            case "bool" | "int" | "float":
                self._refuse(node, f"`{text}` can be read in two ways; put it in quotes.")
            case _:
                self._refuse(node, f"The tag `{node.tag}` is not allowed here.")
        return value

    def _refuse(self, node: Node, sentence: str) -> None:
        self.faults.append(self._fault(node, sentence))

    def _fault(self, node: Node, sentence: str) -> Fault:
        mark = node.start_mark
        return Fault(file=self.file, line=mark.line + 1, column=mark.column + 1, sentence=sentence)


def _whole(file: str, sentence: str) -> ConfigFaults:
    return ConfigFaults([Fault(file=file, line=1, column=1, sentence=sentence)])
