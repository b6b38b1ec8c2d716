"""A world with a bot that answers with run cards, and browser windows to see them in."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, Page

from bot.inbound import Inbound, InboundKind, InvokeAnswer
from domain.conversation import Conversation
from tests.cards.states import CARDS
from tests.channel.world import World, shows, world_of

ARTIFACTS = Path(__file__).parents[1] / "artifacts"
WAITING = "run-waiting-for-approval"


@dataclass
class Room:
    """A world with a bot that answers with run cards, and pages to see them on."""

    world: World
    browser: Browser
    problems: list[str] = field(default_factory=list)
    contexts: list[Any] = field(default_factory=list)
    where: Conversation | None = None
    card_id: str = ""

    async def page(
        self, person: str, conversation: str = "ops", *, width: int = 1280, scheme: Any = "light"
    ) -> Page:
        context = await self.browser.new_context(
            viewport={"width": width, "height": 860}, color_scheme=scheme
        )
        self.contexts.append(context)
        page = await context.new_page()
        page.on("console", self._note)
        page.on("pageerror", lambda error: self.problems.append(str(error)))
        await page.goto(f"{self.world.teams.url}/?as={person}&conversation={conversation}")
        await page.wait_for_selector("body[data-ready]")
        return page

    def _note(self, message: Any) -> None:
        if message.type in {"error", "warning"}:
            self.problems.append(f"{message.text} {message.location}")

    async def answer(self, arrived: Inbound) -> InvokeAnswer | None:
        """As the product would: a card for a line, views of one's own, one's own answer."""
        if arrived.kind is InboundKind.MESSAGE:
            self.where = arrived.conversation
            self.card_id = await self.world.bot.say(arrived.conversation, card=CARDS[WAITING]())
            return None
        view = CARDS[WAITING]()
        if arrived.is_refresh:
            return shows(view)
        return shows(CARDS["run-running"]())


@asynccontextmanager
async def room_of(
    browser: Browser, *, history: Path | None = None, **options: Any
) -> AsyncIterator[Room]:
    async with world_of(history, **options) as world:
        room = Room(world, browser)
        world.bot.turn = room.answer
        try:
            yield room
        finally:
            for context in room.contexts:
                await context.close()


async def say(page: Page, text: str) -> None:
    await page.get_by_test_id("composer").fill(text)
    await page.get_by_test_id("send").click()
