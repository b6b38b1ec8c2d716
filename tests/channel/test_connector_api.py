"""The REST API that the bot calls, by the product's own transport and by hand."""

from datetime import timedelta
from typing import Any
from urllib.parse import quote

import pytest

from domain.errors import Refused, Unavailable, UnknownMessage
from domain.notice import Member, Message
from tests.channel.world import OPS, TENANT, World, card, words


async def call(world: World, method: str, path: str, body: Any = None) -> tuple[int, Any]:
    async with world.http.request(method, f"{world.teams.url}/v3/{path}", json=body) as response:
        return response.status, await response.json() if response.content_length else None


async def test_the_bot_answers_in_the_thread_of_the_request(world: World) -> None:
    root = (await world.says("dev-1", "@Signalbox help"))["message"]["id"]
    thread = world.conversation(f"{OPS};messageid={root}")

    sent = await world.bot.say(thread, "**done**", reply_to=root)

    answer = (await world.sees("viewer-1"))[-1]
    assert (answer["id"], answer["root"], answer["isFromBot"]) == (sent, root, True)
    assert (answer["text"], answer["format"]) == ("**done**", "markdown")
    assert int(sent) > int(root)


async def test_without_a_thread_the_bot_starts_one(world: World) -> None:
    sent = await world.bot.say(world.conversation(OPS), "hello")

    (message,) = await world.sees("dev-1")
    assert message["root"] == sent


async def test_a_card_is_edited_in_place(world: World) -> None:
    sent = await world.bot.say(world.conversation(OPS), card=card("planning"))

    await world.bot.edit(world.conversation(OPS), sent, card("running"))

    (message,) = await world.sees("dev-1")
    assert (message["id"], words(message), message["version"]) == (sent, "running", 2)


async def test_the_roster_is_told_with_teams_ids(world: World) -> None:
    members = await world.bot.edge.transport.members(world.conversation(f"{OPS};messageid=1"))

    assert members[0] == Member(
        teams_id="29:dev-1", object_id="00000000-0000-4000-8000-000000000001", name="dev-1"
    )
    assert len(members) == 5
    chat = await world.bot.edge.transport.members(world.conversation("a:guest-1"))
    assert [each.name for each in chat] == ["guest-1"]


async def test_the_roster_comes_in_pages(world: World) -> None:
    path = f"conversations/{quote(OPS)}/pagedmembers?pageSize=2"

    names, token = [], ""
    for _ in range(3):
        _, page = await call(world, "GET", f"{path}&continuationToken={token}")
        names.append([each["name"] for each in page["members"]])
        token = page.get("continuationToken", "")

    assert names == [["dev-1", "approver-1"], ["approver-2", "viewer-1"], ["guest-1"]]
    assert token == ""


async def test_one_member_is_found_by_either_id(world: World) -> None:
    for account_id in ("29:guest-1", "00000000-0000-4000-8000-000000000008"):
        path = f"conversations/{quote(OPS)}/members/{quote(account_id)}"
        status, member = await call(world, "GET", path)

        assert (status, member["name"], member["userRole"]) == (200, "guest-1", "guest")
        assert member["tenantId"] == TENANT


async def test_a_message_that_is_gone_is_said_to_be_gone(world: World) -> None:
    sent = await world.bot.say(world.conversation(OPS), card=card("planning"))
    path = f"conversations/{quote(OPS, safe='')}/activities/{sent}"

    status, _ = await call(world, "DELETE", path)

    assert status == 200
    (message,) = await world.sees("dev-1")
    assert message["isDeleted"] is True
    assert message["cards"] == []
    with pytest.raises(UnknownMessage):
        await world.bot.edit(world.conversation(OPS), sent, card("running"))
    with pytest.raises(UnknownMessage):
        await world.bot.edit(world.conversation(OPS), "17", card("running"))


async def test_a_bot_cannot_edit_what_somebody_else_said(world: World) -> None:
    said = await world.says("dev-1", "@Signalbox help")

    with pytest.raises(Refused, match="403 MessageWritesBlocked"):
        await world.bot.edit(world.conversation(OPS), said["message"]["id"], card("forged"))


async def test_an_unknown_conversation_is_refused_in_the_wires_words(world: World) -> None:
    with pytest.raises(Refused, match="404 ConversationNotFound"):
        await world.bot.say(world.conversation("19:other@thread.tacv2"), "hello")
    with pytest.raises(Refused, match="404 ConversationNotFound"):
        await world.bot.say(world.conversation(f"{OPS};messageid=17"), "hello")

    status, body = await call(world, "POST", "conversations/a%3Anobody/activities", {"type": "x"})

    assert (status, body) == (
        404,
        {
            "error": {
                "code": "ConversationNotFound",
                "message": "There is no such conversation.",
            }
        },
    )


