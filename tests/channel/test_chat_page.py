"""The chat page in a browser, several people at once.

Pictures are left in tests/artifacts for whoever wants to look.
"""

from collections.abc import Callable
from pathlib import Path
import re

from playwright.async_api import Browser, expect
import pytest

from bot.inbound import Inbound, InboundKind, InvokeAnswer
from domain.conversation import Conversation
from tests.cards.states import CARDS
from tests.channel.room import ARTIFACTS, WAITING, Room, room_of, say
from tests.channel.world import card

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]


async def test_three_people_see_one_run(room: Room) -> None:
    dev, approver, viewer = [await room.page(name) for name in ("dev-1", "approver-1", "viewer-1")]

    await say(dev, "deploy shop v1.1.0 to prod")

    for page in (dev, approver, viewer):
        await expect(page.get_by_test_id("card")).to_contain_text("Deploy shop v1.1.0")
        await expect(page.get_by_test_id("message").first).to_contain_text("Signalbox deploy shop")
    assert room.world.bot.turns[0].text == "deploy shop v1.1.0 to prod"
    assert [turn.sender_name for turn in room.world.bot.turns if turn.is_refresh] == ["approver-1"]

    await approver.get_by_role("button", name="Approve", exact=True).click()

    await expect(approver.get_by_test_id("card")).to_contain_text("Running")
    await expect(dev.get_by_test_id("card")).to_contain_text("Waiting for approval")
    assert room.where
    await room.world.bot.edit(room.where, room.card_id, CARDS["run-succeeded"]())
    for page in (dev, approver, viewer):
        await expect(page.get_by_test_id("card")).to_contain_text("Succeeded", ignore_case=True)
        await expect(page.get_by_test_id("message")).to_have_count(2)


async def test_inputs_go_with_the_button_and_words_come_back(room: Room) -> None:
    async def answer(arrived: Inbound) -> InvokeAnswer | None:
        if arrived.verb != "reject":
            return await room.answer(arrived)
        kind = "application/vnd.microsoft.activity.message"
        return InvokeAnswer(body={"statusCode": 200, "type": kind, "value": "Too late, dev-1."})

    room.world.bot.turn = answer
    page = await room.page("approver-1")
    await say(page, "deploy shop v1.1.0 to prod")
    await page.get_by_role("button", name="Reject", exact=True).click()
    await page.get_by_role("button", name="Reject run").click()
    await expect(page.get_by_text("Write a short reason")).to_be_visible()  # nothing was sent

    await page.get_by_label("Why?").fill("The freeze has begun")
    await page.get_by_role("button", name="Reject run").click()

    await expect(page.get_by_test_id("notice")).to_have_text("Too late, dev-1.✕")
    rejected = room.world.bot.turns[-1]
    assert rejected.verb == "reject"
    assert rejected.data == {"t": "tok-reject", "in.reason": "The freeze has begun"}


async def test_an_edit_does_not_take_away_what_somebody_is_typing(room: Room) -> None:
    page = await room.page("viewer-1")
    sent = await room.world.bot.say(room.world.conversation(), card=CARDS[WAITING]())
    await page.get_by_role("button", name="Reject", exact=True).click()
    await page.get_by_label("Why?").fill("The freeze has")

    edited = CARDS[WAITING]()
    edited["body"].append({"type": "TextBlock", "text": "Somebody else approved"})
    await room.world.bot.edit(room.world.conversation(), sent, edited)

    await expect(page.get_by_test_id("card")).to_contain_text("Somebody else approved")
    await expect(page.get_by_label("Why?")).to_have_value("The freeze has")
    await expect(page.get_by_label("Why?")).to_be_focused()


async def test_a_reply_stays_in_the_thread(room: Room) -> None:
    page = await room.page("dev-1")
    await say(page, "help")
    thread = page.get_by_test_id("thread")
    await expect(thread).to_have_count(1)

    await thread.get_by_test_id("reply").click()
    await page.get_by_test_id("reply-composer").fill("runs")
    await page.get_by_test_id("reply-send").click()

    await expect(thread.get_by_test_id("message").nth(2)).to_contain_text("runs")
    await expect(thread).to_have_count(1)
    await expect(thread.get_by_test_id("reply")).to_be_focused()
    first, second = [turn for turn in room.world.bot.turns if turn.kind is InboundKind.MESSAGE]
    assert second.conversation == first.conversation


async def test_without_the_mention_the_bot_is_not_told(room: Room) -> None:
    page = await room.page("dev-1")

    await page.get_by_test_id("mention").click()
    await say(page, "lunch?")

    await expect(page.get_by_test_id("message")).to_contain_text("lunch?")
    assert room.world.bot.turns == []


async def test_somebody_elses_chat_is_not_on_the_page(room: Room) -> None:
    dev, viewer = [await room.page(name, "chat") for name in ("dev-1", "viewer-1")]

    await say(dev, "whoami")
    await expect(dev.get_by_test_id("card")).to_be_visible()

    await expect(viewer.get_by_test_id("message")).to_have_count(0)
    assert room.world.bot.turns[0].conversation.id == "a:dev-1"


async def test_failures_are_sentences(room: Room) -> None:
    page = await room.page("dev-1", "chat")
    await say(page, "help")
    await expect(page.get_by_test_id("card")).to_be_visible()
    await room.world.bot.stop()

    await page.get_by_role("button", name="Cancel", exact=True).click()
    await expect(page.get_by_test_id("notice")).to_contain_text("cannot be reached")
    await expect(page.get_by_role("button", name="Cancel", exact=True)).to_be_enabled()
    await say(page, "help")
    await expect(page.get_by_test_id("notice").nth(1)).to_contain_text("cannot be reached")

    await room.world.bot.start(room.world.teams.address)
    room.world.teams.line.bot_url = room.world.bot.url
    await page.get_by_role("button", name="Send again").click()
    await expect(page.get_by_test_id("card")).to_have_count(2)


