"""The processes of a test over one database, and what must be true when they have done all."""

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
import multiprocessing
from multiprocessing.process import BaseProcess
from pathlib import Path
import signal

import psutil
import sqlalchemy as sa

from bot.audit import verify
from bot.system import RandomIds, SystemClock
from domain.run import Run, RunState
from domain.step import StepState, idempotency_key
from storage.schema import audit_events, gates, locks, outbox, runs, step_runs, votes
from storage.store import Store
from storage.unit import UnitOfWork
from tests.crash.death import Point
from tests.crash.subject import AUDIT_KEY, Life, Wish, live, runs_by_shop
from tests.crash.target import Ledger

_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(["tests.crash.subject"])  # a start then takes no second

_PATIENCE = 30.0  #: seconds; who is far slower than that has lost something

_TABLES = (runs, step_runs, gates, votes, locks, audit_events, outbox)
_BEHIND = sa.text("SELECT count(*) FROM living_cards WHERE shown < wanted")
_OUTBOX = sa.text("SELECT count(*) FROM outbox")
_LOCKS = sa.text("SELECT count(*) FROM locks")
_MESSAGES = sa.text("SELECT subject, activity_id FROM living_cards")
_QUEUE = "SELECT count(*) FROM {}workflow_status WHERE status IN ('PENDING', 'ENQUEUED')"


