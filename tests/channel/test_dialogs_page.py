"""Teams dialogs and typeahead in a browser, by mouse and by keyboard."""

from typing import Any

from playwright.async_api import Page, expect
import pytest

from bot.inbound import Inbound, InvokeAnswer
from tests.channel.room import ARTIFACTS, Room
from tests.channel.world import card
from tests.render.harness import THEMES

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]

SERVICES = ("shop", "billing", "shipping")
START = card(
    "What do you want to deploy?",
    actions=[
        {
            "type": "Action.Submit",
            "title": "Choose …",
            "data": {"msteams": {"type": "task/fetch"}, "t": "tok"},
        }
    ],
)


MANY = card(
    "Which service?",
    actions=[
        {"type": "Action.Execute", "title": title, "verb": "v", "data": {"t": "tok"}}
        for title in ("Next", "Cancel", "Help")
    ]
    + [{**START["actions"][0], "title": "All in one form", "mode": "secondary"}],
)


def form(problem: str = "", **typed: str) -> dict[str, Any]:
    """What a guided deploy asks in a dialog."""
    body: list[dict[str, Any]] = [
        {"type": "TextBlock", "text": "Deploy", "size": "large", "weight": "bolder", "wrap": True,
         "style": "heading"},
        {"type": "Input.ChoiceSet", "id": "in.environment", "label": "Environment",
         "value": typed.get("environment", "staging"),
         "choices": [{"title": name, "value": name} for name in ("staging", "prod")]},
        {"type": "Input.ChoiceSet", "id": "in.service", "label": "Service", "style": "filtered",
         "choices": [], "value": typed.get("service", ""), "isRequired": True,
         "errorMessage": "Say which service.", "placeholder": "Type to search",
         "choices.data": {"type": "Data.Query", "dataset": "service",
                          "associatedInputs": "auto"}},
        {"type": "Input.Text", "id": "in.reason", "label": "Why?", "isMultiline": True,
         "value": typed.get("reason", "")},
    ]  # fmt: skip
    if problem:
        body.insert(1, {"type": "TextBlock", "text": problem, "color": "attention", "wrap": True})
    submit = {"type": "Action.Submit", "title": "Deploy", "style": "positive", "data": {"t": "d"}}
    return {"type": "AdaptiveCard", "version": "1.5", "body": body, "actions": [submit]}


def opens(content: dict[str, Any]) -> InvokeAnswer:
    attachment = {"contentType": "application/vnd.microsoft.card.adaptive", "content": content}
    value = {"title": "Deploy a service", "width": "small", "height": "medium", "card": attachment}
    return InvokeAnswer(body={"task": {"type": "continue", "value": value}})


def finds(*names: str) -> InvokeAnswer:
    listed = [{"title": f"{name} (railway)", "value": name} for name in names]
    kind = "application/vnd.microsoft.search.searchResponse"
    return InvokeAnswer(body={"statusCode": 200, "type": kind, "value": {"results": listed}})


async def guided(arrived: Inbound) -> InvokeAnswer | None:
    """A form that knows its services, and takes `shop` only."""
    data: Any = arrived.data or {}
    match arrived.invoke_name:
        case "task/fetch":
            return opens(form())
        case "application/search" if data["queryText"] == "boom":
            return InvokeAnswer(status=503)
        case "application/search":
            return finds(*(name for name in SERVICES if data["queryText"].lower() in name))
        case "task/submit" if data.get("in.service") == "shop":
            return InvokeAnswer(body={"task": {"type": "message", "value": "Deploying shop."}})
        case "task/submit":
            typed = {key.removeprefix("in."): value for key, value in data.items()}
            return opens(form(f"There is no service {typed['service']}.", **typed))
        case _:
            return None


async def started(room: Room, person: str = "dev-1", **options: Any) -> Page:
    room.world.bot.turn = guided
    await room.world.bot.say(room.world.conversation(), card=START)
    return await room.page(person, **options)


def last(room: Room, name: str) -> Any:
    return [turn.data for turn in room.world.bot.turns if turn.invoke_name == name][-1]


