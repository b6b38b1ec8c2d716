"""What `signalbox init` wrote, served: a folder that works before anything in it is changed."""

from collections.abc import AsyncIterator
from pathlib import Path
import shutil

import aiohttp
import pytest

from bot.starter_folder import write_starter
from bot.system import SystemClock
from sandbox.entra import Issuer
from tests.scenarios.bot_connector import BotConnector
from tests.scenarios.product import Product, free_port, text_of
from tests.scenarios.test_tokens import APP, Served

pytestmark = [pytest.mark.scenario, pytest.mark.timeout(120)]


class OnANewFolder(Product):
    """A product with the folder beside its state as config."""

    @property
    def folder(self) -> Path:
        return self.state.parent / "config"

    @property
    def env(self) -> dict[str, str]:
        return {**super().env, "SIGNALBOX_CONFIG_DIR": str(self.folder)}


class ServedFolder(OnANewFolder, Served):
    """As `signalbox serve`, with the profile `test`."""


class DemoFolder(OnANewFolder):
    """As `signalbox demo`."""


@pytest.fixture
async def connector() -> AsyncIterator[BotConnector]:
    made = BotConnector()
    await made.start()
    yield made
    await made.stop()


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=20)) as session:
        yield session


async def test_serve_accepts_it_as_it_is(tmp_path, connector, http):
    write_starter(tmp_path / "config")
    issuer = Issuer(SystemClock())
    issuer.add_client(APP, "a secret of the test")
    await issuer.start()
    served = ServedFolder(
        state=tmp_path / "state", connector=connector, http=http, port=free_port()
    )
    served.issuer = issuer

    await served.start()
    try:
        activity = served.message("dev-1", "whoami")
        assert (await served.send(activity, served.token()))[0] in {200, 201, 202}
        reply = await served.answer_in(activity["conversation"]["id"])
        assert reply.text.endswith("so I do nothing. Try again in a moment."), reply.text
    finally:
        assert await served.stop() == 0
        await issuer.stop()


async def test_the_demo_runs_its_workflow_for_its_people(tmp_path, connector, http):
    write_starter(tmp_path / "config")
    shutil.copy(
        tmp_path / "config" / "directory.yaml.example", tmp_path / "config" / "directory.yaml"
    )
    demo = DemoFolder(state=tmp_path / "state", connector=connector, http=http)

    await demo.start()
    try:
        thread = await demo.say("dev-1", "recycle shop in staging --within 20")
        done = await demo.card_with(thread, "Succeeded", seconds=60)
        assert "Let it settle" in text_of(done.card)
        restarts = [each for each in demo.effects() if each["action"] == "restart"]
        assert [(each["service"], each["environment"]) for each in restarts] == [
            ("shop", "staging")
        ]

        waiting = await demo.say("sre-1", "recycle shop in prod")
        await demo.card_with(waiting, "Waiting for confirmation")
    finally:
        assert await demo.stop() == 0
