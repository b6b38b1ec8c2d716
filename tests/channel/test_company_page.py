"""Mentions, unread marks and the group chat on the page, and the Trouble panel."""

from collections.abc import AsyncIterator
import re

from playwright.async_api import Browser, Page, expect
import pytest
import pytest_asyncio

from tests.cards.states import CARDS
from tests.channel.room import ARTIFACTS, WAITING, Room, room_of, say
from tests.channel.world import OPS, card
from tests.render.harness import THEMES

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]
GENERAL = "19:general@thread.tacv2"
CREW = "19:release-crew@thread.v2"


@pytest_asyncio.fixture(loop_scope="module")
async def crew(browser: Browser) -> AsyncIterator[Room]:
    """A room with a group chat."""
    async with room_of(browser, group_chats=["Release crew"]) as room:
        yield room
        assert room.problems == []


async def test_somebody_is_mentioned_by_keyboard_alone(room: Room) -> None:
    dev = await room.page("dev-1")
    approver = await room.page("approver-2", "General")

    await dev.keyboard.type("ask @")
    choices = dev.get_by_test_id("mention-choice")
    await expect(choices).to_have_text(
        ["Signalbox", "approver-1", "approver-2", "viewer-1", "guest-1"]
    )
    await dev.keyboard.type("app")
    await expect(choices).to_have_count(2)
    await dev.keyboard.press("ArrowDown")
    await dev.keyboard.press("Enter")
    await expect(dev.get_by_test_id("composer")).to_have_value("ask @approver-2 ")
    await expect(dev.get_by_test_id("mentions")).to_be_hidden()
    await dev.keyboard.type("please")
    await dev.keyboard.press("Enter")

    await expect(dev.get_by_test_id("message").first).to_contain_text("ask approver-2 please")
    unread = approver.get_by_test_id("place-ops").get_by_test_id("unread")
    await expect(unread).to_contain_text("you are mentioned")
    await expect(approver).to_have_title(re.compile(r"\(1\) #General"))
    await expect(approver.get_by_role("log")).to_contain_text("In ops: You are mentioned.")
    await approver.get_by_test_id("place-ops").click()
    await expect(approver.locator(".mentions-me")).to_have_count(1)
    await expect(approver.locator(".mentions-me")).to_contain_text("You are mentioned")
    await expect(unread).to_have_count(0)
    await expect(dev.locator(".mentions-me")).to_have_count(0)


async def test_escape_closes_the_list_and_text_stays_text(room: Room) -> None:
    page = await room.page("dev-1")

    await page.keyboard.type("mail a@b @dev")
    await expect(page.get_by_test_id("mentions")).to_be_hidden()  # nobody mentions themselves
    await page.keyboard.type(" @")
    await expect(page.get_by_test_id("mentions")).to_be_visible()
    await page.keyboard.press("Escape")
    await page.keyboard.press("Enter")

    await expect(page.get_by_test_id("message").first).to_contain_text("mail a@b @dev @")


async def test_an_edit_is_no_news(room: Room) -> None:
    page = await room.page("viewer-1", "General")
    where = room.world.conversation()
    sent = await room.world.bot.say(where, card=card("running"))
    unread = page.get_by_test_id("place-ops").get_by_test_id("unread")
    await expect(unread).to_have_text("unread")

    await page.get_by_test_id("place-ops").click()
    await expect(page.get_by_test_id("card")).to_be_visible()
    await page.get_by_test_id("place-General").click()
    await room.world.bot.edit(where, sent, card("done"))
    await room.world.says("dev-1", "@viewer-1 hello", GENERAL)

    await expect(page.locator(".mentions-me")).to_be_visible()
    await expect(unread).to_have_count(0)


async def test_a_mention_in_a_card_is_marked(room: Room) -> None:
    page = await room.page("dev-1")
    entity = {
        "type": "mention",
        "text": "<at>dev-1</at>",
        "mentioned": {"id": "29:dev-1", "name": "dev-1"},
    }
    turn = card("<at>dev-1</at>, it is your turn", msteams={"entities": [entity]})

    await room.world.bot.say(room.world.conversation(), card=turn)

    await expect(page.locator(".mentions-me .teams-mention")).to_have_text("dev-1")


