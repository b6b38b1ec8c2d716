"""Where people talk: who is where, and what the bot hears of it."""

from typing import Any

from bot.inbound import InboundKind
from domain.conversation import ConversationKind
from tests.channel.world import OPS, World, card, world_of

CREW = "19:release-crew@thread.v2"


async def test_a_group_chat_is_for_all_but_guests() -> None:
    async with world_of(group_chats=["Release crew"]) as world:
        dev = await world.get("/chat/conversations", **{"as": "dev-1"})
        guest = await world.get("/chat/conversations", **{"as": "guest-1"})
        members = await world.bot.edge.transport.members(world.conversation(CREW))
        refused = await world.says("guest-1", "hello", CREW)

    assert [each["kind"] for each in dev["chats"]] == ["personal", "groupChat"]
    assert dev["chats"][1]["members"] == ["dev-1", "approver-1", "approver-2", "viewer-1"]
    assert [each["kind"] for each in guest["chats"]] == ["personal"]
    assert [each.name for each in members] == dev["chats"][1]["members"]
    assert refused["error"]["code"] == "ConversationNotFound"


async def test_in_a_group_chat_the_bot_hears_its_mentions_only() -> None:
    async with world_of(group_chats=["Release crew"]) as world:
        await world.says("dev-1", "lunch?", CREW)
        said = await world.says("dev-1", "@Signalbox runs", CREW)
        await world.bot.say(world.conversation(CREW), "none", reply_to=said["message"]["id"])
        shown = await world.sees("viewer-1", CREW)

    (turn,) = world.bot.turns
    assert (turn.text, turn.is_addressed) == ("runs", True)
    assert turn.conversation.kind is ConversationKind.GROUP_CHAT
    assert turn.conversation.id == CREW
    activity = world.teams.deliveries[0].activity
    assert activity["conversation"]["isGroup"] is True
    assert "channel" not in activity["channelData"]
    assert [(each["text"], each["root"]) for each in shown] == [
        ("lunch?", ""),
        ("@Signalbox runs", ""),
        ("none", ""),
    ]


def mentioning(person_id: str) -> dict[str, Any]:
    entity = {
        "type": "mention",
        "text": "<at>dev-1</at>",
        "mentioned": {"id": person_id, "name": "dev-1"},
    }
    return card("<at>dev-1</at>, it is your turn", msteams={"entities": [entity]})


async def test_who_is_mentioned_is_told_so(world: World) -> None:
    await world.says("viewer-1", "@dev-1 is that yours?")
    for person_id in ("29:dev-1", "00000000-0000-4000-8000-000000000001"):
        await world.bot.say(world.conversation(OPS), card=mentioning(person_id))
    await world.says("viewer-1", "dev-1 is at lunch")

    for person, expected in (("dev-1", [True, True, True, False]), ("approver-1", [False] * 4)):
        seen = await world.sees(person)
        assert [each["mentionsMe"] for each in seen] == expected


async def test_a_mention_in_ones_own_view_counts_for_oneself(world: World) -> None:
    sent = await world.bot.say(world.conversation(OPS), card=card("Plan"))
    account = world.teams.account("dev-1")
    message = world.teams.teams.shown_to(account, sent)

    world.teams.teams.show_view(account, message, mentioning("29:dev-1"))

    assert (await world.sees("dev-1"))[0]["mentionsMe"] is True
    assert (await world.sees("viewer-1"))[0]["mentionsMe"] is False


async def test_a_chat_with_the_bot_is_installed_for_its_owner(world: World) -> None:
    await world.teams.teams.install(world.teams.chat("viewer-1"))

    assert world.bot.turns[0].kind is InboundKind.INSTALLED
    assert world.bot.turns[0].sender_name == "viewer-1"