async def test_from_the_first_word_to_the_form_it_goes_by_keyboard_alone(room: Room) -> None:
    async def answering(arrived: Inbound) -> InvokeAnswer | None:
        if arrived.text == "deploy":
            await room.world.bot.say(arrived.conversation, card=START)
        return await guided(arrived)

    room.world.bot.turn = answering
    page = await room.page("dev-1")
    await page.keyboard.type("deploy")
    await page.keyboard.press("Enter")
    button = page.get_by_role("button", name="Choose …")
    await expect(button).to_be_visible()
    for _ in range(6):
        await page.keyboard.press("Shift+Tab")
        if await button.evaluate("button => button === document.activeElement"):
            break

    await page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog", name="Deploy a service")
    await expect(dialog.get_by_label("Environment")).to_be_focused()
    await page.keyboard.press("ArrowDown")
    await page.keyboard.press("Tab")
    await page.keyboard.type("SH")
    choices = page.get_by_test_id("choice")
    await expect(choices).to_have_text(["shop (railway)", "shipping (railway)"])
    for key in ("ArrowDown", "ArrowDown", "ArrowUp", "Enter", "Tab"):
        await page.keyboard.press(key)
    await expect(dialog.get_by_role("combobox", name="Service")).to_have_value("shop (railway)")
    await page.keyboard.type("PAY-812")
    await page.keyboard.press("Tab")
    await page.keyboard.press("Enter")

    await expect(dialog).to_have_count(0)
    await expect(page.get_by_test_id("notice")).to_contain_text("Deploying shop.")
    await expect(page.get_by_role("button", name="Choose …")).to_be_focused()
    assert last(room, "application/search")["data"] == {"in.environment": "prod"}
    assert last(room, "task/submit") == {
        "t": "d",
        "in.environment": "prod",
        "in.service": "shop",
        "in.reason": "PAY-812",
    }


async def test_the_bots_objections_stand_in_the_form_with_what_was_typed(room: Room) -> None:
    page = await started(room)
    await page.get_by_role("button", name="Choose …").click()
    dialog = page.get_by_test_id("dialog")

    await dialog.get_by_role("button", name="Deploy").click()
    await expect(dialog).to_contain_text("Say which service.")  # nothing was sent
    await dialog.get_by_role("combobox", name="Service").fill("shp")
    await dialog.get_by_label("Why?").fill("PAY-812")
    await dialog.get_by_role("button", name="Deploy").click()

    await expect(dialog).to_contain_text("There is no service shp.")
    await expect(dialog.get_by_role("combobox", name="Service")).to_have_value("shp")
    await expect(dialog.get_by_label("Why?")).to_have_value("PAY-812")
    assert last(room, "task/submit")["in.service"] == "shp"


async def test_escape_closes_the_list_then_the_dialog(room: Room) -> None:
    page = await started(room)
    await page.get_by_role("button", name="Choose …").click()
    dialog = page.get_by_test_id("dialog")
    await dialog.get_by_role("combobox", name="Service").click()
    await expect(page.get_by_test_id("choice")).to_have_count(3)

    await page.keyboard.press("Escape")
    await expect(page.get_by_test_id("choice").first).to_be_hidden()
    await expect(dialog).to_be_visible()
    await page.keyboard.press("Escape")

    await expect(dialog).to_have_count(0)
    await expect(page.get_by_role("button", name="Choose …")).to_be_focused()
    assert not [turn for turn in room.world.bot.turns if turn.invoke_name == "task/submit"]


async def test_the_focus_finds_the_button_of_a_card_that_was_edited_meanwhile(room: Room) -> None:
    page = await started(room)
    await page.get_by_role("button", name="Choose …").click()
    await expect(page.get_by_test_id("dialog")).to_be_visible()
    (message,) = await room.world.sees("dev-1")
    edited = {**START, "body": [{"type": "TextBlock", "text": "What next?"}]}
    await room.world.bot.edit(room.world.conversation(), message["id"], edited)
    await expect(page.get_by_test_id("card").first).to_contain_text("What next?")

    await page.keyboard.press("Escape")

    await expect(page.get_by_role("button", name="Choose …")).to_be_focused()


async def test_the_focus_stays_in_the_dialog(room: Room) -> None:
    page = await started(room)
    await page.get_by_role("button", name="Choose …").click()
    await expect(page.get_by_test_id("dialog")).to_be_visible()

    inside = []
    for _ in range(12):
        await page.keyboard.press("Tab")
        inside.append(
            await page.evaluate(
                "document.activeElement === document.body"
                " || document.activeElement.closest('dialog') !== null"
            )
        )

    assert all(inside)
    await page.get_by_test_id("dialog-close").click()
    await expect(page.get_by_test_id("dialog")).to_have_count(0)


