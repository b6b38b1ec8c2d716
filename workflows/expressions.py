"""`${ … }` in workflow definitions: CEL over `inputs`, `steps`, `run`, `plan`, and a few more.

A text that is one expression and nothing else keeps the expression's type; otherwise results
are written into the text. What comes out is data and never looked at again, so nothing that a
person typed becomes code. `$${` stands for a literal `${`.

Everything fails closed: a missing key, a wrong type or an exhausted budget is an exception and
never a value. The language: https://github.com/google/cel-spec/blob/master/doc/langdef.md
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
import math
import re
from typing import Any

from cel_expr_python import cel

from domain.canonical import canonical
from domain.errors import Refused
from workflows.cel_tree import Reference, decode, references_in, runaways
from workflows.nearest import did_you_mean

ROOTS = ("inputs", "steps", "run", "plan")
"""What expressions can speak of."""

OF_ITEMS = ("item", "index")
"""What those of a step with `for_each` can speak of, too."""

OF_RESULTS = ("result",)
"""What those that look at what an action gave can speak of, too."""

LONGEST_SOURCE = 2048
LARGEST_OUTPUT = 65536  #: characters and values, over all that one `evaluate` gives
_LARGEST_SCOPE = 1_000_000
_LARGEST_INTEGER = 2**53 - 1  #: what JSON carries everywhere (RFC 8785)
_DEEPEST = 40


class ExpressionFault(Refused):
    """An expression cannot be read, or gave no usable value."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence, hint="Whoever looks after the workflow can correct it.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Expression:
    """One `${ … }`, compiled."""

    source: str
    compiled: Any
    references: tuple[Reference, ...]


def check(template: str, roots: Collection[str] = ROOTS) -> tuple[str, ...]:
    """What is wrong with the expressions in *template*, in sentences; nothing if it is fine.

    *roots* are the names that may be used where it stands.
    """
    try:
        used = references(template)
    except ExpressionFault as fault:
        return (str(fault),)
    known = _listed(sorted(roots))
    return tuple(
        f"`{each}` cannot be used here; there are {known}."
        for each in used
        if each.root not in roots
    )


def references(value: Any) -> tuple[Reference, ...]:
    """What the expressions anywhere in *value* use.

    Raises:
        ExpressionFault: one of them cannot be read.
    """
    return tuple(
        dict.fromkeys(
            reference
            for text in texts_in(value)
            for part in _parts(text)
            if isinstance(part, Expression)
            for reference in part.references
        )
    )


def texts_in(value: Any) -> Iterator[str]:
    """Every text in *value*, keys of mappings not counted."""
    match value:
        case str():
            yield value
        case Mapping():
            for each in value.values():
                yield from texts_in(each)
        case list() | tuple():
            for each in value:
                yield from texts_in(each)
        case _:
            pass


def evaluate(value: Any, scope: Mapping[str, Any]) -> Any:
    """*value* with its expressions replaced by what they give in *scope*.

    The result is JSON: no more than `LARGEST_OUTPUT` characters and values in all.

    Raises:
        ExpressionFault: an expression cannot be read, failed, or gave what is no JSON.
    """
    budget = _Budget()
    data = {
        str(root): _plain(each, budget=_Budget(_LARGEST_SCOPE)) for root, each in scope.items()
    }
    return _evaluate(value, data, budget)


def holds(condition: str, scope: Mapping[str, Any]) -> bool:
    """Whether *condition*, one expression, is true in *scope*.

    Raises:
        ExpressionFault: it cannot be read, failed, or gave neither true nor false.
    """
    result = evaluate(condition, scope)
    if not isinstance(result, bool):
        raise ExpressionFault(f"`{_shown(condition)}` says neither true nor false.")
    return result


def matches(pattern: str, text: str) -> bool:
    """Whether the whole of *text* matches *pattern*, in time linear in both (RE2).

    Raises:
        ExpressionFault: *pattern* is no RE2 regular expression.
    """
    data = {"text": text, "pattern": rf"\A(?:{pattern})\z"}
    try:
        result = _matcher().eval(data=data)
    except (RuntimeError, UnicodeError) as error:
        raise ExpressionFault(f"`{_shown(pattern)}` cannot be matched.") from error
    if result.type().name() != "BOOL":
        problem = str(result.plain_value()).rpartition("regular expression: ")[2]
        raise ExpressionFault(f"`{_shown(pattern)}` is no regular expression: {problem}.")
    return bool(result.plain_value())


