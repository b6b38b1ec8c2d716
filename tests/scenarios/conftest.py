"""One product for the scenarios that leave it standing; a fresh one for those that kill it."""

from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from tests.scenarios.bot_connector import BotConnector
from tests.scenarios.product import Product


@pytest.fixture
async def product(tmp_path: Path) -> AsyncIterator[Product]:
    connector = BotConnector()
    await connector.start()
    timeout = aiohttp.ClientTimeout(total=20)
    async with aiohttp.ClientSession(timeout=timeout) as http:
        made = Product(state=tmp_path / "state", connector=connector, http=http)
        await made.start()
        try:
            yield made
        finally:
            await made.stop()
            await connector.stop()
