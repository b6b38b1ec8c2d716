"""What the simulated Teams does on a bad day, asked for in Python and by the page's API."""

import asyncio
from datetime import timedelta
from http import HTTPStatus
import time
from typing import Any

import pytest

from bot.inbound import Inbound
from domain.errors import Unavailable, UnknownMessage
from tests.channel.world import OPS, World, card, refreshing, words

CALM = {"refusing": None, "slow": 0, "lost": False, "offline": False, "held": 0}
CHAT = "a:dev-1"


async def goes_through(world: World, conversation: str = OPS) -> bool:
    try:
        await world.bot.say(world.conversation(conversation), "hello")
    except Unavailable:
        return False
    return True


async def test_at_first_nothing_is_wrong(world: World) -> None:
    assert await world.get("/chat/trouble") == CALM


async def test_so_many_requests_are_refused(world: World) -> None:
    refusing = {"times": 2, "retryAfter": 7}

    state = await world.post("/chat/trouble", refusing=refusing)
    with pytest.raises(Unavailable) as error:
        await world.bot.say(world.conversation(), "hello")
    passed = [await goes_through(world) for _ in range(2)]

    assert (state["refusing"]["left"], state["refusing"]["status"]) == (2, 429)
    assert error.value.retry_after == timedelta(seconds=7)
    assert passed == [False, True]
    assert await world.get("/chat/trouble") == CALM


async def test_requests_are_refused_for_a_span(world: World) -> None:
    world.teams.refuse(span=timedelta(seconds=30))

    passed = [await goes_through(world)]
    world.clock.move(seconds=29)
    passed.append(await goes_through(world))
    until = (await world.get("/chat/trouble"))["refusing"]["until"]
    world.clock.move(seconds=1)
    passed.append(await goes_through(world))

    assert passed == [False, False, True]
    assert until == "2026-03-02T09:30:30.000Z"


async def test_one_conversation_alone_is_refused(world: World) -> None:
    root = (await world.says("dev-1", "who deploys?"))["message"]["id"]
    world.teams.refuse(5, conversation=OPS)

    assert await goes_through(world, CHAT)
    assert not await goes_through(world)
    assert not await goes_through(world, f"{OPS};messageid={root}")


async def test_other_errors_than_429_can_be_had(world: World) -> None:
    world.teams.refuse(1, status=HTTPStatus.BAD_GATEWAY, retry_after=None)

    with pytest.raises(Unavailable, match="502") as error:
        await world.bot.say(world.conversation(), "hello")

    assert error.value.retry_after is None


async def test_the_last_thing_that_somebody_did_is_delivered_again(world: World) -> None:
    await world.bot.say(world.conversation(CHAT), card=refreshing("Plan", "29:dev-1"))
    said = (await world.says("dev-1", "deploy shop", CHAT))["message"]["id"]
    await world.looks("dev-1", (await world.sees("dev-1", CHAT))[0]["id"])  # by itself
    world.bot.turns.clear()

    same = await world.post("/chat/redeliver", newId=False)
    other = await world.post("/chat/redeliver", newId=True)

    assert (same, other) == ({"status": 200, "failure": ""}, {"status": 200, "failure": ""})
    first, second = world.bot.turns
    assert (first.text, second.text) == ("deploy shop", "deploy shop")
    assert first.activity_id == said
    assert int(second.activity_id) > int(said)
    assert len(await world.sees("dev-1", CHAT)) == 2  # nobody said it twice


async def test_where_nobody_did_anything_nothing_is_delivered(world: World) -> None:
    answer = await world.post("/chat/redeliver", newId=False)

    assert answer == {"status": 0, "failure": "Nobody has done anything yet."}
    assert await world.teams.redeliver() == ()


async def test_what_the_bot_posted_can_be_lost_to_it(world: World) -> None:
    before = await world.bot.say(world.conversation(), card=card("running"))

    state = await world.post("/chat/trouble", lost=True)
    after = await world.bot.say(world.conversation(), card=card("running"))

    assert state["lost"] is True
    with pytest.raises(UnknownMessage):
        await world.bot.edit(world.conversation(), before, card("done"))
    await world.bot.edit(world.conversation(), after, card("done"))
    assert [words(each) for each in await world.sees("dev-1")] == ["running", "done"]
    await world.teams.behave()
    await world.bot.edit(world.conversation(), before, card("done"))


async def test_a_slow_channel_does_what_it_is_asked_and_answers_late(world: World) -> None:
    async with world.hears("dev-1") as events, asyncio.timeout(5):
        await anext(events)
        world.teams.slow_down(timedelta(seconds=0.3))
        await anext(events)
        began = time.perf_counter()

        sending = asyncio.create_task(world.bot.say(world.conversation(), "hello"))
        name, _ = await anext(events)
        was_answered = sending.done()
        await sending

    assert (name, was_answered) == ("message", False)
    assert time.perf_counter() - began >= 0.3


async def test_while_it_is_offline_neither_side_hears_of_the_other(world: World) -> None:
    sent = await world.bot.say(world.conversation(CHAT), card=card("Plan"))
    await world.post("/chat/trouble", offline=True)

    said = [await world.says("dev-1", text, CHAT) for text in ("status shop", "runs")]
    pressed = await world.presses("dev-1", sent, verb="approve")

    assert [each["delivery"]["isHeld"] for each in said] == [True, True]
    assert {each["delivery"]["failure"] for each in said} == {""}
    assert pressed == {
        "kind": "failure",
        "text": "Teams is offline. Try again when it is back.",
    }
    assert not await goes_through(world)
    assert world.bot.turns == []
    assert (await world.get("/chat/trouble"))["held"] == 2

    state = await world.post("/chat/trouble", offline=False)

    assert state == CALM
    assert [turn.text for turn in world.bot.turns] == ["status shop", "runs"]


async def test_what_was_held_waits_on_when_it_goes_offline_again(world: World) -> None:
    world.teams.go_offline()
    for text in ("one", "two"):
        await world.says("dev-1", text, CHAT)

    async def turn(_: Inbound) -> None:
        world.teams.go_offline()

    world.bot.turn = turn
    await world.teams.come_back()

    assert [turn.text for turn in world.bot.turns] == ["one"]
    assert world.teams.line.held == 1


async def test_all_trouble_ends_at_once(world: World) -> None:
    await world.post("/chat/trouble", refusing={"seconds": 60}, slow=5, lost=True, offline=True)
    await world.teams.behave()

    assert await world.get("/chat/trouble") == CALM
    assert await goes_through(world)


async def test_pages_are_told_that_something_is_wrong(world: World) -> None:
    async with world.hears("dev-1") as events, asyncio.timeout(5):
        await anext(events)

        world.teams.go_offline()

        assert await anext(events) == ("trouble", {})


NONSENSE: list[dict[str, Any]] = [
    {"slow": -1},
    {"slow": "5"},
    {"slow": True},
    {"offline": "yes"},
    {"lost": 1},
    {"refusing": 429},
    {"refusing": {"times": 5000}},
    {"refusing": {"status": 123}},
    {"fire": True},
]


@pytest.mark.parametrize("body", NONSENSE)
async def test_nonsense_changes_nothing(world: World, body: dict[str, Any]) -> None:
    answer = await world.post("/chat/trouble", **body)

    assert answer["error"]["code"] == "BadSyntax"
    assert await world.get("/chat/trouble") == CALM
