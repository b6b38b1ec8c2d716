"""Gates and the votes cast at them."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa

from domain.actor import ObjectId
from domain.approval import Choice, Gate, GateState, Vote
from domain.errors import Bug
from storage import codec
from storage.schema import gates, on_conflict, votes

_INSERT = sa.insert(gates).inline()
_GET = sa.select(gates).where(gates.c.id == sa.bindparam("gate_id"))
_LATEST = (
    sa.select(gates)
    .where(gates.c.run_id == sa.bindparam("of_run"))
    .order_by(gates.c.seq.desc())
    .limit(1)
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

    def insert(self, gate: Gate) -> None:
        """Add *gate*, with its votes if it has any."""
        self._connection.execute(
            _INSERT, {"id": gate.id, "run_id": gate.run_id, **_gate_values(gate)}
        )
        for vote in gate.votes:
            self.add_vote(gate.id, vote)

    def latest(self, run_id: str) -> Gate | None:
        """The gate of the run that was opened last; None where none ever was."""
        return self._with_votes(self._connection.execute(_LATEST, {"of_run": run_id}).first())

    def get(self, gate_id: str) -> Gate | None:
        """The gate of that id; None where there is none."""
        return self._with_votes(self._connection.execute(_GET, {"gate_id": gate_id}).first())

    def save(self, gate: Gate) -> None:
        """Put *gate* in the place of what it was; its votes are left as they are.

        Raises:
            Bug: it has not been inserted.
        """
        values = {"gate_id": gate.id, **_gate_values(gate)}
        if self._connection.execute(_SAVE, values).rowcount == 0:
            raise Bug(f"Gate {gate.id} was saved before it was inserted.")

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
        return added.rowcount == 1

    def remove_vote(self, gate_id: str, voter: ObjectId) -> bool:
        """Drop the vote of *voter*; False when there is none. Who has none may vote again."""
        gone = self._connection.execute(_REMOVE_VOTE, {"at_gate": gate_id, "of_voter": voter})
        return gone.rowcount == 1

    def due(self, now: datetime) -> list[str]:
        """The ids of the open gates whose time is over, the oldest deadline first."""
        return list(self._connection.scalars(_DUE, {"now": now}))

    def to_escalate(self, now: datetime) -> list[str]:
        """The ids of the open gates that are to call a second group and have not, oldest first."""
        return list(self._connection.scalars(_TO_ESCALATE, {"now": now}))

    def _with_votes(self, row: sa.Row[Any] | None) -> Gate | None:
        if row is None:
            return None
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
        )


def _gate_values(gate: Gate) -> dict[str, Any]:
    return {
        "rev": gate.rev,
        "plan_digest": gate.plan_digest,
        "rule": codec.gate_rule_to_json(gate.rule),
        "state": gate.state.value,
        "opened_at": gate.opened_at,
        "expires_at": gate.expires_at,
        "escalates_at": gate.escalates_at,
        "escalated_at": gate.escalated_at,
        "reopened_at": gate.reopened_at,
        "handed_over": [codec.hand_over_to_json(each) for each in gate.handed_over] or None,
    }
