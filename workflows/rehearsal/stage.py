"""The engine with everything around it, and one case performed on it.

The lifecycle, the plans, the turns, the progress, the worker and the tables are those that
operators run. Played are the time, the queue, the actions, and the people.
"""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
import shutil
import tempfile
from typing import Self

from connectors.connector import Actions
from domain.conversation import Conversation, ConversationKind
from domain.errors import Bug
from domain.notice import Notice
from domain.step import idempotency_key
from storage.unit import UnitOfWork
from workflows.definition import Workflow
from workflows.durations import LONGEST
from workflows.engine.lifecycle import Lifecycle, RunRequest
from workflows.engine.plans import Plans
from workflows.engine.progress import Progress
from workflows.engine.turns import Turns
from workflows.engine.worker import Worker
from workflows.rehearsal.case import Case
from workflows.rehearsal.clock import VirtualClock, in_virtual_time
from workflows.rehearsal.people import TENANT, People
from workflows.rehearsal.played import Played, Told, happened
from workflows.rehearsal.queue import CountingIds, VirtualQueue, Work
from workflows.rehearsal.script import Script
from workflows.rehearsal.store import WatchedStore

_KEY = b"the audit log of a rehearsal proves nothing"
_PLACE = Conversation(
    tenant=TENANT,
    service_url="http://127.0.0.1:1/",
    id="19:rehearsal@thread.tacv2;messageid=1",
    kind=ConversationKind.CHANNEL,
    bot_id="28:rehearsal",
)


class Theatre:
    """Where cases are performed: each on a database of its own, a copy of one that is empty."""

    def __init__(self, folder: Path, offered: Actions) -> None:
        self._folder = folder
        self._offered = offered
        self._empty = folder / "empty.db"
        self._number = 0
        _open(self._empty, VirtualClock()).close()

    @classmethod
    @contextmanager
    def opened(cls, offered: Actions) -> Iterator[Self]:
        """A theatre for workflows that use the actions *offered*."""
        with tempfile.TemporaryDirectory(prefix="signalbox-rehearsal-") as folder:
            yield cls(Path(folder), offered)

    def play(self, workflow: Workflow, case: Case) -> Played:
        """What comes of *case* of *workflow*."""
        self._number += 1
        database = self._folder / f"{self._number}.db"
        shutil.copyfile(self._empty, database)
        clock = VirtualClock()
        store = _open(database, clock)
        try:
            stage = _Stage(store, clock, self._offered, workflow, case)
            return in_virtual_time(stage.play, clock)
        finally:
            store.close()


def _open(database: Path, clock: VirtualClock) -> WatchedStore:
    store = WatchedStore.open(
        f"sqlite:///{database}", audit_key=_KEY, clock=clock, ids=CountingIds()
    )
    store.queue = VirtualQueue(clock)
    return store


class _Stage:
    """One case, from its request to its end."""

    def __init__(
        self,
        store: WatchedStore,
        clock: VirtualClock,
        offered: Actions,
        workflow: Workflow,
        case: Case,
    ) -> None:
        self._store = store
        self._clock = clock
        self._workflow = workflow
        self._case = case
        self._began = clock.now()
        self._run_id = ""
        self._told: list[Told] = []
        self._news = asyncio.Event()
        self._under_way = 0
        queue, ids = store.queue, CountingIds()
        self._lifecycle = Lifecycle(queue, ids)
        self._people = People(store, self._lifecycle, case, changed=self._changed)
        self._script = Script(offered, workflow, case, asks=self._step_of, clock=clock)
        progress = Progress(queue, ids)
        self._worker = Worker(
            store=store,
            plans=Plans(queue, ids),
            turns=Turns(queue, progress),
            progress=progress,
            actions=Actions([self._script]),
            voters=self._people,
            clock=clock,
            correlation_id=lambda: "rehearsal",
            jitter=lambda: 0.0,
        )
        store.seen = self._seen

    async def play(self) -> Played:
        """Perform it."""
        self._run_id = await self._request()
        until = self._case.until or LONGEST
        acting = asyncio.create_task(self._people.act(self._run_id))
        working = asyncio.create_task(self._work())
        for task in (acting, working):
            task.add_done_callback(lambda _: self._ring())
        try:
            async with asyncio.timeout(until.total_seconds()):
                while not await self._is_over(acting, working):
                    await self._changed()
        except TimeoutError:
            pass  # that is when it is looked at
        for task in (acting, working):
            task.cancel()
        ended = await asyncio.gather(acting, working, return_exceptions=True)
        for each in ended:
            if isinstance(each, Exception):
                raise each
        return await self._store.read(self._played)

    async def _request(self) -> str:
        asked = RunRequest(
            workflow=self._workflow,
            inputs=self._case.inputs,
            reason="",
            requester=self._people.actor(self._case.requester),
            conversation=_PLACE,
            reply_to="1",
            gate_rule=self._case.gate,
        )
        run = await self._store.transaction(lambda unit: self._lifecycle.request(unit, asked))
        return run.id

    async def _work(self) -> None:
        """Carry out what is due, each piece beside the others, for ever."""
        queue = self._store.queue
        async with asyncio.TaskGroup() as group:
            while True:
                while (work := queue.take(until=self._clock.now())) is not None:
                    self._under_way += 1
                    group.create_task(self._carry_out(work))
                await self._until_due(queue.next_due)

    async def _carry_out(self, work: Work) -> None:
        try:
            await self._worker.work[work.kind](work.id, *work.args)
        finally:
            self._under_way -= 1
            self._ring()

    async def _until_due(self, due: datetime | None) -> None:
        """Wait for news; not longer than until *due*."""
        patience = None if due is None else (due - self._clock.now()).total_seconds()
        try:
            async with asyncio.timeout(patience):
                await self._changed()
        except TimeoutError:
            pass  # it is due

    async def _is_over(self, acting: asyncio.Task[None], working: asyncio.Task[None]) -> bool:
        """Whether nothing is to be expected any more."""
        if working.done():
            return True  # it broke: nothing else ends it
        run = await self._store.read(lambda unit: unit.runs.get(self._run_id))
        has_ended = run is not None and run.state.is_final
        return has_ended and acting.done() and not self._under_way

    async def _changed(self) -> None:
        await self._news.wait()

    def _ring(self) -> None:
        self._news.set()
        self._news = asyncio.Event()

    def _seen(self, notices: Sequence[Notice]) -> None:
        at = self._clock.now() - self._began
        self._told += [Told(notice=each, at=at) for each in notices]
        self._ring()

    async def _step_of(self, key: str) -> tuple[str, bool]:
        """The step that *key* stands for, and whether it is being undone."""

        def look(unit: UnitOfWork) -> tuple[str, bool] | None:
            run = unit.runs.get(self._run_id)
            for step in unit.steps.of(self._run_id):
                for generation in range(1, run.generation + 1 if run else 1):
                    if key == idempotency_key(self._run_id, step.name, generation):
                        return step.name, step.undo_attempt > 0
            return None

        found = await self._store.read(look)
        if found is None:
            raise Bug("An action was called under a key that belongs to no step.")
        return found

    def _played(self, unit: UnitOfWork) -> Played:
        run = unit.runs.get(self._run_id)
        if run is None:
            raise Bug("The run of a rehearsal is gone.")
        entries = unit.audit.of_run(run.id)
        return Played(
            run=run,
            steps=unit.steps.of(run.id),
            calls=tuple(self._script.calls),
            told=tuple(self._told),
            events=tuple(happened(each.text) for each in entries),
            complaints=self._people.complaints,
            took=(run.finished_at or self._clock.now()) - self._began,
        )
