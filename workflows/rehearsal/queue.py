"""The queue and alarm clock of rehearsals, in the place of the durable one."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
import itertools
from typing import Any

from domain.ports import Clock
from domain.run import RUN_ID_ALPHABET, RUN_ID_LENGTH
from workflows.engine.durable import Kind


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """A piece of work: what it is, and when it is due."""

    due: datetime
    kind: Kind
    id: str
    args: tuple[str, ...]


@dataclass(slots=True)
class VirtualQueue:
    """Work in the order in which it is due; the same id is the same piece of work."""

    clock: Clock
    waiting: list[Work] = field(default_factory=list)
    known: set[str] = field(default_factory=set)  #: kinds and ids of all that ever was enqueued

    def enqueue(
        self, connection: Any, kind: Kind, work_id: str, *args: str, delay: timedelta | None = None
    ) -> None:
        """Have work carried out; the same *work_id* again adds nothing."""
        del connection
        if (name := f"{kind}/{work_id}") in self.known:
            return
        self.known.add(name)
        due = self.clock.now() + max(delay or timedelta(), timedelta())
        self.waiting.append(Work(due=due, kind=kind, id=work_id, args=args))

    @property
    def next_due(self) -> datetime | None:
        """When something is due next; None where nothing ever is."""
        return min((each.due for each in self.waiting), default=None)

    def take(self, *, until: datetime) -> Work | None:
        """The work that is due first, taken out; None where none is due by then."""
        first = min(self.waiting, key=lambda each: each.due, default=None)
        if first is None or first.due > until:
            return None
        self.waiting.remove(first)
        return first

    def mark(self) -> tuple[list[Work], set[str]]:
        """How it is now, for `back_to`."""
        return [*self.waiting], {*self.known}

    def back_to(self, mark: tuple[list[Work], set[str]]) -> None:
        """As it was at *mark*: what was enqueued since did not commit."""
        self.waiting, self.known = mark


@dataclass(slots=True)
class CountingIds:
    """Ids that are the same in every rehearsal."""

    _uuids: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))
    _runs: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))

    def uuid(self) -> str:
        """The next one."""
        return f"00000000-0000-4000-8000-{next(self._uuids):012x}"

    def run_id(self) -> str:
        """The next one, in the letters of a run's id."""
        number, letters = next(self._runs), ""
        for _ in range(RUN_ID_LENGTH):
            number, digit = divmod(number, len(RUN_ID_ALPHABET))
            letters = RUN_ID_ALPHABET[digit] + letters
        return letters
