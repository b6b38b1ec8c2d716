"""How often a connection may be used: a bucket that fills steadily, as one moment. Pure.

The moment is when the bucket will be full again; each use moves it on. This is the generic cell
rate algorithm: https://en.wikipedia.org/wiki/Generic_cell_rate_algorithm
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

_MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a connection bears. None: as much as there is."""

    per_minute: int | None = None  #: attempts, over all processes
    at_once: int | None = None  #: attempts, in each process


UNLIMITED = Limits()


def burst(per_minute: int) -> int:
    """How many uses may follow each other without a pause: a tenth of a minute's.

    So no minute sees more than a tenth above the limit, however long it was quiet before.
    """
    return max(per_minute // 10, 1)


def turn(
    full_at: datetime | None, now: datetime, per_minute: int, *, ahead: timedelta = timedelta()
) -> tuple[timedelta, datetime | None]:
    """How long whoever comes *now* has to wait, and the new moment if the wait is taken.

    *full_at* is None for a connection that was never used. Who had to wait longer than *ahead*
    comes again instead: the second value is None, and nothing changes.
    """
    interval = _MINUTE / per_minute
    full = max(full_at or now, now)
    wait = max(full - (burst(per_minute) - 1) * interval - now, timedelta())
    return wait, None if wait > ahead else full + interval
