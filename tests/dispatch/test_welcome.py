"""How we introduce ourselves: once in each conversation, until we are removed from it."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from bot.command import Commands
from bot.inbound import Inbound, InboundKind
from bot.welcome import welcome
from cards.limits import lint
from domain.conversation import Conversation, ConversationKind
from domain.notice import Message
from tests.cards.test_run_card import texts
from tests.dispatch.test_help import is_allowed
from tests.dispatch.world import TENANT, Bot, buttons

CHANNEL = Conversation(
    tenant=TENANT,
    service_url="http://127.0.0.1:3979/",
    id="19:general@thread.tacv2",
    kind=ConversationKind.CHANNEL,
    bot_id="28:bot",
)


def update(bot: Bot, kind: InboundKind, **changes: Any) -> Inbound:
    fields = {"conversation": CHANNEL, "activity_type": "installationUpdate", **changes}
    return bot.inbound("dev-1", kind=kind, is_addressed=False, **fields)


async def greetings(bot: Bot, *activities: Inbound) -> list[Message]:
    for each in activities:
        assert await bot.dispatcher.handle(each) is None
    await asyncio.sleep(0)
    return [message for _, message in bot.outbound.sent]


async def test_an_installation_is_greeted_with_what_can_be_said(bot: Bot):
    [message] = await greetings(bot, update(bot, InboundKind.INSTALLED))

    assert message.card is not None
    assert lint(message.card) == []
    assert texts(message.card)[3:] == [
        "Mention me and say one of these",
        "status",
        "What runs where, and how it is.",
        "deploy shop v1.1.0 to staging",
        (
            "Puts a version of a service into an environment, "
            "and goes back if it is not well there."
        ),
        "why deploy shop v1.1.0 to staging",
        "Whether you may do something, and by which rule.",
    ]
    assert "“deploy shop v1.1.0 to staging”" in message.card["fallbackText"]
    assert "Say `help`" in message.markdown
    assert bot.outbound.sent[0][0] == CHANNEL


async def test_what_the_greeting_shows_can_be_typed(bot: Bot):
    [message] = await greetings(bot, update(bot, InboundKind.INSTALLED))

    assert message.card is not None
    lines = texts(message.card)[4::2]
    assert len(lines) == 3
    assert all(is_allowed(bot, "dev-1", line) for line in lines)


async def test_its_button_gives_whoever_presses_their_own_help(bot: Bot):
    [message] = await greetings(bot, update(bot, InboundKind.INSTALLED))
    token = buttons(message.card or {})["help"]

    for_viewer = await bot.presses("viewer-1", "help", token)
    for_dev = await bot.presses("dev-1", "help", token)

    assert "deploy <service>" not in " ".join(texts(for_viewer["value"])).replace("\\", "")
    assert "deploy <service>" in " ".join(texts(for_dev["value"])).replace("\\", "")
    assert (await bot.presses("guest-1", "help", token))["value"] == "Guests have no access."


async def test_the_greeting_comes_once_whatever_is_delivered_again(bot: Bot):
    added = update(bot, InboundKind.INSTALLED)
    with_another_id = update(bot, InboundKind.INSTALLED)

    await asyncio.gather(*(bot.dispatcher.handle(added) for _ in range(5)))

    assert len(await greetings(bot, added, with_another_id)) == 1


async def test_whoever_adds_us_again_is_greeted_again(bot: Bot):
    added, removed = update(bot, InboundKind.INSTALLED), update(bot, InboundKind.REMOVED)
    again = update(bot, InboundKind.INSTALLED)

    # That the removal comes again after all of it changes nothing.
    said = await greetings(bot, added, removed, again, again, removed)
    assert len(said) == 2
    assert len(await greetings(bot, update(bot, InboundKind.INSTALLED))) == 2


async def test_each_conversation_is_greeted_and_not_each_thread(bot: Bot):
    thread = replace(CHANNEL, id=f"{CHANNEL.id};messageid=1")
    other = replace(CHANNEL, id="19:other@thread.tacv2")

    said = await greetings(
        bot,
        *(
            update(bot, InboundKind.INSTALLED, conversation=place)
            for place in (CHANNEL, thread, other)
        ),
    )

    assert len(said) == 2


async def test_being_removed_says_nothing(bot: Bot):
    assert await greetings(bot, update(bot, InboundKind.REMOVED)) == []


async def test_people_who_come_are_not_greeted(bot: Bot):
    came = update(bot, InboundKind.OTHER, activity_type="conversationUpdate")

    assert await greetings(bot, came) == []


async def test_in_a_personal_chat_no_mention_is_asked_for(bot: Bot):
    place = replace(CHANNEL, kind=ConversationKind.PERSONAL, id="a:dev-1")

    said = welcome(place, bot.installation)

    assert "Say one of these" in texts(said.card)


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ({"status", "help", "why", "whoami"}, ["status"]),
        ({"status", "why", "restart"}, ["status", "restart shop in staging"]),
    ],
)
async def test_only_what_there_is_is_shown(bot: Bot, names, expected):
    few = Commands(each for each in bot.installation.commands if each.name in names)
    object.__setattr__(bot.installation, "commands", few)

    said = welcome(CHANNEL, bot.installation)

    assert texts(said.card)[4::2][: len(expected)] == expected
