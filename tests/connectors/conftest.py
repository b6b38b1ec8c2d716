"""One demo world for all tests here; each test names its effects with keys of its own."""

import asyncio
from collections.abc import AsyncIterator, Iterator
import itertools
from pathlib import Path

import pytest

from connectors.registry import connect, offers
from sandbox.services.running import Services
from tests.connectors.world import World, entry

_keys = itertools.count(1)


@pytest.fixture(scope="session")
def demo(tmp_path_factory) -> Iterator[Path]:
    state = tmp_path_factory.mktemp("demo")
    services = asyncio.run(Services.start(state))
    yield state
    asyncio.run(services.stop())


@pytest.fixture
async def world(demo: Path) -> AsyncIterator[World]:
    connections = {
        "supervisor": entry("supervisor", socket="file://supervisor.path"),
        "releases": entry("releases", program="file://release.program"),
    }
    world = World(demo, connect(connections, demo, offers()))
    yield world
    await world.close()


@pytest.fixture
def key() -> str:
    return f"key-{next(_keys)}"
