from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
import json
from pathlib import Path

import pytest

from connectors.effect_record import EffectRecord, Entry

ENTRY = Entry(
    at="2026-01-02T03:04:05.678Z",
    service="shop",
    environment="prod",
    action="switch",
    version="v1.1.0",
    key="k1",
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "effects.jsonl"


def test_what_is_appended_is_one_json_line_and_is_found_by_its_key(path):
    record = EffectRecord(path)

    assert record.append(ENTRY) == ENTRY

    assert json.loads(path.read_text()) == {
        "at": "2026-01-02T03:04:05.678Z",
        "service": "shop",
        "environment": "prod",
        "action": "switch",
        "version": "v1.1.0",
        "key": "k1",
    }
    assert record.find("switch", "k1") == ENTRY
    assert record.find("restart", "k1") is None
    assert record.find("switch", "k2") is None


def test_a_key_stands_once_and_its_first_effect_wins(path):
    record = EffectRecord(path)
    record.append(ENTRY)

    assert record.append(replace(ENTRY, at="later", version="v1.2.1")) == ENTRY

    assert record.entries() == (ENTRY,)


def test_one_key_may_stand_for_two_kinds_of_action(path):
    record = EffectRecord(path)
    restart = replace(ENTRY, action="restart")
    record.append(ENTRY)

    assert record.append(restart) == restart

    assert record.entries() == (ENTRY, restart)


def test_many_who_append_at_once_do_not_lose_or_double_a_line(path):
    entries = [replace(ENTRY, key=f"k{n % 10}") for n in range(40)]

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda entry: EffectRecord(path).append(entry), entries))

    assert sorted(e.key for e in EffectRecord(path).entries()) == [f"k{n}" for n in range(10)]


def test_half_a_line_that_a_dying_machine_left_does_not_count_and_is_replaced(path):
    record = EffectRecord(path)
    record.append(ENTRY)
    with path.open("a") as file:
        file.write('{"at": "2026-01-0')

    assert record.entries() == (ENTRY,)
    other = record.append(replace(ENTRY, key="k2"))

    assert record.entries() == (ENTRY, other)


def test_a_file_that_is_not_there_has_no_entries(path):
    assert EffectRecord(path).entries() == ()