@dataclass(slots=True)
class _Budget:
    """What may still be written."""

    left: int = LARGEST_OUTPUT

    def spend(self, size: int) -> None:
        """Take *size* from what is left."""
        self.left -= size
        if self.left < 0:
            raise ExpressionFault("The expressions of this step give more than 64 KB.")


def _evaluate(value: Any, data: Mapping[str, Any], budget: _Budget) -> Any:
    match value:
        case str():
            return _filled(value, data, budget)
        case Mapping():
            return {key: _evaluate(each, data, budget) for key, each in value.items()}
        case list() | tuple():
            return [_evaluate(each, data, budget) for each in value]
        case _:
            return value


def _filled(template: str, data: Mapping[str, Any], budget: _Budget) -> Any:
    parts = _parts(template)
    if len(parts) == 1 and isinstance(parts[0], Expression):
        return _result(parts[0], data, budget)
    texts = []
    for part in parts:
        if isinstance(part, Expression):
            texts.append(_as_text(part, _result(part, data, budget)))
        else:
            budget.spend(len(part))
            texts.append(part)
    return "".join(texts)


def _result(expression: Expression, data: Mapping[str, Any], budget: _Budget) -> Any:
    """What *expression* gives. An error of CEL's is a value to the library, and a true one."""
    try:
        result = expression.compiled.eval(data=data)
    except (RuntimeError, TypeError, ValueError, OverflowError) as error:
        raise _failed(expression.source, str(error)) from error
    return _json(result, expression.source, budget)


def _json(value: Any, source: str, budget: _Budget) -> Any:
    """A value of the library's as JSON.

    Null never goes through `plain_value()` or `value()`: cel-expr-python 0.1.3 gives back a
    None that it does not own, and before Python 3.12 some thousand of those end the process.
    """
    budget.spend(1)
    kind = value.type().name().partition("<")[0]
    match kind:
        case "NULL":
            return None
        case "LIST":
            return [_json(each, source, budget) for each in value.value()]
        case "MAP":
            return _json_object(value.value(), source, budget)
        case "STRING":
            text: str = value.plain_value()
            budget.spend(len(text))
            return text
        case "BOOL" | "INT" | "UINT" | "DOUBLE":
            return _json_number(value.plain_value(), source)
        case "ERROR":
            raise _failed(source, str(value.plain_value()))
        case _:
            raise ExpressionFault(
                f"`{_shown(source)}` gives a {kind.lower()}; turn it into a text with `string(…)`."
            )


def _json_object(members: Mapping[Any, Any], source: str, budget: _Budget) -> dict[str, Any]:
    result = {}
    for key, each in members.items():
        if not isinstance(key, str):
            raise ExpressionFault(f"`{_shown(source)}` gives a map whose keys are no texts.")
        budget.spend(len(key))
        result[key] = _json(each, source, budget)
    return result


def _json_number(number: float, source: str) -> float:
    is_fine = abs(number) <= _LARGEST_INTEGER if isinstance(number, int) else math.isfinite(number)
    if not is_fine:
        raise ExpressionFault(f"`{_shown(source)}` gives a number that is out of range.")
    return number


def _as_text(expression: Expression, result: Any) -> str:
    match result:
        case str():
            return result
        case bool() | int() | float():
            return canonical(result)
        case _:
            kind = "nothing" if result is None else "no single value"
            raise ExpressionFault(
                f"`{_shown(expression.source)}` gives {kind} to write in a text."
            )


def _plain(value: Any, *, budget: _Budget, depth: int = 0) -> Any:
    """*value* in the types that the library converts: dict, list, str, int, float, bool, None."""
    budget.spend(len(value) + 1 if isinstance(value, str) else 1)
    if depth > _DEEPEST:
        raise ExpressionFault("What the expressions look at is nested too deeply.")
    match value:
        case str() if "\0" in value:  # the library would end the text there
            raise ExpressionFault("What the expressions look at has a NUL character.")
        case str():
            return str(value)
        case Mapping():
            return {
                _plain(str(key), budget=budget): _plain(each, budget=budget, depth=depth + 1)
                for key, each in value.items()
            }
        case Sequence():
            return [_plain(each, budget=budget, depth=depth + 1) for each in value]
        case _:
            return value


