"""When things are due: the words, the moments, and what clocks do to them twice a year."""

from datetime import UTC, datetime, timedelta
from itertools import islice, pairwise
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st
import pytest

from domain.errors import BadArguments
from domain.schedule import When
from workflows.when import check_cron, last_within, moment_of, next_after, upcoming
from workflows.when_text import read_when

NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)  # a Wednesday, 13:00 in Berlin
BERLIN, NEW_YORK = "Europe/Berlin", "America/New_York"


def cron(expression: str, zone: str) -> When:
    return When(text=f"cron {expression}", zone=zone, cron=expression)


def local(when: When, after: datetime, count: int) -> list[str]:
    """The next times on the clock, with their distance from UTC."""
    zone = ZoneInfo(when.zone)
    return [
        each.astimezone(zone).strftime("%d %H:%M%z")
        for each in islice(upcoming(when, after), count)
    ]


# -- words ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "usual", "zone", "first"),
    [
        ("every tue 07:30 Europe/Berlin", "every tue 07:30", BERLIN, "2026-12-01T06:30"),
        ("every Tuesday at 7:30 europe/berlin", "every tuesday 07:30", BERLIN, "2026-12-01T06:30"),
        ("every day 12:59", "every day 12:59", BERLIN, "2026-11-26T11:59"),
        ("every weekday at 08:00", "every weekday 08:00", BERLIN, "2026-11-26T07:00"),
        ("every weekend 08:00", "every weekend 08:00", BERLIN, "2026-11-28T07:00"),
        ("every mon,thu 08:00", "every mon,thu 08:00", BERLIN, "2026-11-26T07:00"),
        ("every fri-mon 08:00", "every fri-mon 08:00", BERLIN, "2026-11-27T07:00"),
        ("every month on the 1st at 07:30", "every month on 1 07:30", BERLIN, "2026-12-01T06:30"),
        (
            "every month on the last day 07:30",
            "every month on last 07:30",
            BERLIN,
            "2026-11-30T06:30",
        ),
        ("every 15 minutes", "every 15 min", BERLIN, "2026-11-25T12:15"),
        ("every 15m", "every 15 min", BERLIN, "2026-11-25T12:15"),
        ("every hour", "every 1 h", BERLIN, "2026-11-25T13:00"),
        ("every 6 hours", "every 6 h", BERLIN, "2026-11-25T17:00"),
        ("cron 30 7 * * 2", "cron 30 7 * * 2", BERLIN, "2026-12-01T06:30"),
        ("cron 30 7 * * tue America/New_York", "cron 30 7 * * TUE", NEW_YORK, "2026-12-01T12:30"),
        ("at 2026-12-01 07:30", "at 2026-12-01 07:30", BERLIN, "2026-12-01T06:30"),
        ("2026-12-01T07:30 UTC", "at 2026-12-01 07:30", "UTC", "2026-12-01T07:30"),
        ("at 07:30 on 2026-12-01", "at 2026-12-01 07:30", BERLIN, "2026-12-01T06:30"),
        ("at 14:00", "at 2026-11-25 14:00", BERLIN, "2026-11-25T13:00"),
        ("at 12:00", "at 2026-11-26 12:00", BERLIN, "2026-11-26T11:00"),
        ("tomorrow at 07:30", "at 2026-11-26 07:30", BERLIN, "2026-11-26T06:30"),
        ("on fri 07:30", "at 2026-11-27 07:30", BERLIN, "2026-11-27T06:30"),
        ("wed 07:30", "at 2026-12-02 07:30", BERLIN, "2026-12-02T06:30"),
        ("in 3 days", "at 2026-11-28 13:00", BERLIN, "2026-11-28T12:00"),
        ("in 2h30m", "at 2026-11-25 15:30", BERLIN, "2026-11-25T14:30"),
        ("in 90 minutes", "at 2026-11-25 14:30", BERLIN, "2026-11-25T13:30"),
        ("in 5 s", "at 2026-11-25 13:00:05", BERLIN, "2026-11-25T12:00:05"),
    ],
)
def test_what_people_write_is_understood(text, usual, zone, first):
    when = read_when(text, zone=BERLIN, now=NOW)

    due = next_after(when, NOW)
    assert (when.text, when.zone, due) == (usual, zone, datetime.fromisoformat(f"{first}+00:00"))
    again = read_when(f"{when.text} {when.zone}", zone="UTC", now=NOW)
    assert next_after(again, NOW) == due  # the usual form says the same


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "When is that to be?"),
        ("soon", "I do not know when `soon` is"),
        ("every", "I do not know when `every` is"),
        ("every full moon", "I do not know when `every full moon` is"),
        ("every tue", "At what time of the day?"),
        ("every tue 24:00", "At what time of the day?"),
        ("every tue 07:30:15", "At what time of the day?"),
        ("every 7 minutes", "does not come out even"),
        ("every 0 minutes", "does not come out even"),
        ("every 5 hours", "does not come out even"),
        ("every month on 32 07:30", "On which day of the month?"),
        ("every tue 07:30 Europe/Berln", "Did you mean `Europe/Berlin`?"),
        ("cron 30 7 * *", "five fields"),
        ("cron 30 7 * * 2 UTC UTC", "a time zone, and nothing else"),
        ("cron 61 7 * * 2", "minute makes no sense"),
        ("cron 0 0 31 2 *", "day-of-month makes no sense"),
        ("cron */0 * * * *", "minute makes no sense"),
        ("cron 30 7 * * ${x}", "five fields"),
        ("at 2026-02-30 07:30", "There is no day 2026-02-30"),
        ("at 2026-11-25 12:00", "is over"),
        ("at 07:30 08:30", "I do not know when"),
        ("in 0 seconds", "is over"),
        ("in 800 days", "two years"),
        ("at 9999-12-31 23:59 America/New_York", "too far away"),
        ("at 0001-01-01 00:00", "is over, or too far away"),
        ("at 2031-01-01 07:30", "two years"),
        ("in 999999 weeks", "two years"),
        ("x" * 200, "When is that to be?"),
    ],
)
def test_what_says_no_moment_is_refused_with_a_sentence(text, problem):
    with pytest.raises(BadArguments) as refused:
        read_when(text, zone=BERLIN, now=NOW)

    assert problem in refused.value.words


