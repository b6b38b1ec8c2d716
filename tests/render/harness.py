"""Draws cards as Teams would: Microsoft's renderer with Teams' colours, in a headless Chromium.

The page gets the very files that the simulated Teams serves; everything else on the network is
cut off. What comes back is a picture and what a person could not read or use.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
import json
from pathlib import Path
from typing import Any

from playwright.async_api import Page, Route, async_playwright

STATIC = Path(__file__).parents[2] / "sandbox" / "channel" / "static"
REPORT = (Path(__file__).parent / "report.js").read_text()
ORIGIN = "http://cards.test"
THEMES = ("light", "dark", "contrast")
WIDTHS = (320, 446)  # a phone, and a personal chat on a desktop
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--font-render-hinting=none",
    "--force-color-profile=srgb",
)
PAGE = """<!doctype html><html lang="en" data-theme="light"><head><meta charset="utf-8">
<link rel="stylesheet" href="/cards/themes.css"><link rel="stylesheet" href="/cards/cards.css">
<style>body { margin: 0; background: var(--stage); }
#stage { padding: 16px; display: inline-block; }</style>
<script src="/vendor/adaptivecards.min.js"></script>
<script src="/vendor/markdown-it.min.js"></script>
<script src="/vendor/fluent-icons.js"></script>
<script src="/cards/typeahead.js"></script>
<script src="/cards/extensions.js"></script></head>
<body><main id="stage"></main></body></html>"""
_DOCUMENTED_FOR_TEAMS = (
    'Property "choices.data" is supported in version 1.6, but you are using version 1.5.'
)
"""https://learn.microsoft.com/microsoftteams/platform/task-modules-and-cards/cards/dynamic-search"""

MEDIA = {".css": "text/css", ".js": "text/javascript", ".json": "application/json"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawing:
    """A drawn card."""

    png: bytes
    text: str  #: what can be read, line by line
    faults: tuple[str, ...]  #: what cannot be read or used, and what the parser said
    links: tuple[str, ...]  #: where links lead


class Renderer:
    """One browser page that draws card after card."""

    def __init__(self, page: Page) -> None:
        self.page = page

    async def draw(
        self,
        card: Mapping[str, Any],
        *,
        width: int = 446,
        theme: str = "light",
        press: str = "",
        extensions: bool = True,
    ) -> Drawing:
        """*card* drawn; with *press*, after the button of that title was pressed.

        Without *extensions* it is what a client shows that knows no element of Teams' own.
        """
        await self.page.set_viewport_size({"width": width + 32, "height": 400})
        host = json.loads((STATIC / "cards" / f"host-{theme}.json").read_text())
        problems = await self.page.evaluate(
            """([card, host, options, theme]) => {
                document.documentElement.dataset.theme = theme;
                const drawn = TeamsCards.render(card, host, options);
                document.getElementById("stage").replaceChildren(drawn.element);
                window.card = drawn.card;
                return drawn.problems;
            }""",
            [card, host, {"width": width, "extensions": extensions}, theme],
        )
        if press:
            await self.page.get_by_role("button", name=press, exact=True).click()
        problems = [each for each in problems if each != _DOCUMENTED_FOR_TEAMS]
        report = await self.page.evaluate(REPORT)
        if not extensions:
            problems = []  # what it does not know is the point
        return Drawing(
            png=await self.page.locator("#stage").screenshot(),
            text=report["text"],
            faults=(*problems, *report["faults"]),
            links=tuple(report["links"]),
        )


@asynccontextmanager
async def renderer() -> AsyncIterator[Renderer]:
    """A browser for as long as it is needed."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path="/usr/bin/chromium", args=list(FLAGS)
        )
        try:
            page = await browser.new_page(device_scale_factor=2)
            await page.route("**/*", _serve)
            await page.goto(f"{ORIGIN}/")
            yield Renderer(page)
        finally:
            await browser.close()


async def _serve(route: Route) -> None:
    url = route.request.url
    if not url.startswith(ORIGIN):
        await route.abort()
        return
    path = url.removeprefix(f"{ORIGIN}/")
    if not path:
        await route.fulfill(body=PAGE, content_type="text/html")
        return
    file = STATIC / path
    if not file.is_file():
        await route.fulfill(status=404)
        return
    await route.fulfill(body=file.read_bytes(), content_type=MEDIA[file.suffix])
