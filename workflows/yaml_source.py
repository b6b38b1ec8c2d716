"""YAML, read without surprises: plain values, each with its place in the file.

YAML 1.2's core schema, strictly: `no` and `2026-01-02` are texts. Refused is what means two
things or nothing (a key given twice, a leading zero, a tag, a merge key, a second document) and
what grows when it is read: size, depth, and aliases that multiply.
https://yaml.org/spec/1.2.2/#103-core-schema
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
import math
from pathlib import Path
import re
from typing import Any, NoReturn

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    NodeEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)
from ruamel.yaml.reader import ReaderError

Place = tuple[str | int, ...]
"""The way to a value: keys and indices."""

_MOST_BYTES = 1_000_000
_MOST_VALUES = 20_000  #: aliases count as what they stand for
_DEEPEST = 40
_LARGEST = 2**53 - 1  #: the largest integer that JSON carries everywhere (RFC 8785)
_MOST_DIGITS = len(str(-_LARGEST))

_INTEGER = re.compile(r"[-+]?(?:0|[1-9][0-9]*)")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|(?:0|[1-9][0-9]*)(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_NUMBER_LIKE = re.compile(r"[-+]?(?:[0-9][0-9_]*|0[xob][0-9a-fA-F_]+|\.inf|\.nan)", re.IGNORECASE)
_WORDS = {"": None, "~": None, "null": None, "true": True, "false": False}


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Fault:
    """One thing wrong in one place. It prints as `FILE:LINE:COLUMN: sentence`."""

    file: str
    line: int  #: from 1
    column: int  #: from 1
    sentence: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}: {self.sentence}"


class YamlFault(Exception):
    """The text is not YAML as we take it."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(str(fault))
        self.fault = fault


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """What a file says, and where it says it."""

    file: str
    data: Any  #: dicts, lists, texts, numbers, truth values and None; not to be changed
    values: Mapping[Place, tuple[int, int]]
    keys: Mapping[Place, tuple[int, int]]

    def position(self, *place: str | int) -> tuple[int, int]:
        """Line and column of the value at *place*, or of the nearest one around it.

        A mapping or a list is where its key is: that is where a reader looks.
        """
        while place and place not in self.values:
            place = place[:-1]
        return self.values.get(place, (1, 1))

    def key_position(self, *place: str | int) -> tuple[int, int]:
        """Line and column of the key of *place*; of the value where it has none."""
        return self.keys.get(place) or self.position(*place)

    def fault(self, *place: str | int, sentence: str) -> Fault:
        """A fault about the value at *place*."""
        line, column = self.position(*place)
        return Fault(file=self.file, line=line, column=column, sentence=sentence)

    def key_fault(self, *place: str | int, sentence: str) -> Fault:
        """A fault about the key at the end of *place*."""
        line, column = self.key_position(*place)
        return Fault(file=self.file, line=line, column=column, sentence=sentence)


def read(path: Path) -> Source:
    """What the file at *path* says.

    Raises:
        YamlFault: it cannot be read, or is not YAML as we take it.
    """
    return parse(read_text(path), str(path))


def read_text(path: Path) -> str:
    """The text of the file at *path*.

    Raises:
        YamlFault: it is not there, too large, or no UTF-8.
    """
    name = str(path)
    try:
        with path.open("rb") as stream:
            content = stream.read(_MOST_BYTES + 1)
    except OSError as error:
        raise _whole(name, f"It cannot be read: {error.strerror}.") from error
    if len(content) > _MOST_BYTES:
        raise _whole(name, "It is larger than 1 MB.")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _at(name, *_line_column(content, error.start), "This is not UTF-8.") from error


def parse(text: str, name: str) -> Source:
    """What *text* says; *name* is the file's name in faults.

    Raises:
        YamlFault: it is not YAML as we take it.
    """
    if len(text) > _MOST_BYTES:
        raise _whole(name, "It is larger than 1 MB.")
    reader = _Reader(name)
    try:
        data = reader.document(YAML(typ="safe", pure=True).parse(text))
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        raise _at(
            name, line, column, f"This is no YAML: {_problem(error.problem or error.context)}."
        ) from error
    except ReaderError as error:
        place = _line_column(text.encode("utf-8", "replace"), error.position)
        raise _at(name, *place, "There is a control character here.") from error
    except YAMLError as error:
        raise _whole(name, f"This is no YAML: {_problem(str(error))}.") from error
    return Source(file=name, data=data, values=reader.values, keys=reader.keys)


@dataclass(slots=True)
class _Open:
    """A mapping or list whose end has not been read."""

    content: dict[str, Any] | list[Any]
    place: Place
    anchor: str | None
    before: int  #: values counted when it began
    key: str | None = None  #: of a mapping: the key that waits for its value


