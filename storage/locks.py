"""Which run holds which lock, and who waits for it. A row outlives the process that made it.

A run stands in a line from when it is queued until it has all that it needs. The database keeps
two from having one place: place and name are the key.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from domain.actor import ObjectId
from domain.lock import Held, Hold, Line, Need, Waiting
from domain.run import RunId
from storage import codec
from storage.schema import Json, Moment, holds, lock_lines, locks, on_conflict

_TAKE = on_conflict(
    lambda insert: insert(locks).on_conflict_do_nothing(index_elements=["name", "place"]).inline()
)
_HELD_BY = sa.select(locks.c.name).where(locks.c.run_id == sa.bindparam("of_run"))
_RELEASE = sa.delete(locks).where(locks.c.run_id == sa.bindparam("of_run"))
_LET_GO = _RELEASE.where(locks.c.name.in_(sa.bindparam("names", expanding=True)))
_WATCH = (
    sa.select(locks.c.name)
    .where(locks.c.name.in_(sa.bindparam("names", expanding=True)))
    .order_by(locks.c.name, locks.c.place)
    .with_for_update()
)
_WATCH_HOLDS = (
    sa.select(holds.c.name)
    .where(holds.c.name.in_(sa.bindparam("names", expanding=True)))
    .order_by(holds.c.name)
    .with_for_update()
)

_LINE_UP = on_conflict(
    lambda insert: (
        insert(lock_lines).on_conflict_do_nothing(index_elements=["run_id", "name"]).inline()
    )
)
_WAITS_FOR = (
    sa.select(lock_lines.c.name, lock_lines.c.places)
    .where(lock_lines.c.run_id == sa.bindparam("of_run"))
    .order_by(lock_lines.c.name)
)
_STEP_OUT = sa.delete(lock_lines).where(lock_lines.c.run_id == sa.bindparam("of_run"))
_LINES = sa.select(lock_lines.c.name).distinct()
_NAMES = sa.union(sa.select(locks.c.name), sa.select(lock_lines.c.name), sa.select(holds.c.name))


def _all_of_a_line() -> sa.CompoundSelect[Any]:
    """Who has it, who waits, and who keeps others out, in one statement and in order."""
    names: sa.BindParameter[Any] = sa.bindparam("names", expanding=True)
    no_moment, nothing = sa.null().cast(Moment), sa.literal("")
    held, waiting, hold = locks.c, lock_lines.c, holds.c
    return sa.union_all(
        sa.select(
            sa.literal("held").label("kind"),
            held.name,
            held.run_id,
            held.place.label("number"),
            held.since,
            no_moment.label("until"),
            nothing.label("who"),
            nothing.label("reason"),
            sa.null().cast(Json).label("conversation"),
        ).where(held.name.in_(names)),
        sa.select(
            sa.literal("waiting"),
            waiting.name,
            waiting.run_id,
            waiting.places,
            waiting.since,
            no_moment,
            waiting.requester,
            nothing,
            sa.null().cast(Json),
        ).where(waiting.name.in_(names)),
        sa.select(
            sa.literal("hold"),
            hold.name,
            hold.by_id,
            sa.literal(0),
            hold.since,
            hold.until,
            hold.by_name,
            hold.reason,
            hold.conversation,
        ).where(hold.name.in_(names)),
    )


_LINE = _all_of_a_line()


class Locks:
    """The tables of locks and of the lines before them."""

    def __init__(self, connection: sa.Connection, now: datetime) -> None:
        self._connection = connection
        self._now = now

    # -- who waits --------------------------------------------------------------------------

    def line_up(
        self, run_id: str, requester: ObjectId, needs: Iterable[Need], since: datetime
    ) -> None:
        """Have the run wait for all of *needs*; in line since *since*."""
        for need in needs:
            self._connection.execute(
                _LINE_UP[self._connection.dialect.name],
                {
                    "run_id": run_id,
                    "name": need.name,
                    "requester": requester,
                    "places": need.places,
                    "since": since,
                },
            )

    def needs(self, run_id: str) -> tuple[Need, ...]:
        """What the run still waits for, in the order of the names."""
        found = self._connection.execute(_WAITS_FOR, {"of_run": run_id})
        return tuple(Need(name=row.name, places=row.places) for row in found)

    def step_out(self, run_id: str) -> tuple[str, ...]:
        """Have the run wait for nothing any more; the names of its lines come back."""
        names = tuple(need.name for need in self.needs(run_id))
        if names:
            self._connection.execute(_STEP_OUT, {"of_run": run_id})
        return names

    # -- who has it -------------------------------------------------------------------------

    def watch(self, names: Sequence[str]) -> None:
        """Have what is held of *names* stay so until this transaction ends.

        Whoever is about to let go has then done so, or does it later and finds who waits.
        """
        if names and self._connection.dialect.name == "postgresql":
            self._connection.execute(_WATCH, {"names": list(names)})
            self._connection.execute(_WATCH_HOLDS, {"names": list(names)})

    def take(self, run_id: str, lines: Iterable[Line]) -> bool:
        """Give the run all that it waits for; False where somebody was faster: it has nothing.

        *lines* are its lines as they are now.
        """
        taken: list[str] = []
        for line in lines:
            if not self._take(line, run_id):
                self.release(run_id, taken)
                return False
            taken.append(line.name)
        self._connection.execute(_STEP_OUT, {"of_run": run_id})
        return True

    def held_by(self, run_id: str) -> tuple[str, ...]:
        """The names of what the run holds."""
        return tuple(sorted(self._connection.scalars(_HELD_BY, {"of_run": run_id})))

    def holder(self, name: str) -> Held | None:
        """The run that holds the lock, and since when; None while none does."""
        held = self.line(name).held
        return held[0] if held else None

    def release(self, run_id: str, names: Sequence[str] | None = None) -> tuple[str, ...]:
        """Free what the run holds, or *names* of it; the names come back."""
        held = self.held_by(run_id)
        if names is not None:
            held = tuple(each for each in held if each in names)
        if held:
            self.watch(held)  # always in the order of the names, so that two do not cross
            self._connection.execute(_LET_GO, {"of_run": run_id, "names": list(held)})
        return held

    # -- all of it --------------------------------------------------------------------------

    def line(self, name: str) -> Line:
        """The lock, or the group, called *name*."""
        return self.lines_at([name])[0]

    def lines_of(self, run_id: str) -> tuple[Line, ...]:
        """The lines that the run stands in, in the order of their names."""
        return self.lines_at([need.name for need in self.needs(run_id)])

    def lines(self) -> tuple[Line, ...]:
        """All lines in which somebody waits, in the order of their names."""
        return self.lines_at(list(self._connection.scalars(_LINES)))

    def all(self) -> tuple[Line, ...]:
        """All that is held, or waited for, in the order of the names."""
        return self.lines_at(list(self._connection.scalars(_NAMES)))

    def lines_at(self, names: Sequence[str]) -> tuple[Line, ...]:
        """The lines called *names*, in their order, each once."""
        if not names:
            return ()
        lines = {name: Line(name=name) for name in sorted(names)}
        for row in sorted(self._connection.execute(_LINE, {"names": list(names)}), key=_order):
            lines[row.name] = _with(lines[row.name], row, self._now)
        return tuple(lines.values())

    def _take(self, line: Line, run_id: str) -> bool:
        held = {each.place for each in line.held}
        places = next(each.places for each in line.waiting if each.run_id == run_id)
        return any(
            self._connection.execute(
                _TAKE[self._connection.dialect.name],
                {"name": line.name, "place": place, "run_id": run_id, "since": self._now},
            ).rowcount
            == 1
            for place in range(places)
            if place not in held
        )


def _order(row: sa.Row[Any]) -> tuple[str, int, datetime, str]:
    """Holders by their places; who waits, first come first."""
    place = row.number if row.kind == "held" else 0
    return row.name, place, row.since, row.run_id


def _with(line: Line, row: sa.Row[Any], now: datetime) -> Line:
    """*line* with what *row* says of it, at *now*."""
    match row.kind:
        case "held":
            held = Held(run_id=RunId(row.run_id), since=row.since, place=row.number)
            return replace(line, held=(*line.held, held))
        case "waiting":
            waiting = Waiting(
                run_id=RunId(row.run_id),
                requester=ObjectId(row.who),
                places=row.number,
                since=row.since,
            )
            return replace(line, waiting=(*line.waiting, waiting))
        case _ if row.until > now:
            hold = Hold(
                name=row.name,
                by=ObjectId(row.run_id),
                by_name=row.who,
                reason=row.reason,
                since=row.since,
                until=row.until,
                conversation=codec.conversation_from_json(row.conversation),
            )
            return replace(line, hold=hold)
        case _:
            return line