@lru_cache(maxsize=512)
def _parts(template: str) -> tuple[str | Expression, ...]:
    """The texts and expressions that *template* is made of."""
    if len(template) > LARGEST_OUTPUT:
        raise ExpressionFault(f"`{_shown(template)}` is longer than 64 KB.")
    parts: list[str | Expression] = []
    text = ""
    at = 0
    while (start := template.find("${", at)) >= 0:
        if start > at and template[start - 1] == "$":
            text += template[at : start - 1] + "${"
            at = start + 2
            continue
        text += template[at:start]
        end = _end_of_expression(template, start + 2)
        if text:
            parts.append(text)
        parts.append(_compiled(template[start + 2 : end].strip()))
        text = ""
        at = end + 1
    text += template[at:]
    if text:
        parts.append(text)
    return tuple(parts)


def _end_of_expression(template: str, at: int) -> int:
    """The index of the `}` that closes an expression; not one in a text or of a map."""
    depth = 0
    while at < len(template):
        char = template[at]
        if char in "'\"":
            at = _end_of_text(template, at)
            continue
        if char == "}" and depth == 0:
            return at
        depth += {"{": 1, "}": -1}.get(char, 0)
        at += 1
    raise ExpressionFault(f"`{_shown(template)}` has a `${{` that is not closed.")


def _end_of_text(template: str, at: int) -> int:
    """The index behind the CEL text that begins at *at*: raw or not, in one quote or three."""
    is_raw = template[at - 1] in "rR"
    quote = template[at] * 3 if template.startswith(template[at] * 3, at) else template[at]
    at += len(quote)
    while at < len(template):
        if template.startswith(quote, at):
            return at + len(quote)
        at += 2 if template[at] == "\\" and not is_raw else 1
    return at


@lru_cache(maxsize=512)
def _compiled(source: str) -> Expression:
    if not source:
        raise ExpressionFault("There is nothing between `${` and `}`.")
    if len(source) > LONGEST_SOURCE:
        raise ExpressionFault(f"`{_shown(source)}` is longer than 2 KB.")
    try:
        compiled = _environment().compile(source)
        tree = decode(compiled.serialize())
    except (RuntimeError, UnicodeError) as error:
        raise ExpressionFault(f"`{_shown(source)}` {_problem(str(error))}") from error
    for why in runaways(tree):
        raise ExpressionFault(f"`{_shown(source)}` could take too long: {why}.")
    return Expression(source=source, compiled=compiled, references=references_in(tree))


@lru_cache(maxsize=1)
def _environment() -> Any:
    names = cel.Type.Map(cel.Type.STRING, cel.Type.DYN)
    variables = dict.fromkeys((*ROOTS, *OF_RESULTS), names)
    return cel.NewEnv(variables={**variables, "item": cel.Type.DYN, "index": cel.Type.INT})


@lru_cache(maxsize=1)
def _matcher() -> Any:
    variables = {"text": cel.Type.STRING, "pattern": cel.Type.STRING}
    return cel.NewEnv(variables=variables).compile("text.matches(pattern)")


_UNDECLARED = re.compile(r"undeclared reference to '([^']*)'")
_FIRST = re.compile(r"<input>:-?[0-9]+:-?[0-9]+: (?:Syntax error: )?([^\n]*)")


def _problem(message: str) -> str:
    """The compiler's *message*, to be read after the expression."""
    if undeclared := _UNDECLARED.search(message):
        name = undeclared[1].partition(".")[0]
        guess = did_you_mean(name, ROOTS)
        return f"uses `{name}`, but there are {_listed(ROOTS)} only.{guess}"
    first = _FIRST.search(message)
    words = first[1] if first else message.partition(" [")[0]
    return f"cannot be read: {words.partition(' expecting {')[0].strip()}."


def _failed(source: str, message: str) -> ExpressionFault:
    words = message.rpartition(" [")[0] or message
    words = re.sub(r"^[A-Z_]+: ", "", words).replace('"', "`").replace(" : ", ": ")
    return ExpressionFault(f"`{_shown(source)}` has no value: {words[:200]}.")


def _listed(names: Sequence[str]) -> str:
    *others, last = names
    return f"{', '.join(others)} and {last}" if others else last


def _shown(source: str) -> str:
    longest = 80
    return source if len(source) <= longest else f"{source[:longest]}…"
