"""Guided dialogs over HTTP, as Teams drives them: pressed, typed, killed and changed midway."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
import shutil
from typing import Any

import aiohttp
import pytest

from tests.scenarios.bot_connector import BotConnector, Posted
from tests.scenarios.product import ROOT, Product, buttons, text_of

crash = [pytest.mark.crash, pytest.mark.timeout(240)]
scenario = [pytest.mark.scenario, pytest.mark.timeout(120)]

STEPS = (
    ("Which service?", "Next", {"service": "shop"}),
    ("Which version?", "Next", {"version": "v1.2.1"}),
    ("Which environment?", "Next", {"environment": "staging"}),
    ("Why?", "Deploy", {"reason": "to see it"}),
)
RECYCLE = """\
name: recycle
title: Recycle a service
command: recycle <service> {places}in <environment>
inputs:
  service: {{type: service, description: What to recycle}}
{inputs}  environment: {{type: environment, description: Where}}
lock: ${{ inputs.service + "/" + inputs.environment }}
steps:
  restart:
    uses: supervisor.restart@1
    with: {{service: "${{ inputs.service }}", environment: "${{ inputs.environment }}"}}
"""
OLD = RECYCLE.format(places="", inputs="")
NEW = RECYCLE.format(
    places="<why> <zone> ",
    inputs=(
        "  why: {type: choice, choices: [slow, stuck], description: What is wrong}\n"
        "  zone: {type: choice, choices: [a, b], description: Which half}\n"
    ),
)
OLD_WITH_ZONE = RECYCLE.format(
    places="<zone> <half> ",
    inputs=(
        "  zone: {type: choice, choices: [a, b], description: Which half}\n"
        "  half: {type: choice, choices: [left, right], description: Which side}\n"
    ),
)


async def reply(product: Product, name: str, thread: str, text: str) -> None:
    """Have somebody answer in a thread, mentioning the bot."""
    activity = product.message(name, text)
    activity["conversation"]["id"] = thread
    answer = await product.post(activity)
    assert answer.status in {200, 201, 202}


def choices_of(card: Any, name: str) -> list[str]:
    (found,) = (each for each in card["body"] if each.get("id") == f"in.{name}")
    return [each["value"] for each in found["choices"]]


async def ends_well(product: Product, thread: str, card: Posted, version: str) -> None:
    done = await product.card_with(thread, "Succeeded", seconds=60)
    assert done.id == card.id, "the message of the dialog became the run's"
    assert await product.version("shop", "staging") == ("ok", version)
    cards = [each for each in product.connector.said_in(thread) if each.card]
    assert [each.id for each in cards] == [card.id]


class TestPressedAndTyped:
    pytestmark = scenario

    async def test_deploy_alone_leads_to_a_run(self, product):
        thread = await product.say("dev-1", "deploy")
        for question, title, answer in STEPS:
            card = await product.card_with(thread, question)
            pressed = await product.press("dev-1", card, title, **answer)
            assert pressed.status == 200

        await ends_well(product, thread, card, "v1.2.1")
        assert "to see it" in text_of((await product.card_with(thread, "Succeeded")).card)

    async def test_the_versions_are_those_of_the_live_system(self, product):
        thread = await product.say("dev-1", "deploy")
        card = await product.card_with(thread, "Which service?")
        await product.press("dev-1", card, "Next", service="shop")

        card = await product.card_with(thread, "Which version?")

        assert choices_of(card.card, "version") == ["v1.2.1", "v1.2.0", "v1.1.0", "v1.0.0"]

    async def test_typing_works_as_well(self, product):
        thread = await product.say("dev-1", "deploy")
        for question, _, answer in STEPS:
            card = await product.card_with(thread, question)
            await reply(product, "dev-1", thread, *answer.values())

        await ends_well(product, thread, card, "v1.2.1")

    async def test_back_cancel_and_a_wrong_answer(self, product):
        thread = await product.say("dev-1", "deploy shop")
        card = await product.card_with(thread, "Environment")
        wrong = await product.press(
            "dev-1", card, "Deploy", version="v9.9.9", environment="staging", reason="a try"
        )
        assert "I know no version v9.9.9" in text_of(wrong.card)
        assert "a try" in str(wrong.card), "what was typed is kept"

        back = await product.press("dev-1", card, "Back")
        assert "Which service?" in text_of(back.card) or "Service" in text_of(back.card)
        card = await product.card_with(thread, "Service")
        ended = await product.press("dev-1", card, "Cancel")

        assert "Nothing was done." in text_of(ended.card)
        ended = await product.card_with(thread, "Cancelled")
        assert buttons(ended.card) == {}
        assert product.effects() == []

    async def test_only_who_is_asked_answers(self, product):
        thread = await product.say("dev-1", "deploy")
        card = await product.card_with(thread, "Which service?")

        pressed = await product.press("sre-1", card, "Next", service="billing")
        await reply(product, "sre-1", thread, "billing")

        assert "This question is for dev-1" in text_of(pressed.card)
        card = await product.card_with(thread, "Which service?")
        assert len(card.versions) == 1


class TestKilled:
    pytestmark = crash

    async def test_killed_at_every_step_it_goes_on_where_it_was(self, product):
        thread = await product.say("dev-1", "deploy")
        for question, title, answer in STEPS:
            card = await product.card_with(thread, question)
            await product.kill()
            await product.start()
            pressed = await product.press("dev-1", card, title, **answer)
            assert pressed.card is not None, pressed
        await product.kill()
        await product.start()

        await ends_well(product, thread, card, "v1.2.1")
        assert len([e for e in product.effects() if e["action"] == "switch"]) == 1
        assert (await product.signalbox("audit", "verify"))[0] == 0


@dataclass
class Configured(Product):
    """The product with a config folder of its own."""

    config: Path = field(default_factory=Path)

    @property
    def env(self) -> dict[str, str]:
        return {**super().env, "SIGNALBOX_CONFIG_DIR": str(self.config)}

    def write(self, workflow: str) -> None:
        (self.config / "workflows" / "recycle.yaml").write_text(workflow)


@pytest.fixture
async def configured(tmp_path: Path) -> AsyncIterator[Configured]:
    config = tmp_path / "config"
    shutil.copytree(ROOT / "sandbox" / "world", config)
    (config / "workflows").mkdir(exist_ok=True)
    connector = BotConnector()
    await connector.start()
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=20)) as http:
        made = Configured(state=tmp_path / "state", connector=connector, http=http, config=config)
        try:
            yield made
        finally:
            if made.process is not None:
                await made.stop()
            await connector.stop()


class TestChanged:
    pytestmark = crash

    async def test_a_flow_that_gains_a_field_asks_for_it(self, configured):
        configured.write(OLD.replace("in <environment>", "in <environment>"))
        await configured.start()
        thread = await configured.say("dev-1", "recycle shop")
        card = await configured.card_with(thread, "Environment")

        await configured.stop()
        configured.write(NEW)
        await configured.start()
        pressed = await configured.press(
            "dev-1", card, "Recycle", environment="staging", reason="old form"
        )
        assert "answered already" in text_of(pressed.card), "it was another question"
        assert choices_of(pressed.card, "why") == ["slow", "stuck"]
        card = await configured.card_with(thread, "Environment")
        for line in ("stuck a staging",):
            await reply(configured, "dev-1", thread, line)

        done = await configured.card_with(thread, "Succeeded", seconds=60)
        assert done.id == card.id
        assert [e["action"] for e in configured.effects()] == ["restart"]

    async def test_a_flow_that_loses_a_field_does_without(self, configured):
        configured.write(OLD_WITH_ZONE)
        await configured.start()
        thread = await configured.say("dev-1", "recycle")
        card = await configured.card_with(thread, "Which service?")
        await configured.press("dev-1", card, "Next", service="shop")
        await configured.card_with(thread, "Zone?")

        await configured.stop()
        configured.write(OLD)
        await configured.start()
        await reply(configured, "dev-1", thread, "staging")
        await configured.card_with(thread, "Why?")
        await reply(configured, "dev-1", thread, "skip")

        done = await configured.card_with(thread, "Succeeded", seconds=60)
        assert done.id == card.id
        assert [e["action"] for e in configured.effects()] == ["restart"]
