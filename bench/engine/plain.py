"""Plain DBOS, as the baseline: a queued workflow of five steps that do nothing."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any
import uuid

from dbos import DBOS, DBOSClient, DBOSConfig, DBOSPortableJSONSerializer

from bench.engine.world import STEPS
from storage.database import parse_url, writing_engine

_NAME, _QUEUE, _VERSION = "bench", "bench", "1"
_AT_ONCE, _POLL = 32, 0.1  #: as the engine has them


class Plain:
    """The workflow's queue in the database at *url*; no process carries out until `start`."""

    def __init__(self, url: str) -> None:
        DBOS.migrate(url)
        self._url = url
        self._engine = writing_engine(parse_url(url))
        self._client = DBOSClient(
            system_database_url=url,
            serializer=DBOSPortableJSONSerializer(),
            application_name=_NAME,
            lazy=True,
        )

    async def ask_for(self, workflows: int, _steps: int = STEPS) -> None:
        """Have *workflows* carried out, enqueued in one transaction."""
        await asyncio.to_thread(self._enqueue, workflows)

    def _enqueue(self, workflows: int) -> None:
        with self._engine.begin() as connection:
            for _ in range(workflows):
                options: Any = {
                    "workflow_name": "five",
                    "queue_name": _QUEUE,
                    "workflow_id": str(uuid.uuid4()),
                }
                self._client.enqueue_in_transaction(connection, options, "service", "v2")

    async def start(self) -> None:
        """Begin to carry out, on the running event loop."""
        config: DBOSConfig = {
            "name": _NAME,
            "system_database_url": self._url,
            "executor_id": str(uuid.uuid4()),
            "application_version": _VERSION,
            "serializer": DBOSPortableJSONSerializer(),
            "log_level": "ERROR",
            "run_migrations": False,
        }
        DBOS(config=config)

        @DBOS.step()
        async def switch(_service: str, version: str) -> dict[str, str]:
            return {"version": version}

        @DBOS.workflow(name="five")
        async def five(service: str, version: str) -> None:
            for number in range(STEPS):
                await switch(f"{service}{number}", version)

        DBOS.launch()
        await DBOS.register_queue_async(
            _QUEUE, worker_concurrency=_AT_ONCE, polling_interval_sec=_POLL
        )

    async def stop(self) -> None:
        """Take no more work."""
        with ThreadPoolExecutor(1) as thread:  # the loop's own is DBOS's, which closes it
            destroy = partial(DBOS.destroy, destroy_registry=True)
            await asyncio.get_running_loop().run_in_executor(thread, destroy)

    def close(self) -> None:
        """Let go of the database."""
        self._client.destroy()
        self._engine.dispose()
