"""How many runs start, and how many steps are done a second, beside plain DBOS.

A round asks for some runs one by one, and has them carried out, so that all is warm. Then many
are asked for in one transaction: the time from its commit to the end of the last is what counts.
The rounds of both alternate, each in an empty database; medians are compared.
"""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
import statistics
import time

import sqlalchemy as sa

from bench.engine.databases import Server, raw_commits
from bench.engine.plain import Plain
from bench.engine.processes import Process, workers
from bench.engine.world import STEPS, Engine, open_engine
from bench.figures import Figure
from storage.database import parse_url

ROUNDS = 3
FIRST = 40  #: runs asked for one by one
RUNS = 120  #: and at once; longer ones are fewer
WORKERS = (1, 4)
_ASKING = 8  #: at once
_LOOK = 0.05
_TOO_LONG = 300
_MORE_STEPS = 15  #: beside `STEPS`, for what one more step costs

_TO_DO = {
    "engine": "SELECT count(*) FROM runs WHERE state IN ('planning', 'queued', 'running')",
    "plain": "SELECT count(*) FROM {schema}workflow_status WHERE status IN ('ENQUEUED', 'PENDING')"
    " AND name = 'five'",
}


@dataclass(frozen=True)
class Round:
    """One round."""

    starts: float  #: runs asked for, a second
    runs: float  #: runs done, a second
    cpu_ms: float  #: of all workers, for each run
    server_cpu_ms: float  #: of the database's server, for each run
    commits: float  #: of the workers, for each run; those that wrote something
    statements: float  #: in those, for each run


async def measure(server: Server) -> list[Figure]:
    """The figures on the databases of *server*."""
    one, eight = raw_commits(server, clients=1), raw_commits(server, clients=8)
    found = [
        Figure(f"{server.name}: commits/s, one client", one, "1/s"),
        Figure(f"{server.name}: commits/s, eight clients", eight, "1/s"),
    ]
    limit = max(one, eight)
    by_count: dict[int, list[Round]] = {}
    for count in WORKERS:
        theirs: list[Round] = []
        ours = by_count.setdefault(count, [])
        for _ in range(ROUNDS):
            ours.append(await _round(server, "engine", count))
            theirs.append(await _round(server, "plain", count))
        found += _figures(f"{server.name}, {count} worker{'s' * (count > 1)}", ours, theirs, limit)
    long = await _round(server, "engine", 1, steps=STEPS + _MORE_STEPS)
    return [*found, *_one_more_step(server.name, _median(by_count[1]), long)]


def _figures(
    name: str, ours: Sequence[Round], theirs: Sequence[Round], limit: float
) -> Iterator[Figure]:
    own, base = _median(ours), _median(theirs)
    plain = "plain DBOS"
    yield Figure(f"{name}: runs asked for/s", own.starts, "1/s", plain, base.starts)
    yield Figure(f"{name}: queued five-step runs/s", own.runs, "1/s", plain, base.runs)
    yield Figure(f"{name}: steps/s", own.runs * STEPS, "1/s", plain, base.runs * STEPS)
    yield Figure(f"{name}: workers' CPU/run", own.cpu_ms, "ms", plain, base.cpu_ms)
    if own.server_cpu_ms:
        yield Figure(
            f"{name}: server's CPU/run", own.server_cpu_ms, "ms", plain, base.server_cpu_ms
        )
    yield Figure(f"{name}: commits/run", own.commits, "", plain, base.commits)
    yield Figure(f"{name}: statements/run", own.statements, "", plain, base.statements)
    rate = own.commits * own.runs
    yield Figure(f"{name}: commits/s", rate, "1/s", "raw commits", limit)


async def _round(server: Server, kind: str, count: int, *, steps: int = STEPS) -> Round:
    url = server.new()
    runs = RUNS * STEPS // steps
    subject = await asyncio.to_thread(open_engine if kind == "engine" else Plain, url)
    look = sa.create_engine(parse_url(url))
    query = _TO_DO[kind].format(schema="" if server.is_sqlite else "dbos.")
    try:
        async with workers(kind, url, count) as processes:
            starts = await _ask(subject, steps)
            await asyncio.gather(*(each.tell("start") for each in processes))
            await asyncio.to_thread(_until_done, look, query)
            before, cpu = await _totals(processes), server.cpu_seconds()
            await subject.ask_for(runs, steps)
            begun = time.perf_counter()
            await asyncio.to_thread(_until_done, look, query)
            took = time.perf_counter() - begun
            after, cpu = await _totals(processes), server.cpu_seconds() - cpu
    finally:
        look.dispose()
        await asyncio.to_thread(subject.close)
    server.drop(url)
    used = {name: (after[name] - before[name]) / runs for name in after}
    return Round(
        starts=starts,
        runs=runs / took,
        cpu_ms=used["cpu_seconds"] * 1000,
        server_cpu_ms=cpu * 1000 / runs,
        commits=used["commits"],
        statements=used["statements"],
    )


async def _ask(subject: Engine | Plain, steps: int) -> float:
    """Ask for the first runs, each in a transaction of its own; how many a second."""
    left = iter(range(FIRST))

    async def one_after_the_other() -> None:
        for _ in left:
            await subject.ask_for(1, steps)

    begun = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for _ in range(_ASKING):
            group.create_task(one_after_the_other())
    return FIRST / (time.perf_counter() - begun)


def _until_done(engine: sa.Engine, query: str) -> None:
    deadline = time.perf_counter() + _TOO_LONG
    while True:
        with engine.connect() as connection:
            if not connection.exec_driver_sql(query).scalar():
                return
        if time.perf_counter() > deadline:
            raise RuntimeError("the runs did not end")
        time.sleep(_LOOK)


async def _totals(processes: Sequence[Process]) -> dict[str, float]:
    found = await asyncio.gather(*(each.tell("figures") for each in processes))
    return {name: sum(each[name] for each in found) for name in found[0]}


def _median(rounds: Sequence[Round]) -> Round:
    names = Round.__dataclass_fields__
    return Round(**{n: statistics.median(getattr(each, n) for each in rounds) for n in names})


def _one_more_step(name: str, short: Round, long: Round) -> Iterator[Figure]:
    """What a step costs in a run that has it besides the others."""
    for label, field, unit in (
        ("commits", "commits", ""),
        ("statements", "statements", ""),
        ("worker's CPU", "cpu_ms", "ms"),
    ):
        more = (getattr(long, field) - getattr(short, field)) / _MORE_STEPS
        yield Figure(f"{name}: {label} per step", more, unit)
