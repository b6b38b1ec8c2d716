"""What a target has done, in a file of its own: one JSON line per applied effect, with its key.

It is written by the programs that carry out the effects, after they did, and makes a key count
once however often it is asked for. Standard library only: it is loaded into those programs.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
import fcntl
import json
import os
from pathlib import Path
from typing import BinaryIO


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One effect."""

    at: str  #: UTC, RFC 3339
    service: str
    environment: str
    action: str  #: "switch" or "restart"
    version: str  #: what runs since; empty where nobody knows
    key: str


class EffectRecord:
    """The file. Several processes read and append at once."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def entries(self) -> tuple[Entry, ...]:
        """All there is, oldest first."""
        try:
            with self._path.open("rb") as file:
                return _read(file)
        except FileNotFoundError:
            return ()

    def find(self, action: str, key: str) -> Entry | None:
        """The effect of *action* under *key*; None if it was not applied."""
        return _find(self.entries(), action, key)

    def append(self, entry: Entry) -> Entry:
        """Write *entry*, and only then return; one of the same action and key wins over it."""
        with self._locked() as file:
            known = _find(_read(file), entry.action, entry.key)
            if known is not None:
                return known
            file.truncate(_complete_bytes(file))
            file.write(json.dumps(asdict(entry)).encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())
            return entry

    @contextmanager
    def _locked(self) -> Iterator[BinaryIO]:
        with self._path.open("a+b") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield file


def _find(entries: tuple[Entry, ...], action: str, key: str) -> Entry | None:
    return next((e for e in entries if e.action == action and e.key == key), None)


def _read(file: BinaryIO) -> tuple[Entry, ...]:
    """The lines of *file* that were written to their end."""
    file.seek(0)
    return tuple(Entry(**json.loads(line)) for line in file if line.endswith(b"\n"))


def _complete_bytes(file: BinaryIO) -> int:
    """How much of *file* is complete lines: a machine that stops may leave half a line."""
    file.seek(0)
    return sum(len(line) for line in file if line.endswith(b"\n"))
