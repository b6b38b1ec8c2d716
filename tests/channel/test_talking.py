"""What the bot hears of what people say and press, read by the bot's own edge."""

import asyncio
from datetime import timedelta
import socket

import pytest

from bot.inbound import Inbound, InboundKind, InvokeAnswer
from domain.actor import ObjectId, TenantId
from domain.conversation import Conversation, ConversationKind
from sandbox.channel.activities import typed
from sandbox.channel.simulated import SimulatedTeams
from tests.channel.world import (
    APP,
    BOT,
    OPS,
    TENANT,
    CountingIds,
    FakeClock,
    World,
    card,
    shows,
    words,
    world_of,
)

DEV = ObjectId("00000000-0000-4000-8000-000000000001")


async def test_a_mention_in_a_channel_reaches_the_bot_as_teams_would_send_it(world: World) -> None:
    said = await world.says("dev-1", "@Signalbox deploy shop v1.1.0 to prod")

    message_id = said["message"]["id"]
    assert said["delivery"]["failure"] == ""
    assert world.bot.turns == [
        Inbound(
            kind=InboundKind.MESSAGE,
            activity_id=message_id,
            activity_type="message",
            conversation=Conversation(
                tenant=TenantId(TENANT),
                service_url=f"{world.teams.url}/",
                id=f"{OPS};messageid={message_id}",
                kind=ConversationKind.CHANNEL,
                bot_id=BOT,
            ),
            tenant=TenantId(TENANT),
            sender=DEV,
            sender_name="dev-1",
            sender_teams_id="29:dev-1",
            text="deploy shop v1.1.0 to prod",
            is_addressed=True,
        )
    ]
    assert world.teams.deliveries[0].activity["channelData"] == {
        "tenant": {"id": TENANT},
        "teamsChannelId": OPS,
        "teamsTeamId": "19:general@thread.tacv2",
        "channel": {"id": OPS},
        "team": {"id": "19:general@thread.tacv2", "name": "Railway"},
    }


async def test_a_channel_message_without_a_mention_is_for_people_only(world: World) -> None:
    said = await world.says("dev-1", "lunch? write to ops@signalbox or ask @Signalboxer")

    assert said["delivery"] is None
    assert world.bot.turns == []
    assert [each["text"] for each in await world.sees("viewer-1")] == [said["message"]["text"]]


async def test_in_a_chat_every_message_is_for_the_bot(world: World) -> None:
    await world.says("dev-1", "status shop", "a:dev-1")

    (turn,) = world.bot.turns
    assert (turn.text, turn.is_addressed) == ("status shop", True)
    assert turn.conversation.id == "a:dev-1"
    assert turn.conversation.kind is ConversationKind.PERSONAL


async def test_a_reply_stays_in_its_thread(world: World) -> None:
    root = (await world.says("dev-1", "who deploys?"))["message"]["id"]

    reply = await world.says("approver-1", "@Signalbox runs", f"{OPS};messageid={root}")

    assert reply["message"]["root"] == root
    assert world.bot.turns[0].conversation.id == f"{OPS};messageid={root}"
    assert world.bot.turns[0].activity_id == reply["message"]["id"]


async def test_what_somebody_types_arrives_letter_for_letter(world: World) -> None:
    text = 'why deploy <b>shop</b> & "billing" &lt; @dev-1'

    await world.says("dev-1", f"@signalbox {text}")

    assert world.bot.turns[0].text == text.replace("@dev-1", "dev-1")


def test_only_whole_names_are_mentions() -> None:
    people = [("dev-1", "29:dev-1"), ("dev-10", "29:dev-10")]

    written = typed("ask @dev-10, @DEV-1 and a@dev-1 or @dev-1x", people)

    assert written.text == "ask <at>dev-10</at>, <at>dev-1</at> and a@dev-1 or @dev-1x"
    assert [each["mentioned"]["id"] for each in written.entities] == ["29:dev-10", "29:dev-1"]


async def test_a_chat_is_nobody_elses(world: World) -> None:
    answer = await world.says("viewer-1", "hello", "a:dev-1")

    assert answer["error"]["code"] == "ConversationNotFound"
    assert world.bot.turns == []