@given(st.text(max_size=60))
def test_whatever_is_typed_is_understood_or_refused(text):
    try:
        when = read_when(text, zone=BERLIN, now=NOW)
    except BadArguments:
        return
    assert next_after(when, NOW) is not None


@given(st.lists(st.text("0123456789*,-/LW#?", max_size=8), min_size=5, max_size=5))
def test_whatever_looks_like_cron_is_checked(fields):
    try:
        expression = check_cron(" ".join(fields))
    except BadArguments:
        return
    assert next_after(cron(expression, BERLIN), NOW) is not None


# -- clocks that change -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("zone", "expression", "before", "due"),
    [
        # Berlin, 29 March 2026: 02:00 is 03:00. What does not exist runs once, after the gap.
        (BERLIN, "30 2 * * *", (2026, 3, 28), ["28 02:30+0100", "29 03:00+0200", "30 02:30+0200"]),
        (BERLIN, "15,45 2 * * *", (2026, 3, 29), ["29 03:00+0200", "30 02:15+0200"]),
        (BERLIN, "0 2,3 * * *", (2026, 3, 29), ["29 03:00+0200", "30 02:00+0200"]),
        # Berlin, 25 October 2026: 03:00 is 02:00. What exists twice runs once, the first time.
        (
            BERLIN,
            "30 2 * * *",
            (2026, 10, 24),
            ["24 02:30+0200", "25 02:30+0200", "26 02:30+0100"],
        ),
        # New York, 8 March and 1 November 2026: an hour earlier, and the same.
        (
            NEW_YORK,
            "30 2 * * *",
            (2026, 3, 7),
            ["07 02:30-0500", "08 03:00-0400", "09 02:30-0400"],
        ),
        (
            NEW_YORK,
            "30 1 * * *",
            (2026, 10, 31),
            ["31 01:30-0400", "01 01:30-0400", "02 01:30-0500"],
        ),
        # What goes by time that passes loses nothing, and is due in both of two equal hours.
        (BERLIN, "*/30 * * * *", (2026, 3, 29, 1, 15), ["29 01:30+0100", "29 03:00+0200"]),
        (
            BERLIN,
            "*/30 * * * *",
            (2026, 10, 25, 2, 15),
            ["25 02:30+0200", "25 02:00+0100", "25 02:30+0100", "25 03:00+0100"],
        ),
    ],
)
def test_a_time_that_is_not_or_is_twice_counts_once(zone, expression, before, due):
    after = datetime(*before, tzinfo=ZoneInfo(zone)).astimezone(UTC)

    assert local(cron(expression, zone), after, len(due)) == due


