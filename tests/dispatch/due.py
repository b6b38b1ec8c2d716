"""What is due in the demo world, in time that obeys."""

from datetime import UTC, datetime
import json
from typing import Any

from bot.occurrences import Occurrences
from bot.preparation import Preparation
from domain.schedule import Schedule
from tests.dispatch.world import Bot

NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)  # a Wednesday, 13:00 in Berlin
WEEKLY = 'schedule "restart shop in staging" every tue 07:30 Europe/Berlin'


def alarms(bot: Bot) -> Occurrences:
    """What looks when an alarm rings, as another process would have it."""
    return Occurrences(
        store=bot.store,
        installation=bot.installation,
        preparation=Preparation(bot.store, bot.installation, bot.tokens),
        clock=bot.clock,
        ids=bot.ids,
    )


async def every(bot: Bot) -> list[Schedule]:
    ids = await bot.store.read(
        lambda unit: [
            each[0] for each in unit.connection.exec_driver_sql("SELECT id FROM schedules")
        ]
    )
    found = [await bot.store.read(lambda unit, i=i: unit.schedules.get(i)) for i in ids]
    return [each for each in found if each is not None]


async def proposed(bot: Bot, name: str, text: str) -> Schedule:
    """The schedule that a typed line proposes."""
    known = {each.id for each in await every(bot)}
    said = await bot.says(name, text)
    assert said is None, said
    [made] = [each for each in await every(bot) if each.id not in known]
    return made


async def saved(bot: Bot, name: str = "dev-1", text: str = WEEKLY) -> Schedule:
    made = await proposed(bot, name, text)
    said = await bot.says(name, f"schedules save {made.id}")
    assert said is not None
    assert "Saved" in said.markdown
    return await found(bot, made)


async def found(bot: Bot, schedule: Schedule) -> Schedule:
    again = await bot.store.read(lambda unit: unit.schedules.get(schedule.id))
    assert again is not None
    return again


async def rings(bot: Bot, schedule: Schedule, at: datetime) -> Schedule:
    """What became of it after its alarm rang at that moment."""
    bot.clock.moment = at
    await alarms(bot).schedule("work", schedule.id)
    return await found(bot, schedule)


async def posted(bot: Bot) -> list[str]:
    """What waits in the outbox, oldest first."""
    return await bot.store.read(
        lambda unit: [
            json.loads(each[0]).get("markdown", "")
            for each in unit.connection.exec_driver_sql("SELECT message FROM outbox ORDER BY id")
        ]
    )


async def kinds(bot: Bot, kind: str) -> list[dict[str, Any]]:
    return [each for each in await bot.events() if each["type"] == kind]
