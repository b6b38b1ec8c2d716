"""A person's lock: taken, let go, stolen, over. Each is one transition.

A hold keeps new runs out, but for its owner's own: those take the lock as ever, one at a time. A
run that has the lock keeps it until its end. Whoever steals it from a run has the run stopped, so
that at no moment two of them change the same thing.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from domain.actor import Actor, system_actor
from domain.audit import Event
from domain.conversation import Conversation
from domain.errors import BadArguments, NotNow, NotPermitted
from domain.lock import Hold
from domain.run import Run
from storage.unit import UnitOfWork
from workflows.engine.durable import Queue
from workflows.engine.lifecycle import Lifecycle
from workflows.engine.moves import Moves

USUAL = timedelta(hours=1)
LONGEST = timedelta(hours=24)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A lock as somebody asks for it."""

    name: str
    by: Actor
    reason: str
    length: timedelta
    conversation: Conversation


@dataclass(frozen=True, slots=True, kw_only=True)
class Stolen:
    """What was taken from whom."""

    hold: Hold
    former: Hold | None  #: the person's it was
    stopped: tuple[Run, ...]  #: the runs that stop now
    ending: tuple[Run, ...]  #: those that cannot be stopped, and have it until they end


class Holds:
    """What people do to locks. Who may is the policy's to say."""

    def __init__(self, queue: Queue, lifecycle: Lifecycle) -> None:
        self._moves = Moves(queue)
        self._lifecycle = lifecycle

    def lock(self, unit: UnitOfWork, asked: Asked) -> tuple[Hold, tuple[Run, ...]]:
        """Keep the lock for a person: the hold, and the runs that still have it until they end.

        One's own may be taken anew, with another end or reason.

        Raises:
            NotNow: it is somebody else's.
            BadArguments: it is asked for too long.
        """
        _check(asked)
        former = unit.holds.in_force(asked.name)
        if former is not None and former.by != asked.by.id:
            raise NotNow(
                f"{former.by_name} holds the lock of {asked.name}: {former.reason.rstrip('.')}.",
                hint=f"It is over by itself {_in(former, unit)}.",
            )
        hold = self._put(unit, asked)
        _audit(unit, "lock.acquired", asked.by, asked.name, reason=asked.reason, data=_facts(hold))
        return hold, _holders(unit, asked.name)

    def unlock(self, unit: UnitOfWork, name: str, *, by: Actor) -> Hold:
        """Let go of one's own lock; it comes back as it was.

        Raises:
            NotNow: nobody holds it, or a run does.
            NotPermitted: it is somebody else's.
        """
        hold = unit.holds.in_force(name)
        if hold is None:
            for run in _holders(unit, name):
                raise NotNow(
                    f"Run {run.id} has the lock of {name} while it is under way.",
                    hint=f"It lets go at its end; `cancel {run.id}` stops it.",
                )
            raise NotNow(f"Nobody holds the lock of {name}.")
        if hold.by != by.id:
            raise NotPermitted(
                f"{by.name} may not unlock {name}: {hold.by_name} holds it.",
                hint="Where the policy lets you, `steal` takes it over, with a reason.",
                reason="not_owner",
            )
        unit.holds.remove(hold)
        _audit(unit, "lock.released", by, name, data=_facts(hold))
        self._moves.let_next(unit, name, _why(hold))
        return hold

    def steal(self, unit: UnitOfWork, asked: Asked) -> Stolen:
        """Take the lock over from whoever has it, be it a person or a run.

        Raises:
            NotNow: it is the person's own, or nobody has it.
            BadArguments: it is asked for too long.
        """
        _check(asked)
        name = asked.name
        former, holders = unit.holds.in_force(name), _holders(unit, name)
        if former is not None and former.by == asked.by.id:
            raise NotNow(f"You hold the lock of {name} already.")
        if former is None and not holders:
            raise NotNow(f"Nobody holds the lock of {name}.", hint="Say `lock` to take it.")
        hold = self._put(unit, asked)
        stopped: list[Run] = []
        ending: list[Run] = []
        for run in holders:
            (stopped if self._stop(unit, run, asked.by) else ending).append(run)
        facts = {
            **_facts(hold),
            "from": former.by if former else "",
            "from_name": former.by_name if former else "",
            "stopped": [run.id for run in stopped],
            "ending": [run.id for run in ending],
        }
        _audit(unit, "lock.stolen", asked.by, name, reason=asked.reason, data=facts)
        return Stolen(hold=hold, former=former, stopped=tuple(stopped), ending=tuple(ending))

    def _put(self, unit: UnitOfWork, asked: Asked) -> Hold:
        """The hold, in the place of whatever was there, with its alarm.

        Raises:
            NotNow: somebody was faster.
        """
        hold = Hold(
            name=asked.name,
            by=asked.by.id,
            by_name=asked.by.name,
            reason=asked.reason,
            since=unit.now,
            until=unit.now + asked.length,
            conversation=asked.conversation,
        )
        former = unit.holds.get(asked.name)
        if former is not None and unit.holds.remove(former) and former.until <= unit.now:
            _expired(unit, former)
        if not unit.holds.put(hold):
            raise NotNow(f"Somebody else has just taken the lock of {asked.name}.")
        self._moves.end_hold_later(unit, hold)
        self._moves.let_next(unit, asked.name, f"held-{unit.now.timestamp()}")
        return hold

    def _stop(self, unit: UnitOfWork, run: Run, by: Actor) -> bool:
        """Have *run* stopped, whose lock is stolen; False where it can only be left to end."""
        try:
            self._lifecycle.cancel(unit, run.id, actor=by)
        except NotNow:
            return False
        return True


