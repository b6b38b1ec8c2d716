"""The main job as three people do it, each in a browser of their own, on `signalbox demo`.

Pictures are left in tests/artifacts for whoever wants to look.
"""

from collections.abc import AsyncIterator
from pathlib import Path

from playwright.async_api import Browser, Page, async_playwright, expect
import pytest

from tests.render.harness import FLAGS
from tests.scenarios.product import Product

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]

ARTIFACTS = Path(__file__).parents[1] / "artifacts"
PATIENCE = 30_000  #: ms


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path="/usr/bin/chromium", args=list(FLAGS)
        )
        yield browser
        await browser.close()


async def page_of(product: Product, browser: Browser, person: str, width: int = 1280) -> Page:
    context = await browser.new_context(viewport={"width": width, "height": 900})
    page = await context.new_page()
    await page.goto(f"http://127.0.0.1:{product.chat_port}/?as={person}&conversation=ops")
    await page.wait_for_selector("body[data-ready]")
    return page


async def picture(page: Page, name: str) -> None:
    ARTIFACTS.mkdir(exist_ok=True)
    await page.screenshot(path=ARTIFACTS / f"{name}.png")


async def test_dev_1_asks_two_approve_and_viewer_1_watches(product: Product, browser: Browser):
    dev, viewer, first, second = [
        await page_of(product, browser, name)
        for name in ("dev-1", "viewer-1", "approver-1", "approver-2")
    ]
    everybody = (dev, viewer, first, second)

    await dev.get_by_test_id("composer").fill("deploy shop v1.1.0 to prod")
    await dev.get_by_test_id("send").click()
    for page in everybody:
        await expect(page.get_by_test_id("card")).to_contain_text(
            "Waiting for approval", timeout=PATIENCE
        )

    approve = {"name": "Approve", "exact": True}
    await expect(first.get_by_role("button", **approve)).to_be_visible(timeout=PATIENCE)
    await expect(dev.get_by_role("button", name="Cancel", exact=True)).to_be_visible()
    await expect(dev.get_by_role("button", **approve)).to_have_count(0)
    await expect(viewer.get_by_test_id("card").get_by_role("button")).to_have_count(0)
    assert await product.version("shop", "prod") == ("ok", "v1.0.0")
    await picture(first, "demo-approver-waiting")
    await picture(viewer, "demo-viewer-waiting")

    await first.get_by_role("button", **approve).click()
    await expect(second.get_by_test_id("card")).to_contain_text("1 of 2", timeout=PATIENCE)
    await expect(first.get_by_role("button", **approve)).to_have_count(0)
    await second.get_by_role("button", **approve).click()

    for page in everybody:
        await expect(page.get_by_test_id("card")).to_contain_text("Succeeded", timeout=PATIENCE)
        await expect(page.get_by_test_id("card").get_by_role("button")).to_have_count(0)
    assert await product.version("shop", "prod") == ("ok", "v1.1.0")
    await picture(dev, "demo-dev-succeeded")
    narrow = await page_of(product, browser, "dev-1", width=320)
    await expect(narrow.get_by_test_id("card")).to_contain_text("Succeeded", timeout=PATIENCE)
    await picture(narrow, "demo-dev-320")
