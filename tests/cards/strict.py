"""Checks a card against Microsoft's own models of Teams cards, strictly.

The package `microsoft-teams-cards` is generated from Microsoft's definition, and lenient: it lets
unknown keys pass and types children as "some element". So every typed node is checked by itself
against the class of its type, with unknown keys refused and words compared without case, as Teams
compares them.
"""

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, Literal, get_args, get_origin

from microsoft_teams.cards import core
from pydantic import BaseModel, ValidationError

ALIASES = {"ac_schema": "$schema", "grid_area": "grid.area"}


def faults(node: Any, path: str = "card") -> Iterator[str]:
    """What Microsoft's definition does not allow in *node*."""
    if isinstance(node, list):
        for position, child in enumerate(node):
            yield from faults(child, f"{path}[{position}]")
    elif isinstance(node, Mapping):
        if "type" in node:
            yield from _node_faults(node, path)
        for key, child in node.items():
            if key != "data":
                yield from faults(child, f"{path}.{key}")


def _node_faults(node: Mapping[str, Any], path: str) -> Iterator[str]:
    model = _models().get(node["type"])
    if model is None:
        yield f"{path}: there is no element {node['type']}"
        return
    fields = _fields(model)
    for key in node.keys() - fields.keys():
        yield f"{path}: {node['type']} has no {key}"
    known = {
        fields[key][0]: _as_written(value, fields[key][1])
        for key, value in node.items()
        if key in fields
    }
    try:
        model.model_validate(known)
    except ValidationError as error:
        for each in error.errors():
            yield f"{path}: {each['loc']} {each['msg']}"


@cache
def _models() -> dict[str, type[BaseModel]]:
    found: dict[str, type[BaseModel]] = {}
    for model in vars(core).values():
        if isinstance(model, type) and issubclass(model, core.SerializableObject):
            kind = model.model_fields.get("type")
            for word in _words(kind.annotation) if kind else ():
                found.setdefault(word, model)
    return found


@cache
def _fields(model: type[BaseModel]) -> dict[str, tuple[str, dict[str, str]]]:
    """By JSON key: the field's name, and the words it takes by their lower case."""
    found = {}
    for name, field in model.model_fields.items():
        alias = ALIASES.get(name) or core.SerializableObject.serialization_alias_generator(name)
        found[alias] = (name, {word.lower(): word for word in _words(field.annotation)})
    return found


def _words(annotation: Any) -> list[str]:
    if get_origin(annotation) is Literal:
        return [word for word in get_args(annotation) if isinstance(word, str)]
    return [word for part in get_args(annotation) for word in _words(part)]


def _as_written(value: Any, words: Mapping[str, str]) -> Any:
    """*value* with Microsoft's own spelling; children too, as their parent looks at them."""
    if isinstance(value, str):
        return words.get(value.lower(), value)
    if isinstance(value, list):
        return [_as_written(each, {}) for each in value]
    if isinstance(value, Mapping) and value.get("type") in _models():
        fields = _fields(_models()[value["type"]])
        return {
            key: _as_written(each, fields[key][1] if key in fields else {})
            for key, each in value.items()
        }
    return value