async def test_a_choice_is_made_by_mouse_and_outlives_an_edit(room: Room) -> None:
    room.world.bot.turn = guided
    where = room.world.conversation()
    sent = await room.world.bot.say(where, card=form())
    page = await room.page("viewer-1")
    service = page.get_by_role("combobox", name="Service")

    await service.click()
    await page.get_by_role("option", name="billing").click()
    await expect(service).to_have_value("billing (railway)")
    await room.world.bot.edit(where, sent, form("Somebody deployed meanwhile."))
    await expect(page.get_by_test_id("card")).to_contain_text("Somebody deployed")
    await expect(service).to_have_value("billing (railway)")
    await page.get_by_role("button", name="Deploy").click()

    await expect(page.get_by_test_id("card").locator(".pressed")).to_have_count(0)
    assert room.world.bot.turns[-1].data is not None
    assert room.world.bot.turns[-1].data["in.service"] == "billing"


async def test_typing_is_searched_for_once_and_failures_are_said(room: Room) -> None:
    page = await started(room)
    await page.get_by_role("button", name="Choose …").click()
    service = page.get_by_role("combobox", name="Service")
    await service.focus()

    await page.keyboard.type("zebra", delay=20)
    await expect(page.get_by_text("Nothing matches.")).to_be_visible()
    searched = [t for t in room.world.bot.turns if t.invoke_name == "application/search"]
    assert [turn.data["queryText"] for turn in searched if turn.data] == ["zebra"]
    await service.fill("boom")

    await expect(page.get_by_text("it answered 503")).to_be_visible()


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("width", [1280, 320])
async def test_a_dialog_looks_right(room: Room, theme: str, width: int) -> None:
    page = await started(room, width=width)
    await page.evaluate("theme => localStorage.setItem('theme', theme)", theme)
    await page.reload()
    await page.get_by_role("button", name="Choose …").click()
    await page.get_by_role("combobox", name="Service").click()
    await expect(page.get_by_test_id("choice")).to_have_count(3)
    await page.keyboard.press("ArrowDown")

    box = await page.get_by_test_id("dialog").bounding_box()
    ARTIFACTS.mkdir(exist_ok=True)
    await page.screenshot(path=ARTIFACTS / f"chat-dialog-{theme}-{width}.png")
    assert box is not None
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= width
    if width == 320:
        assert (box["width"], box["height"]) == (320, 860)
    scrolls = "d => d.scrollWidth > d.clientWidth || d.children[1].scrollWidth > d.clientWidth"
    assert not await page.get_by_test_id("dialog").evaluate(scrolls)


async def test_eight_windows_of_one_browser_all_hear(room: Room) -> None:
    first = await room.page("dev-1")
    names = ("dev-1", "approver-1", "approver-2", "viewer-1", "guest-1")
    pages = [first]
    for number in range(7):
        page = await first.context.new_page()
        await page.goto(f"{room.world.teams.url}/?as={names[number % 5]}&conversation=ops")
        await page.wait_for_selector("body[data-ready]")
        pages.append(page)

    await room.world.says("viewer-1", "lunch?")

    for page in pages:
        await expect(page.get_by_test_id("message")).to_contain_text("lunch?")


@pytest.mark.parametrize("width", [1280, 320])
async def test_what_stands_behind_three_dots_opens_beside_them(room: Room, width: int):
    room.world.bot.turn = guided
    await room.world.bot.say(room.world.conversation(), card=MANY)
    page = await room.page("dev-1", width=width, scheme="dark")
    dots = page.get_by_role("button", name="More options")
    composer = page.get_by_test_id("composer")
    before = await composer.bounding_box()

    await dots.click()

    entry = page.get_by_role("menuitem", name="All in one form")
    await expect(entry).to_be_focused()
    assert await composer.bounding_box() == before, "nothing on the page has moved"
    menu, button = await entry.bounding_box(), await dots.bounding_box()
    assert menu is not None
    assert button is not None
    assert menu["x"] < button["x"] + button["width"] < menu["x"] + menu["width"] + 40
    assert abs(menu["y"] - button["y"]) < 80
    await page.screenshot(path=ARTIFACTS / f"three-dots-{width}.png")
    await page.keyboard.press("Escape")
    await expect(entry).to_have_count(0)
    await dots.click()
    await entry.click()
    await expect(page.get_by_role("dialog", name="Deploy a service")).to_be_visible()
