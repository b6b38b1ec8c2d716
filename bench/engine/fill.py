"""Many runs at once: copies of one that the engine made, in all tables, with ids of their own.

The ids of the copies are in no order, as real ones are in none: 7-digit numbers, scrambled by
multiplication modulo a prime.
"""

from collections.abc import Mapping
from dataclasses import dataclass
import time

import sqlalchemy as sa

from storage.database import parse_url

_PRIME = 9_999_991  #: so many different ids there can be
_STRIDE = 7_654_321
_NUMBER = f"substr(CAST(10000000 + (c.n * {_STRIDE}) % {_PRIME} AS TEXT), 2)"
_SEQ = "CAST(:top + c.n * :events + (t.seq - :first) + 1 AS BIGINT)"
_EVENT = f"(({_SEQ} * {_STRIDE}) % 99999999977)"

_FAST = {
    "sqlite": (
        "PRAGMA journal_mode=OFF",
        "PRAGMA synchronous=OFF",
        "PRAGMA cache_size=-2000000",
        "PRAGMA temp_store=MEMORY",
    ),
    "postgresql": ("SET session_replication_role = replica", "SET synchronous_commit = off"),
}
_AFTER = {
    "sqlite": ("PRAGMA journal_mode=WAL",),
    "postgresql": ("VACUUM ANALYZE", "CHECKPOINT"),
}


@dataclass(frozen=True)
class Filled:
    """What was added."""

    rows: Mapping[str, int]  #: by table
    seconds: float


def fill(url: str, run_id: str, count: int, *, audit_text: int | None = None) -> Filled:
    """Add *count* copies of the run, which is the only one of its kind in the audit log.

    *audit_text* cuts the texts of the audit log, which are the most of it, to that length: what
    is cut could not be verified any more, but the rows are as many.
    """
    engine = sa.create_engine(parse_url(url), poolclass=sa.NullPool, isolation_level="AUTOCOMMIT")
    kind = engine.dialect.name
    begun = time.perf_counter()
    with engine.connect() as connection:
        for statement in _FAST[kind]:
            connection.exec_driver_sql(statement)
        known = _known(connection, run_id)
        _number(connection, count)
        if kind == "sqlite":
            connection.exec_driver_sql("BEGIN")
        rows = {
            table: _copy(connection, table, changes, where, known)
            for table, (changes, where) in _tables(kind, audit_text).items()
        }
        if kind == "sqlite":
            connection.exec_driver_sql("COMMIT")
        for statement in _AFTER[kind]:
            connection.exec_driver_sql(statement)
    engine.dispose()
    return Filled(rows, time.perf_counter() - begun)


def _known(connection: sa.Connection, run_id: str) -> dict[str, int | str]:
    """What the statements say of the run that is copied."""
    gate_id = connection.execute(
        sa.text("SELECT id FROM gates WHERE run_id = :run ORDER BY seq DESC"), {"run": run_id}
    ).scalar()
    first, events = connection.execute(
        sa.text("SELECT min(seq), count(*) FROM audit_events WHERE run_id = :run"),
        {"run": run_id},
    ).one()
    top = connection.execute(sa.text("SELECT max(seq) FROM audit_events")).scalar_one()
    return {
        "run": run_id,
        "gate": gate_id or "no-gate",
        "first": first,
        "events": events,
        "top": top,
    }


def _number(connection: sa.Connection, count: int) -> None:
    """The ids of the copies, as a table."""
    connection.execute(
        sa.text("CREATE TEMP TABLE copies (n BIGINT, run TEXT NOT NULL, gate TEXT NOT NULL)")
    )
    past = connection.execute(sa.text("SELECT count(*) FROM runs")).scalar_one()
    numbers = (
        "WITH RECURSIVE numbers(n) AS (SELECT CAST(:past AS BIGINT) UNION ALL"
        " SELECT n + 1 FROM numbers WHERE n + 1 < :past + :count) SELECT n FROM numbers"
    )
    ids = f"INSERT INTO copies SELECT c.n, 'f' || {_NUMBER}, 'g' || {_NUMBER} FROM ({numbers}) c"  # noqa: S608 - our own numbers
    connection.execute(sa.text(ids), {"past": past, "count": count})
    connection.execute(sa.text("UPDATE copies SET n = n - :past"), {"past": past})


def _tables(kind: str, audit_text: int | None) -> dict[str, tuple[dict[str, str], str]]:
    """By table: what columns of a copy say, None for what the database numbers; and of which."""
    of_run = "t.run_id = :run"
    work = (
        {
            "workflow_uuid": "replace(replace(t.workflow_uuid, :run, c.run), :gate, c.gate)",
            "inputs": "replace(replace(t.inputs, :run, c.run), :gate, c.gate)",
        },
        "(t.workflow_uuid LIKE :run || '/%' OR t.workflow_uuid LIKE :gate || '/%')",
    )
    plain_work = ({"workflow_uuid": work[0]["workflow_uuid"]}, work[1])
    dbos = "" if kind == "sqlite" else "dbos."
    text = "t.text" if audit_text is None else f"substr(t.text, 1, {audit_text})"
    return {
        "runs": ({"id": "c.run"}, "t.id = :run"),
        "step_runs": ({"run_id": "c.run"}, of_run),
        "gates": ({"seq": "", "id": "c.gate", "run_id": "c.run"}, of_run),
        "votes": ({"seq": "", "gate_id": "c.gate"}, "t.gate_id = :gate"),
        "audit_events": (
            {
                "seq": _SEQ,
                "id": f"'x' || CAST({_EVENT} AS TEXT)",
                "run_id": "c.run",
                "text": text,
            },
            of_run,
        ),
        "living_cards": ({"id": "", "subject": "c.run", "shown": "t.wanted"}, "t.subject = :run"),
        f"{dbos}workflow_status": work,
        f"{dbos}workflow_input": work,
        f"{dbos}workflow_output": plain_work,
    }


def _copy(
    connection: sa.Connection,
    table: str,
    changes: Mapping[str, str],
    where: str,
    known: Mapping[str, int | str],
) -> int:
    schema, _, name = table.rpartition(".")
    columns = [
        each["name"] for each in sa.inspect(connection).get_columns(name, schema=schema or None)
    ]
    values = {each: changes.get(each, f't."{each}"') for each in columns}
    taken = {each: value for each, value in values.items() if value}
    names = ", ".join(f'"{each}"' for each in taken)
    statement = sa.text(
        f"INSERT INTO {table} ({names}) SELECT {', '.join(taken.values())}"  # noqa: S608 - our own names
        f" FROM {table} t CROSS JOIN copies c WHERE {where}"
    )
    wanted = {each: value for each, value in known.items() if f":{each}" in statement.text}
    return int(connection.execute(statement, wanted).rowcount)