async def test_the_group_chat_has_no_threads_and_needs_a_mention(crew: Room) -> None:
    dev = await crew.page("dev-1", "Release crew")
    guest = await crew.page("guest-1")
    await expect(dev.locator("#place-hint")).to_contain_text("4 people")

    await say(dev, "deploy shop v1.1.0 to prod")

    await expect(dev.get_by_test_id("card")).to_contain_text("Deploy shop v1.1.0")
    await expect(dev.get_by_test_id("reply")).to_have_count(0)
    await expect(guest.get_by_test_id("place-Release crew")).to_have_count(0)
    assert crew.world.bot.turns[0].conversation.id == CREW
    await dev.screenshot(path=ARTIFACTS / "chat-group.png")


async def open_trouble(page: Page) -> None:
    await page.get_by_test_id("trouble").focus()
    await page.keyboard.press("Enter")
    await expect(page.get_by_test_id("trouble-words")).to_have_text("Nothing is wrong.")


async def test_trouble_is_made_by_keyboard_and_seen_in_every_window(room: Room) -> None:
    page, other = await room.page("dev-1"), await room.page("viewer-1")
    await open_trouble(page)
    words = page.get_by_test_id("trouble-words")

    await page.get_by_test_id("trouble-times").focus()
    await page.keyboard.press("Control+a")
    await page.keyboard.type("2")
    await page.keyboard.press("Shift+Tab")
    await page.keyboard.press("Enter")
    await expect(words).to_have_text("The next 2 requests are answered with 429.")
    await expect(other.get_by_test_id("trouble")).to_have_attribute(
        "aria-label", "Trouble: The next 2 requests are answered with 429."
    )
    await page.get_by_test_id("trouble-offline").focus()
    await page.keyboard.press("Space")
    await expect(words).to_contain_text("Teams is offline.")
    await page.keyboard.press("Escape")
    await expect(page.get_by_test_id("trouble")).to_be_focused()
    await say(page, "help")
    await expect(page.get_by_test_id("held")).to_have_text(
        "Not delivered yet: this Teams is offline."
    )

    await page.get_by_test_id("trouble").click()
    await expect(words).to_contain_text("1 activity waits")
    await page.get_by_test_id("trouble-over").click()

    await expect(words).to_have_text("Nothing is wrong.")
    await expect(page.get_by_test_id("trouble-over")).to_be_disabled()
    await expect(other.get_by_test_id("card")).to_be_visible()  # the answer came after all


async def test_what_was_said_is_delivered_again_from_the_panel(room: Room) -> None:
    page = await room.page("dev-1")
    await open_trouble(page)
    words = page.get_by_test_id("trouble-words")

    await page.get_by_test_id("trouble-same-id").click()
    await expect(words).to_have_text("Nobody has done anything yet.")
    await room.world.says("dev-1", "@Signalbox help")
    await page.get_by_test_id("trouble-new-id").click()

    await expect(words).to_contain_text("under a new id: the bot answered 200.")
    ids = {turn.activity_id for turn in room.world.bot.turns}
    assert len(ids) == len(room.world.bot.turns) == 2


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("width", [1280, 320])
async def test_the_panel_looks_right(crew: Room, theme: str, width: int) -> None:
    page = await crew.page("approver-1", width=width)
    await page.evaluate("theme => localStorage.setItem('theme', theme)", theme)
    await page.reload()
    await crew.world.bot.say(crew.world.conversation(OPS), card=CARDS[WAITING]())
    await crew.world.says("dev-1", "@approver-1 can you have a look?", CREW)
    await crew.world.says("dev-1", "@approver-1 can you have a look?", OPS)
    await expect(page.locator(".mentions-me")).to_be_visible()
    await page.get_by_test_id("trouble").click()
    await page.get_by_test_id("trouble-refuse-seconds").click()
    await page.get_by_test_id("trouble-slow").click()
    await expect(page.get_by_test_id("trouble-words")).to_contain_text("Answers take 5 seconds.")

    box = await page.locator("#troubles").bounding_box()
    await page.screenshot(path=ARTIFACTS / f"chat-trouble-{theme}-{width}.png")
    await page.keyboard.press("Escape")
    await page.get_by_test_id("composer").fill("ask @")
    await page.screenshot(path=ARTIFACTS / f"chat-mention-{theme}-{width}.png")
    assert box is not None
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= width
    assert box["y"] + box["height"] <= 860
