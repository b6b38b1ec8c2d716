"""One JSON text per value, so that equal things have equal digests (RFC 8785)."""

import hashlib
import json
from typing import Any

import rfc8785

_SAFE = 2**53 - 1  #: beyond it RFC 8785 has no integers

_encode = json.JSONEncoder(
    ensure_ascii=False, check_circular=False, separators=(",", ":"), sort_keys=True
).encode


def canonical(value: Any) -> str:
    """*value* as RFC 8785 JSON.

    https://www.rfc-editor.org/rfc/rfc8785

    Raises:
        rfc8785.CanonicalizationError: *value* is no JSON, or has an integer beyond 2**53.
    """
    return _dumps(value).decode()


def digest(value: Any) -> str:
    """SHA-256 over the canonical JSON of *value*, as 64 hex digits."""
    return hashlib.sha256(_dumps(value)).hexdigest()


def _dumps(value: Any) -> bytes:
    """As `rfc8785.dumps`, ten times as fast where the standard library writes the same.

    Every step of a run writes events and looks at a plan: this was a third of what it cost.
    """
    if _is_simple(value):
        try:
            return _encode(value).encode()
        except UnicodeEncodeError:
            pass  # half a surrogate pair: below is said what is wrong with it
    return rfc8785.dumps(value)


def _is_simple(value: Any) -> bool:
    """Whether *value* is JSON of which no two writers could think differently.

    Of numbers with a fraction they do, and of the order of keys that are not ASCII.
    """
    kind = type(value)
    if kind is dict:
        return all(
            type(key) is str and key.isascii() and (type(each) is str or _is_simple(each))
            for key, each in value.items()
        )
    if kind is list or kind is tuple:
        return all(type(each) is str or _is_simple(each) for each in value)
    if kind is int:
        return bool(-_SAFE <= value <= _SAFE)
    return kind is str or kind is bool or value is None
