"""Proof that nothing in the audit log was changed: signed checkpoints, and the check of it all.

A checkpoint says how far the chain reached, and which hash stood there. It lies outside the
database, and can be copied to where the machine's owner cannot reach: then even a log that was
cut short is found out. Verifying needs the database's URL and the key, no running bot.
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
import hashlib
import hmac
import json
import os
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError
import structlog

from domain.audit import GENESIS, entry_hash, entry_mac
from domain.canonical import canonical
from domain.errors import SignalboxError, Unavailable
from domain.ports import Clock
from storage.audit import Damaged, Stored, stored_events
from storage.store import Store

log = structlog.get_logger(__name__)

EVERY = timedelta(seconds=60)

_KEPT = 1_440
"""Checkpoints that stay, a busy day's: the newest one covers what all before it covered."""


class Checkpoint(BaseModel):
    """How far the chain reached at some moment."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    seq: int = Field(ge=1)
    hash: str
    at: str  #: ISO 8601, UTC
    count: int  #: events covered: all from the first on
    mac: str

    def is_signed_with(self, key: bytes) -> bool:
        """Whether it was made by who has *key*."""
        return hmac.compare_digest(self.mac, _checkpoint_mac(self.model_dump(), key))


def checkpoint(*, seq: int, hashed: str, at: datetime, key: bytes) -> Checkpoint:
    """The checkpoint over the first *seq* events, the last of which has the hash *hashed*."""
    at_text = at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    unsigned: dict[str, Any] = {"seq": seq, "hash": hashed, "at": at_text, "count": seq}
    return Checkpoint(mac=_checkpoint_mac(unsigned, key), **unsigned)


def _checkpoint_mac(values: dict[str, Any], key: bytes) -> str:
    text = canonical({name: values[name] for name in ("seq", "hash", "at", "count")})
    return hmac.new(
        key, f"signalbox.audit.checkpoint\n{text}".encode(), hashlib.sha256
    ).hexdigest()


class Checkpoints:
    """Writes a checkpoint into *directory* every minute in which something happened."""

    def __init__(self, store: Store, directory: Path, key: bytes, clock: Clock) -> None:
        self._store = store
        self._directory = directory
        self._key = key
        self._clock = clock

    async def run(self) -> None:
        """Write until cancelled. What fails once may work a minute later, and is logged."""
        while True:
            await asyncio.sleep(EVERY.total_seconds())
            try:
                await self.write_now()
            except SignalboxError as error:
                log.warning("audit checkpoint not written", problem=str(error))

    async def write_now(self) -> Checkpoint | None:
        """Write one; None where none is needed: no event since the last one.

        Raises:
            Unavailable: the database did not answer, or the directory cannot be written.
        """
        seq, hashed = await self._store.read(lambda unit: unit.audit.head())
        # A file of that name with another hash is evidence: it is never overwritten.
        if seq == 0 or _file(self._directory, seq).exists():
            return None
        made = checkpoint(seq=seq, hashed=hashed, at=self._clock.now(), key=self._key)
        await asyncio.to_thread(_write, made, self._directory)
        return made


def _file(directory: Path, seq: int) -> Path:
    return directory / f"checkpoint-{seq}.json"


def _write(made: Checkpoint, directory: Path) -> None:
    """Write whole or not at all, on the disk when this returns."""
    target = _file(directory, made.seq)
    draft = target.with_suffix(".draft")
    try:
        directory.mkdir(parents=True, exist_ok=True)
        with draft.open("w", encoding="utf-8") as file:
            file.write(made.model_dump_json() + "\n")
            file.flush()
            os.fsync(file.fileno())
        draft.replace(target)
        _sync_directory(directory)
        for old in _files(directory)[:-_KEPT]:
            old.unlink(missing_ok=True)
    except OSError as error:
        raise Unavailable(f"The checkpoint {target} could not be written: {error}.") from error


def _sync_directory(directory: Path) -> None:
    handle = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _files(directory: Path) -> list[Path]:
    """The checkpoints in *directory*, oldest first."""
    found = [path for path in directory.glob("checkpoint-*.json") if _seq(path) is not None]
    return sorted(found, key=lambda path: _seq(path) or 0)


def _seq(path: Path) -> int | None:
    number = path.stem.removeprefix("checkpoint-")
    return int(number) if number.isascii() and number.isdigit() else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What verifying found."""

    ok: bool
    events: int  #: how many were read
    checked_seq: int  #: up to here all is as it was written
    uncovered: int  #: events behind the newest checkpoint: a cut there would not be seen
    first_bad_seq: int | None = None  #: None where *ok*, and where a checkpoint itself is bad
    problem: str = ""


