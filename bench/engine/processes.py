"""Workers in processes of their own, told what to do over their standard input."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
import json
import sys
from typing import Any

from bench.servers import ROOT

_PATIENCE = 120  #: seconds for an answer


class Process:
    """One `bench.engine.worker`."""

    def __init__(self, child: asyncio.subprocess.Process) -> None:
        self._child = child

    async def tell(self, word: str) -> dict[str, Any]:
        """What it answers to *word*."""
        if self._child.stdin is None:
            raise RuntimeError("the worker hears nothing")
        self._child.stdin.write(f"{word}\n".encode())
        return await self.answer()

    async def answer(self) -> dict[str, Any]:
        """What it says next.

        Raises:
            RuntimeError: it ended.
        """
        if self._child.stdout is None:
            raise RuntimeError("the worker says nothing")
        async with asyncio.timeout(_PATIENCE):
            line = await self._child.stdout.readline()
        if not line:
            raise RuntimeError("a worker ended; what it said is above")
        answer: dict[str, Any] = json.loads(line)
        return answer


@asynccontextmanager
async def worker(kind: str, url: str) -> AsyncIterator[Process]:
    """A worker that is ready, and carries out nothing yet; ended afterwards."""
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "bench.engine.worker",
        kind,
        url,
        cwd=ROOT,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    process = Process(child)
    try:
        await process.answer()
        yield process
        await process.tell("stop")
        await child.wait()
    finally:
        if child.returncode is None:
            child.kill()
            await child.wait()


@asynccontextmanager
async def workers(kind: str, url: str, count: int) -> AsyncIterator[list[Process]]:
    """*count* of them."""
    async with AsyncExitStack() as stack:
        yield [await stack.enter_async_context(worker(kind, url)) for _ in range(count)]
