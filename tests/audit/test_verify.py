from contextlib import closing, suppress
from datetime import UTC, datetime
import hashlib
import json
from pathlib import Path
import random
import shutil
import sqlite3

import pytest

from bot.audit import Verdict, checkpoint, verify
from domain.audit import GENESIS
from domain.errors import Refused

A_MOMENT = datetime(2026, 1, 1, tzinfo=UTC)


def test_a_log_that_nobody_touched_is_fine(evidence):
    assert evidence.verify() == Verdict(
        ok=True, events=10, checked_seq=10, uncovered=3, first_bad_seq=None, problem=""
    )


@pytest.mark.parametrize(
    ("statements", "first_bad_seq", "problem"),
    [
        pytest.param(
            ["UPDATE audit_events SET text = replace(text, 'dev-1', 'sre-1') WHERE seq = 4"],
            4,
            "content",
            id="an edited text",
        ),
        pytest.param(
            ["UPDATE audit_events SET run_id = 'aaaaaaaa' WHERE seq = 4"],
            4,
            "beside",
            id="an edited column that queries look at",
        ),
        pytest.param(
            ["UPDATE audit_events SET at = replace(at, '2026', '2025') WHERE seq = 4"],
            4,
            "beside",
            id="an edited moment",
        ),
        pytest.param(
            ["UPDATE audit_events SET mac = hash WHERE seq = 4"], 4, "this key", id="an edited MAC"
        ),
        pytest.param(
            ["UPDATE audit_events SET mac = X'00ff', prev_hash = X'ff' WHERE seq = 4"],
            4,
            "follow",
            id="something that is no text",
        ),
        pytest.param(
            ["DELETE FROM audit_events WHERE seq = 4"], 4, "missing", id="a deleted event"
        ),
        pytest.param(["DELETE FROM audit_events WHERE seq = 1"], 1, "missing", id="the first one"),
        pytest.param(
            [
                "DELETE FROM audit_events WHERE seq = 4",
                "UPDATE audit_events SET seq = seq - 1 WHERE seq > 4",
            ],
            4,
            "follow",
            id="a deleted event, the others moved up",
        ),
        pytest.param(
            [
                "UPDATE audit_events SET seq = 99 WHERE seq = 4",
                "UPDATE audit_events SET seq = 4 WHERE seq = 5",
                "UPDATE audit_events SET seq = 5 WHERE seq = 99",
            ],
            4,
            "follow",
            id="two events swapped",
        ),
        pytest.param(
            [
                """INSERT INTO audit_events
                SELECT 11, 'new', at, type, run_id, text, hash, hash, mac
                FROM audit_events WHERE seq = 10"""
            ],
            11,
            "content",
            id="an event added",
        ),
        pytest.param(
            ["DELETE FROM audit_events WHERE seq > 5"], 6, "ends at event 5", id="a cut tail"
        ),
        pytest.param(["DELETE FROM audit_events"], 1, "ends at event 0", id="nothing left"),
    ],
)
def test_tampering_is_found_at_its_place(evidence, statements, first_bad_seq, problem):
    evidence.tamper(*statements)

    verdict = evidence.verify()

    assert not verdict.ok
    assert (verdict.checked_seq, verdict.first_bad_seq) == (first_bad_seq - 1, first_bad_seq)
    assert problem in verdict.problem


def rehash(database: Path, start: int) -> None:
    """Compute the chain anew from *start* on, as somebody would who knows how but not the key."""
    with closing(sqlite3.connect(database)) as connection, connection:
        rows = connection.execute("SELECT seq, text FROM audit_events ORDER BY seq").fetchall()
        previous = GENESIS
        for seq, text in rows:
            hashed = hashlib.sha256(f"{seq}\n{previous}\n{text}".encode()).hexdigest()
            if seq >= start:
                connection.execute(
                    "UPDATE audit_events SET prev_hash = ?, hash = ? WHERE seq = ?",
                    (previous, hashed, seq),
                )
            previous = hashed


def test_a_chain_computed_anew_without_the_key_is_found(evidence):
    evidence.tamper("UPDATE audit_events SET text = replace(text, 'dev-1', 'sre-1') WHERE seq = 9")
    rehash(evidence.database, 9)

    verdict = evidence.verify()

    assert (verdict.ok, verdict.first_bad_seq) == (False, 9)
    assert verdict.problem == "Event 9 was not written with this key."