def verify(url: str, key: bytes, directory: Path) -> Verdict:
    """Check the log in the database at *url* against itself, *key* and the checkpoints.

    Raises:
        Refused: there is no audit log at *url*.
        Unavailable: the database does not answer.
    """
    checkpoints = []
    for path in _files(directory):
        try:
            found = Checkpoint.model_validate_json(path.read_bytes())
        except (ValidationError, OSError):
            return _bad_checkpoint(f"{path.name} is no checkpoint.")
        if not found.is_signed_with(key):
            return _bad_checkpoint(f"{path.name} was not signed with this key.")
        checkpoints.append(found)
    return verify_chain(stored_events(url), key=key, checkpoints=checkpoints)


def _bad_checkpoint(problem: str) -> Verdict:
    return Verdict(ok=False, events=0, checked_seq=0, uncovered=0, problem=problem)


def verify_chain(
    events: Iterable[Stored], *, key: bytes, checkpoints: Sequence[Checkpoint]
) -> Verdict:
    """Check *events* in order, up to the first that is not what was written.

    Every one of *checkpoints* must be met; their signatures have been checked.
    """
    anchors = {each.seq: each for each in checkpoints}
    covered = max(anchors, default=0)
    read, seq, prev_hash, problem = 0, 0, GENESIS, ""
    try:
        for event in events:
            read += 1
            problem = _fault(event, seq + 1, prev_hash, key) or _contradiction(event, anchors)
            if problem:
                break
            seq, prev_hash = event.entry.seq, event.entry.hash
    except Damaged as damage:
        problem = f"Nothing can be read behind event {seq}. {damage}"
    if not problem and seq < covered:
        problem = f"The log ends at event {seq}; on {anchors[covered].at} it reached {covered}."
    return Verdict(
        ok=not problem,
        events=read,
        checked_seq=seq,
        uncovered=max(seq - covered, 0),
        first_bad_seq=seq + 1 if problem else None,
        problem=problem,
    )


def _fault(event: Stored, seq: int, prev_hash: str, key: bytes) -> str:
    """What is wrong with *event* at place *seq* behind *prev_hash*; empty where nothing is."""
    entry = event.entry
    if entry.seq != seq:
        return f"Event {seq} is missing; event {entry.seq} follows."
    if entry.prev_hash != prev_hash:
        return f"Event {seq} does not follow the event before it."
    if entry_hash(seq, prev_hash, entry.text) != entry.hash:
        return f"The content of event {seq} is not what was hashed."
    if not hmac.compare_digest(entry_mac(entry.hash, key).encode(), entry.mac.encode()):
        return f"Event {seq} was not written with this key."
    if not _columns_agree(event):
        return f"What stands beside event {seq} contradicts its content."
    return ""


def _columns_agree(event: Stored) -> bool:
    """Whether a query by the columns finds what the text says."""
    cloud = json.loads(event.entry.text)
    said = (cloud["id"], cloud["type"], cloud["data"].get("run_id", ""), cloud["time"])
    beside = (event.id, event.type, event.run_id, f"{event.at[:23]}Z")  # to the millisecond
    return said == beside and event.at.endswith("+00:00")


def _contradiction(event: Stored, anchors: Mapping[int, Checkpoint]) -> str:
    anchor = anchors.get(event.entry.seq)
    if anchor is None or anchor.hash == event.entry.hash:
        return ""
    return f"Event {anchor.seq} is not the one that the checkpoint of {anchor.at} saw."
