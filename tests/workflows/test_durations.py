"""Durations are read as people write them, and written as they are read."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st
import pytest

from workflows.durations import LONGEST, parse, text_of


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("500ms", timedelta(milliseconds=500)),
        ("30s", timedelta(seconds=30)),
        ("10m", timedelta(minutes=10)),
        ("4h", timedelta(hours=4)),
        ("3d", timedelta(days=3)),
        ("1h30m", timedelta(minutes=90)),
        ("0s", timedelta()),
    ],
)
def test_a_duration_is_a_number_and_a_unit(text: str, expected: timedelta):
    assert parse(text) == expected


@pytest.mark.parametrize(
    "text", ["", "10", "m", "1.5h", "-1s", "10 m", "30m1h", "1w", "٣s", "9" * 50]
)
def test_what_is_no_duration_is_refused_in_a_sentence(text: str):
    with pytest.raises(ValueError, match="is no duration; write 500ms, 30s, 10m, 4h or 3d"):
        parse(text)


@pytest.mark.parametrize("text", ["367d", "99999999999999999999999d", "366d1ms"])
def test_nothing_waits_longer_than_a_year(text: str):
    with pytest.raises(ValueError, match="longer than a year"):
        parse(text)


@given(st.integers(0, LONGEST // timedelta(milliseconds=1)))
def test_what_is_written_is_read_again(milliseconds: int):
    duration = timedelta(milliseconds=milliseconds)

    assert parse(text_of(duration)) == duration
