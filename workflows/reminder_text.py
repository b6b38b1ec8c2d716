"""A reminder in the words that people write: `me to check INC-42 in 3 days`.

The time stands at the end or at the beginning. Of a day without a time it is the morning.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time

from domain.errors import BadArguments
from domain.schedule import When
from workflows.when_text import NotATime, once, split_zone

HOW_TO = "Write such as `remind me to check INC-42 in 3 days`, or `… at 2026-12-01 07:30`."

MORNING = time(9)
"""When one is reminded on a day that is named without a time."""

_MOST_WORDS_OF_A_TIME = 6
_TO_ALL = (
    ("this", "channel"),
    ("this", "chat"),
    ("this", "thread"),
    ("the", "channel"),
    ("channel",),
    ("everybody",),
    ("us",),
)
_TO_ME = (("me",),)
_BETWEEN = frozenset({"to", "that", "of", "about"})
_BEFORE_A_TIME = frozenset({"by", "on", "at"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Reminding:
    """What somebody asked to be reminded of."""

    is_for_all: bool
    text: str
    when: When


def read_reminder(line: str, *, zone: str, now: datetime) -> Reminding:
    """What *line*, without the word that calls the command, asks for; in *zone*.

    Raises:
        BadArguments: it says not of what, or not when.
    """
    words = line.split()
    for names, is_for_all in ((_TO_ME, False), (_TO_ALL, True)):
        for name in names:
            if [each.lower() for each in words[: len(name)]] == list(name):
                text, when = _told(words[len(name) :], zone, now)
                return Reminding(is_for_all=is_for_all, text=text, when=when)
    text, when = _told(words, zone, now)
    return Reminding(is_for_all=False, text=text, when=when)


def _told(words: Sequence[str], zone: str, now: datetime) -> tuple[str, When]:
    """The words of the reminder, and its time: the longest that stands at one of the ends.

    Raises:
        BadArguments: there is no time, or none that will do; or no words.
    """
    for length in range(min(_MOST_WORDS_OF_A_TIME, len(words)), 0, -1):
        for time_words, rest in (
            (words[-length:], words[:-length]),
            (words[:length], words[length:]),
        ):
            try:
                when = _time(time_words, zone, now)
            except NotATime:
                continue
            return _tidied(rest), when
    raise BadArguments("When do you want to be reminded?", hint=HOW_TO)


def _time(words: Sequence[str], zone: str, now: datetime) -> When:
    said, its_zone = split_zone(words, zone)
    return once(said, zone=its_zone, now=now, usual=MORNING)


def _tidied(words: Sequence[str]) -> str:
    left = list(words)
    if left and left[0].lower() in _BETWEEN:
        left = left[1:]
    if left and left[-1].lower() in _BEFORE_A_TIME:
        left = left[:-1]
    if not left:
        raise BadArguments("Of what do you want to be reminded?", hint=HOW_TO)
    return " ".join(left)