async def test_a_page_finds_its_way_back_after_a_restart(browser: Browser, tmp_path: Path) -> None:
    async with room_of(browser, history=tmp_path / "teams.db") as room:
        page = await room.page("dev-1")
        await say(page, "help")
        await expect(page.get_by_test_id("card")).to_be_visible()
        port = int(room.world.teams.address.partition(":")[2])

        await room.world.teams.stop()
        await expect(page.locator("#banner")).to_contain_text("The connection is lost")
        await room.world.teams.start(port)
        assert room.where
        await room.world.bot.edit(room.where, room.card_id, card("after the restart"))

        await expect(page.get_by_test_id("card")).to_have_text("after the restart", timeout=15_000)
        await expect(page.locator("#banner")).to_be_hidden()


HOSTILE = "<img src=x onerror=alert(1)> <script>alert(1)</script> [x](javascript:alert(1))"


async def test_hostile_words_are_words(room: Room) -> None:
    page = await room.page("dev-1")
    opened: list[str] = []
    page.on("dialog", lambda dialog: opened.append(dialog.message))

    await say(page, HOSTILE)
    await room.world.bot.say(room.world.conversation(), HOSTILE)
    await room.world.bot.say(room.world.conversation(), card=card(HOSTILE))

    await expect(page.get_by_test_id("message").last).to_contain_text("<script>alert(1)</script>")
    assert await page.locator(".message img[src=x], .message script").count() == 0
    assert await page.locator(".message a[href^=javascript]").count() == 0
    assert opened == []


async def test_it_can_be_used_by_keyboard_alone(room: Room) -> None:
    page = await room.page("dev-1")
    await expect(page.get_by_test_id("composer")).to_be_focused()

    await page.keyboard.type("deploy shop v1.1.0 to prod")
    await page.keyboard.press("Enter")
    await expect(page.get_by_test_id("card")).to_be_visible()
    await page.get_by_test_id("person-picker").focus()
    await page.keyboard.press("Enter")
    await page.keyboard.press("Tab")
    await page.keyboard.press("Escape")

    await expect(page.get_by_test_id("person-picker")).to_be_focused()
    await expect(page.locator("#people")).to_be_hidden()
    await expect(page.get_by_role("log")).to_contain_text("Signalbox: Deploy shop v1.1.0 to prod")


async def test_the_person_is_picked_in_the_bar(room: Room) -> None:
    page = await room.page("dev-1")

    await page.get_by_test_id("person-picker").click()
    await page.get_by_test_id("person-approver-1").click()
    await page.wait_for_url(re.compile("as=approver-1"))

    await expect(page.get_by_test_id("person-picker")).to_contain_text("approver-1")
    await page.goto(room.world.teams.url)  # the tab remembers
    await expect(page.get_by_test_id("person-picker")).to_contain_text("approver-1")


FAULTS = """() => {
  const faults = [];
  if (document.documentElement.scrollWidth > innerWidth) faults.push("the page scrolls sideways");
  const list = document.getElementById("messages");
  if (list.scrollWidth > list.clientWidth) faults.push("the messages scroll sideways");
  for (const control of document.querySelectorAll("button, a, input, textarea, select")) {
    if (!control.checkVisibility({ visibilityProperty: true })) continue;
    const box = control.getBoundingClientRect();
    const tag = control.outerHTML.slice(0, 80);
    if (box.right > innerWidth + 1 || box.left < -1) faults.push(`outside: ${tag}`);
    const label = control.getAttribute("aria-label") || control.labels?.[0]?.textContent;
    if (!label && !control.textContent.trim()) faults.push(`no name: ${tag}`);
  }
  return faults;
}"""


@pytest.mark.parametrize("scheme", ["light", "dark", "contrast"])
@pytest.mark.parametrize("width", [1280, 320])
async def test_it_looks_right(room: Room, width: int, scheme: str) -> None:
    page = await room.page(
        "approver-1", width=width, scheme="light" if scheme == "light" else "dark"
    )
    if scheme == "contrast":
        await page.emulate_media(contrast="more")
    await room.world.says("dev-1", "@Signalbox whoami")
    await room.world.bot.edit(*_last(room), CARDS["whoami"]())
    await room.world.says("dev-1", '@Signalbox deploy shop v1.1.0 to prod --reason "SHOP-812"')
    root = room.world.bot.turns[-1].conversation.id
    await room.world.says("viewer-1", "@dev-1 is that the rounding fix?", root)
    await room.world.bot.say(
        room.world.conversation(root), "**dev-1** asked for it. `plan a93f9a68`"
    )
    await room.world.says("guest-1", "@Signalbox help", "19:general@thread.tacv2")
    await expect(page.get_by_test_id("message")).to_have_count(6)
    await page.evaluate("document.getElementById('messages').scrollTop = 1e6")

    faults = await page.evaluate(FAULTS)

    ARTIFACTS.mkdir(exist_ok=True)
    shot: Callable[[str], Path] = lambda what: ARTIFACTS / f"chat-{what}-{scheme}-{width}.png"  # noqa: E731
    await page.screenshot(path=shot("page"))
    await page.get_by_test_id("person-picker").click()
    await page.screenshot(path=shot("people"))
    assert faults == []


def _last(room: Room) -> tuple[Conversation, str]:
    assert room.where
    return room.where, room.card_id
