"""When something is due, in the words that people write.

    every tue 07:30 Europe/Berlin      every mon-fri at 18:00      every 15 minutes
    cron 30 7 * * 2                    at 2026-12-01 07:30         in 3 days

A time zone may end it; without one, it is the one that the caller has.
"""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
import re
from zoneinfo import ZoneInfo

from domain.errors import BadArguments
from domain.schedule import When
from workflows.durations import parse as parse_duration
from workflows.values import shown
from workflows.when import check_cron, moment_of
from workflows.zones import zone as zone_of
from workflows.zones import zone_called

FARTHEST = timedelta(days=2 * 366)
"""What is due once is due within two years."""

HOW_TO = (
    "Write such as `every tue 07:30`, `every 15 minutes`, `cron 30 7 * * 2`,"
    " `at 2026-12-01 07:30` or `in 3 days`; a time zone may follow."
)
_LONGEST = 120

_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_IN_CRON = ("MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN")
_SETS = {"day": "*", "weekday": "MON-FRI", "weekdays": "MON-FRI", "weekend": "SAT,SUN"}
_FILLERS = frozenset({"at", "on", "the"})
_CLOCK = re.compile(r"([01]?[0-9]|2[0-3]):([0-5][0-9])(?::([0-5][0-9]))?")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_DAY_OF_MONTH = re.compile(r"([12]?[0-9]|3[01])(?:st|[nr]d|th)?")
_COUNTED = re.compile(r"([0-9]{1,6}) ?([a-z]+)")
_UNITS = {
    **dict.fromkeys(("s", "sec", "secs", "second", "seconds"), timedelta(seconds=1)),
    **dict.fromkeys(("m", "min", "mins", "minute", "minutes"), timedelta(minutes=1)),
    **dict.fromkeys(("h", "hour", "hours"), timedelta(hours=1)),
    **dict.fromkeys(("d", "day", "days"), timedelta(days=1)),
    **dict.fromkeys(("w", "week", "weeks"), timedelta(weeks=1)),
}
_YEARS = 1970, 9000
_MINUTES_OF_AN_HOUR, _HOURS_OF_A_DAY = 60, 24


class NotATime(BadArguments):
    """The words are none that say when."""

    def __init__(self, words: str) -> None:
        super().__init__(f"I do not know when {shown(words)} is.", hint=HOW_TO)


def read_when(text: str, *, zone: str, now: datetime) -> When:
    """What *text* says, in *zone* unless it names another.

    Raises:
        BadArguments: it says nothing that could be due.
    """
    words: Sequence[str] = text.split()
    if not words or len(text) > _LONGEST:
        raise BadArguments("When is that to be?", hint=HOW_TO)
    if words[0].lower() == "cron":
        return _cron(words[1:], zone)
    words, zone = _without_zone(words, zone)
    words = [each.lower() for each in words]
    if words and words[0] == "every":
        return _every(words[1:], zone)
    return once(words, zone=zone, now=now)


def once(words: Sequence[str], *, zone: str, now: datetime, usual: time | None = None) -> When:
    """What *words*, in lower case and without a zone, say of one moment.

    *usual* is the time of a day that is named without one; None: it must be named.

    Raises:
        BadArguments: they say none, or one that is over, or is years away.
    """
    at = _moment(words, zone, now, usual)
    if at <= now:
        raise BadArguments("That moment is over.", hint="Name one that is still to come.")
    if at - now > FARTHEST:
        raise BadArguments("That is more than two years away.")
    local = at.astimezone(ZoneInfo(zone))
    shown = f"{local:%Y-%m-%d %H:%M:%S}" if local.second else f"{local:%Y-%m-%d %H:%M}"
    return When(text=f"at {shown}", zone=zone, at=at)


def split_zone(words: Sequence[str], zone: str) -> tuple[list[str], str]:
    """*words* in lower case without the time zone at their end, and that zone; else *zone*."""
    named = zone_called(words[-1]) if len(words) > 1 else None
    return [each.lower() for each in (words[:-1] if named else words)], named or zone


def _without_zone(words: Sequence[str], zone: str) -> tuple[Sequence[str], str]:
    """As `split_zone`, but what looks like a zone must be one.

    Raises:
        BadArguments: there is none of that name.
    """
    last = words[-1]
    is_zone = "/" in last or zone_called(last) is not None
    if len(words) == 1 or not is_zone:
        return words, zone
    return words[:-1], zone_of(last).key


# -- again and again --------------------------------------------------------------------------


def _cron(words: Sequence[str], zone: str) -> When:
    fields, rest = words[:5], words[5:]
    if len(rest) > 1:
        raise BadArguments("A cron line is followed by a time zone, and nothing else.")
    expression = check_cron(" ".join(fields))
    return When(
        text=f"cron {expression}", zone=zone_of(rest[0]).key if rest else zone, cron=expression
    )


def _every(words: Sequence[str], zone: str) -> When:
    """What follows `every`."""
    said = [each for each in words if each not in _FILLERS]
    if said and said[0] == "month":
        return _monthly(said[1:], zone)
    if said and (days := _days(said[0])):
        hour, minute = _hour_and_minute(said[1:])
        return When(
            text=f"every {said[0]} {hour:02}:{minute:02}",
            zone=zone,
            cron=check_cron(f"{minute} {hour} * * {days}"),
        )
    return _stepped(" ".join(said), zone)


