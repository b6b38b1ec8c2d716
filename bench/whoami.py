"""What one command costs: `whoami`, from the activity to the reply at the Bot Connector.

CPU time of the server's process is the figure to trust; waiting times depend on what else the
machine does. Rounds of the two servers alternate, and the medians are compared.
"""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
import itertools
import statistics
import time
from typing import Any

import aiohttp

from bench.figures import Figure, percentile
from bench.servers import Server, connector, signalbox, stock

ROUNDS = 5
COMMANDS = {1: 300, 16: 480}  #: per round, by how many are under way at once
WARM_UP = 60
TENANT = "00000000-0000-4000-8000-00000000aaaa"
BOT = "28:00000000-0000-4000-8000-00000000b07a"
DEV = "00000000-0000-4000-8000-000000000001"
_QUIET = 10  #: seconds until the last reply must be there


@dataclass(frozen=True)
class Round:
    """One round with one server."""

    cpu_ms: float  #: per command
    p50_ms: float
    p99_ms: float


async def measure() -> list[Figure]:
    """The figures of both servers, ours beside the baseline's."""
    rounds: dict[tuple[str, int], list[Round]] = {}
    async with (
        connector() as connector_port,
        signalbox(connector_port) as ours,
        stock() as theirs,
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as http,
    ):
        load = Load(http, connector_port)
        for server in (ours, theirs):
            await load.send(server, WARM_UP, 4)
        for _ in range(ROUNDS):
            for at_once, commands in COMMANDS.items():
                for server in (ours, theirs):
                    measured = await load.send(server, commands, at_once)
                    rounds.setdefault((server.name, at_once), []).append(measured)
        memory = Figure("memory", ours.rss_mb(), "MB", theirs.name, theirs.rss_mb())
        return [*_figures(rounds, ours.name, theirs.name), memory]


def _figures(
    rounds: dict[tuple[str, int], list[Round]], ours: str, theirs: str
) -> Iterator[Figure]:
    for at_once in COMMANDS:
        for field, label in (("cpu_ms", "CPU"), ("p50_ms", "p50"), ("p99_ms", "p99")):
            own, base = (
                statistics.median(getattr(each, field) for each in rounds[name, at_once])
                for name in (ours, theirs)
            )
            yield Figure(f"whoami {label}, {at_once} at once", own, "ms", theirs, base)


class Load:
    """Sends commands, and sees to it that each got its reply."""

    def __init__(self, http: aiohttp.ClientSession, connector_port: int) -> None:
        self._http = http
        self._connector = f"http://127.0.0.1:{connector_port}/"
        self._numbers = itertools.count(1)

    async def send(self, server: Server, commands: int, at_once: int) -> Round:
        """One round: *commands* in all, *at_once* under way."""
        before, cpu = await self._replies(server), server.cpu_seconds()
        waiting = iter([self._activity() for _ in range(commands)])
        took: list[float] = []

        async def one_after_the_other() -> None:
            took.extend([await self._post(server, activity) for activity in waiting])

        async with asyncio.TaskGroup() as group:
            for _ in range(at_once):
                group.create_task(one_after_the_other())
        await self._until(before + commands, server)
        used = server.cpu_seconds() - cpu
        return Round(
            cpu_ms=used * 1000 / commands,
            p50_ms=percentile(took, 50) * 1000,
            p99_ms=percentile(took, 99) * 1000,
        )

    async def _post(self, server: Server, activity: dict[str, Any]) -> float:
        begun = time.perf_counter()
        async with self._http.post(server.url, json=activity) as response:
            await response.read()
            if response.status not in {200, 201, 202}:
                raise RuntimeError(f"{server.name} answered {response.status}")
        return time.perf_counter() - begun

    async def _until(self, replies: int, server: Server) -> None:
        """Wait for the last reply.

        Raises:
            RuntimeError: there are fewer, or more.
        """
        deadline = time.perf_counter() + _QUIET
        while (now := await self._replies(server)) < replies:
            if time.perf_counter() > deadline:
                raise RuntimeError(f"{server.name} left {replies - now} commands without a reply")
            await asyncio.sleep(0.02)
        if now > replies:
            raise RuntimeError(f"{server.name} gave {now - replies} replies too many")

    async def _replies(self, server: Server) -> int:
        async with self._http.get(f"{self._connector}count") as response:
            return int((await response.json())[server.answers_with])

    def _activity(self) -> dict[str, Any]:
        number = next(self._numbers)
        return {
            "type": "message",
            "id": f"1764000{number:06}",
            "timestamp": "2026-03-02T09:30:00.1234567Z",
            "channelId": "msteams",
            "serviceUrl": self._connector,
            "from": {"id": "29:dev-1", "name": "dev-1", "aadObjectId": DEV},
            "recipient": {"id": BOT, "name": "Signalbox"},
            "conversation": {
                "id": f"a:chat-{number % 32}",
                "conversationType": "personal",
                "tenantId": TENANT,
            },
            "channelData": {"tenant": {"id": TENANT}},
            "textFormat": "plain",
            "text": "whoami",
            "entities": [{"type": "clientInfo", "locale": "en-GB", "timezone": "Europe/Berlin"}],
        }


def main() -> Sequence[Figure]:
    """Measure."""
    return asyncio.run(measure())