@dataclass
class House:
    """A database, a target, a channel; and processes that live and die."""

    life: Life
    store: Store
    processes: list[BaseProcess] = field(default_factory=list)
    kills: int = 0

    @classmethod
    def build(cls, url: str, folder: Path, wishes: Sequence[Wish], **others: object) -> "House":
        """Nobody lives there yet."""
        clock, ids = SystemClock(), RandomIds()
        store = Store.open(url, audit_key=AUDIT_KEY, clock=clock, ids=ids)
        return cls(Life(url=url, folder=folder, wishes=tuple(wishes), **others), store)  # type: ignore[arg-type]

    def start(self, point: Point | None = None, **others: object) -> BaseProcess:
        """A process, which dies at *point*."""
        life = replace(self.life, point=point, **others)  # type: ignore[arg-type]
        process = _CONTEXT.Process(target=live, args=(life,), daemon=True)
        process.start()
        self.processes.append(process)
        return process

    async def dies_at(self, point: Point, **others: object) -> None:
        """A process that starts, comes as far as *point*, and dies there."""
        process = self.start(point, **others)
        await asyncio.to_thread(process.join, _PATIENCE)
        assert process.exitcode == -signal.SIGKILL, (
            f"{point} was not reached: {process.exitcode}\n{self.log()}"
        )
        self.kills += 1

    async def stands_still(self, process: BaseProcess) -> None:
        """Wait until *process* has stopped itself."""
        async with asyncio.timeout(_PATIENCE):
            while psutil.Process(process.pid).status() != psutil.STATUS_STOPPED:  # noqa: ASYNC110 - another process
                await asyncio.sleep(0.02)

    def kill(self, process: BaseProcess) -> None:
        """Kill *process*, wherever it is."""
        process.kill()
        process.join()
        self.kills += 1

    async def until(self, condition: Callable[[UnitOfWork], bool]) -> None:
        """Wait until *condition* is true of the database."""
        async with asyncio.timeout(_PATIENCE):
            while not await self.store.read(condition):  # noqa: ASYNC110 - other processes
                await asyncio.sleep(0.02)

    async def contents(self) -> dict[str, list[str]]:
        """What is said of runs, by table; and what the target has seen."""

        def rows_of(unit: UnitOfWork) -> dict[str, list[str]]:
            found = {table: unit.connection.execute(sa.select(table)) for table in _TABLES}
            return {table.name: sorted(map(str, rows)) for table, rows in found.items()}

        rows = await self.store.read(rows_of)
        return rows | {"effects": [str(line) for line in self.effects]}

    async def settles(self, patience: float = _PATIENCE) -> None:
        """Wait until all that was wished for has ended, and has been shown."""
        try:
            async with asyncio.timeout(patience):
                while left := await self.store.read(self._left):
                    for process in self.processes[-1:]:
                        assert process.is_alive(), self.log()
                    await asyncio.sleep(0.05)
        except TimeoutError:
            raise AssertionError(f"not within {patience} s: {left}\n{self.log()}") from None

    def _left(self, unit: UnitOfWork) -> list[str]:
        runs = runs_by_shop(unit)
        left = [wish.shop for wish in self.life.wishes if wish.shop not in runs]
        left += [f"{run.reason} {run.state}" for run in runs.values() if not run.state.is_final]
        left += [
            f"{name}: {count}"
            for name, statement in (("cards", _BEHIND), ("outbox", _OUTBOX))
            if (count := unit.connection.scalar(statement))
        ]
        return left

    def close(self) -> None:
        """Leave nobody alive."""
        for process in self.processes:
            if process.is_alive():
                process.kill()
            process.join()
        self.store.close()

    def log(self) -> str:
        """The last words of all processes."""
        log = self.life.folder / "log"
        return log.read_text(errors="replace")[-6000:] if log.exists() else ""

    @property
    def effects(self) -> list[dict[str, str]]:
        """What the target has seen."""
        return Ledger(self.life.folder / "effects.jsonl").lines()

    # -- what must be true -------------------------------------------------------------

    async def check(self, *, survivors: int = 1) -> None:
        """Check all that must be true after the last run has ended."""
        runs, steps = await self.store.read(
            lambda unit: (
                (found := runs_by_shop(unit)),
                {run.id: unit.steps.of(run.id) for run in found.values()},
            )
        )
        for wish in self.life.wishes:
            run = runs[wish.shop]
            ends = {wish.end, *([RunState.SUCCEEDED] if wish.is_cancelled else [])}  # too late
            assert run.state in ends, (wish, run.state, run.outcome)
            self._check_effects(wish, run)
            unfinished = {StepState.PENDING, StepState.RUNNING, StepState.WAITING}
            assert not [each for each in steps[run.id] if each.state in unfinished], run
        await self.store.read(lambda unit: self._check_rows(unit, runs))
        await self._check_executors(survivors)
        verdict = await asyncio.to_thread(verify, self.life.url, AUDIT_KEY, self.life.folder)
        assert verdict.ok, verdict

    def _check_effects(self, wish: Wish, run: Run) -> None:
        mine = [each for each in self.effects if each["shop"] == wish.shop]
        keys = [idempotency_key(run.id, "switch", generation) for generation in (1, 2)]
        had = [(each["key"], each["version"]) for each in mine]
        must = list(zip(keys, wish.effects, strict=False))
        assert had == must or (wish.is_cancelled and had == must[: len(had)]), (wish, had)
        assert run.finished_at is not None
        for each in mine:
            assert datetime.fromisoformat(each["at"]) <= run.finished_at, (run, each)

    def _check_rows(self, unit: UnitOfWork, runs: dict[str, Run]) -> None:
        connection = unit.connection
        assert connection.scalar(_LOCKS) == 0
        last = {
            line["id"]: line["text"] for line in Ledger(self.life.folder / "channel.jsonl").lines()
        }
        shown = {
            run_id: last[activity_id] for run_id, activity_id in connection.execute(_MESSAGES)
        }
        assert shown == {run.id: f"{run.id} {run.state}" for run in runs.values()}
        told = Counter(text for text in last.values() if "told" in text)
        assert {run.id for run in runs.values()} >= {text.split()[0] for text in told}

    async def _check_executors(self, survivors: int) -> None:
        """No row of the dead, and no work that nobody does."""
        try:
            async with asyncio.timeout(self.life.lease.total_seconds() * 2 + 2):
                while await self.store.read(lambda unit: self._is_haunted(unit, survivors)):  # noqa: ASYNC110 - other processes
                    await asyncio.sleep(0.05)
        except TimeoutError:
            raise AssertionError(
                await self.store.read(lambda unit: unit.executors.all()), self.log()
            ) from None

    def _is_haunted(self, unit: UnitOfWork, survivors: int) -> bool:
        schema = "dbos." if self.life.url.startswith("postgresql") else ""
        going_on = unit.connection.scalar(sa.text(_QUEUE.format(schema)))
        alive = {process.pid for process in self.processes if process.is_alive()}
        known = [each.pid for each in unit.executors.all()]
        assert len(alive) == survivors
        return sorted(known) != sorted(alive) or bool(going_on)
