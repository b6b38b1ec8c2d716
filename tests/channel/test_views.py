"""Views of one's own: who is asked for one, when, and what becomes of it."""

import asyncio
from datetime import timedelta
from urllib.parse import quote

from aiohttp import web

from bot.inbound import Inbound, InvokeAnswer
from bot.listener import listen
from sandbox.channel.chat_events import ChatEvents
from tests.channel.world import OPS, World, card, refreshing, shows, words


def by_name(arrived: Inbound) -> InvokeAnswer:
    return shows(card(f"for {arrived.sender_name}"))


async def answering(arrived: Inbound) -> InvokeAnswer:
    return by_name(arrived)


async def test_those_whom_a_card_names_get_their_own_view_of_it(world: World) -> None:
    world.bot.turn = answering
    sent = await world.bot.say(world.conversation(), card=refreshing("Plan", "29:approver-1"))

    for person in ("approver-1", "viewer-1"):
        await world.looks(person, sent)

    (turn,) = world.bot.turns
    assert (turn.sender_name, turn.verb, turn.is_refresh) == ("approver-1", "run", True)
    assert (turn.reply_to, turn.data) == (sent, {"t": "refresh"})
    (own,) = await world.sees("approver-1")
    (common,) = await world.sees("viewer-1")
    assert (words(own), own["isOwnView"]) == ("for approver-1", True)
    assert (words(common), common["isOwnView"]) == ("Plan", False)


async def test_a_view_is_asked_for_once_until_the_message_is_edited(world: World) -> None:
    world.bot.turn = answering
    sent = await world.bot.say(world.conversation(), card=refreshing("Plan", "29:approver-1"))

    for _ in range(3):
        await world.looks("approver-1", sent, sent)
    await world.bot.edit(world.conversation(), sent, refreshing("Running", "29:approver-1"))
    (edited,) = await world.sees("approver-1")
    await world.looks("approver-1", sent)

    assert words(edited) == "Running"  # the old view ended with the edit
    assert len(world.bot.turns) == 2


async def test_without_names_everybody_in_a_small_conversation_is_asked(world: World) -> None:
    world.bot.turn = answering
    everybody = refreshing("Plan")
    del everybody["refresh"]["userIds"]
    sent = await world.bot.say(world.conversation(), card=everybody)

    await world.looks("viewer-1", sent)

    assert words((await world.sees("viewer-1"))[0]) == "for viewer-1"


async def test_an_empty_list_of_names_asks_nobody(world: World) -> None:
    sent = await world.bot.say(world.conversation(), card=refreshing("Plan"))

    await world.looks("viewer-1", sent)

    assert world.bot.turns == []


async def test_a_view_that_is_older_than_an_edit_is_not_shown(world: World) -> None:
    arrived, go_on = asyncio.Event(), asyncio.Event()

    async def slow(turn: Inbound) -> InvokeAnswer:
        arrived.set()
        await go_on.wait()
        return by_name(turn)

    world.bot.turn = slow
    sent = await world.bot.say(world.conversation(), card=refreshing("Plan", "29:approver-1"))
    looking = asyncio.create_task(world.looks("approver-1", sent))
    await arrived.wait()

    await world.bot.edit(world.conversation(), sent, card("Done"))
    go_on.set()
    await looking

    assert words((await world.sees("approver-1"))[0]) == "Done"


async def test_a_view_that_could_not_be_fetched_is_asked_for_again(world: World) -> None:
    async def failing(_: Inbound) -> InvokeAnswer:
        return InvokeAnswer(status=503)

    world.bot.turn = failing
    sent = await world.bot.say(world.conversation(), card=refreshing("Plan", "29:approver-1"))
    await world.looks("approver-1", sent)
    world.bot.turn = answering

    await world.looks("approver-1", sent)

    assert words((await world.sees("approver-1"))[0]) == "for approver-1"


async def test_a_page_is_told_of_what_concerns_it(world: World) -> None:
    world.bot.turn = answering
    async with world.hears("approver-1") as events, asyncio.timeout(5):
        assert await anext(events) == ("hello", {})

        sent = await world.bot.say(world.conversation(), card=refreshing("Plan", "29:approver-1"))
        name, posted = await anext(events)
        await world.says("dev-1", "nobody else's", "a:dev-1")
        await world.looks("approver-1", sent)
        _, viewed = await anext(events)

    assert (name, posted["as"], words(posted["message"])) == ("message", "approver-1", "Plan")
    assert words(viewed["message"]) == "for approver-1"


async def test_the_windows_of_one_browser_share_a_connection(world: World) -> None:
    async with world.hears("dev-1", "viewer-1") as events, asyncio.timeout(5):
        await anext(events)

        await world.says("dev-1", "hello", "a:dev-1")
        await world.bot.say(world.conversation(), "hello all")
        told = [await anext(events) for _ in range(3)]

    assert [(data["as"], data["message"]["text"]) for _, data in told] == [
        ("dev-1", "hello"),
        ("dev-1", "hello all"),
        ("viewer-1", "hello all"),
    ]


async def test_typing_is_told_where_it_is_seen(world: World) -> None:
    path = f"/v3/conversations/{quote(OPS)}/activities"
    async with world.hears("dev-1") as events, asyncio.timeout(5):
        await anext(events)

        await world.post(path, type="typing")

        assert await anext(events) == ("typing", {"as": "dev-1", "place": OPS})


async def test_a_quiet_connection_is_kept_alive(world: World) -> None:
    app = web.Application()
    ChatEvents(world.teams.teams, heartbeat=timedelta(seconds=0.01)).add_routes(app.router)
    listener = await listen(app, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{listener.port}/chat/events?as=dev-1"
    async with world.http.get(url) as stream, asyncio.timeout(5):
        read = b""
        while b":\n\n:\n\n" not in read:
            read += await stream.content.readany()
        world.teams.teams.watchers.end()
    await listener.stop()

    assert read.startswith(b"retry: 1000\nevent: hello\ndata: {}\n\n")


async def test_pages_are_sent_home_when_it_stops(world: World) -> None:
    async with world.hears("dev-1") as events, asyncio.timeout(3):
        await anext(events)

        await world.teams.stop()

        assert [event async for event in events] == []


async def test_a_stranger_sees_nothing(world: World) -> None:
    answer = await world.get("/chat/messages", **{"as": "mallory", "conversation": OPS})

    assert answer["error"]["message"] == "Nobody here is called 'mallory'."
