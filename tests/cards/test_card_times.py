"""Times as people say them."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from cards.times import deadline, duration, moment

BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 11, 24, 13, 20, tzinfo=UTC)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (-3, "under 1 s"),
        (0.4, "under 1 s"),
        (1, "1 s"),
        (48.9, "48 s"),
        (60, "1 min"),
        (72, "1 min 12 s"),
        (3600, "1 h"),
        (2 * 3600 + 5 * 60 + 7, "2 h 5 min"),
        (86400 + 3600, "1 d 1 h"),
    ],
)
def test_a_duration_is_said_in_its_two_largest_units(seconds, words):
    assert duration(timedelta(seconds=seconds)) == words


@pytest.mark.parametrize(
    ("minutes", "words"),
    [
        (12, "14:32 CET, in 12 min"),
        (0.5, "14:20 CET, in under 1 min"),
        (-3, "14:17 CET, 3 min ago"),
        (180, "17:20 CET, in 3 h"),
        (60 * 24 * 3, "27 Nov 14:20 CET, in 3 d"),
    ],
)
def test_a_deadline_is_absolute_with_its_zone_and_relative(minutes, words):
    assert deadline(NOW + timedelta(minutes=minutes), now=NOW, zone=BERLIN) == words


def test_the_day_is_said_where_it_is_another_one_for_the_reader():
    late = datetime(2026, 11, 24, 23, 30, tzinfo=UTC)

    assert moment(late, now=NOW, zone=BERLIN) == "25 Nov 00:30"
    assert moment(late, now=NOW, zone=UTC) == "23:30"
