"""One world for each test."""

from collections.abc import AsyncIterator

import pytest

from tests.channel.world import World, world_of


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with world_of() as started:
        yield started
