"""Ports on loopback for what the demo starts."""

from collections.abc import Iterator, Sequence
import hashlib
from pathlib import Path
import socket

from domain.errors import Unavailable

HOST = "127.0.0.1"

_LOWEST, _HIGHEST = 18_000, 29_999
"""Below the ports that systems give to outgoing connections (32768 and up, by Linux' default):
those could take ours while a service restarts."""


def choose(wanted: Sequence[int | None], state: Path) -> tuple[int, ...]:
    """A free port for each of *wanted*: that very one if it is free, else another.

    Where the search begins depends on the folder *state*, so that two demos that start at the
    same moment do not choose the same.
    """
    fresh = (port for port in _candidates(state) if port not in wanted and is_free(port))
    try:
        return tuple(port if port and is_free(port) else next(fresh) for port in wanted)
    except StopIteration:
        raise Unavailable(f"No port between {_LOWEST} and {_HIGHEST} is free.") from None


def is_free(port: int) -> bool:
    """Whether one could listen on *port*, now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def _candidates(state: Path) -> Iterator[int]:
    """All ports of the range once."""
    size = _HIGHEST - _LOWEST + 1
    seed = hashlib.sha256(bytes(state.absolute())).digest()
    start = int.from_bytes(seed[:4])
    return (_LOWEST + (start + step) % size for step in range(size))