def test_in_the_second_of_two_equal_hours_the_first_is_past():
    second = datetime(2026, 10, 25, 2, 10, fold=1, tzinfo=ZoneInfo(BERLIN)).astimezone(UTC)

    assert local(cron("30 2 * * *", BERLIN), second, 1) == ["26 02:30+0100"]


@pytest.mark.parametrize(
    ("zone", "shown", "moment"),
    [
        (BERLIN, "2026-03-29T02:30", "2026-03-29T01:00"),  # there is no 02:30: 03:00 CEST
        (BERLIN, "2026-10-25T02:30", "2026-10-25T00:30"),  # the first 02:30, CEST
        (NEW_YORK, "2026-03-08T02:30", "2026-03-08T07:00"),
        (NEW_YORK, "2026-11-01T01:30", "2026-11-01T05:30"),
        ("Australia/Lord_Howe", "2026-10-04T02:15", "2026-10-03T15:30"),  # half an hour's gap
    ],
)
def test_what_is_due_once_follows_the_same_rules(zone, shown, moment):
    found = moment_of(datetime.fromisoformat(shown), ZoneInfo(zone))

    assert found == datetime.fromisoformat(f"{moment}+00:00")


def test_days_keep_the_time_on_the_clock_and_hours_do_not():
    before = datetime(2026, 10, 24, 10, 0, tzinfo=UTC)  # 12:00 CEST, a day before it ends

    days = read_when("in 2 days", zone=BERLIN, now=before)
    hours = read_when("in 48 hours", zone=BERLIN, now=before)

    assert (days.text, hours.text) == ("at 2026-10-26 12:00", "at 2026-10-26 11:00")


fields = st.sampled_from(["*", "*/7", "0", "30", "59", "15,45", "0-30/10"])
hours = st.sampled_from(["*", "*/2", "0", "1", "2", "3", "2,3", "1-3", "23"])
moments = st.datetimes(
    datetime(2026, 1, 1),  # noqa: DTZ001 - hypothesis adds the zone
    datetime(2027, 12, 31),  # noqa: DTZ001 - the same
    timezones=st.just(UTC),
)
zones = st.sampled_from([BERLIN, NEW_YORK, "UTC", "Australia/Lord_Howe", "Asia/Kathmandu"])


@given(
    minute=fields,
    hour=hours,
    day=st.sampled_from(["*", "1", "L", "29"]),
    after=moments,
    zone=zones,
)
def test_times_strictly_increase_and_follow_from_one_another(minute, hour, day, after, zone):
    when = cron(f"{minute} {hour} {day} * *", zone)

    due = list(islice(upcoming(when, after), 6))

    assert all(one < other for one, other in pairwise([after, *due]))
    assert next_after(when, due[2]) == due[3]  # it hangs on the moment alone
    assert next_after(when, due[0] - timedelta(seconds=1)) == due[0]


@settings(max_examples=20)
@given(after=moments, zone=zones)
def test_each_day_has_one_of_a_daily_time(after, zone):
    days = [
        each.astimezone(ZoneInfo(zone)).date()
        for each in islice(upcoming(cron("30 2 * * *", zone), after), 300)
    ]

    assert all(other - one == timedelta(days=1) for one, other in pairwise(days))


def test_of_what_was_missed_the_last_is_found():
    hourly = cron("0 * * * *", "UTC")
    first = NOW - timedelta(hours=30)

    def last(since: timedelta) -> datetime | None:
        return last_within(hourly, first, NOW - since, NOW + timedelta(minutes=5))

    assert last(timedelta(hours=2)) == NOW
    assert last(timedelta()) is None
    assert last_within(hourly, NOW, NOW - timedelta(hours=9), NOW) == NOW
