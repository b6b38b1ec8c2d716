"""Runs that wait at approvals: what they cost while they do, and how soon they go on.

The rows are copies of those of one run that the engine brought there: run, steps, gate, card,
audit events, and the queue's alarm clock. They are looked at by the product itself, `serve` with
its worker; for what follows a vote, by a worker that has the action which the runs use.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
import tempfile
import time

import aiohttp
import psutil
import sqlalchemy as sa

from bench.engine.databases import Server
from bench.engine.fill import fill
from bench.engine.processes import worker
from bench.engine.world import APPROVER, APPROVERS, ONE_APPROVAL, Engine, open_engine
from bench.figures import Figure, percentile
from bench.servers import free_port, started
from domain.approval import Choice
from domain.run import RunState
from storage.database import parse_url

HOW_MANY = {"SQLite": 10_000, "PostgreSQL": 100_000}
APPROVALS = 60
_SETTLE = 40  #: seconds after a start: by then the engine is as calm as it gets
_IDLE = 60  #: seconds: two rounds of the sweep, thirty heartbeats
_PAUSE = 0.2  #: seconds between two approvals
_TOO_LONG = 60


@dataclass(frozen=True)
class Idle:
    """The product while nothing happens."""

    ready_s: float  #: from its start until it answers `/readyz`
    rss_kb: float
    cpu_percent: float  #: of one core
    server_cpu_percent: float  #: of the database's server


async def measure(server: Server) -> list[Figure]:
    """The figures on a database of *server*."""
    url = server.new()
    run_id = await _one_parked(url)
    without = await _idle(server, url)
    count = HOW_MANY[server.name]
    filled = await asyncio.to_thread(fill, url, run_id, count)
    print(f"{server.name}: {count} parked runs made in {filled.seconds:.1f} s", flush=True)
    parked = await _idle(server, url)
    took = await _approvals(url)
    server.drop(url)
    return list(_figures(f"{server.name}, {count:,} parked", count, without, parked, took))


def _figures(
    name: str, count: int, without: Idle, parked: Idle, took: list[float]
) -> Iterator[Figure]:
    added = (parked.rss_kb - without.rss_kb) / count
    few = "one parked"
    yield Figure(f"{name}: added memory per run", added * 1024, "bytes")
    yield Figure(f"{name}: memory", parked.rss_kb / 1024, "MB", few, without.rss_kb / 1024)
    yield Figure(f"{name}: idle CPU", parked.cpu_percent, "%", few, without.cpu_percent)
    if without.server_cpu_percent:
        yield Figure(
            f"{name}: server's idle CPU",
            parked.server_cpu_percent,
            "%",
            few,
            without.server_cpu_percent,
        )
    yield Figure(f"{name}: start to ready", parked.ready_s, "s", few, without.ready_s)
    for percent in (50, 99):
        label = f"{name}: approve to next step, p{percent}"
        yield Figure(label, percentile(took, percent), "s")
    yield Figure(f"{name}: approve to next step, longest", max(took), "s")


async def _one_parked(url: str) -> str:
    """The id of the one run in the database at *url*: it waits for an approval."""
    engine = await asyncio.to_thread(open_engine, url)
    (run_id,) = await engine.ask_for(1, rule=ONE_APPROVAL)
    async with worker("engine", url) as process:
        await process.tell("start")
        await _until(engine, run_id, RunState.AWAITING_APPROVAL)
    await engine.store.transaction(lambda unit: _shown(unit.connection))
    engine.close()
    return str(run_id)


def _shown(connection: sa.Connection) -> None:
    """Have all cards as they are wanted, and nothing to be sent: there is nobody to send it to."""
    connection.exec_driver_sql("UPDATE living_cards SET shown = wanted")
    connection.exec_driver_sql("DELETE FROM outbox")


async def _idle(server: Server, url: str) -> Idle:
    begun = time.perf_counter()
    async with _serving(url) as process:
        ready = time.perf_counter() - begun
        await asyncio.sleep(_SETTLE)
        cpu, theirs, begun = _cpu(process), server.cpu_seconds(), time.perf_counter()
        await asyncio.sleep(_IDLE)
        took = time.perf_counter() - begun
        return Idle(
            ready_s=ready,
            rss_kb=process.memory_info().rss / 1024,
            cpu_percent=(_cpu(process) - cpu) / took * 100,
            server_cpu_percent=(server.cpu_seconds() - theirs) / took * 100,
        )


@asynccontextmanager
async def _serving(url: str) -> AsyncIterator[psutil.Process]:
    """The product, once it is ready."""
    port, admin = free_port(), free_port()
    with tempfile.TemporaryDirectory() as state:
        env = {
            "SIGNALBOX_PROFILE": "demo",
            "SIGNALBOX_STATE_DIR": str(Path(state)),
            "SIGNALBOX_DATABASE_URL": url,
            "SIGNALBOX_PORT": str(port),
            "SIGNALBOX_ADMIN_PORT": str(admin),
            "SIGNALBOX_CHANNEL_HOSTS": "127.0.0.1:1",  # nobody there, and nothing to send
            "SIGNALBOX_LOG_LEVEL": "warning",
        }
        async with started("bot", "serve", port=admin, env=env) as process:
            async with aiohttp.ClientSession() as http:
                while not await _is_ready(http, admin):  # noqa: ASYNC110 - a process is waited for
                    await asyncio.sleep(0.02)
            yield process


async def _is_ready(http: aiohttp.ClientSession, port: int) -> bool:
    async with http.get(f"http://127.0.0.1:{port}/readyz") as response:
        return response.status == 200  # noqa: PLR2004 - OK


async def _approvals(url: str) -> list[float]:
    """How long it took from each of some votes until the first step began, in seconds."""
    engine = await asyncio.to_thread(open_engine, url)
    look = sa.create_engine(parse_url(url))
    with look.connect() as connection:
        chosen = connection.execute(
            sa.text("SELECT id FROM runs WHERE state = 'awaiting_approval' LIMIT :n"),
            {"n": APPROVALS},
        ).scalars()
        ids = list(chosen)
    look.dispose()
    took = []
    async with worker("whole", url) as process:
        await process.tell("start")
        await asyncio.sleep(_SETTLE)
        for run_id in ids:
            took.append(await _approved(engine, run_id))
            await asyncio.sleep(_PAUSE)
    engine.close()
    return took


async def _approved(engine: Engine, run_id: str) -> float:
    """Vote for the run; how long after it had been counted its first step began."""
    await engine.store.transaction(
        lambda unit: engine.lifecycle.vote(
            unit, run_id, voter=APPROVER, choice=Choice.APPROVE, comment="", group_id=APPROVERS
        )
    )
    voted = time.time()
    deadline = voted + _TOO_LONG
    while time.time() < deadline:
        first = (await engine.store.read(lambda unit: unit.steps.of(run_id)))[0]
        if first.started_at is not None:
            return first.started_at.timestamp() - voted
        await asyncio.sleep(0.02)
    raise RuntimeError(f"run {run_id} did not go on")


async def _until(engine: Engine, run_id: str, state: RunState) -> None:
    while True:
        run = await engine.store.read(lambda unit: unit.runs.get(run_id))
        if run is not None and run.state is state:
            return
        await asyncio.sleep(0.1)


def _cpu(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)
