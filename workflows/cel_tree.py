"""What a CEL expression refers to, and whether it can run away: read from its syntax tree.

The interpreter stops at 32 levels and after some ten thousand iterations, but neither bounds
what one iteration costs. Measured with cel-expr-python 0.1.3: a regular expression inside two
loops ran 44 s, and six loops that double a text took 1.8 GB, each in fewer than 450 characters.
So a loop's body may neither loop, nor concatenate, nor match; see `runaways`.

The library gives its tree only as protobuf, hence the small reader at the end.
https://github.com/google/cel-spec/blob/master/proto/cel/expr/syntax.proto
"""

from collections.abc import Iterator
from dataclasses import dataclass

_MATCH = "matches"
_INDEX = "_[_]"
_PLUS = "_+_"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """A value of the scope that an expression uses: `steps.previous.version`."""

    root: str
    path: tuple[str, ...]  #: as far as it is written out

    def __str__(self) -> str:
        return ".".join((self.root, *self.path))


@dataclass(frozen=True, slots=True)
class Name:
    """A variable."""

    name: str


@dataclass(frozen=True, slots=True)
class Text:
    """A literal text."""

    text: str


@dataclass(frozen=True, slots=True)
class Select:
    """`operand.name`."""

    operand: "Node"
    name: str


@dataclass(frozen=True, slots=True)
class Call:
    """A function or operator; for a method, the target comes first."""

    function: str
    arguments: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Parts:
    """A list, a map, or a literal that is no text."""

    parts: tuple["Node", ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Loop:
    """`map`, `filter`, `all`, `exists`, `exists_one`: they unfold into this."""

    names: frozenset[str]
    accumulator: str
    over: "Node"
    body: tuple["Node", ...]


Node = Name | Text | Select | Call | Parts | Loop


def references_in(tree: Node) -> tuple[Reference, ...]:
    """What *tree* uses of the scope, each once, in the order of appearance."""
    return tuple(dict.fromkeys(_references(tree, frozenset())))


def runaways(tree: Node) -> tuple[str, ...]:
    """Why *tree* might take too long or grow too large; sentences, mostly none."""
    return tuple(dict.fromkeys(_runaways(tree, None)))


def _references(node: Node, bound: frozenset[str]) -> Iterator[Reference]:
    path: list[str] = []
    inner = node
    while True:
        match inner:
            case Select(operand, name):
                path.append(name)
                inner = operand
            case Call(function, (operand, Text(text))) if function == _INDEX:
                path.append(text)
                inner = operand
            case Name(name):
                if name not in bound:
                    yield Reference(root=name, path=tuple(reversed(path)))
                return
            case _:
                break
    match inner:
        case Loop():
            yield from _references(inner.over, bound)
            for part in inner.body:
                yield from _references(part, bound | inner.names)
        case _:
            for part in _children(inner):
                yield from _references(part, bound)


def _runaways(node: Node, loop: Loop | None) -> Iterator[str]:
    match node:
        case Loop():
            if loop:
                yield "one map, filter, all or exists cannot stand inside another"
            yield from _runaways(node.over, loop)
            for part in node.body:
                yield from _runaways(part, node)
            return
        case Call(function, arguments) if function == _MATCH:
            if loop:
                yield "`matches` cannot stand inside map, filter, all or exists"
            elif not isinstance(arguments[-1], Text):
                yield "the pattern of `matches` must be written out"
        case Call(function, (first, *_)) if function == _PLUS and loop:
            if first != Name(loop.accumulator):
                yield "`+` cannot stand inside map, filter, all or exists"
    for part in _children(node):
        yield from _runaways(part, loop)


def _children(node: Node) -> tuple[Node, ...]:
    match node:
        case Select(operand, _):
            return (operand,)
        case Call(_, arguments):
            return arguments
        case Parts(parts):
            return parts
        case Loop():
            return (node.over, *node.body)
        case Name() | Text():
            return ()


def decode(serialized: bytes) -> Node:
    """The tree in a compiled expression's serialized form."""
    # an Any, whose field 2 is its value: a CheckedExpr, whose field 4 is the expression
    return _node(_message(_message(serialized, 2), 4))


def _node(data: bytes) -> Node:
    for number, value in _fields(data):
        if isinstance(value, int):
            continue  # 2 = id
        match number:
            case 3:
                return _constant(value)
            case 4:
                return Name(_message(value, 1).decode())
            case 5:
                return Select(_node(_message(value, 1)), _message(value, 2).decode())
            case 6:
                parts = [*_messages(value, 1), *_messages(value, 3)]
                return Call(_message(value, 2).decode(), tuple(map(_node, parts)))
            case 7:
                return Parts(tuple(map(_node, _messages(value, 1))))
            case 8:
                entries = _messages(value, 2)
                return Parts(
                    tuple(_node(part) for e in entries for n in (3, 4) for part in _messages(e, n))
                )
            case 9:
                return _loop(value)
            case _:
                pass
    return Parts()


def _constant(data: bytes) -> Node:
    texts = _messages(data, 6)
    return Text(texts[0].decode()) if texts else Parts()


def _loop(data: bytes) -> Loop:
    accumulator = _message(data, 3).decode()
    variables = (_message(data, number).decode() for number in (1, 8))
    return Loop(
        names=frozenset({accumulator, *variables}),
        accumulator=accumulator,
        over=_node(_message(data, 2)),
        body=tuple(_node(part) for number in (4, 5, 6, 7) for part in _messages(data, number)),
    )


def _message(data: bytes, number: int) -> bytes:
    """The last field *number* of *data*; empty where there is none."""
    return next(reversed(_messages(data, number)), b"")


def _messages(data: bytes, number: int) -> list[bytes]:
    return [v for n, v in _fields(data) if n == number and isinstance(v, bytes)]


def _fields(data: bytes) -> Iterator[tuple[int, int | bytes]]:
    """The fields of a message: https://protobuf.dev/programming-guides/encoding/."""
    at = 0
    while at < len(data):
        tag, at = _varint(data, at)
        match tag & 7:
            case 0:
                value, at = _varint(data, at)
                yield tag >> 3, value
            case 1:
                at += 8
            case 2:
                size, at = _varint(data, at)
                yield tag >> 3, data[at : at + size]
                at += size
            case 5:
                at += 4
            case kind:
                raise ValueError(f"There is no wire type {kind}.")


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:  # noqa: PLR2004 - the continuation bit
            return value, at
        shift += 7
