"""JSON from strangers: what is ambiguous, too deep or not storable is no JSON here."""

from collections.abc import Sequence
import json
from typing import Any

import orjson

DEEPEST = 40


class NotStrict(ValueError):
    """These bytes are not the JSON we take."""


def loads(raw: bytes) -> dict[str, Any]:
    """The object that *raw* says.

    Raises:
        NotStrict: no JSON (RFC 8259: no NaN, no lone surrogate, UTF-8 only), no object, nested
            deeper than `DEEPEST`, the same key twice, or a NUL, which PostgreSQL does not store.
    """
    try:
        value = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise NotStrict("no JSON") from error
    if not isinstance(value, dict):
        raise NotStrict("no object")
    _look_through(value)
    try:
        # orjson keeps the last of two equal keys, silently; a proxy may have looked at the first.
        json.loads(raw, object_pairs_hook=_unique)
    except ValueError as error:  # also a number of more digits than int() takes
        raise NotStrict(str(error)) from error
    return value


def _look_through(root: dict[str, Any]) -> None:
    """Check depth and text, level by level: a recursion would be as deep as a stranger likes."""
    containers: list[dict[str, Any] | list[Any]] = [root]
    for _ in range(DEEPEST):
        inner: list[dict[str, Any] | list[Any]] = []
        for container in containers:
            if isinstance(container, dict):
                children = [*container, *container.values()]
            else:
                children = container
            for child in children:
                if isinstance(child, dict | list):
                    inner.append(child)
                elif isinstance(child, str) and "\0" in child:
                    raise NotStrict("a NUL")
        if not inner:
            return
        containers = inner
    raise NotStrict("too deep")


def _unique(pairs: Sequence[tuple[str, Any]]) -> None:
    if len({key for key, _ in pairs}) != len(pairs):
        raise NotStrict("the same key twice")
