"""One JSON text per value, so that equal things have equal digests (RFC 8785)."""

import hashlib
from typing import Any

import rfc8785


def canonical(value: Any) -> str:
    """*value* as RFC 8785 JSON.

    https://www.rfc-editor.org/rfc/rfc8785

    Raises:
        rfc8785.CanonicalizationError: *value* is no JSON, or has an integer beyond 2**53.
    """
    return rfc8785.dumps(value).decode()


def digest(value: Any) -> str:
    """SHA-256 over the canonical JSON of *value*, as 64 hex digits."""
    return hashlib.sha256(rfc8785.dumps(value)).hexdigest()