async def test_a_pressed_button_is_an_invoke_and_its_card_is_seen_by_who_pressed(
    world: World,
) -> None:
    root = (await world.says("dev-1", "@Signalbox deploy"))["message"]["id"]
    thread = world.conversation(f"{OPS};messageid={root}")
    message_id = await world.bot.say(thread, card=card("Plan"))

    async def turn(_: Inbound) -> InvokeAnswer:
        return shows(card("You approved"))

    world.bot.turn = turn

    became = await world.presses(
        "approver-1", message_id, verb="approve", title="Approve", data={"t": "x", "in.why": "ok"}
    )

    assert became == {"kind": "card", "text": ""}
    pressed = world.bot.turns[-1]
    assert pressed.kind is InboundKind.ACTION
    assert (pressed.verb, pressed.data) == ("approve", {"t": "x", "in.why": "ok"})
    assert (pressed.is_refresh, pressed.is_submit) == (False, False)
    assert pressed.reply_to == message_id
    assert pressed.conversation == thread
    assert pressed.sender_teams_id == "29:approver-1"
    assert world.teams.deliveries[-1].activity["value"] == {
        "action": {
            "type": "Action.Execute",
            "verb": "approve",
            "data": {"t": "x", "in.why": "ok"},
        },
        "trigger": "manual",
    }
    assert words((await world.sees("approver-1"))[-1]) == "You approved"
    assert words((await world.sees("dev-1"))[-1]) == "Plan"


async def test_words_and_errors_that_answer_a_button_are_told(world: World) -> None:
    message_id = await world.bot.say(world.conversation("a:dev-1"), card=card("Plan"))
    bodies = iter(
        [
            {
                "statusCode": 200,
                "type": "application/vnd.microsoft.activity.message",
                "value": "Noted.",
            },
            {
                "statusCode": 400,
                "type": "application/vnd.microsoft.error",
                "value": {"code": "BadRequest", "message": "That button is stale."},
            },
            {"statusCode": 200, "type": "application/x", "value": 1},
        ]
    )

    async def turn(_: Inbound) -> InvokeAnswer:
        return InvokeAnswer(body=next(bodies))

    world.bot.turn = turn

    became = [await world.presses("dev-1", message_id, verb="cancel") for _ in range(3)]

    assert became == [
        {"kind": "notice", "text": "Noted."},
        {"kind": "failure", "text": "That button is stale."},
        {"kind": "failure", "text": "Unable to reach app. Please try again."},
    ]


async def test_a_submit_is_a_message_with_a_value(world: World) -> None:
    message_id = await world.bot.say(world.conversation("a:dev-1"), card=card("Plan"))

    became = await world.presses("dev-1", message_id, type="Action.Submit", data={"t": "x"})

    assert became == {"kind": "nothing", "text": ""}
    pressed = world.bot.turns[-1]
    assert (pressed.kind, pressed.is_submit) == (InboundKind.ACTION, True)
    assert (pressed.data, pressed.activity_type) == ({"t": "x"}, "message")
    assert len(await world.sees("dev-1", "a:dev-1")) == 1  # nothing of it is shown


async def test_a_bot_that_is_not_there_is_named_in_a_sentence(world: World) -> None:
    with socket.socket() as nobody:  # bound, and not listening
        nobody.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{nobody.getsockname()[1]}"
        world.teams.line.bot_url = url

        said = await world.says("dev-1", "@Signalbox help")

    assert said["delivery"]["status"] == 0
    assert said["delivery"]["failure"] == f"Signalbox cannot be reached at {url}. Is it running?"


async def test_a_bot_that_hangs_is_given_up_on() -> None:
    never = asyncio.Event()

    async def turn(_: Inbound) -> None:
        await never.wait()

    async with world_of(bot_timeout=timedelta(seconds=0.05)) as world:
        world.bot.turn = turn

        said = await world.says("dev-1", "@Signalbox help")

        assert said["delivery"]["failure"] == "Signalbox did not answer within 0.05 seconds."
        never.set()


async def test_one_activity_can_be_delivered_again(world: World) -> None:
    await world.says("dev-1", "@Signalbox help")

    answers = await world.teams.redeliver(world.teams.deliveries[0].activity, times=5)

    assert [each.failure for each in answers] == [""] * 5
    assert len({turn.activity_id for turn in world.bot.turns}) == 1
    assert len(world.bot.turns) == 6


async def test_an_installation_is_told(world: World) -> None:
    await world.teams.teams.install()

    assert [turn.kind for turn in world.bot.turns] == [InboundKind.INSTALLED, InboundKind.OTHER]
    assert world.bot.turns[0].conversation.id == "19:general@thread.tacv2"


async def test_a_token_goes_with_each_activity_where_there_is_a_factory() -> None:
    seen: list[str] = []

    def token(service_url: str) -> str:
        seen.append(service_url)
        return "signed"

    async with world_of(token=token) as world:
        await world.says("dev-1", "@Signalbox help")

        assert seen == [f"{world.teams.url}/"]


async def test_it_listens_on_loopback_only_and_a_taken_port_is_an_error(world: World) -> None:
    port = int(world.teams.address.partition(":")[2])
    other = SimulatedTeams(
        (), bot_id=f"28:{APP}", bot_url="", tenant=TENANT, clock=FakeClock(), ids=CountingIds()
    )

    with pytest.raises(OSError, match="in use"):
        await other.start(port)
    assert world.teams.address.startswith("127.0.0.1:")
