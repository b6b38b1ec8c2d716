"""One worker in a process of its own: `python -m bench.engine.worker KIND URL`.

KIND is `engine`, `plain`, or `whole`: the engine with everything that a worker does besides. It
is told on standard input what to do, a word a line, and answers each with a line of JSON.
"""

import asyncio
from collections.abc import Coroutine
import json
import logging
import os
import sys
from typing import Any

import psutil
import sqlalchemy as sa
import structlog

from bench.engine.plain import Plain
from bench.engine.world import Engine, open_engine
from bot.system import RandomIds, SystemClock
from workflows.engine.recovery import Recovery
from workflows.engine.retention import Retention
from workflows.engine.sweep import Sweep

_WRITES = ("INSERT", "UPDATE", "DELETE")


class Counts:
    """Commits of this process that wrote something, and the statements in them.

    A look into a queue that is empty is no commit: it is the price of time, not of a step.
    """

    def __init__(self) -> None:
        self.commits = 0
        self.statements = 0
        sa.event.listen(sa.Engine, "before_cursor_execute", self._executed)
        sa.event.listen(sa.Engine, "commit", self._committed)
        sa.event.listen(sa.Engine, "rollback", self._rolled_back)

    def _executed(self, connection: sa.Connection, _cursor: Any, statement: str, *_: Any) -> None:
        words = statement.lstrip()[:6].upper()
        connection.info.setdefault("statements", []).append(words in _WRITES)

    def _committed(self, connection: sa.Connection) -> None:
        statements = connection.info.pop("statements", [])
        if any(statements):
            self.commits += 1
            self.statements += len(statements)

    def _rolled_back(self, connection: sa.Connection) -> None:
        connection.info.pop("statements", None)


class Whole:
    """The engine with heartbeat, sweep and retention, as a worker of the product has them."""

    def __init__(self, url: str) -> None:
        self.engine = open_engine(url)
        self._tasks: list[asyncio.Task[None]] = []
        clock, ids = SystemClock(), RandomIds()
        engine = self.engine
        self._recovery = Recovery(engine.store, engine.durable, clock, ids)
        self._retention = Retention(engine.store, engine.durable, clock)
        self._sweep = Sweep(
            engine.store, engine.plans, engine.turns, clock, ended=engine.durable.ended
        )

    async def start(self) -> None:
        """Begin to carry out, and all that goes on besides."""
        await self._recovery.begin()
        await self.engine.durable.start(self._recovery.executor_id, self.engine.worker.work)
        for each in (self._recovery.run(), self._retention.run(), self._sweep.run()):
            self._begin(each)

    async def stop(self) -> None:
        """End all of it."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.engine.durable.stop()
        await self._recovery.end()

    def close(self) -> None:
        """Let go of the database."""
        self.engine.close()

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        self._tasks.append(asyncio.create_task(work))


class Bare:
    """The engine, and nothing that goes on by itself."""

    def __init__(self, url: str) -> None:
        self.engine: Engine = open_engine(url)

    async def start(self) -> None:
        """Begin to carry out."""
        await self.engine.durable.start(f"bench/{os.getpid()}", self.engine.worker.work)

    async def stop(self) -> None:
        """Take no more work."""
        await self.engine.durable.stop()

    def close(self) -> None:
        """Let go of the database."""
        self.engine.close()


KINDS: dict[str, type[Bare] | type[Whole] | type[Plain]] = {
    "engine": Bare,
    "whole": Whole,
    "plain": Plain,
}


async def main(kind: str, url: str) -> None:
    """Do as told until `stop`."""
    counts = Counts()
    worker = await asyncio.to_thread(KINDS[kind], url)
    _say({"is": "ready"})
    while word := (await asyncio.to_thread(sys.stdin.readline)).strip():
        match word:
            case "start":
                await worker.start()
                _say({"is": "started"})
            case "figures":
                _say(_figures(counts))
            case "stop":
                await worker.stop()
                break
            case _:
                raise ValueError(word)
    worker.close()  # not in a thread: DBOS has closed the pool that it gave the loop
    _say({"is": "stopped"})


def _figures(counts: Counts) -> dict[str, float]:
    process = psutil.Process()
    times = process.cpu_times()
    return {
        "cpu_seconds": times.user + times.system,
        "rss_kb": process.memory_info().rss / 1024,
        "commits": counts.commits,
        "statements": counts.statements,
    }


def _say(what: dict[str, Any]) -> None:
    print(json.dumps(what), flush=True)


if __name__ == "__main__":
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    asyncio.run(main(*sys.argv[1:]))