def test_a_log_written_with_another_key_is_found(evidence):
    shutil.rmtree(evidence.directory)

    assert evidence.verify(key=b"another key").first_bad_seq == 1


def test_without_a_checkpoint_all_is_uncovered_and_a_cut_is_not_seen(evidence):
    shutil.rmtree(evidence.directory)
    evidence.tamper("DELETE FROM audit_events WHERE seq > 5")

    assert evidence.verify() == Verdict(ok=True, events=5, checked_seq=5, uncovered=5)


def test_a_cut_tail_that_grew_again_contradicts_the_checkpoint(evidence, key):
    other = checkpoint(seq=5, hashed="0" * 64, at=A_MOMENT, key=key)
    (evidence.directory / "checkpoint-5.json").write_text(other.model_dump_json())

    verdict = evidence.verify()

    assert (verdict.ok, verdict.first_bad_seq) == (False, 5)
    assert "checkpoint of 2026-01-01T00:00:00.000Z" in verdict.problem


@pytest.mark.parametrize(
    ("field", "value"), [("seq", 6), ("hash", "0" * 64), ("at", "2026"), ("count", 6)]
)
def test_a_forged_checkpoint_is_found(evidence, field, value):
    file = evidence.directory / "checkpoint-7.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {field: value}))

    verdict = evidence.verify()

    assert (verdict.ok, verdict.problem) == (
        False,
        "checkpoint-7.json was not signed with this key.",
    )


@pytest.mark.parametrize("content", ["", "{}", "[1]", "\0", '{"seq": "7"}'])
def test_a_checkpoint_that_is_none_is_found(evidence, content):
    (evidence.directory / "checkpoint-7.json").write_text(content)

    assert evidence.verify().problem == "checkpoint-7.json is no checkpoint."


def test_other_files_beside_the_checkpoints_do_not_matter(evidence):
    (evidence.directory / "checkpoint-latest.json").write_text("x")
    (evidence.directory / "checkpoint-9.draft").write_text("x")
    (evidence.directory / "README").write_text("x")

    assert evidence.verify().ok


def test_one_byte_of_any_text_is_enough(evidence, tmp_path):
    evidence.tamper()  # the write-ahead log goes into the file
    with closing(sqlite3.connect(evidence.database)) as connection:
        texts = connection.execute("SELECT text FROM audit_events").fetchall()
    intact = evidence.database.read_bytes()
    dice = random.Random(20260102)  # noqa: S311 - a test that fails twice the same way
    for (text,) in texts:
        start = intact.index(text.encode())
        for _ in range(5):
            broken = bytearray(intact)
            broken[start + dice.randrange(len(text.encode()))] ^= 1 << dice.randrange(8)
            copy = tmp_path / "copy.db"
            copy.write_bytes(broken)
            assert not evidence.verify(copy).ok


def test_a_file_that_is_damaged_anywhere_gives_a_verdict_or_a_sentence(evidence, tmp_path):
    evidence.tamper()
    intact = evidence.database.read_bytes()
    dice = random.Random(20260103)  # noqa: S311 - as above
    for _ in range(150):
        broken = bytearray(intact)
        broken[dice.randrange(len(broken))] ^= 1 << dice.randrange(8)
        copy = tmp_path / "copy.db"
        copy.write_bytes(broken)
        with suppress(Refused):  # a sentence will do
            evidence.verify(copy)


def test_a_truncated_file_is_damaged(evidence):
    evidence.tamper()
    content = evidence.database.read_bytes()
    evidence.database.write_bytes(content[: len(content) // 2])

    assert not evidence.verify().ok


def test_verifying_changes_nothing(evidence):
    def contents():
        files = [evidence.database, *evidence.directory.iterdir()]
        return {file: file.read_bytes() for file in files}

    evidence.tamper()
    before = contents()

    evidence.verify()

    assert contents() == before


def test_where_there_is_no_log_there_is_nothing_to_verify(tmp_path):
    with pytest.raises(Refused, match="no database"):
        verify(f"sqlite:///{tmp_path}/none.db", b"key", tmp_path)
    (tmp_path / "empty.db").touch()
    with pytest.raises(Refused, match="no audit log"):
        verify(f"sqlite:///{tmp_path}/empty.db", b"key", tmp_path)
    assert not (tmp_path / "none.db").exists()
