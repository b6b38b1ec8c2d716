"""What to do about a schedule at a moment: wait, carry it out, or say that it was missed. Pure."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from domain.schedule import Schedule, ScheduleState
from workflows.when import last_within, next_after

PUNCTUAL = timedelta(minutes=1)
"""What is no later than this is in time, even where nothing may be late."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Early:
    """It is not due yet."""

    until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """It is due, if late. Of several that were missed it is the last."""

    at: datetime
    following: datetime | None  #: what is due after that; None where nothing is


@dataclass(frozen=True, slots=True, kw_only=True)
class Missed:
    """It was due so long ago that it is not carried out any more."""

    at: datetime
    following: datetime | None


Occasion = Early | Due | Missed


def occasion(schedule: Schedule, now: datetime) -> Occasion | None:
    """What is to be done about *schedule* at *now*; None where nothing ever is.

    What was missed is carried out once, however often it was due meanwhile.
    """
    if schedule.state is not ScheduleState.ACTIVE or schedule.next_at is None:
        return None
    if now < schedule.next_at:
        return Early(until=schedule.next_at)
    following = next_after(schedule.when, now)
    in_time = now - max(schedule.may_be_late, PUNCTUAL)
    last = last_within(schedule.when, schedule.next_at, in_time, now)
    if last is None:
        return Missed(at=schedule.next_at, following=following)
    return Due(at=last, following=following)