def ring(unit: UnitOfWork, moves: Moves, name: str) -> None:
    """Do what is due at the hold on *name*: end it, if its time is over.

    An alarm that comes early is set again; one that comes late, or twice, does no harm.
    """
    hold = unit.holds.get(name)
    if hold is None:
        return
    if hold.until > unit.now:
        moves.end_hold_later(unit, hold, again=f"-{unit.now.timestamp()}")
        return
    if unit.holds.remove(hold):
        _expired(unit, hold)
        moves.let_next(unit, name, _why(hold))


def _expired(unit: UnitOfWork, hold: Hold) -> None:
    actor = system_actor(hold.conversation.tenant)
    _audit(unit, "lock.expired", actor, hold.name, data=_facts(hold))


def _check(asked: Asked) -> None:
    if not timedelta() < asked.length <= LONGEST:
        raise BadArguments(
            "A lock is held for at most 24 hours.", hint="Say for how long: `--for 2h`."
        )


def _holders(unit: UnitOfWork, name: str) -> tuple[Run, ...]:
    """The runs that have the lock, and are not over."""
    found = (unit.runs.get(held.run_id) for held in unit.locks.line(name).held)
    return tuple(run for run in found if run is not None and not run.state.is_final)


def _in(hold: Hold, unit: UnitOfWork) -> str:
    minutes = max(round((hold.until - unit.now).total_seconds() / 60), 1)
    return f"in {minutes} min"


def _why(hold: Hold) -> str:
    return f"after-hold-{hold.since.timestamp()}"


def _facts(hold: Hold) -> Mapping[str, Any]:
    return {
        "lock": hold.name,
        "holder": hold.by,
        "since": hold.since.isoformat(),
        "until": hold.until.isoformat(),
    }


def _audit(
    unit: UnitOfWork,
    kind: str,
    by: Actor,
    name: str,
    *,
    reason: str = "",
    data: Mapping[str, Any],
) -> None:
    event = Event(
        type=kind, actor=by, subject=f"lock/{name}", outcome="ok", reason=reason, data=data
    )
    unit.audit.append(event)
