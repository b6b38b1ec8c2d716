"""The chat page for people who see, hear or move in other ways: axe-core finds nothing serious.

Rules: https://github.com/dequelabs/axe-core/blob/develop/doc/rule-descriptions.md
"""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, Page, expect
import pytest
import pytest_asyncio

from tests.cards.states import CARDS
from tests.channel.room import Room, room_of
from tests.channel.test_dialogs_page import START, form, guided
from tests.channel.world import OPS
from tests.render.harness import THEMES

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]

AXE = Path(__file__).parent / "vendor" / "axe.min.js"
GRAVE = frozenset({"serious", "critical"})
CREW = "19:release-crew@thread.v2"


@pytest_asyncio.fixture(loop_scope="module")
async def room(browser: Browser) -> AsyncIterator[Room]:
    """A room with a group chat, and a bot that guides."""
    async with room_of(browser, group_chats=["Release crew"]) as started:
        started.world.bot.turn = guided
        yield started
        assert started.problems == []


async def faults(page: Page) -> list[str]:
    """What axe-core finds that is serious or critical, one line for each place."""
    if not await page.evaluate("Boolean(globalThis.axe)"):
        await page.evaluate(AXE.read_text())  # not as a script: the content policy forbids it
    found: dict[str, Any] = await page.evaluate(
        "axe.run(document, { resultTypes: ['violations'] })"
    )
    return [
        f"{each['id']}: {node['target']} {node['html'][:160]} {node['failureSummary']}"
        for each in found["violations"]
        if each["impact"] in GRAVE
        for node in each["nodes"]
    ]


async def themed(room: Room, theme: str, width: int, conversation: str = "ops") -> Page:
    page = await room.page("approver-1", conversation, width=width)
    await page.evaluate("theme => localStorage.setItem('theme', theme)", theme)
    await page.reload()
    await page.wait_for_selector("body[data-ready]")
    return page


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("width", [1280, 320])
async def test_a_channel_with_cards(room: Room, theme: str, width: int) -> None:
    page = await themed(room, theme, width)
    for drawn in CARDS.values():
        await room.world.bot.say(room.world.conversation(), card=drawn())
    await room.world.bot.say(room.world.conversation(), card=form("There is no service shp."))
    await room.world.bot.say(room.world.conversation(), "**dev-1** asked for `plan a93f9a68`")
    await room.world.says("dev-1", "@approver-1 can you have a look?", OPS)
    await room.world.says("dev-1", "@approver-1 can you have a look?", CREW)
    await expect(page.locator(".mentions-me")).to_be_visible()
    await page.get_by_role("button", name="Reject", exact=True).first.click()

    assert await faults(page) == []


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("width", [1280, 320])
async def test_an_open_dialog(room: Room, theme: str, width: int) -> None:
    page = await themed(room, theme, width)
    await room.world.bot.say(room.world.conversation(), card=START)
    await page.get_by_role("button", name="Choose …").click()
    await page.get_by_test_id("dialog").get_by_role("button", name="Deploy").click()
    await expect(page.get_by_text("Say which service.")).to_be_visible()
    await page.get_by_role("combobox", name="Service").click()
    await expect(page.get_by_test_id("choice")).to_have_count(3)
    await page.keyboard.press("ArrowDown")

    assert await faults(page) == []


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("width", [1280, 320])
async def test_the_panels_and_lists(room: Room, theme: str, width: int) -> None:
    page = await themed(room, theme, width, "Release crew")
    await page.get_by_test_id("trouble").click()
    await page.get_by_test_id("trouble-slow").click()
    await expect(page.get_by_test_id("trouble-words")).to_contain_text("Answers take 5 seconds.")
    found = await faults(page)
    await page.keyboard.press("Escape")
    await page.get_by_test_id("person-picker").click()
    found += await faults(page)
    await page.keyboard.press("Escape")
    if width == 320:
        await page.get_by_role("button", name="Channels and chats").click()
        found += await faults(page)
        await page.keyboard.press("Escape")
    await page.get_by_test_id("composer").focus()
    await page.keyboard.type("ask @")
    await expect(page.get_by_test_id("mentions")).to_be_visible()
    found += await faults(page)

    assert found == []


async def test_the_check_finds_what_is_wrong(room: Room) -> None:
    page = await room.page("dev-1")

    await page.evaluate("document.querySelector('textarea').removeAttribute('aria-label')")
    await page.evaluate("document.querySelector('textarea').removeAttribute('placeholder')")
    await page.evaluate("document.getElementById('place-hint').style.color = '#ddd'")

    found = " ".join(await faults(page))
    assert "color-contrast" in found
    assert "label" in found
