"""`lock`, `unlock`, `steal`, `locks`, `halt` and `unhalt`, as they are said and pressed."""

from datetime import timedelta

import sqlalchemy as sa

from domain.run import RunState
from storage import codec
from storage.schema import outbox
from tests.dispatch.test_commands import card, sentence
from tests.dispatch.world import Bot, buttons, words
from workflows.engine.durable import Kind
from workflows.engine.moves import HOLD

MESSAGES = sa.select(outbox.c.message)
LOCK = 'lock shop in staging --reason "looking at *it*"'


async def held_by(bot: Bot, name: str = "shop/staging") -> str:
    line = await bot.store.read(lambda unit: unit.locks.line(name))
    return line.hold.by_name if line.hold else ""


async def test_a_lock_is_taken_shown_and_let_go_of_with_its_button(bot: Bot):
    taken = await card(bot, "dev-1", f"{LOCK} --for 2h")

    assert "You hold the lock of shop/staging; only your own runs start there." in words(taken)
    assert "looking at \\\\*it\\\\*" in words(taken)
    assert "in 2 h" in words(taken)
    assert await held_by(bot) == "dev-1"
    listed = await card(bot, "viewer-1", "locks")
    assert "dev-1 keeps shop/staging locked until" in words(listed)
    assert buttons(listed) == {}  # it is not theirs to let go of
    again = await bot.presses("dev-1", "unlock", buttons(taken)["unlock"])

    assert "You unlocked shop/staging. It was yours for" in words(again["value"])
    assert await held_by(bot) == ""
    assert [e["type"] for e in await bot.events() if e["subject"].startswith("lock/")] == [
        "lock.acquired",
        "lock.released",
    ]
    assert "Nothing is locked." in words(await card(bot, "viewer-1", "locks"))


async def test_the_button_of_another_persons_lock_does_nothing(bot: Bot):
    taken = await card(bot, "dev-1", LOCK)

    said = await bot.presses("sre-1", "unlock", buttons(taken)["unlock"])

    assert "sre-1 may not unlock shop/staging: dev-1 holds it" in said["value"]
    assert await held_by(bot) == "dev-1"
    assert await bot.last_event() == ("authz.denied", "sre-1", "not_owner")


async def test_a_lock_without_its_reason_is_asked_for_it(bot: Bot):
    assert await bot.says("dev-1", "lock shop in staging") is None  # a form follows

    assert await held_by(bot) == ""


async def test_a_lock_is_held_for_a_day_at_most(bot: Bot):
    said = await sentence(bot, "dev-1", f"{LOCK} --for 25h")

    assert said.startswith("A lock is held for at most 24 hours")
    assert "for" in await sentence(bot, "dev-1", f"{LOCK} --for ever")
    assert await held_by(bot) == ""


async def test_a_locks_alarm_is_set_for_its_end(bot: Bot):
    await card(bot, "dev-1", f"{LOCK} --for 30m")

    assert [kind for kind, work_id in bot.queue.work if work_id.startswith(HOLD)] == [Kind.TIMER]
    hold = await bot.store.read(lambda unit: unit.holds.get("shop/staging"))
    assert hold.until - hold.since == timedelta(minutes=30)


async def test_who_may_lock_where_is_the_policys_to_say(bot: Bot):
    assert "viewer-1 may not lock shop in staging" in await sentence(bot, "viewer-1", LOCK)
    prod = LOCK.replace("staging", "prod")
    assert "dev-1 may not lock shop in prod" in await sentence(bot, "dev-1", prod)
    steal = LOCK.replace("lock", "steal")
    assert "dev-1 may not steal shop in staging" in await sentence(bot, "dev-1", steal)
    assert "dev-1 may not use halt" in await sentence(bot, "dev-1", "halt --reason x")
    assert await held_by(bot) == await held_by(bot, "shop/prod") == ""


async def test_whose_lock_is_stolen_is_told_where_they_took_it(bot: Bot):
    await card(bot, "dev-1", LOCK)

    taken = await card(bot, "sre-1", 'steal shop in staging --reason "<b>now</b>"')

    assert "You took the lock of shop/staging over from dev-1." in words(taken)
    assert await held_by(bot) == "sre-1"
    items = await bot.store.read(
        lambda u: [codec.message_from_json(row) for row in u.connection.scalars(MESSAGES)]
    )
    [message] = [each for each in items if each.mentions]
    assert message.markdown.startswith("<at>dev-1</at>: sre-1 took the lock of shop/staging over")
    assert "\\<b>now" in message.markdown
    assert [each.teams_id for each in message.mentions] == ["29:dev-1"]
    stolen = [e for e in await bot.events() if e["type"] == "lock.stolen"]
    assert [(e["actor"]["name"], e["from_name"]) for e in stolen] == [("sre-1", "dev-1")]


async def test_everything_is_halted_and_goes_on_again(bot: Bot):
    halted = await card(bot, "sre-1", 'halt --reason "the wrong cluster"')

    assert "Everything is halted" in words(halted)
    assert "No step is under way." in words(halted)
    refused = await sentence(bot, "dev-1", "deploy shop v1.1.0 to staging")
    assert refused.startswith("Everything is halted by sre-1: the wrong cluster.")
    assert await bot.last_event() == ("command.denied", "dev-1", "not_now")
    assert await bot.runs() == []
    assert await bot.says("dev-1", "status shop in staging") is not None  # looking is free
    assert "Everything is halted" in words(await card(bot, "viewer-1", "locks"))
    said = await bot.presses("dev-1", "unhalt", buttons(halted)["unhalt"])
    assert "dev-1 may not use unhalt" in said["value"]

    over = await bot.presses("sre-1", "unhalt", buttons(halted)["unhalt"])

    assert "Everything goes on" in words(over["value"])
    assert (await bot.asks_for("dev-1", "deploy shop v1.1.0 to staging")).state is (
        RunState.PLANNING
    )
    assert [e["type"] for e in await bot.events() if e["subject"] == "halt"] == [
        "halt.started",
        "halt.ended",
    ]


async def test_what_the_policy_gates_is_refused_where_no_run_could_wait(bot_under):
    gated = await bot_under('@id("operators-halt")', '@id("operators-halt")\n@gate("confirm")')

    said = await sentence(gated, "sre-1", "halt --reason x")

    assert said.startswith("The policy wants confirmation by the requester within 30 minutes")
    assert await gated.store.read(lambda unit: unit.halts.current()) is None
