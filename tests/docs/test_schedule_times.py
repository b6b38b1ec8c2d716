"""What the reference says of schedules is what the code does."""

from datetime import UTC, datetime
from pathlib import Path
import re

import pytest

from domain.schedule import TRANSITIONS
from workflows.when import next_after
from workflows.when_text import read_when

PAGE = (Path(__file__).parents[2] / "docs" / "reference" / "schedules.md").read_text("utf-8")
NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
TIMES = [
    line
    for row in PAGE.partition("## Times")[2].partition("## When")[0].splitlines()
    if row.startswith("| `")
    for line in re.findall(r"`([a-z]+ [^`]+)`", row)
    if line not in {"every weekday", "every weekend"}
]
CLOCKS = [
    ("Europe/Berlin", "every day 02:30", "2027-03-28T01:00"),
    ("Europe/Berlin", "every day 02:30", "2027-10-31T00:30"),
    ("America/New_York", "every day 02:30", "2027-03-14T07:00"),
    ("America/New_York", "every day 01:30", "2027-11-07T05:30"),
]


@pytest.mark.parametrize("text", TIMES)
def test_what_the_page_writes_is_understood(text):
    when = read_when(text, zone="Europe/Berlin", now=NOW)

    assert next_after(when, NOW) is not None


@pytest.mark.parametrize(("zone", "text", "due"), CLOCKS)
def test_the_examples_of_clocks_that_change_are_right(zone, text, due):
    moment = datetime.fromisoformat(f"{due}+00:00")
    eve = moment.replace(hour=0, minute=0)

    assert next_after(read_when(text, zone=zone, now=NOW), eve) == moment


def test_every_state_is_told_with_what_follows():
    told = PAGE.partition("## States")[2].partition("## Audit")[0]

    for state, moves in TRANSITIONS.items():
        happens = ", ".join(f"{event} → `{following}`" for event, following in moves.items())
        assert re.search(rf"^\| `{state}` \|[^|]*\| {happens or 'nothing'}", told, re.MULTILINE)
