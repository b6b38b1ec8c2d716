"""`run <id> --history` and `run <id> --at <event>`: what a run was, from the log."""

from dataclasses import replace

import pytest

from domain.conversation import ConversationKind
from tests.dispatch.world import Bot, buttons, words

DEPLOY = "deploy shop v1.1.0 to prod"


async def card(bot: Bot, name: str, text: str, **changes):
    said = await bot.says(name, text, **changes)
    assert said is not None
    assert said.card is not None, said.markdown
    return said.card


async def number_of(bot: Bot, kind: str) -> int:
    """The number of the newest event of that kind."""
    kinds = [event["type"] for event in await bot.events()]
    return len(kinds) - kinds[::-1].index(kind)


async def test_the_history_tells_what_became_of_a_run_and_nothing_that_was_only_tried(bot: Bot):
    run = await bot.opened(await bot.asks_for("dev-1", DEPLOY))
    await bot.says("dev-1", f"approve {run.id}")  # who asked may not
    await bot.says("approver-1", f"approve {run.id}")

    said = words(await card(bot, "viewer-1", f"run {run.id} --history"))

    assert "command.parsed  dev-1  planning  (run planning)" in said
    assert (
        "plan.created approval.requested  dev-1  awaiting approval"
        "  (run awaiting approval, approval open)" in said
    )
    assert "approval.voted  approver-1  awaiting approval  (votes 1)" in said
    assert "denied" not in said
    assert f"{await number_of(bot, 'approval.requested')}  2026-01-02T" in said


async def test_a_card_of_the_past_is_as_it_was_and_has_no_buttons(bot: Bot):
    run = await bot.opened(await bot.asks_for("dev-1", DEPLOY))
    opened = await number_of(bot, "approval.requested")
    await bot.says("approver-1", f"approve {run.id}")
    await bot.says("approver-2", f"approve {run.id}")
    chat = replace(bot.inbound("approver-1").conversation, kind=ConversationKind.PERSONAL)

    past = await card(bot, "approver-1", f"run {run.id} --at {opened}", conversation=chat)
    now = words(await card(bot, "approver-1", f"run {run.id}"))

    said = words(past)
    assert f"History: this is what the run was at event {opened}, " in said
    assert ("0 of 2" in said, "approver-1 approved" in said) == (True, False)
    assert ("2 of 2" in now or "approver-1" in now, "History" in now) == (True, False)
    assert buttons(past) == {}
    assert "refresh" not in past


async def test_a_plan_that_is_not_kept_is_named(bot: Bot):
    run = await bot.opened(await bot.asks_for("dev-1", DEPLOY))
    opened = await number_of(bot, "approval.requested")
    await bot.store.transaction(
        lambda unit: unit.runs.save(replace(unit.runs.lock(run.id), plan=None))
    )

    said = words(await card(bot, "viewer-1", f"run {run.id} --at {opened}"))

    assert f"Its plan of then, {run.plan.digest[:8]}, is not kept." in said


@pytest.mark.parametrize(
    ("event", "sentence"),
    [
        ("1", "There was no such run at event 1: event 2 is its first."),
        ("9999", "There is no event 9999 yet: the newest is"),
        ("2.5", "`2.5` is no number of an event."),
        ("0", "`0` is no number of an event."),
        ("soon", "`soon` is no number of an event."),
    ],
)
async def test_a_moment_that_there_is_not_is_refused(bot: Bot, event, sentence):
    await bot.says("dev-1", "whoami")
    run = await bot.asks_for("dev-1", DEPLOY)

    said = await bot.says("viewer-1", f"run {run.id} --at {event}")

    assert said.markdown.startswith(sentence), said.markdown


async def test_the_past_is_for_those_who_may_see_the_present(bot: Bot):
    run = await bot.asks_for("dev-1", DEPLOY)

    for line in (f"run {run.id} --at 1", f"run {run.id} --history"):
        said = await bot.says("guest-1", line)
        assert said.card is None
        assert "run planning" not in said.markdown
