"""The SDK's models from JSON and back, by tables made of their own attribute maps.

msrest takes ten times as long for it, turns what is no text into text, and drops the fields that
it does not know; here they stay, in `additional_properties`.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import cache
import inspect
from typing import Any

from botbuilder import schema
from msrest.serialization import Model
import orjson

from domain.errors import Bug, Refused

_Reader = Callable[[Any], Any]


class Malformed(Refused):
    """The activity is not shaped like one."""


class Shared(dict[str, Any]):
    """JSON that nobody changes: the SDK copies each activity deeply, a card of 25 KB and all."""

    def __deepcopy__(self, memo: dict[int, Any]) -> "Shared":
        return self


def read_activity(raw: Mapping[str, Any]) -> schema.Activity:
    """The SDK's Activity for the JSON object *raw*. Scalars are taken as they are.

    Raises:
        Malformed: something else stands where an object or a list belongs.
    """
    return _read(schema.Activity, raw)


def write(value: Model | Mapping[str, Any]) -> bytes:
    """*value* as JSON.

    Raises:
        Bug: something in it is no JSON.
    """
    try:
        return orjson.dumps(value, default=_written, option=orjson.OPT_UTC_Z)
    except orjson.JSONEncodeError as error:
        raise Bug(f"A message cannot be written: {error}.") from error


def _read(model: Any, raw: Any) -> Any:
    if not isinstance(raw, Mapping):
        raise Malformed(f"There is no {model.__name__}.")
    readers, blank = _table(model)
    attributes = dict(blank)
    unknown = {}
    for key, value in raw.items():
        known = readers.get(key)
        if known is None:
            unknown[key] = value
        elif value is not None:
            name, reader = known
            attributes[name] = value if reader is None else reader(value)
    attributes["additional_properties"] = unknown
    instance = model.__new__(model)
    instance.__dict__.update(attributes)
    return instance


@cache
def _table(
    model: Any,
) -> tuple[Mapping[str, tuple[str, _Reader | None]], Mapping[str, Any]]:
    """By wire key: the attribute and its reader. And the attributes of an empty instance."""
    readers = {
        entry["key"]: (name, _reader(entry["type"]))
        for name, entry in model._attribute_map.items()  # noqa: SLF001  # what msrest reads, too
        if entry["key"]
    }
    return readers, dict(vars(model()))


def _reader(kind: str) -> _Reader | None:
    """How to read what msrest calls *kind*; None for what is taken as it is."""
    if kind == "iso-8601":
        return _moment
    if kind.startswith("["):
        return _list_reader(_reader(kind[1:-1]))
    model = getattr(schema, kind, None)
    if inspect.isclass(model) and issubclass(model, Model):
        return lambda raw: _read(model, raw)
    return None


def _list_reader(reader: _Reader | None) -> _Reader:
    def read(raw: Any) -> Any:
        if not isinstance(raw, list):
            raise Malformed("There is no list.")
        return raw if reader is None else [reader(item) for item in raw]

    return read


def _moment(raw: Any) -> Any:
    try:
        return datetime.fromisoformat(raw)
    except (TypeError, ValueError):
        return raw  # nobody here reads it


def _written(value: Any) -> Any:
    """What orjson writes for *value*, which it does not know."""
    if isinstance(value, Model):
        model: Any = type(value)
        names = _names(model)
        known = {
            names[attribute]: item
            for attribute, item in vars(value).items()
            if item is not None and attribute in names
        }
        return (value.additional_properties or {}) | known
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} is no JSON")


@cache
def _names(model: Any) -> Mapping[str, str]:
    """The wire keys by attribute."""
    return {
        name: entry["key"]
        for name, entry in model._attribute_map.items()  # noqa: SLF001  # what msrest writes by
        if entry["key"]
    }