MALFORMED: list[Any] = [
    {"type": "message"},
    {"type": "message", "text": 7},
    {"type": "message", "text": "x", "attachments": [{"contentType": "image/png"}]},
    {"type": "invoke", "text": "x"},
    {
        "type": "message",
        "attachments": [
            {"contentType": "application/vnd.microsoft.card.adaptive", "content": "text"}
        ],
    },
    [],
]


@pytest.mark.parametrize("body", MALFORMED)
async def test_what_cannot_be_shown_is_a_bad_request(world: World, body: Any) -> None:
    status, answer = await call(world, "POST", f"conversations/{quote(OPS)}/activities", body)

    assert (status, answer["error"]["code"]) == (400, "BadSyntax")
    assert await world.sees("dev-1") == []


async def test_a_message_larger_than_teams_takes_is_refused(world: World) -> None:
    with pytest.raises(Refused, match="413 MessageSizeTooBig"):
        await world.bot.say(world.conversation(OPS), card=card("ä" * 52_000))
    with pytest.raises(Refused, match="413 MessageSizeTooBig"):
        await world.bot.say(world.conversation(OPS), card=card("ä" * 300_000))


async def test_the_channel_can_be_made_to_ask_for_patience(world: World) -> None:
    world.teams.refuse(1, retry_after=timedelta(seconds=7))

    with pytest.raises(Unavailable) as error:
        await world.bot.say(world.conversation(OPS), "hello")

    assert error.value.retry_after == timedelta(seconds=7)
    assert await world.bot.say(world.conversation(OPS), "hello")


async def test_a_chat_is_opened_by_a_members_id(world: World) -> None:
    body = {"bot": {"id": "28:x"}, "members": [{"id": "29:dev-1"}], "tenantId": TENANT}

    status, answer = await call(world, "POST", "conversations", body)

    assert (status, answer) == (201, {"id": "a:dev-1"})


async def test_a_thread_is_opened_with_its_first_message(world: World) -> None:
    first = {"type": "message", "text": "Good morning"}
    body = {"isGroup": True, "channelData": {"channel": {"id": OPS}}, "activity": first}

    _, answer = await call(world, "POST", "conversations", body)

    (message,) = await world.sees("dev-1")
    assert answer == {
        "id": f"{OPS};messageid={message['id']}",
        "activityId": message["id"],
    }


async def test_a_reply_to_an_activity_lands_in_its_thread(world: World) -> None:
    said = await world.says("dev-1", "@Signalbox help")
    root = said["message"]["id"]

    status, answer = await call(
        world,
        "POST",
        f"conversations/{quote(OPS, safe='')}/activities/{root}",
        {"type": "message", "text": "Here"},
    )

    assert status == 201
    assert [(each["id"], each["root"]) for each in await world.sees("dev-1")] == [
        (root, root),
        (answer["id"], root),
    ]


async def test_the_team_and_its_channels_are_told(world: World) -> None:
    team = quote("19:general@thread.tacv2", safe="")

    _, details = await call(world, "GET", f"teams/{team}")
    _, channels = await call(world, "GET", f"teams/{team}/conversations")

    assert details == {"id": "19:general@thread.tacv2", "name": "Railway"}
    assert channels == {
        "conversations": [{"id": "19:general@thread.tacv2"}, {"id": OPS, "name": "ops"}]
    }


async def test_a_mention_in_the_bots_words_is_a_name(world: World) -> None:
    body = {
        "type": "message",
        "text": "<at>dev-1</at>, ask <at>approver-1</at>",
        "entities": [
            {
                "type": "mention",
                "text": "<at>dev-1</at>",
                "mentioned": {"id": "29:dev-1", "name": "dev-1"},
            }
        ],
    }

    await call(world, "POST", f"conversations/{quote(OPS)}/activities", body)

    (message,) = await world.sees("dev-1")
    assert message["text"] == "@dev-1, ask <at>approver-1</at>"  # the other is no mention
    assert message["mentions"] == ["dev-1"]


async def test_messages_sent_at_once_keep_their_ids_apart(world: World) -> None:
    first = await world.bot.edge.transport.send(world.conversation(OPS), Message(markdown="a"))
    second = await world.bot.edge.transport.send(world.conversation(OPS), Message(markdown="b"))

    assert int(second) == int(first) + 1  # the clock stands still
