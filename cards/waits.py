"""What keeps runs from starting, in words: locks, groups, people's holds, and the halt.

Plain text: `text.escape` it before it goes into Markdown.
"""

from datetime import datetime, tzinfo

from cards.text import clean
from cards.times import deadline, moment
from cards.view import Waits
from domain.lock import Halt, Hold, Line
from domain.run import Run

_NAME_LIMIT = 40
_REASON_LIMIT = 200
_MOST_HOLDERS = 3


def wait_words(waits: Waits, run_id: str, *, now: datetime, zone: tzinfo) -> str:
    """Why it waits: "run b2c4d6e7 (sre-1, deploy) holds shop/prod since 14:18; 2nd in line"."""
    line = waits.line
    place = f"{ordinal(line.position(run_id))} in line"
    if line.hold is not None:
        return f"{hold_words(line.hold, now=now, zone=zone)}; {place}"
    if line.is_group and line.held:
        places = next((each.places for each in line.waiting if each.run_id == run_id), 1)
        under_way = f"{len(line.held)} of {places} runs of the group {_lock(line)} are under way"
        return f"{under_way}; {place}"
    if waits.holders:
        since = moment(line.held[0].since, now=now, zone=zone)
        return f"{held_words(waits.holders)} {_lock(line)} since {since}; {place}"
    return f"{place} for {_lock(line)}"


def held_words(holders: tuple[Run, ...]) -> str:
    """Who has it: "run b2c4d6e7 (sre-1, deploy) holds"."""
    shown = [run_words(run) for run in holders[:_MOST_HOLDERS]]
    if len(holders) > _MOST_HOLDERS:
        shown.append(f"{len(holders) - _MOST_HOLDERS} more")
    return f"{', '.join(shown)} {'holds' if len(holders) == 1 else 'hold'}"


def run_words(run: Run) -> str:
    """A run, whose it is, and what it does: "run b2c4d6e7 (sre-1, deploy)"."""
    name, workflow = (
        clean(each, limit=_NAME_LIMIT) for each in (run.requester.name, run.workflow)
    )
    return f"run {run.id} ({name}, {workflow})"


def hold_words(hold: Hold, *, now: datetime, zone: tzinfo) -> str:
    """A person's lock: "sre-1 keeps shop/prod locked until 15:02 CET, in 12 min: …"."""
    name, lock = clean(hold.by_name, limit=_NAME_LIMIT), clean(hold.name, limit=_NAME_LIMIT)
    reason = clean(hold.reason, limit=_REASON_LIMIT).rstrip(".")
    until = deadline(hold.until, now=now, zone=zone)
    return f"{name} keeps {lock} locked until {until}: {reason}"


def halt_words(halt: Halt, *, now: datetime, zone: tzinfo) -> str:
    """That nothing goes on, since when, and why: " by sre-1 since 14:05: …"."""
    name = clean(halt.by_name, limit=_NAME_LIMIT)
    reason = clean(halt.reason, limit=_REASON_LIMIT).rstrip(".")
    return f" by {name} since {moment(halt.since, now=now, zone=zone)}: {reason}"


def ordinal(number: int) -> str:
    """*number*, from 1, as a place: "1st", "2nd", "11th"."""
    teen = number % 100 in {11, 12, 13}
    return f"{number}{'th' if teen else {1: 'st', 2: 'nd', 3: 'rd'}.get(number % 10, 'th')}"


def _lock(line: Line) -> str:
    return clean(line.words, limit=_NAME_LIMIT)
