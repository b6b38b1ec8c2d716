"""Gates and the votes cast at them. As for runs, what is saved is written when it must be seen."""

from collections.abc import Collection, Iterator
from dataclasses import fields, replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from domain.actor import ObjectId
from domain.approval import Choice, Gate, GateState, Vote
from domain.errors import Bug
from storage import codec
from storage.schema import gates, on_conflict, votes
from storage.tracked import AsStored, Tracked, columns

_FIELDS = tuple(e.name for e in fields(Gate) if e.name not in {"id", "run_id", "votes"})

_INSERT = sa.insert(gates).inline()
_GET = sa.select(gates).where(gates.c.id == sa.bindparam("gate_id"))
_OF_RUN = sa.select(gates).where(gates.c.run_id == sa.bindparam("of_run")).order_by(gates.c.seq)
_LATEST = (
    sa.select(gates)
    .where(gates.c.run_id == sa.bindparam("of_run"), gates.c.step == "")
    .order_by(gates.c.seq.desc())
    .limit(1)
)
_OPEN_IN = (
    sa.select(gates)
    .where(
        gates.c.run_id == sa.bindparam("of_run"),
        gates.c.step != "",
        gates.c.state == GateState.OPEN.value,
    )
    .order_by(gates.c.seq)
)
_SAVE = sa.update(gates).where(gates.c.id == sa.bindparam("gate_id"))
_DUE = (
    sa.select(gates.c.id)
    .where(gates.c.state == GateState.OPEN.value, gates.c.expires_at <= sa.bindparam("now"))
    .order_by(gates.c.expires_at, gates.c.seq)
)
_TO_ESCALATE = (
    sa.select(gates.c.id)
    .where(
        gates.c.state == GateState.OPEN.value,
        gates.c.escalates_at <= sa.bindparam("now"),
        gates.c.escalated_at.is_(None),
    )
    .order_by(gates.c.escalates_at, gates.c.seq)
)
_VOTES = sa.select(votes).where(votes.c.gate_id == sa.bindparam("at_gate")).order_by(votes.c.seq)
_ADD_VOTE = on_conflict(
    lambda insert: (
        insert(votes).on_conflict_do_nothing(index_elements=["gate_id", "voter"]).inline()
    )
)
_REMOVE_VOTE = sa.delete(votes).where(
    votes.c.gate_id == sa.bindparam("at_gate"), votes.c.voter == sa.bindparam("of_voter")
)


