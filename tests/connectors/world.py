"""The demo world as a test drives it."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
import json
from pathlib import Path
import subprocess
from typing import Any

from connectors.connector import Actions, Connector, Output
from domain.plan import ActionPlan


@dataclass(frozen=True)
class Entry:
    """A connection, as the config has it."""

    connector: str
    settings: dict[str, Any]


def entry(connector: str, **settings: Any) -> Entry:
    return Entry(connector, settings)


class World:
    def __init__(self, state: Path, connectors: Sequence[Connector]) -> None:
        self.state = state
        self._connectors = connectors
        self._actions = Actions(connectors)

    async def close(self) -> None:
        for connector in self._connectors:
            await connector.close()

    async def apply(self, reference: str, key: str = "a-read", **arguments: Any) -> Output:
        action = self._actions.get(reference)
        return await action.apply(action.parse(arguments), key)

    async def plan(self, reference: str, **arguments: Any) -> ActionPlan:
        action = self._actions.get(reference)
        assert action.plan is not None
        return await action.plan(action.parse(arguments))

    async def reconcile(self, reference: str, key: str, **arguments: Any) -> Output | None:
        action = self._actions.get(reference)
        assert action.reconcile is not None
        return await action.reconcile(action.parse(arguments), key)

    def effects(self, key: str | None = None) -> list[dict[str, str]]:
        lines = (self.state / "effects.jsonl").read_text().splitlines()
        effects = [json.loads(line) for line in lines]
        return [each for each in effects if key is None or each["key"] == key]

    def start_release(self, *arguments: str) -> subprocess.Popen[bytes]:
        """The release program itself, for tests that kill it."""
        program = (self.state / "release.program").read_text().strip()
        return subprocess.Popen(
            [program, *arguments], stdout=subprocess.PIPE, start_new_session=True
        )

    def current(self, service: str, environment: str) -> str:
        """What the link on the disk says."""
        return (self.state / "services" / service / environment / "current").readlink().name


async def until(condition: Callable[[], Awaitable[Any]]) -> None:
    """Wait until *condition* gives something true."""
    async with asyncio.timeout(15):
        while not await condition():  # noqa: ASYNC110 - other processes set no event of ours
            await asyncio.sleep(0.02)
