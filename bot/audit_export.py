"""The audit log for other programs: JSON lines, CloudEvents batches, OCSF.

Needs no key and no running bot: who may read the database may export it.
"""

from collections.abc import Iterator
from datetime import datetime
from enum import StrEnum
import json
from typing import Any

from domain.actor import ActorKind
from domain.audit import Entry
from domain.errors import Bug
from storage.audit import newest_entries, stored_events


class Format(StrEnum):
    """What an export looks like."""

    JSONL = "jsonl"  #: one CloudEvents object per line, exactly the bytes that were hashed
    CLOUDEVENTS = "cloudevents"  #: one JSON batch, with each event's place in the chain
    OCSF = "ocsf"  #: one API Activity per line


def export(url: str, form: Format, *, after_seq: int = 0) -> Iterator[str]:
    """The lines of an export of what stands behind *after_seq*, streamed.

    Raises:
        Refused: there is no audit log at *url*.
        Unavailable: the database does not answer, or is damaged.
    """
    entries = (stored.entry for stored in stored_events(url, after_seq=after_seq))
    match form:
        case Format.JSONL:
            return (entry.text for entry in entries)
        case Format.CLOUDEVENTS:
            return _batch(entries)
        case Format.OCSF:
            return (_compact(api_activity(entry)) for entry in entries)


def tail(url: str, count: int) -> list[str]:
    """The newest *count* events in words, one line each, the newest last.

    Raises:
        Refused: there is no audit log at *url*.
        Unavailable: the database does not answer, or is damaged.
    """
    return [in_words(entry) for entry in newest_entries(url, count)]


def in_words(entry: Entry) -> str:
    """An event as one line for a reader: place, time, type, actor, subject, outcome, reason."""
    cloud = _cloud(entry)
    data = cloud["data"]
    words = (
        cloud["time"],
        cloud["type"].removeprefix("signalbox."),
        data.get("actor", {}).get("name", ""),
        cloud["subject"],
        data.get("outcome", ""),
        " ".join(data.get("reason", "").split()),  # a reason may have lines: an event has one
    )
    return "  ".join([f"{entry.seq:>6}", *(word for word in words if word)])


def _batch(entries: Iterator[Entry]) -> Iterator[str]:
    """A CloudEvents batch. Our extension attributes say where in the chain an event stands.

    https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md
    https://github.com/cloudevents/spec/blob/main/cloudevents/extensions/sequence.md
    """
    opening = "["
    for entry in entries:
        event = _cloud(entry) | {
            "sequence": f"{entry.seq:020}",  # ordered as text, says the extension
            "prevhash": entry.prev_hash,
            "hash": entry.hash,
            "mac": entry.mac,
        }
        yield opening + _compact(event)
        opening = ","
    yield "]" if opening == "," else "[]"


_CREATE, _READ, _UPDATE, _OTHER = 1, 2, 3, 99

_ACTIVITIES = {
    "created": _CREATE,
    "requested": _CREATE,
    "declared": _CREATE,
    "received": _READ,
    "parsed": _READ,
    "accessed": _READ,
    "verified": _READ,
    "acquired": _UPDATE,
    "voted": _UPDATE,
    "granted": _UPDATE,
    "rejected": _UPDATE,
    "expired": _UPDATE,
    "drifted": _UPDATE,
    "started": _UPDATE,
    "finished": _UPDATE,
    "cancelled": _UPDATE,
    "compensated": _UPDATE,
    "changed": _UPDATE,
}
"""OCSF's activity by the verb of our event; what is not here is Other."""

_UNKNOWN_STATUS, _SUCCESS, _FAILURE, _OTHER_STATUS = 0, 1, 2, 99
_STATUSES = {
    "": (_UNKNOWN_STATUS, "Unknown"),
    "ok": (_SUCCESS, "Success"),
    "allowed": (_SUCCESS, "Success"),
    "approved": (_SUCCESS, "Success"),
    "succeeded": (_SUCCESS, "Success"),
    "denied": (_FAILURE, "Failure"),
    "refused": (_FAILURE, "Failure"),
    "rejected": (_FAILURE, "Failure"),
    "failed": (_FAILURE, "Failure"),
}
_INFORMATIONAL, _MEDIUM = 1, 3
_USER_TYPES = {ActorKind.USER: 1, ActorKind.SYSTEM: 3}
_OTHER_USER = 99


def api_activity(entry: Entry) -> dict[str, Any]:
    """*entry* as OCSF API Activity.

    https://schema.ocsf.io/1.2.0/classes/api_activity
    """
    cloud = _cloud(entry)
    data = dict(cloud["data"])
    actor, tenant = data.pop("actor"), data.pop("tenant", "")
    outcome, reason = data.pop("outcome", ""), data.pop("reason", "")
    run_id, conversation_id = data.pop("run_id", ""), data.pop("conversation_id", "")
    name = cloud["type"].removeprefix("signalbox.")
    activity = _ACTIVITIES.get(name.rpartition(".")[2], _OTHER)
    status_id, status = _STATUSES.get(outcome, (_OTHER_STATUS, outcome))
    kind, _, subject_id = cloud["subject"].partition("/")
    by_a_person = actor["kind"] == ActorKind.USER
    return _without_blanks(
        {
            "activity_id": activity,
            "activity_name": name if activity == _OTHER else "",
            "category_uid": 6,
            "class_uid": 6003,
            "type_uid": 6003 * 100 + activity,
            "severity_id": _MEDIUM if status_id == _FAILURE else _INFORMATIONAL,
            "status_id": status_id,
            "status": status,
            "status_code": outcome,
            "status_detail": reason,
            "time": round(datetime.fromisoformat(cloud["time"]).timestamp() * 1000),
            "message": f"{name} {cloud['subject']} by {actor['name']}",
            "metadata": {
                "version": "1.2.0",
                "product": {"name": "Signalbox", "vendor_name": "Signalbox"},
                "uid": cloud["id"],
                "sequence": entry.seq,
                "event_code": name,
                "log_name": "audit",
                "correlation_uid": run_id,
                "original_time": cloud["time"],
            },
            "actor": {
                "user": {
                    "uid": actor["id"],
                    "name": actor["name"],
                    "type_id": _USER_TYPES.get(actor["kind"], _OTHER_USER),
                    "type": "" if actor["kind"] in _USER_TYPES else actor["kind"],
                    "org": {"uid": tenant},
                }
            },
            "api": {"operation": name, "service": {"name": "signalbox"}},
            "src_endpoint": {
                "svc_name": "Microsoft Teams" if by_a_person else "signalbox",
                "uid": conversation_id,
            },
            "resources": [{"type": kind, "uid": subject_id}] if subject_id else [],
            "raw_data": entry.text,
            "unmapped": data,
        }
    )


def _without_blanks(value: dict[str, Any]) -> dict[str, Any]:
    """*value* without the attributes that say nothing: OCSF leaves out what is not known."""
    kept = {
        name: _without_blanks(inner) if isinstance(inner, dict) else inner
        for name, inner in value.items()
    }
    return {name: inner for name, inner in kept.items() if inner not in ("", {}, [])}


def _cloud(entry: Entry) -> dict[str, Any]:
    try:
        cloud: dict[str, Any] = json.loads(entry.text)
    except ValueError as error:
        raise Bug(
            f"Event {entry.seq} of the audit log is no JSON.", hint="Run `signalbox audit verify`."
        ) from error
    return cloud


def _compact(value: dict[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
