"""What starting a run and a step cost when many runs have finished before.

There is a database of each size. The rounds go from one to the next, so that what else the
machine does falls on all of them; medians are compared with those of the smallest.
"""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
import statistics
import time

import sqlalchemy as sa

from bench.engine.databases import Server
from bench.engine.fill import fill
from bench.engine.processes import Process, worker
from bench.engine.world import STEPS, Engine, open_engine
from bench.figures import Figure
from storage.database import parse_url

SIZES = (100, 10_000)
MOST = 1_000_000
ROUNDS = 7
STARTS = 40  #: per round, one after the other
RUNS = 30  #: per round, asked for at once
_TEXT = 120  #: characters of an event's text, where there are a million runs of them
_TO_DO = sa.text("SELECT count(*) FROM runs WHERE state IN ('planning', 'queued', 'running')")


@dataclass(frozen=True)
class Round:
    """One round, in one of the databases."""

    start_ms: float  #: to ask for a run
    step_ms: float  #: of a worker that has many runs to carry out
    step_cpu_ms: float  #: of that worker, and of the database's server


class Sized:
    """A database with so many finished runs, and a worker on it."""

    def __init__(self, server: Server, url: str, engine: Engine, process: Process) -> None:
        self._server = server
        self._engine = engine
        self._process = process
        self._look = sa.create_engine(parse_url(url))

    async def round(self) -> Round:
        """One round, when nothing else is going on in this database."""
        starts = []
        for _ in range(STARTS):
            begun = time.perf_counter()
            await self._engine.ask_for(1)
            starts.append(time.perf_counter() - begun)
        await asyncio.to_thread(self._until_done)
        cpu = await self._cpu()
        await self._engine.ask_for(RUNS)
        begun = time.perf_counter()
        await asyncio.to_thread(self._until_done)
        took = time.perf_counter() - begun
        used = await self._cpu() - cpu
        steps = RUNS * STEPS
        return Round(statistics.median(starts) * 1000, took * 1000 / steps, used * 1000 / steps)

    def close(self) -> None:
        """Let go of the database."""
        self._look.dispose()
        self._engine.close()

    def _until_done(self) -> None:
        while True:
            with self._look.connect() as connection:
                if not connection.execute(_TO_DO).scalar():
                    return
            time.sleep(0.02)

    async def _cpu(self) -> float:
        figures = await self._process.tell("figures")
        return float(figures["cpu_seconds"]) + self._server.cpu_seconds()


async def measure(server: Server, *, sizes: Sequence[int] = SIZES) -> list[Figure]:
    """The figures on the databases of *server*, each with so many finished runs."""
    urls = [await finished(server, size) for size in sizes]
    found: dict[int, list[Round]] = {size: [] for size in sizes}
    async with AsyncExitStack() as stack:
        opened = []
        for url in urls:
            process = await stack.enter_async_context(worker("engine", url))
            await process.tell("start")
            engine = await asyncio.to_thread(open_engine, url)
            one = Sized(server, url, engine, process)
            stack.callback(one.close)
            opened.append(one)
        for _ in range(ROUNDS + 1):
            for size, one in zip(sizes, opened, strict=True):
                found[size].append(await one.round())
    for url in urls:
        server.drop(url)
    return list(_figures(server.name, {size: each[1:] for size, each in found.items()}))


async def finished(server: Server, count: int) -> str:
    """The URL of a new database where *count* runs have finished, and one before them."""
    url = server.new()
    engine = await asyncio.to_thread(open_engine, url)
    (run_id,) = await engine.ask_for(1)
    async with worker("engine", url) as process:
        await process.tell("start")
        await asyncio.to_thread(_wait_for_end, url)
    await asyncio.to_thread(engine.close)
    if not count:
        return url
    text = _TEXT if count >= MOST else None
    filled = await asyncio.to_thread(lambda: fill(url, run_id, count, audit_text=text))
    print(f"{server.name}: {count} finished runs made in {filled.seconds:.1f} s", flush=True)
    return url


def _wait_for_end(url: str) -> None:
    engine = sa.create_engine(parse_url(url))
    while True:
        with engine.connect() as connection:
            if not connection.execute(_TO_DO).scalar():
                break
        time.sleep(0.1)
    engine.dispose()


def _figures(name: str, found: dict[int, list[Round]]) -> Iterator[Figure]:
    least = min(found)
    for label, field in (
        ("to ask for a run", "start_ms"),
        ("a step", "step_ms"),
        ("a step's CPU", "step_cpu_ms"),
    ):
        base = statistics.median(getattr(each, field) for each in found[least])
        for size, rounds in found.items():
            value = statistics.median(getattr(each, field) for each in rounds)
            beside = (f"with {least:,}", base) if size != least else ("", None)
            yield Figure(f"{name}, {size:,} finished runs: {label}", value, "ms", *beside)
