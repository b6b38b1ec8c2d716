"""Times and durations as people say them: absolute with zone, and relative."""

from datetime import datetime, timedelta, tzinfo

_MINUTE, _HOUR, _DAY = 60, 3600, 86400


def duration(length: timedelta) -> str:
    """*length* in its two largest units: "48 s", "1 min 12 s", "2 h 5 min", "3 d 4 h"."""
    seconds = max(length.total_seconds(), 0.0)
    if seconds < 1:
        return "under 1 s"
    whole = int(seconds)
    if whole < _MINUTE:
        return f"{whole} s"
    if whole < _HOUR:
        return _two(whole, _MINUTE, "min", 1, "s")
    if whole < _DAY:
        return _two(whole, _HOUR, "h", _MINUTE, "min")
    return _two(whole, _DAY, "d", _HOUR, "h")


def moment(at: datetime, *, now: datetime, zone: tzinfo) -> str:
    """*at* on the clock in *zone*: "14:02", on another day than *now* "23 Nov 14:02"."""
    local, today = at.astimezone(zone), now.astimezone(zone).date()
    return f"{local:%H:%M}" if local.date() == today else f"{local.day} {local:%b %H:%M}"


def deadline(at: datetime, *, now: datetime, zone: tzinfo) -> str:
    """*at* absolute and relative: "14:32 CET, in 12 min"."""
    return f"{with_zone(at, now=now, zone=zone)}, {relative(at, now=now)}"


def with_zone(at: datetime, *, now: datetime, zone: tzinfo) -> str:
    """*at* with the zone it is read in: "14:32 CET"."""
    return f"{moment(at, now=now, zone=zone)} {at.astimezone(zone):%Z}"


def with_offset(at: datetime, *, zone: tzinfo) -> str:
    """*at* with its day and its distance from UTC: "Tue 1 Dec 2026 07:30 UTC+01:00"."""
    local = at.astimezone(zone)
    seconds = f"{local:%H:%M:%S}" if local.second else f"{local:%H:%M}"
    offset = f"{local:%z}"
    return f"{local:%a} {local.day} {local:%b %Y} {seconds} UTC{offset[:3]}:{offset[3:5]}"


def relative(at: datetime, *, now: datetime) -> str:
    """How far *at* is from *now*: "in 12 min", "3 min ago"."""
    distance = at - now
    length = _rough(abs(distance))
    return f"in {length}" if distance > timedelta() else f"{length} ago"


def _rough(length: timedelta) -> str:
    seconds = length.total_seconds()
    if seconds < _MINUTE:
        return "under 1 min"
    if seconds < 2 * _HOUR:
        return f"{round(seconds / _MINUTE)} min"
    if seconds < 2 * _DAY:
        return f"{round(seconds / _HOUR)} h"
    return f"{round(seconds / _DAY)} d"


def _two(seconds: int, large: int, large_name: str, small: int, small_name: str) -> str:
    rest = seconds % large // small
    return f"{seconds // large} {large_name}" + (f" {rest} {small_name}" if rest else "")
