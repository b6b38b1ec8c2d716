"""The conversation as several people have it at once, each in a browser of their own.

Pictures are left in tests/artifacts; `make pictures` takes those of the documentation from there.
"""

import asyncio
from collections.abc import AsyncIterator
import subprocess

from playwright.async_api import Browser, Locator, Page, async_playwright, expect
import pytest

from tests.render.harness import FLAGS
from tests.scenarios.product import Product
from tests.scenarios.test_in_the_browser import PATIENCE, page_of, picture

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path="/usr/bin/chromium", args=list(FLAGS)
        )
        yield browser
        await browser.close()


async def say(page: Page, text: str) -> None:
    await page.get_by_test_id("composer").fill(text)
    await page.get_by_test_id("send").click()


def card(page: Page) -> Locator:
    return page.get_by_test_id("card").last


def button(page: Page, name: str) -> Locator:
    return card(page).get_by_role("button", name=name, exact=True)


async def asks(page: Page, words: str) -> None:
    await expect(card(page)).to_contain_text(words, timeout=PATIENCE)


async def choose(page: Page, *names: str) -> None:
    for name in names:
        await card(page).get_by_label(name, exact=True).check()


async def theme(page: Page, name: str) -> None:
    while name not in (await page.locator("#theme").get_attribute("aria-label") or ""):
        await page.locator("#theme").click()


async def test_a_newcomer_is_led_to_a_run_that_two_others_approve(
    product: Product, browser: Browser
):
    dev, viewer, first, second = [
        await page_of(product, browser, name)
        for name in ("dev-1", "viewer-1", "approver-1", "approver-2")
    ]

    await say(dev, "deploy")
    for page in (dev, viewer):
        await asks(page, "Which service?")
    await picture(dev, "guided-deploy-first-question")
    await choose(dev, "billing")
    await button(dev, "Next").click()
    await asks(dev, "Which version?")
    await button(dev, "Back").click()
    await asks(dev, "Which service?")
    await expect(card(dev).get_by_label("billing", exact=True)).to_be_checked()
    await choose(dev, "shop")
    await button(dev, "Next").click()
    await asks(dev, "Which version?")
    await choose(dev, "v1.1.0")
    await picture(dev, "guided-deploy-version")
    await button(dev, "Next").click()
    await asks(dev, "Which environment?")
    await choose(dev, "prod")
    await button(dev, "Next").click()
    await asks(dev, "2 approvals from prod-approvers")
    await card(dev).get_by_role("textbox").fill("PAY-812 refund fix")
    await picture(dev, "guided-deploy-reason")
    await button(dev, "Deploy").click()

    for page in (dev, viewer, first, second):
        await expect(page.get_by_test_id("card")).to_have_count(1)
        await asks(page, "Waiting for approval")
    await expect(button(first, "Approve")).to_be_visible(timeout=PATIENCE)
    await first.set_viewport_size({"width": 1280, "height": 1040})
    await picture(first, "waiting-for-approval")
    await first.set_viewport_size({"width": 1280, "height": 900})
    await button(first, "Approve").click()
    for page in (dev, viewer, second):
        await asks(page, "1 of 2")
    await expect(button(second, "Approve")).to_be_visible(timeout=PATIENCE)
    await button(second, "Approve").click()
    for page in (dev, viewer):
        await asks(page, "Succeeded")
    assert await product.version("shop", "prod") == ("ok", "v1.1.0")
    await theme(dev, "Dark")
    await picture(dev, "deployed-dark")
    narrow = await page_of(product, browser, "dev-1", width=320)
    await asks(narrow, "Succeeded")
    await picture(narrow, "deployed-320")


async def test_what_is_wrong_is_said_in_the_form_and_cancel_leaves_it(
    product: Product, browser: Browser
):
    dev = await page_of(product, browser, "dev-1", width=320)
    viewer = await page_of(product, browser, "viewer-1")
    await theme(dev, "Dark")

    await say(dev, "deploy shop")
    await asks(dev, "Version")
    await button(dev, "Deploy").click()
    await expect(card(dev)).to_contain_text("Choose the version", timeout=PATIENCE)
    await picture(dev, "form-client-rule-320-dark")
    await choose(dev, "v1.1.0", "prod")
    await card(dev).get_by_role("textbox").fill("PAY-812 refund fix")
    await asyncio.sleep(6)  # what there is to choose is asked for anew only after five seconds
    take_away(product, "v1.1.0")
    await button(dev, "Deploy").click()

    await asks(dev, "I know no version v1.1.0.")
    await expect(card(dev).get_by_role("textbox")).to_have_value("PAY-812 refund fix")
    await expect(card(dev).get_by_label("prod", exact=True)).to_be_checked()
    await picture(dev, "form-server-error-320-dark")
    await expect(card(viewer)).not_to_contain_text("I know no version")
    await button(dev, "Cancel").click()
    for page in (dev, viewer):
        await asks(page, "Nothing was done.")
    assert product.effects() == []
    await picture(dev, "form-cancelled-320-dark")


def take_away(product: Product, version: str) -> None:
    """Have the release system lose *version*, after somebody has chosen it."""
    for head in product.state.rglob("HEAD"):
        subprocess.run(
            ["git", "--git-dir", head.parent, "tag", "-d", version],  # noqa: S607 - wherever it is
            check=True,
            capture_output=True,
        )


async def test_the_keyboard_alone_is_enough(product: Product, browser: Browser):
    dev = await page_of(product, browser, "dev-1")

    await dev.keyboard.type("restart shop")
    await dev.keyboard.press("Enter")
    await asks(dev, "Environment")
    await tab_to(dev, card(dev).get_by_label("staging", exact=True))
    await dev.keyboard.press("Space")
    await tab_to(dev, card(dev).get_by_role("textbox"))
    await dev.keyboard.type("it hangs")
    await tab_to(dev, button(dev, "Restart"))
    await picture(dev, "keyboard-only")
    await dev.keyboard.press("Enter")

    await asks(dev, "Succeeded")
    assert [each["action"] for each in product.effects()] == ["restart"]


async def tab_to(page: Page, target: Locator) -> None:
    """Press Tab until *target* has the focus; from the composer, it is above: go backwards."""
    for key in ("Tab", "Shift+Tab"):
        for _ in range(40):
            if await target.evaluate("element => element === document.activeElement"):
                return
            await page.keyboard.press(key)
    raise AssertionError("the keyboard does not get there")
