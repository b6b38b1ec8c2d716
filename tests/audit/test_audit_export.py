from datetime import UTC, datetime
import json

import pytest

from bot.audit_export import Format, export, tail
from domain.actor import TenantId, system_actor
from domain.errors import Refused
from storage.audit import newest_entries


async def test_json_lines_are_the_very_bytes_that_were_hashed(record, url):
    entries = [await record(reason="two\nlines ✓"), await record("run.finished")]

    lines = list(export(url, Format.JSONL))

    assert lines == [each.text for each in entries]
    assert not any("\n" in line for line in lines)


async def test_an_export_may_go_on_where_the_last_one_ended(record, url):
    await record()
    second = await record("run.finished")

    assert list(export(url, Format.JSONL, after_seq=1)) == [second.text]


async def test_a_cloudevents_batch_says_where_in_the_chain_each_event_stands(record, url):
    entries = [await record(), await record("run.finished")]

    batch = json.loads("\n".join(export(url, Format.CLOUDEVENTS)))

    assert batch == [
        {
            **json.loads(each.text),
            "sequence": f"{each.seq:020}",
            "prevhash": each.prev_hash,
            "hash": each.hash,
            "mac": each.mac,
        }
        for each in entries
    ]


@pytest.mark.usefixtures("store")
def test_an_empty_log_is_an_empty_export(url):
    assert list(export(url, Format.JSONL)) == []
    assert list(export(url, Format.OCSF)) == []
    assert json.loads("".join(export(url, Format.CLOUDEVENTS))) == []
    assert tail(url, 5) == []


async def test_an_event_is_an_api_activity_of_ocsf(record, url):
    entry = await record(
        "approval.denied",
        outcome="denied",
        reason="self",
        run_id="k7f3q2ma",
        conversation_id="19:ops",
        data={"rule": "four-eyes", "note": ""},
    )
    cloud = json.loads(entry.text)

    (line,) = export(url, Format.OCSF)

    at = datetime.fromisoformat(cloud["time"])
    assert json.loads(line) == {
        "activity_id": 99,
        "activity_name": "approval.denied",
        "category_uid": 6,
        "class_uid": 6003,
        "type_uid": 600399,
        "severity_id": 3,
        "status_id": 2,
        "status": "Failure",
        "status_code": "denied",
        "status_detail": "self",
        "time": (at - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds() * 1000,
        "message": "approval.denied run/k7f3q2ma by dev-1 ✓",
        "metadata": {
            "version": "1.2.0",
            "product": {"name": "Signalbox", "vendor_name": "Signalbox"},
            "uid": cloud["id"],
            "sequence": 1,
            "event_code": "approval.denied",
            "log_name": "audit",
            "correlation_uid": "k7f3q2ma",
            "original_time": cloud["time"],
        },
        "actor": {
            "user": {
                "uid": "00000000-0000-4000-8000-000000000001",
                "name": "dev-1 ✓",
                "type_id": 1,
                "org": {"uid": "00000000-0000-4000-8000-00000000aaaa"},
            }
        },
        "api": {"operation": "approval.denied", "service": {"name": "signalbox"}},
        "src_endpoint": {"svc_name": "Microsoft Teams", "uid": "19:ops"},
        "resources": [{"type": "run", "uid": "k7f3q2ma"}],
        "raw_data": entry.text,
        "unmapped": {"rule": "four-eyes"},
    }


@pytest.mark.parametrize(
    ("event_type", "outcome", "said"),
    [
        ("plan.created", "ok", (1, 1, "Success")),
        ("message.received", "", (2, 0, "Unknown")),
        ("run.started", "ok", (3, 1, "Success")),
        ("run.finished", "rolled_back", (3, 99, "rolled_back")),
        ("step.finished", "failed", (3, 2, "Failure")),
    ],
)
async def test_what_ocsf_says_of_activity_and_status(record, url, event_type, outcome, said):
    await record(event_type, outcome=outcome)

    (line,) = export(url, Format.OCSF)

    activity = json.loads(line)
    assert (activity["activity_id"], activity["status_id"], activity["status"]) == said
    assert activity["type_uid"] == 600300 + activity["activity_id"]


async def test_what_signalbox_does_by_itself_comes_from_the_system(record, url):
    await record("approval.expired", actor=system_actor(TenantId("t")), subject="")

    (line,) = export(url, Format.OCSF)

    activity = json.loads(line)
    assert activity["actor"]["user"]["type_id"] == 3
    assert activity["src_endpoint"] == {"svc_name": "signalbox"}
    assert "resources" not in activity


async def test_the_tail_is_in_words_newest_last(record, url):
    for number in range(1, 4):
        await record(subject=f"run/{number}", reason="first\nsecond")

    assert tail(url, 2) == [
        "     2  2026-01-02T03:04:07.678Z  run.started  dev-1 ✓  run/2  ok  first second",
        "     3  2026-01-02T03:04:08.678Z  run.started  dev-1 ✓  run/3  ok  first second",
    ]


async def test_the_newest_entries_come_in_order(record, url):
    entries = [await record() for _ in range(3)]

    assert newest_entries(url, 2) == entries[1:]


def test_nothing_is_exported_from_nothing(tmp_path):
    with pytest.raises(Refused):
        list(export(f"sqlite:///{tmp_path}/none.db", Format.JSONL))
    with pytest.raises(Refused):
        tail(f"sqlite:///{tmp_path}/none.db", 3)