class Gates:
    """The tables of gates and votes."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection
        self._rows = Tracked[str, Gate]()
        self._latest: dict[str, str] = {}  # of the runs whose latest gate is known

    def insert(self, gate: Gate) -> None:
        """Add *gate*, with its votes if it has any."""
        self._connection.execute(
            _INSERT, {"id": gate.id, "run_id": gate.run_id, **_gate_values(gate)}
        )
        self._rows.insert(gate.id, replace(gate, votes=()))
        if not gate.step:
            self._latest[gate.run_id] = gate.id
        for vote in gate.votes:
            self.add_vote(gate.id, vote)

    def of(self, run_id: str) -> tuple[Gate, ...]:
        """All gates of the run, as they were opened."""
        self.write()
        found = self._connection.execute(_OF_RUN, {"of_run": run_id}).all()
        return tuple(filter(None, map(self._read, found)))

    def latest(self, run_id: str) -> Gate | None:
        """The gate before the run that was opened last; None where none ever was."""
        if (known := self._latest.get(run_id)) is not None:
            return self.get(known)
        gate = self._read(self._connection.execute(_LATEST, {"of_run": run_id}).first())
        if gate is not None:
            self._latest[run_id] = gate.id
        return gate

    def open_in(self, run_id: str) -> list[Gate]:
        """The open gates that steps of the run wait at, the oldest first."""
        self.write()
        rows = self._connection.execute(_OPEN_IN, {"of_run": run_id}).all()
        return [gate for row in rows if (gate := self._read(row)) is not None]

    def get(self, gate_id: str) -> Gate | None:
        """The gate of that id; None where there is none."""
        if (known := self._rows.get(gate_id)) is not None:
            return known
        return self._read(self._connection.execute(_GET, {"gate_id": gate_id}).first())

    def save(self, gate: Gate) -> None:
        """Put *gate* in the place of what it was; its votes are left as they are.

        Raises:
            Bug: it has not been inserted.
        """
        known = self.get(gate.id)
        if known is None:
            raise Bug(f"Gate {gate.id} was saved before it was inserted.")
        self._rows.save(gate.id, replace(gate, votes=known.votes))

    def forget(self, run_id: str) -> None:
        """Read the gates of the run again when they are asked for; what was saved is written."""
        self.write()
        self._latest.pop(run_id, None)
        for gate in self._rows.all():
            if gate.run_id == run_id:
                self._rows.forget(gate.id)

    def news(self) -> Iterator[tuple[str, Gate | None, Gate | None]]:
        """As of runs."""
        return self._rows.news()

    def write(self) -> None:
        """Write what was saved."""
        self._rows.write(
            self._connection,
            _SAVE,
            lambda gate_id, gate, names: {"gate_id": gate_id, **_gate_values(gate, names)},
        )

    def add_vote(self, gate_id: str, vote: Vote) -> bool:
        """Record *vote*; False when that person has voted there before, and nothing changes."""
        added = self._connection.execute(
            _ADD_VOTE[self._connection.dialect.name],
            {
                "gate_id": gate_id,
                "voter": vote.voter,
                "name": vote.name,
                "choice": vote.choice.value,
                "comment": vote.comment,
                "at": vote.at,
            },
        )
        if is_new := added.rowcount == 1:
            self._rows.amend(gate_id, lambda gate: replace(gate, votes=(*gate.votes, vote)))
        return is_new

    def remove_vote(self, gate_id: str, voter: ObjectId) -> bool:
        """Drop the vote of *voter*; False when there is none. Who has none may vote again."""
        gone = self._connection.execute(_REMOVE_VOTE, {"at_gate": gate_id, "of_voter": voter})
        if is_gone := gone.rowcount == 1:
            self._rows.amend(gate_id, lambda gate: _without(gate, voter))
        return is_gone

    def due(self, now: datetime) -> list[str]:
        """The ids of the open gates whose time is over, the oldest deadline first."""
        self.write()
        return list(self._connection.scalars(_DUE, {"now": now}))

    def to_escalate(self, now: datetime) -> list[str]:
        """The ids of the open gates that are to call a second group and have not, oldest first."""
        self.write()
        return list(self._connection.scalars(_TO_ESCALATE, {"now": now}))

    def _read(self, row: sa.Row[Any] | None) -> Gate | None:
        if row is None:
            return None
        return self._rows.get(row.id) or self._rows.read(row.id, self._gate(row))

    def _gate(self, row: sa.Row[Any]) -> Gate:
        cast = self._connection.execute(_VOTES, {"at_gate": row.id})
        return Gate(
            id=row.id,
            run_id=row.run_id,
            rev=row.rev,
            plan_digest=row.plan_digest,
            rule=codec.gate_rule_from_json(row.rule),
            state=GateState(row.state),
            opened_at=row.opened_at,
            expires_at=row.expires_at,
            votes=tuple(
                Vote(
                    voter=ObjectId(each.voter),
                    name=each.name,
                    choice=Choice(each.choice),
                    comment=each.comment,
                    at=each.at,
                )
                for each in cast
            ),
            escalates_at=row.escalates_at,
            escalated_at=row.escalated_at,
            reopened_at=row.reopened_at,
            handed_over=tuple(map(codec.hand_over_from_json, row.handed_over or ())),
            step=row.step,
        )


def _without(gate: Gate, voter: ObjectId) -> Gate:
    return replace(gate, votes=tuple(vote for vote in gate.votes if vote.voter != voter))


_AS_STORED: AsStored = {
    "rule": codec.gate_rule_to_json,
    "state": lambda state: state.value,
    "handed_over": lambda handed: [codec.hand_over_to_json(each) for each in handed] or None,
}


def _gate_values(gate: Gate, names: Collection[str] = _FIELDS) -> dict[str, Any]:
    return columns(gate, names, _AS_STORED)
