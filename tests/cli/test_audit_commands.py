"""`signalbox audit`, as a process."""

from contextlib import closing
import json
from pathlib import Path
import shutil
import sqlite3

import pytest


def test_a_log_that_nobody_touched_is_fine(process, state: Path):
    ended = process("audit", "verify", "--state", str(state))

    assert (ended.code, ended.err) == (0, "")
    assert ended.out == (
        "Nothing was changed: 9 events from the first to the last.\n"
        "Covered by a signed checkpoint: 7; not covered yet: 2.\n"
    )


def test_it_is_found_by_the_environment_as_well(signalbox, state: Path):
    assert signalbox("audit", "verify", STATE_DIR=str(state)).code == 0


def test_one_changed_byte_in_a_copy_is_found(process, signalbox, state: Path):
    copy = state.with_name("copy")
    shutil.copytree(state, copy)
    with closing(sqlite3.connect(copy / "signalbox.db")) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    file = copy / "signalbox.db"
    content = file.read_bytes()
    place = content.index(b"for 5")
    file.write_bytes(content[:place] + b"for 6" + content[place + 5 :])

    ended = process("audit", "verify", "--state", str(copy))

    assert (ended.code, ended.out) == (1, "")
    assert ended.err == ("First bad event: 5. The content of event 5 is not what was hashed.\n")
    assert signalbox("audit", "verify", "--state", str(state)).code == 0


def test_a_cut_tail_is_found(signalbox, state: Path):
    with closing(sqlite3.connect(state / "signalbox.db", isolation_level=None)) as connection:
        connection.execute("DROP TRIGGER audit_events_no_delete")
        connection.execute("DELETE FROM audit_events WHERE seq > 5")

    ended = signalbox("audit", "verify", "--state", str(state))

    assert ended.code == 1
    assert ended.err.startswith(
        "First bad event: 6. The log ends at event 5; on 2026-03-02T09:30:"
    )


def test_the_wrong_key_finds_the_first_event_wanting(signalbox, state: Path):
    (state / "audit" / "checkpoint-7.json").unlink()

    ended = signalbox("audit", "verify", "--state", str(state), AUDIT_KEY="another one")

    assert ended.code == 1
    assert ended.err == "First bad event: 1. Event 1 was not written with this key.\n"


def test_a_checkpoint_of_somebody_else_is_found(signalbox, state: Path):
    ended = signalbox("audit", "verify", "--state", str(state), AUDIT_KEY="another one")

    assert ended.code == 1
    assert ended.err == "checkpoint-7.json was not signed with this key.\n"


@pytest.mark.parametrize(
    ("arguments", "environment", "sentence"),
    [
        (["verify"], {}, "SIGNALBOX_AUDIT_KEY is not set, and there is no key at "),
        (["verify"], {"AUDIT_KEY": "x" * 32}, "There is no database at "),
        (["tail"], {}, "There is no database at "),
        (["export"], {}, "There is no database at "),
        (["tail", "-n", "0"], {}, "Invalid value for '-n' / '--lines': 0 is not in the range"),
        (["export", "--format", "csv"], {}, "Invalid value for '--format': 'csv' is not one of"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(signalbox, arguments, environment, sentence):
    ended = signalbox("audit", *arguments, **environment)

    assert (ended.code, ended.out) == (2, "")
    assert ended.err.startswith(sentence)
    assert ended.err.count("\n") == 1


def test_the_newest_events_are_told_in_words(signalbox, state: Path):
    ended = signalbox("audit", "tail", "-n", "2", "--state", str(state))

    assert ended.code == 0
    assert ended.out == (
        "     8  2026-03-02T09:30:10.000Z  run.started  dev-1  run/8  for 8�[2J\n"
        "     9  2026-03-02T09:30:11.000Z  run.started  dev-1  run/9  for 9�[2J\n"
    )


@pytest.mark.parametrize(("form", "count"), [("jsonl", 2), ("ocsf", 2), ("cloudevents", 3)])
def test_it_can_be_exported(signalbox, state: Path, form, count):
    ended = signalbox("audit", "export", "--format", form, "--after", "7", "--state", str(state))

    lines = ended.out.splitlines()
    assert ended.code == 0
    assert len(lines) == count  # a batch has a line for its end
    if form == "cloudevents":
        assert [event["subject"] for event in json.loads(ended.out)] == ["run/8", "run/9"]
    else:
        assert all(json.loads(line) for line in lines)
