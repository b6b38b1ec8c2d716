"""Reminders on the one road, in time that obeys."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from domain.conversation import ConversationKind
from tests.dispatch.due import NOW, alarms, posted
from tests.dispatch.world import TENANT, Bot, words


@pytest.fixture(autouse=True)
def _now(bot: Bot) -> None:
    bot.clock.moment = NOW


async def test_a_reminder_is_said_once_where_it_was_asked_for(bot):
    answer = await bot.says("viewer-1", "remind me to check INC-42 follow-ups in 3 days")
    [reminder] = await _reminders(bot, "viewer-1")
    due = NOW + timedelta(days=3)

    bot.clock.moment = due - timedelta(seconds=1)
    await alarms(bot).reminder("", reminder.id)
    before = await posted(bot)
    bot.clock.moment = due
    await alarms(bot).reminder("", reminder.id)
    await alarms(bot).reminder("", reminder.id)

    assert "Sat 28 Nov 2026 13:00 UTC+01:00" in answer.markdown
    assert len(await posted(bot)) == len(before) + 1
    assert (await posted(bot))[-1].endswith(": Reminder: check INC-42 follow-ups")
    assert [each["type"] for each in await bot.events()][-1] == "reminder.sent"


async def test_what_a_reminder_says_is_words_and_nothing_else(bot):
    await bot.says("viewer-1", "remind this channel to <at>all</at> **shout** in 1 minute")
    [reminder] = await _reminders(bot, "viewer-1")
    bot.clock.move(timedelta(hours=5))

    await alarms(bot).sweep()

    said = (await posted(bot))[-1]
    assert said.startswith("Reminder, from viewer-1: ")
    assert "\\<at>all" in said
    assert "\\*\\*shout" in said
    assert "this was due" in said
    assert await _reminders(bot, "viewer-1") == []
    assert reminder.is_for_all


async def test_one_takes_back_ones_own_reminders_and_no_others(bot):
    await bot.says("viewer-1", "remind me to breathe tomorrow")
    [reminder] = await _reminders(bot, "viewer-1")

    listed = await bot.says("viewer-1", "reminders")
    others = await bot.says("dev-1", f"reminders delete {reminder.id}")
    gone = await bot.says("viewer-1", f"reminders delete {reminder.id}")

    assert "breathe" in words(listed.card)
    assert "You have no reminder" in others.markdown
    assert "I will not remind you of this: breathe" in gone.markdown
    assert await _reminders(bot, "viewer-1") == []


async def test_a_reminder_of_nothing_or_never_is_refused(bot):
    for text, answer in (
        ("remind me to breathe", "When do you want"),
        ("remind me in 3 days", "Of what"),
        ("reminders delete", "Which one?"),
    ):
        said = await bot.says("viewer-1", text)
        assert answer in said.markdown

    assert await _reminders(bot, "viewer-1") == []


async def test_in_a_chat_with_one_person_nobody_is_called(bot):
    chat = replace(
        bot.inbound("viewer-1").conversation, id="a:chat", kind=ConversationKind.PERSONAL
    )
    await bot.says("viewer-1", "remind me to breathe in 1 minute", conversation=chat)
    bot.clock.move(timedelta(minutes=1, seconds=6))

    await alarms(bot).sweep()

    assert (await posted(bot))[-1] == "Reminder: breathe"


async def _reminders(bot: Bot, name: str) -> list[Any]:
    return await bot.store.read(lambda unit: unit.reminders.of(TENANT, bot.id_of(name)))