@dataclass(slots=True)
class _Reader:
    """Builds a value from the parser's events, without recursion."""

    name: str
    values: dict[Place, tuple[int, int]] = field(default_factory=dict)
    keys: dict[Place, tuple[int, int]] = field(default_factory=dict)
    anchors: dict[str, tuple[Any, int]] = field(default_factory=dict)  #: the value, and its size
    stack: list[_Open] = field(default_factory=list)
    count: int = 0
    documents: int = 0
    root: Any = None

    def document(self, events: Iterable[Event]) -> Any:
        """The value of the only document."""
        for event in events:
            match event:
                case DocumentStartEvent():
                    self.documents += 1
                    if self.documents > 1:
                        self.refuse(event, "A file holds one document; this is a second one.")
                case AliasEvent():
                    self.alias(event)
                case ScalarEvent() if self.awaits_key():
                    self.mapping_key(event)
                case ScalarEvent():
                    self.plain(event)
                    value = self.scalar(event)
                    self.remember(event.anchor, value, 1)
                    self.put(event, value)
                case MappingStartEvent():
                    self.begin(event, {})
                case SequenceStartEvent():
                    self.begin(event, [])
                case MappingEndEvent() | SequenceEndEvent():
                    closed = self.stack.pop()
                    self.remember(closed.anchor, closed.content, self.count - closed.before)
                case _:
                    pass
        return self.root

    def awaits_key(self) -> bool:
        """Whether the next value is a mapping's key."""
        return (
            bool(self.stack)
            and isinstance(self.stack[-1].content, dict)
            and (self.stack[-1].key is None)
        )

    def mapping_key(self, event: ScalarEvent) -> None:
        """Take the key that *event* is."""
        self.plain(event)
        key = self.scalar(event)
        top = self.stack[-1]
        if not isinstance(key, str):
            self.refuse(event, f"A key is a text; put `{event.value}` in quotes.")
        elif key == "<<":
            self.refuse(event, "Merge keys (`<<`) are not supported.")
        elif key in top.content:
            self.refuse(event, f"The key `{key}` is given twice.")
        else:
            self.keys[(*top.place, key)] = _mark(event)
            top.key = key

    def begin(self, event: MappingStartEvent | SequenceStartEvent, content: Any) -> None:
        """Open a mapping or list."""
        self.plain(event)
        if self.awaits_key():
            self.refuse(event, "A key is a text, not a mapping or a list.")
        if len(self.stack) >= _DEEPEST:
            self.refuse(event, f"This is nested more than {_DEEPEST} levels deep.")
        before = self.count
        place = self.put(event, content)
        if place in self.keys:
            self.values[place] = self.keys[place]
        opened = _Open(content=content, place=place, anchor=event.anchor, before=before)
        self.anchors.pop(event.anchor or "", None)  # what is still open cannot be referred to
        self.stack.append(opened)

    def alias(self, event: AliasEvent) -> None:
        """Put what an alias stands for in its place."""
        if self.awaits_key():
            self.refuse(event, "A key is a text, not an alias.")
        if event.anchor not in self.anchors:
            self.refuse(event, f"`*{event.anchor}` stands for nothing that ended before it.")
        value, size = self.anchors[event.anchor]
        self.put(event, value, size)

    def put(self, event: NodeEvent, value: Any, size: int = 1) -> Place:
        """Add *value* to what is open; where it stands comes back."""
        self.count += size
        if self.count > _MOST_VALUES:
            self.refuse(event, f"Up to here there are more than {_MOST_VALUES} values.")
        if not self.stack:
            self.root = value
            self.values[()] = _mark(event)
            return ()
        top = self.stack[-1]
        if isinstance(top.content, list):
            place: Place = (*top.place, len(top.content))
            top.content.append(value)
        else:
            place = (*top.place, top.key or "")
            top.content[top.key or ""] = value
            top.key = None
        self.values[place] = _mark(event)
        return place

    def remember(self, anchor: str | None, value: Any, size: int) -> None:
        """Let aliases refer to *value*."""
        if anchor is not None:
            self.anchors[anchor] = (value, size)

    def plain(self, event: ScalarEvent | MappingStartEvent | SequenceStartEvent) -> None:
        """Refuse a tag: it says how to build something, and we build nothing."""
        if event.tag is not None:
            self.refuse(event, f"Tags such as `{event.tag}` are not allowed.")

    def scalar(self, event: ScalarEvent) -> Any:
        """The value of *event* under the core schema."""
        text: str = event.value
        if event.style is not None:  # quoted, or a block: a text
            return text
        if text.lower() in _WORDS and text in {text.lower(), text.upper(), text.title()}:
            return _WORDS[text.lower()]
        if _INTEGER.fullmatch(text):
            if len(text) <= _MOST_DIGITS and abs(number := int(text)) <= _LARGEST:
                return number
        elif _FLOAT.fullmatch(text) and math.isfinite(decimal := float(text)):
            return decimal
        if _NUMBER_LIKE.fullmatch(text) or _FLOAT.fullmatch(text):
            self.refuse(event, f"`{text[:40]}` can be read in two ways; put it in quotes.")
        return text

    def refuse(self, event: Event, sentence: str) -> NoReturn:
        """Stop at *event*."""
        raise _at(self.name, *_mark(event), sentence)


def _mark(event: Event) -> tuple[int, int]:
    return event.start_mark.line + 1, event.start_mark.column + 1


def _line_column(content: bytes, offset: int) -> tuple[int, int]:
    line = content.count(b"\n", 0, offset) + 1
    return line, offset - content.rfind(b"\n", 0, offset)


def _problem(words: str | None) -> str:
    """What the parser says, on one line."""
    return " ".join((words or "it cannot be read").split("\n")[0].split()).rstrip(".")


def _at(name: str, line: int, column: int, sentence: str) -> YamlFault:
    return YamlFault(Fault(file=name, line=line, column=column, sentence=sentence))


def _whole(name: str, sentence: str) -> YamlFault:
    return _at(name, 1, 1, sentence)
