"""The durable queue and alarm clock, made of DBOS Transact. No other module imports it.

Work is a kind, an id and arguments. It is enqueued in the caller's own transaction, so it exists
if and only if what it follows from was committed. A piece of work is carried out until it ends;
when its process dies it is begun again, here after a restart or elsewhere after a take-over.
What has been done already is for our rows to say: DBOS keeps no checkpoints inside a piece.
https://docs.dbos.dev/python/reference/client#enqueue_in_transaction
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, ClassVar, Protocol

from dbos import DBOS, DBOSClient, DBOSConfig, DBOSPortableJSONSerializer
import structlog

from domain.errors import Refused

log = structlog.get_logger(__name__)

_APPLICATION = "signalbox"
_VERSION = "rows-1"
"""Constant: DBOS strands what an executor of another version began, and its default version is a
hash of the code. The work functions are stable: an id and our rows are all they go by."""

_QUEUE = "signalbox"
_AT_ONCE = 32  #: pieces of work per process
_ENDS = ["SUCCESS", "ERROR", "CANCELLED", "MAX_RECOVERY_ATTEMPTS_EXCEEDED"]
_QUICK = timedelta(milliseconds=100)  #: how often the queue is looked into while there is work,
_CALM = timedelta(milliseconds=500)  #: and when there was none for a while: a look costs CPU
_A_WHILE = timedelta(seconds=30)
_PACE = timedelta(seconds=1)  #: how often that changes at most
_NOTES = timedelta(milliseconds=250)
"""How often DBOS passes on messages between workflows. We send none; a stop waits for it."""
_LONGEST_SILENCE = timedelta(seconds=5)  #: of a transaction, on PostgreSQL: as our own
_LAST_WORDS = timedelta(seconds=4)  #: how long a stop waits for work under way


class Kind(StrEnum):
    """What work there is. The names stand in the database: they are not to change."""

    PLAN = "plan"
    STRETCH = "stretch"
    TIMER = "timer"
    SCHEDULE = "schedule"
    REMINDER = "reminder"


Work = Callable[..., Awaitable[None]]
"""Called with the id of the piece of work, and its arguments: texts."""


class Queue(Protocol):
    """Where transitions put what follows."""

    def enqueue(
        self, connection: Any, kind: Kind, work_id: str, *args: str, delay: timedelta | None = None
    ) -> None:
        """Have work carried out once the transaction of *connection* has committed.

        The same *work_id* again is the same piece of work: nothing is added.
        """
        ...


class Durable:
    """The queue in a database: any process enqueues, and those that are started carry out."""

    _carrying_out: ClassVar["Durable | None"] = None
    """The one that is started. DBOS has one runtime for each process: the second would take it
    from the first, and the work of both would wait for ever."""

    def __init__(self, url: str) -> None:
        """*url* is the database of our own tables; see `prepare`."""
        self._url = url
        self._client = DBOSClient(
            system_database_url=url,
            serializer=DBOSPortableJSONSerializer(),
            application_name=_APPLICATION,
            lazy=True,
        )
        self._executor_id = ""
        self._is_stopping = False
        self._tasks: set[asyncio.Task[Any]] = set()
        self._has_begun = asyncio.Event()  # some work, since the pace was looked at
        self._pace: asyncio.Task[None] | None = None

    @staticmethod
    def prepare(url: str) -> None:
        """Make or upgrade the queue's tables in the database at *url*. Blocks."""
        DBOS.migrate(url)

    def enqueue(
        self, connection: Any, kind: Kind, work_id: str, *args: str, delay: timedelta | None = None
    ) -> None:
        """Have work carried out once the transaction of *connection* has committed."""
        options: Any = {"workflow_name": kind.value, "queue_name": _QUEUE, "workflow_id": work_id}
        if delay is not None:
            options["delay_seconds"] = max(delay.total_seconds(), 0.0)
        self._client.enqueue_in_transaction(connection, options, *args)

    async def start(self, executor_id: str, work: Mapping[Kind, Work]) -> None:
        """Begin to carry out, as *executor_id*, on the running event loop.

        Raises:
            Refused: another one carries out in this process.
        """
        if Durable._carrying_out is not None:
            raise Refused(
                "A Signalbox carries out work in this process already.",
                hint="Stop it first, or start the other one in a process of its own.",
            )
        Durable._carrying_out = self
        try:
            await self._launch(executor_id, work)
        except BaseException:
            Durable._carrying_out = None
            raise

    async def _launch(self, executor_id: str, work: Mapping[Kind, Work]) -> None:
        self._executor_id = executor_id
        config: DBOSConfig = {
            "name": _APPLICATION,
            "system_database_url": self._url,
            "executor_id": executor_id,
            "application_version": _VERSION,
            "serializer": DBOSPortableJSONSerializer(),
            "log_level": "ERROR",
            "run_migrations": False,
            "notification_coalesce_sec": _NOTES.total_seconds(),
            "sys_db_idle_transaction_timeout_sec": _LONGEST_SILENCE.total_seconds(),
        }
        DBOS(config=config)
        for kind, function in work.items():
            DBOS.workflow(name=kind.value)(self._workflow(function))
        DBOS.launch()  # inside the loop: the work then runs on it, and may use its sessions
        await DBOS.register_queue_async(
            _QUEUE, worker_concurrency=_AT_ONCE, polling_interval_sec=_QUICK.total_seconds()
        )
        self._pace = asyncio.create_task(self._keep_pace())

    async def stop(self) -> None:
        """Take no more work; what is not done in a few seconds is left to be begun again."""
        if not self._executor_id:
            return
        self._is_stopping = True
        if self._pace is not None:
            self._pace.cancel()
            await asyncio.gather(self._pace, return_exceptions=True)
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=_LAST_WORDS.total_seconds())
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        loop = asyncio.get_running_loop()
        # DBOS made its own pool the loop's, and closes it now: who looks after the queue meanwhile
        # must not find it closed. It may do so once more, for work that it begins to the last.
        ours = ThreadPoolExecutor()
        loop.set_default_executor(ours)
        try:
            with ThreadPoolExecutor(1) as thread:
                await loop.run_in_executor(thread, lambda: DBOS.destroy(destroy_registry=True))
        finally:
            Durable._carrying_out = None
        loop.set_default_executor(ours)
        self._executor_id = ""

    def close(self) -> None:
        """Let go of the database. Blocks for a moment."""
        self._client.destroy()

    async def take_over(self, executor_id: str) -> int:
        """Put back what the dead executor had begun; how much it was.

        Whoever calls must be the only one who does: see `recovery`.
        """
        begun = await self._client.list_workflows_async(
            executor_id=[executor_id], status="PENDING", load_input=False, load_output=False
        )
        if begun:
            ids = [each.workflow_id for each in begun]
            await self._client.resume_workflows_async(ids, queue_name=_QUEUE)
        return len(begun)

    async def ended(self, work_ids: Collection[str]) -> set[str]:
        """Those of *work_ids* that are not going on any more, whatever their end was."""
        if not work_ids:
            return set()
        done = await self._client.list_workflows_async(
            workflow_ids=sorted(work_ids), status=_ENDS, load_input=False, load_output=False
        )
        return {each.workflow_id for each in done}

    async def forget(self, before: datetime) -> int:
        """Drop what was carried out before that moment; how much it was, at most 1000."""
        done = await self._client.list_workflows_async(
            completed_before=before.isoformat(), limit=1000, load_input=False, load_output=False
        )
        if done:
            await self._client.delete_workflows_async([each.workflow_id for each in done])
        return len(done)

    async def _keep_pace(self) -> None:
        """Have the queue looked into often while there is work, and seldom when there is none.

        How often is one setting for all processes. One that has nothing to do slows them all
        down once; one that has sets it right within a second.
        """
        while True:
            try:
                async with asyncio.timeout(_A_WHILE.total_seconds()):
                    await self._has_begun.wait()
                await self._look_every(_QUICK)
            except TimeoutError:
                await self._look_every(_CALM)
                await self._has_begun.wait()
                await self._look_every(_QUICK)
            self._has_begun.clear()
            await asyncio.sleep(_PACE.total_seconds())

    async def _look_every(self, interval: timedelta) -> None:
        try:
            queue = await DBOS.retrieve_queue_async(_QUEUE)
            if queue is not None:
                await queue.set_polling_interval_sec_async(interval.total_seconds())
        except Exception:  # whatever DBOS raises while the database is away: the pace stays
            log.warning("pace not set", exc_info=True)

    def _workflow(self, function: Work) -> Callable[..., Awaitable[None]]:
        async def work(*args: str) -> None:
            task = asyncio.current_task()
            if self._is_stopping or task is None:
                raise asyncio.CancelledError  # it stays begun, for whoever takes over
            self._tasks.add(task)
            self._has_begun.set()
            try:
                await function(str(DBOS.workflow_id), *args)
            finally:
                self._tasks.discard(task)

        return work
