"""How long: `500ms`, `30s`, `10m`, `4h`, `3d`, and several of them in one: `1h30m`."""

from datetime import timedelta
import re

_UNITS = {
    "d": timedelta(days=1),
    "h": timedelta(hours=1),
    "m": timedelta(minutes=1),
    "s": timedelta(seconds=1),
    "ms": timedelta(milliseconds=1),
}
_DURATION = re.compile(
    r"(?:([0-9]+)d)?(?:([0-9]+)h)?(?:([0-9]+)m(?!s))?(?:([0-9]+)s)?(?:([0-9]+)ms)?"
)
_LONGEST_TEXT = 40

LONGEST = timedelta(days=366)
"""Nothing waits longer than a year."""


def parse(text: str) -> timedelta:
    """The duration that *text* says, at most `LONGEST`.

    Raises:
        ValueError: it says none; the message is a sentence.
    """
    match = _DURATION.fullmatch(text) if 0 < len(text) <= _LONGEST_TEXT else None
    if match is None:
        shown = text[:_LONGEST_TEXT]
        raise ValueError(f"`{shown}` is no duration; write 500ms, 30s, 10m, 4h or 3d.")
    total = timedelta()
    for count, unit in zip(match.groups(), _UNITS.values(), strict=True):
        if count and int(count) > LONGEST / unit:
            raise ValueError(f"`{text}` is longer than a year.")
        total += int(count or 0) * unit
    if total > LONGEST:
        raise ValueError(f"`{text}` is longer than a year.")
    return total


def text_of(duration: timedelta) -> str:
    """*duration*, to the millisecond, as `parse` reads it: `1h30m`; `0s` for none."""
    left = duration
    parts = []
    for name, unit in _UNITS.items():
        count, left = divmod(left, unit)
        if count:
            parts.append(f"{count}{name}")
    return "".join(parts) or "0s"