def _monthly(words: Sequence[str], zone: str) -> When:
    found = _DAY_OF_MONTH.fullmatch(words[0]) if words else None
    is_last = bool(words) and words[0] == "last"
    if found is None and not is_last:
        raise BadArguments(
            "On which day of the month?", hint="Write such as `every month on 1 at 07:30`."
        )
    day = "L" if found is None else str(int(found[1]))
    hour, minute = _hour_and_minute(words[2:] if is_last and words[1:2] == ["day"] else words[1:])
    return When(
        text=f"every month on {'last' if is_last else day} {hour:02}:{minute:02}",
        zone=zone,
        cron=check_cron(f"{minute} {hour} {day} * *"),
    )


def _stepped(text: str, zone: str) -> When:
    """`15 minutes`, `hour`, `2 hours`: by time that passes."""
    match = _COUNTED.fullmatch(text) or _COUNTED.fullmatch(f"1 {text}")
    unit = _UNITS.get(match[2]) if match else None
    count = int(match[1]) if match else 0
    if unit == timedelta(minutes=1) and count and _MINUTES_OF_AN_HOUR % count == 0:
        step = "*" if count == 1 else f"*/{count}"
        shown, expression = f"{count} min", f"{step} * * * *" if count < 60 else "0 * * * *"  # noqa: PLR2004 - an hour
    elif unit == timedelta(hours=1) and count and _HOURS_OF_A_DAY % count == 0:
        step = "*" if count == 1 else f"*/{count}"
        shown, expression = f"{count} h", f"0 {step} * * *" if count < 24 else "0 0 * * *"  # noqa: PLR2004 - a day
    elif match and unit:
        raise BadArguments(
            f"`every {text}` does not come out even.",
            hint="Minutes divide an hour, hours a day; for the rest there are days and times.",
        )
    else:
        raise NotATime(f"every {text}".strip())
    return When(text=f"every {shown}", zone=zone, cron=check_cron(expression))


def _days(word: str) -> str:
    """The days of the week that *word* names, as cron has them; empty where it names none."""
    if word in _SETS:
        return _SETS[word]
    named: list[str] = []
    for part in word.split(","):
        ends = [_day(each) for each in part.split("-")]
        if not 1 <= len(ends) <= 2 or None in ends:  # noqa: PLR2004 - from, to
            return ""
        first, last = ends[0] or 0, ends[-1] or 0
        span = range(first, last + 1) if first <= last else [*range(first, 7), *range(last + 1)]
        named += [_IN_CRON[each] for each in span]
    return ",".join(dict.fromkeys(named))


def _day(word: str) -> int | None:
    """Monday is 0; None for what is no day."""
    shortest = 3
    found = [number for number, name in enumerate(_DAYS) if name.startswith(word)]
    return found[0] if len(word) >= shortest and found else None


def _hour_and_minute(words: Sequence[str]) -> tuple[int, int]:
    clock = _clock(words[0]) if len(words) == 1 else None
    if clock is None or clock.second:
        raise BadArguments(
            "At what time of the day?", hint="Write such as `every tue 07:30`, with a zone or not."
        )
    return clock.hour, clock.minute


# -- once -------------------------------------------------------------------------------------


def _moment(words: Sequence[str], zone: str, now: datetime, usual: time | None) -> datetime:
    if words and words[0] == "in":
        return _from_now(" ".join(words[1:]), zone, now)
    said = [part for word in words if word not in _FILLERS for part in _parted(word)]
    clocks = [each for each in map(_clock, said) if each is not None]
    local = now.astimezone(ZoneInfo(zone))
    dates = [each for each in (_date(word, local.date()) for word in said) if each is not None]
    is_all = len(clocks) + len(dates) == len(said)
    clock = clocks[0] if clocks else usual
    if not is_all or len(clocks) > 1 or len(dates) > 1 or not said or clock is None:
        raise NotATime(" ".join(words))
    day = dates[0] if dates else local.date()
    at = moment_of(datetime.combine(day, clock), ZoneInfo(zone))
    if at <= now and (not dates or _is_weekday(said)):
        further = timedelta(days=7 if dates else 1)
        at = moment_of(datetime.combine(day + further, clock), ZoneInfo(zone))
    return at


def _from_now(text: str, zone: str, now: datetime) -> datetime:
    """`3 days` keeps the time on the clock; `2h30m` is as long as it says."""
    match = _COUNTED.fullmatch(text)
    unit = _UNITS.get(match[2]) if match else None
    if match is None or unit is None:
        try:
            return now + parse_duration(text)
        except ValueError:
            raise NotATime(f"in {text}".strip()) from None
    length = int(match[1]) * unit
    if length > FARTHEST:
        raise BadArguments("That is more than two years away.")
    if unit < timedelta(days=1):
        return now + length
    local = now.astimezone(ZoneInfo(zone)).replace(tzinfo=None)
    return moment_of(local + length, ZoneInfo(zone)).astimezone(UTC)


def _parted(word: str) -> list[str]:
    """`2026-12-01T07:30` as two words."""
    return word.split("t") if _DATE.match(word) and "t" in word else [word]


def _clock(word: str) -> time | None:
    match = _CLOCK.fullmatch(word)
    return time(int(match[1]), int(match[2]), int(match[3] or 0)) if match else None


def _date(word: str, today: date) -> date | None:
    if word in {"today", "tomorrow"}:
        return today + timedelta(days=word == "tomorrow")
    if (day := _day(word)) is not None:
        return today + timedelta(days=(day - today.weekday()) % 7)
    if not _DATE.fullmatch(word):
        return None
    try:
        named = date.fromisoformat(word)
    except ValueError:
        raise BadArguments(f"There is no day {word}.") from None
    if not _YEARS[0] <= named.year <= _YEARS[1]:  # at the ends of time there is none in UTC
        raise BadArguments(f"{word} is over, or too far away.")
    return named


def _is_weekday(words: Sequence[str]) -> bool:
    return any(_day(word) is not None for word in words)
