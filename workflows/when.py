"""The moments at which something is due, by the rule and the time zone of a `When`.

Where clocks are put forward or back, a time on the clock may be none, or two. What is due at a
fixed time is due once either way: right after the gap, and at the first of the two. A cron line
whose minute or hour begins with `*` goes by time that passes: it loses nothing, and may be due
in both of two equal hours. These are the rules of Debian's cron, and cronsim's to keep.
https://manpages.debian.org/cron.8
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
import re
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

from domain.errors import BadArguments
from domain.schedule import When

_CRON_FIELDS = 5
_FIELD = re.compile(r"[0-9A-Z*,/#-]{1,60}")
_LOOK_BACK = timedelta(seconds=1)


def check_cron(expression: str) -> str:
    """*expression* in its usual form: five fields, one space between them.

    Raises:
        BadArguments: it is none, or is never due.
    """
    fields = expression.upper().split()
    if len(fields) != _CRON_FIELDS or not all(map(_FIELD.fullmatch, fields)):
        raise BadArguments(
            "A cron line has five fields: minute, hour, day of the month, month, day of the week.",
            hint="Write such as `cron 30 7 * * 2`, Tuesdays at 07:30.",
        )
    text = " ".join(fields)
    try:
        found = next(CronSim(text, datetime(2000, 1, 1, tzinfo=UTC)), None)
    except (CronSimError, ValueError) as error:
        what = str(error).removeprefix("Bad ") or "line"
        raise BadArguments(f"That cron line's {what} makes no sense.") from error
    if found is None:
        raise BadArguments("That cron line is never due.")
    return text


def next_after(when: When, moment: datetime) -> datetime | None:
    """The first moment after *moment* at which *when* is due, in UTC; None where there is none."""
    if not when.cron:
        return when.at if when.at is not None and when.at > moment else None
    for found in CronSim(when.cron, moment.astimezone(ZoneInfo(when.zone))):
        due = found.astimezone(UTC)
        if due > moment:  # in the second of two equal hours it begins with the first
            return due
    return None


def upcoming(when: When, moment: datetime) -> Iterator[datetime]:
    """All moments after *moment* at which *when* is due, the nearest first."""
    due = next_after(when, moment)
    while due is not None:
        yield due
        due = next_after(when, due)


def last_within(when: When, first: datetime, since: datetime, until: datetime) -> datetime | None:
    """The last moment after *since* and not after *until* at which *when* is due.

    None is before *first*, at which it is due, and None comes back where there is none.
    """
    found = None
    for due in upcoming(when, max(since, first - _LOOK_BACK)):
        if due > until:
            break
        found = due
    return found


def moment_of(local: datetime, zone: ZoneInfo) -> datetime:
    """The moment, in UTC, at which clocks in *zone* show *local*, which has no zone.

    Where they never do, it is the first one after the gap; where they do twice, the first.
    """
    shown = local.replace(tzinfo=zone, fold=0)
    while shown.astimezone(UTC).astimezone(zone).replace(tzinfo=None) != shown.replace(
        tzinfo=None
    ):
        shown = (shown.replace(tzinfo=None, second=0) + timedelta(minutes=1)).replace(tzinfo=zone)
    return shown.astimezone(UTC)
