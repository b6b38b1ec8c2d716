"""The audit event and the chain it stands in.

An event is a CloudEvents 1.0 object. Each is hashed together with its predecessor's hash, and
the hash is keyed with a MAC whose key never lies in the database: an edit, a deletion or a swap
breaks the chain, a re-computed chain breaks the MACs, a cut tail breaks a signed checkpoint.
https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/spec.md
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
import hashlib
import hmac
from typing import Any

from domain.actor import Actor
from domain.canonical import canonical

GENESIS = "0" * 64
"""What stands before the first event."""

SOURCE = "/signalbox"


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that happened, before it has its place in the chain."""

    type: str  #: `noun.verb_past`, from the vocabulary: "run.started"
    actor: Actor
    subject: str = ""  #: "run/k7f3q2ma", "command/deploy"
    outcome: str = ""  #: "ok", "denied", "failed", …
    reason: str = ""
    run_id: str = ""
    conversation_id: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)  #: JSON values; no secrets


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """An event in its place."""

    seq: int  #: from 1, without gaps
    text: str  #: the canonical CloudEvents JSON: exactly the bytes that were hashed
    prev_hash: str
    hash: str
    mac: str


def cloud_event(event: Event, *, id: str, at: datetime) -> dict[str, Any]:  # noqa: A002 - CloudEvents' own word
    """*event* as CloudEvents JSON; *at* is aware and kept to the millisecond, in UTC."""
    at_text = at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    data: dict[str, Any] = {
        "tenant": event.actor.tenant,
        "actor": {"kind": event.actor.kind.value, "id": event.actor.id, "name": event.actor.name},
        "outcome": event.outcome,
        "reason": event.reason,
        "run_id": event.run_id,
        "conversation_id": event.conversation_id,
        **event.data,
    }
    return {
        "specversion": "1.0",
        "id": id,
        "source": SOURCE,
        "type": f"signalbox.{event.type}",
        "subject": event.subject,
        "time": at_text,
        "datacontenttype": "application/json",
        "data": {key: value for key, value in data.items() if value not in ("", None)},
    }


def link(cloud: Mapping[str, Any], *, seq: int, prev_hash: str, key: bytes) -> Entry:
    """The entry for *cloud* at place *seq*, behind the entry whose hash is *prev_hash*."""
    text = canonical(dict(cloud))
    hashed = entry_hash(seq, prev_hash, text)
    return Entry(seq=seq, text=text, prev_hash=prev_hash, hash=hashed, mac=entry_mac(hashed, key))


def entry_hash(seq: int, prev_hash: str, text: str) -> str:
    """SHA-256 over place, predecessor and content; 64 hex digits."""
    return hashlib.sha256(f"{seq}\n{prev_hash}\n{text}".encode()).hexdigest()


def entry_mac(hashed: str, key: bytes) -> str:
    """HMAC-SHA-256 of an entry's hash; 64 hex digits."""
    return hmac.new(key, b"signalbox.audit.entry\n" + hashed.encode(), hashlib.sha256).hexdigest()
