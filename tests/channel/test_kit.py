"""The test kit: all that it can do, on a small bot; what its page shows, on a whole Signalbox."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from datetime import timedelta
from pathlib import Path
import re
import shutil
from typing import Any

import pytest

from bot.inbound import Inbound, InboundKind, InvokeAnswer
from sandbox.channel import NotSeen, Person
from tests.channel.test_dialogs import opens, results
from tests.channel.world import World, card, refreshing, shows, world_of

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "how-to" / "test-a-conversation.md"
SOON = timedelta(seconds=0.2)

WHY = {"type": "Input.Text", "id": "in.comment", "label": "Why?", "isRequired": True}
APPROVE = {"type": "Action.Execute", "title": "Approve", "verb": "approve", "data": {"t": "a"}}
REJECT = {
    "type": "Action.ShowCard",
    "title": "Reject",
    "card": {
        "type": "AdaptiveCard",
        "body": [WHY],
        "actions": [
            {"type": "Action.Execute", "title": "Reject run", "verb": "reject", "data": {"t": "r"}}
        ],
    },
}
FORM = card(
    "Which service?",
    actions=[{"type": "Action.Submit", "title": "Deploy", "data": {"t": "d"}}],
)
FORM["body"] = [
    *FORM["body"],
    {"type": "Input.ChoiceSet", "id": "in.environment", "value": "staging",
     "choices": [{"title": name.title(), "value": name} for name in ("staging", "prod")]},
    {"type": "Input.ChoiceSet", "id": "in.service", "style": "filtered", "isRequired": True,
     "choices.data": {"type": "Data.Query", "dataset": "service", "associatedInputs": "auto"}},
]  # fmt: skip


def person(world: World, name: str, patience: timedelta = timedelta(seconds=5)) -> Person:
    return Person(world.teams, world.teams.account(name), patience)


@pytest.fixture
async def crewed() -> AsyncIterator[World]:
    async with world_of(group_chats=["Release crew"]) as world:
        yield world


def plan(state: str, **fields: Any) -> Mapping[str, Any]:
    return refreshing(f"**Plan**: {state}", "29:approver-1", **fields)


async def test_who_may_approve_sees_it_and_presses(world: World) -> None:
    sent: list[str] = []

    async def turn(arrived: Inbound) -> InvokeAnswer | None:
        if arrived.kind is InboundKind.MESSAGE:
            sent.append(await world.bot.say(arrived.conversation, card=plan("waiting")))
            return None
        if arrived.is_refresh:
            return shows(plan("yours", actions=[APPROVE, REJECT]))
        return shows(card(f"{arrived.verb}: {dict(arrived.data or {})}"))

    world.bot.turn = turn
    dev, approver = person(world, "dev-1"), person(world, "approver-1")

    post = await dev.says("deploy shop v1.1.0 to prod")
    shown = await post.card("Plan: waiting")
    pressed = await approver.presses(shown, "Reject", comment="The freeze has begun")

    assert world.bot.turns[0].text == "deploy shop v1.1.0 to prod"
    assert (shown.id, await dev.buttons(shown)) == (sent[0], ())
    assert pressed.kind == "card"
    assert pressed.words == "reject: {'t': 'r', 'in.comment': 'The freeze has begun'}"
    assert await approver.sees(shown) == pressed.words
    assert await dev.sees(shown) == "Plan: waiting"


async def test_one_waits_for_what_is_still_to_come(world: World) -> None:
    shown: list[str] = []

    async def turn(arrived: Inbound) -> None:
        shown.append(await world.bot.say(arrived.conversation, card=card("running")))

    world.bot.turn = turn
    post = await person(world, "dev-1").says("deploy", to="chat")
    running = await post.card("running")

    async with asyncio.TaskGroup() as group:
        waiting = group.create_task(running.says("done", within=timedelta(seconds=5)))
        await asyncio.sleep(0)
        assert not waiting.done()
        await world.bot.edit(world.conversation("a:dev-1"), shown[0], card("done"))


async def test_a_button_that_is_still_to_come_is_waited_for(world: World) -> None:
    shown: list[str] = []

    async def turn(arrived: Inbound) -> InvokeAnswer | None:
        if arrived.kind is InboundKind.MESSAGE:
            shown.append(await world.bot.say(arrived.conversation, card=card("planning")))
            return None
        return shows(card(str(arrived.verb)))

    world.bot.turn = turn
    dev = person(world, "dev-1")
    planned = await (await dev.says("deploy", to="chat")).card("planning")

    async with asyncio.TaskGroup() as group:
        pressing = group.create_task(dev.presses(planned, "Approve"))
        await asyncio.sleep(0)
        assert not pressing.done()
        ready = card("waiting", actions=[APPROVE])
        await world.bot.edit(world.conversation("a:dev-1"), shown[0], ready)

    assert pressing.result().words == "approve"


async def test_a_failure_says_what_was_there(world: World) -> None:
    async def turn(arrived: Inbound) -> None:
        await world.bot.say(arrived.conversation, card=card("Waiting\nfor approval"))
        await world.bot.say(arrived.conversation, "**Soon**")

    world.bot.turn = turn
    dev = person(world, "dev-1", SOON)
    post = await dev.says("deploy shop")

    with pytest.raises(NotSeen) as failure:
        await post.card("Succeeded")

    assert str(failure.value) == (
        "dev-1 did not see a card with 'Succeeded' within 0.2 s. There was:\n"
        "  Signalbox:\n    | Waiting\n    | for approval\n"
        "  Signalbox:\n    | Soon"
    )
    with pytest.raises(NotSeen, match="There was:\n  nothing"):
        await (await dev.says("lunch?", aside=True)).reply(within=timedelta())


async def test_what_cannot_be_pressed_or_filled_in_is_said(world: World) -> None:
    async def turn(arrived: Inbound) -> None:
        actions = [APPROVE, REJECT, *FORM["actions"]]
        await world.bot.say(arrived.conversation, card={**FORM, "actions": actions})

    world.bot.turn = turn
    dev = person(world, "dev-1", SOON)
    shown = await (await dev.says("deploy")).card()

    for title, values, sentence in (
        ("Confirm", {}, "dev-1 can press no Confirm. There are: Approve, Reject > Reject run, "),
        ("Deploy", {}, "Deploy needs service (in.service), and dev-1 left it empty."),
        ("Deploy", {"version": "v1"}, "dev-1 can fill in environment, service, but no version."),
        ("Deploy", {"environment": "moon"}, "environment can be staging, prod, but not moon."),
    ):
        with pytest.raises(NotSeen, match=re.escape(sentence)):
            await dev.presses(shown, title, **values)
    with pytest.raises(NotSeen, match="environment is not searched for by the bot"):
        await dev.searches(shown, "environment", "x")
    with pytest.raises(NotSeen, match="No dialog is open for dev-1: nothing"):
        _ = (await dev.presses(shown, "Deploy", service="shop")).dialog
    assert world.bot.turns[-1].data == {
        "t": "d",
        "in.environment": "staging",
        "in.service": "shop",
    }


async def test_a_dialog_is_opened_searched_and_submitted(world: World) -> None:
    opener = {
        "type": "Action.Submit",
        "title": "Deploy …",
        "data": {"msteams": {"type": "task/fetch"}},
    }

    async def turn(arrived: Inbound) -> InvokeAnswer | None:
        match arrived.invoke_name:
            case "task/fetch":
                return opens("Deploy", FORM)
            case "application/search":
                return results(("shop (railway)", "shop"))
            case "task/submit" if (arrived.data or {})["in.service"] == "shop":
                return InvokeAnswer(body={"task": {"type": "message", "value": "**Noted**."}})
            case "task/submit":
                return opens("Deploy", {**FORM, "body": [{"type": "TextBlock", "text": "No."}]})
            case _:
                await world.bot.say(arrived.conversation, card=card("What?", actions=[opener]))
                return None

    world.bot.turn = turn
    dev = person(world, "dev-1")
    shown = await (await dev.says("deploy")).card()

    dialog = (await dev.presses(shown, "Deploy …")).dialog
    found = await dialog.searches("service", "sh", environment="prod")
    refused = await dialog.submits("Deploy", service="shp")
    noted = await dialog.submits("Deploy", service=found[0].value)

    assert (dialog.title, dialog.values) == ("Deploy", {"environment": "staging", "service": ""})
    assert [(each.title, each.value) for each in found] == [("shop (railway)", "shop")]
    assert refused.dialog.words == "No.\nDeploy"
    assert (noted.kind, noted.words) == ("notice", "Noted.")
    asked = next(t for t in world.bot.turns if t.invoke_name == "application/search")
    assert asked.data is not None
    assert (asked.data["queryText"], asked.data["data"]) == ("sh", {"in.environment": "prod"})


async def test_one_talks_where_one_may(crewed: World) -> None:
    dev, guest = person(crewed, "dev-1"), person(crewed, "guest-1")

    post = await dev.says("runs", to="Release crew")
    await dev.says("and status?", in_thread=await dev.says("@signalbox help"))
    await dev.says("lunch?", aside=True)

    said = [(turn.text, turn.conversation.id) for turn in crewed.bot.turns]
    thread = crewed.bot.turns[1].conversation.id
    assert said == [
        ("runs", "19:release-crew@thread.v2"),
        ("help", thread),
        ("and status?", thread),
    ]
    assert post.root == ""
    with pytest.raises(
        NotSeen, match=r"guest-1 can open General, ops, chat, but no Release crew\."
    ):
        await guest.says("hello", to="Release crew")


async def test_a_bot_that_did_not_take_it_fails_the_test(world: World) -> None:
    await world.bot.stop()

    with pytest.raises(
        NotSeen, match=r"dev-1 said '@Signalbox help'\. Signalbox cannot be reached"
    ):
        await person(world, "dev-1").says("help")

    await world.bot.start(world.teams.address)


def examples() -> Mapping[str, Any]:
    """The tests on the how-to page, by name."""
    blocks = re.findall(r"^```python\n(.*?)^```$", PAGE.read_text(), re.DOTALL | re.MULTILINE)
    names: dict[str, Any] = {}
    for block in blocks:
        exec(compile(block, str(PAGE), "exec"), names)  # noqa: S102  # our own page
    return {name: each for name, each in names.items() if name.startswith("test_")}


@pytest.mark.scenario
@pytest.mark.timeout(180)
@pytest.mark.parametrize("name", examples())
async def test_what_the_page_shows_works(name: str, tmp_path: Path) -> None:
    example = examples()[name]
    wanted = {}
    if "config_folder" in example.__annotations__:
        wanted["config_folder"] = tmp_path / "config"
        shutil.copytree(ROOT / "sandbox" / "world", wanted["config_folder"])

    await example(**wanted)
