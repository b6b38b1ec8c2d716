"""A reminder's words: whom, of what, when."""

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st
import pytest

from domain.errors import BadArguments
from workflows.reminder_text import read_reminder

NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
BERLIN = "Europe/Berlin"


@pytest.mark.parametrize(
    ("line", "is_for_all", "text", "when"),
    [
        (
            "me to check INC-42 follow-ups in 3 days",
            False,
            "check INC-42 follow-ups",
            "11-28 13:00",
        ),
        ("me in 3 days to check INC-42", False, "check INC-42", "11-28 13:00"),
        ("me to call at 5 in 2 hours", False, "call at 5", "11-25 15:00"),
        ("me Breathe! tomorrow", False, "Breathe!", "11-26 09:00"),
        ("me to submit it by friday", False, "submit it", "11-27 09:00"),
        (
            "me that the freeze ends on 2026-12-01 at 07:30",
            False,
            "the freeze ends",
            "12-01 07:30",
        ),
        ("me to look at 14:30 tomorrow", False, "look", "11-26 14:30"),
        ("this channel to vote in 10 minutes", True, "vote", "11-25 13:10"),
        ("us of the retro at 16:00", True, "the retro", "11-25 16:00"),
        ("to breathe in 1 hour", False, "breathe", "11-25 14:00"),
        ("me to greet Tokyo at 10:00 Asia/Tokyo", False, "greet Tokyo", "11-26 10:00"),
    ],
)
def test_what_people_write_is_understood(line, is_for_all, text, when):
    asked = read_reminder(line, zone=BERLIN, now=NOW)

    assert (asked.is_for_all, asked.text) == (is_for_all, text)
    assert asked.when.text == f"at 2026-{when}"


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("", "When do you want"),
        ("me", "When do you want"),
        ("me to breathe", "When do you want"),
        ("me in 3 days", "Of what"),
        ("me to in 3 days", "Of what"),
        ("me to breathe at 2020-01-01 07:30", "is over"),
        ("me to breathe in 9 years", "When do you want"),
        ("me to breathe in 999 weeks", "two years"),
    ],
)
def test_a_reminder_of_nothing_or_never_is_refused(line, problem):
    with pytest.raises(BadArguments) as refused:
        read_reminder(line, zone=BERLIN, now=NOW)

    assert problem in refused.value.words


@given(st.text(max_size=80))
def test_whatever_is_typed_is_understood_or_refused(line):
    try:
        asked = read_reminder(line, zone=BERLIN, now=NOW)
    except BadArguments:
        return
    assert asked.text
    assert asked.when.at > NOW
