"""One world for each test, and one browser for each module of browser tests."""

from collections.abc import AsyncIterator

from playwright.async_api import Browser, async_playwright
import pytest
import pytest_asyncio

from tests.channel.room import Room, room_of
from tests.channel.world import World, world_of
from tests.render.harness import FLAGS


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with world_of() as started:
        yield started


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path="/usr/bin/chromium", args=list(FLAGS)
        )
        yield browser
        await browser.close()


@pytest_asyncio.fixture(loop_scope="module")
async def room(browser: Browser) -> AsyncIterator[Room]:
    async with room_of(browser) as started:
        yield started
        assert started.problems == []  # the content policy's complaints among them
