"""The processes that are measured, and the one that they answer to."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
import os
from pathlib import Path
import socket
import sys
import tempfile
from typing import IO

import aiohttp
import psutil

ROOT = Path(__file__).parents[1]
_PATIENCE = 30  #: seconds for a server to come up, or to end


@dataclass(frozen=True)
class Server:
    """A bot in a process of its own."""

    name: str
    url: str
    process: psutil.Process
    answers_with: str  #: what `fake_connector` counts its replies as: messages, or cards

    def cpu_seconds(self) -> float:
        """What it has used so far, all its threads together."""
        times = self.process.cpu_times()
        return float(times.user + times.system)

    def rss_mb(self) -> float:
        """Its memory."""
        return float(self.process.memory_info().rss / 2**20)


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@asynccontextmanager
async def started(
    *arguments: str, port: int, env: Mapping[str, str] | None = None
) -> AsyncIterator[psutil.Process]:
    """`python -m …`, once it answers on *port*, and ended afterwards."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith("SIGNALBOX_")}
    with tempfile.TemporaryFile() as log:
        child = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            *arguments,
            cwd=ROOT,
            env={**clean, **(env or {})},
            stdout=log,
            stderr=log,
        )
        try:
            await _answers(port, child, log)
            yield psutil.Process(child.pid)
        finally:
            await _end(child)


@asynccontextmanager
async def signalbox(connector_port: int) -> AsyncIterator[Server]:
    """The product: identity, policy, audit log and durable delivery, on SQLite."""
    port = free_port()
    with tempfile.TemporaryDirectory() as state:
        env = {
            "SIGNALBOX_PROFILE": "demo",
            "SIGNALBOX_STATE_DIR": state,
            "SIGNALBOX_PORT": str(port),
            "SIGNALBOX_ADMIN_PORT": "0",
            "SIGNALBOX_CHANNEL_HOSTS": f"127.0.0.1:{connector_port}",
            "SIGNALBOX_LOG_LEVEL": "warning",
        }
        async with started("bot", "serve", port=port, env=env) as process:
            url = f"http://127.0.0.1:{port}/api/messages"
            yield Server("signalbox", url, process, answers_with="cards")


@asynccontextmanager
async def stock() -> AsyncIterator[Server]:
    """The baseline: see `stock_echo`."""
    port = free_port()
    async with started("bench.stock_echo", str(port), port=port) as process:
        url = f"http://127.0.0.1:{port}/api/messages"
        yield Server("stock botbuilder echo", url, process, answers_with="messages")


@asynccontextmanager
async def connector() -> AsyncIterator[int]:
    """The fake connector; its port."""
    port = free_port()
    async with started("bench.fake_connector", str(port), port=port):
        yield port


async def _answers(port: int, child: asyncio.subprocess.Process, log: IO[bytes]) -> None:
    """Return when *child* answers on *port*.

    Raises:
        RuntimeError: it ended before; the message is what it said.
    """
    async with asyncio.timeout(_PATIENCE), aiohttp.ClientSession() as http:
        while True:
            if child.returncode is not None:
                log.seek(0)
                raise RuntimeError(log.read().decode(errors="replace"))
            try:
                async with http.get(f"http://127.0.0.1:{port}/count"):
                    return
            except aiohttp.ClientError:
                await asyncio.sleep(0.05)


async def _end(child: asyncio.subprocess.Process) -> None:
    if child.returncode is None:
        child.terminate()
    try:
        async with asyncio.timeout(_PATIENCE):
            await child.wait()
    except TimeoutError:
        child.kill()
        await child.wait()
