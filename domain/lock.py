"""Whose turn it is: locks, places in groups, people's holds, and the lines before them. Pure.

A *lock* is held by one run while it is under way. A *group* is the same with several places. A
*hold* is a person's lock: while it is in force, no run of anybody else starts.

A run takes all that it needs at once, or nothing: who waits holds nothing, so no ring of runs
waits for itself. Each line is first come first served, and a place that is free is kept for who
stands first. Of all that wait, whoever has waited longest is the first in each of its lines, and
waits for nobody but the holders: everybody's turn comes.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from domain.actor import ObjectId
from domain.conversation import Conversation
from domain.run import RunId

GROUP = "group:"
"""What the name of a group's line begins with: a group may be called like a lock."""


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Need:
    """What a run has to have before it may start: a lock, or a place in a group."""

    name: str
    places: int = 1  #: how many may have one at a time


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A lock, or a place, that a run has."""

    run_id: RunId
    since: datetime
    place: int = 0  #: from 0; a lock has one


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """A run in a line."""

    run_id: RunId
    requester: ObjectId
    places: int
    since: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """A person's lock."""

    name: str
    by: ObjectId
    by_name: str  #: for the reader
    reason: str
    since: datetime
    until: datetime
    conversation: Conversation  #: where it was taken


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """All about one lock, or one group: who has it, who keeps others out, and who waits."""

    name: str
    held: tuple[Held, ...] = ()
    hold: Hold | None = None  #: the one in force
    waiting: tuple[Waiting, ...] = ()  #: first come first

    @property
    def is_group(self) -> bool:
        """Whether it is one of a group."""
        return self.name.startswith(GROUP)

    @property
    def is_taken(self) -> bool:
        """Whether anybody has it, keeps others out, or waits for it."""
        return bool(self.held or self.hold or self.waiting)

    @property
    def words(self) -> str:
        """What it is called by people."""
        return self.name.removeprefix(GROUP)

    @property
    def next(self) -> tuple[RunId, ...]:
        """The runs whose turn it is, as far as this line goes."""
        return tuple(self._next())

    def position(self, run_id: str) -> int:
        """Where in the line the run stands, from 1; 0 where it does not."""
        for number, each in enumerate(self.waiting, 1):
            if each.run_id == run_id:
                return number
        return 0

    def _next(self) -> Iterator[RunId]:
        taken = len(self.held)
        for each in self.waiting:
            if self.hold is not None and each.requester != self.hold.by:
                continue
            if taken < each.places:
                yield each.run_id
            taken += 1  # it may be held up elsewhere: its place is kept


@dataclass(frozen=True, slots=True, kw_only=True)
class Halt:
    """The order that nothing more is begun, anywhere."""

    by: ObjectId
    by_name: str  #: for the reader
    reason: str
    since: datetime
