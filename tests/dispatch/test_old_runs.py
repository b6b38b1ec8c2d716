"""A run that is not kept any more: what is said of it, and who can still see what happened."""

from dataclasses import replace
from datetime import timedelta

import pytest

from domain.run import Run, RunState
from tests.dispatch.world import Bot, words

DEPLOY = 'deploy shop v1.1.0 to prod --reason "PAY-812"'


@pytest.fixture
async def gone(bot: Bot) -> Run:
    """A run that was carried out, and forgotten a year later."""
    run = await bot.opened(await bot.asks_for("dev-1", DEPLOY))
    ended = replace(run, state=RunState.SUCCEEDED, finished_at=bot.clock.now())
    await bot.store.transaction(lambda unit: unit.runs.save(ended))
    bot.clock.move(timedelta(days=400))
    forgotten = await bot.store.transaction(lambda unit: unit.past.forget(bot.clock.now(), 9))
    assert forgotten == 1
    return run


@pytest.mark.parametrize("command", ["run", "approve", "cancel"])
async def test_whoever_asks_for_it_is_told_that_it_is_kept_no_more(bot: Bot, gone: Run, command):
    who = "approver-1" if command == "approve" else "sre-1"

    said = await bot.says(who, f"{command} {gone.id}")

    assert said is not None
    assert f"Run {gone.id} ended so long ago that it is not kept any more." in words_of(said)
    assert f"audit {gone.id}" in words_of(said)


async def test_an_auditor_still_sees_what_happened(bot: Bot, gone: Run):
    said = await bot.says("auditor-1", f"audit {gone.id}")

    assert said is not None
    assert said.card is not None
    assert f"Audit log of run {gone.id}" in words(said.card)
    assert "command.parsed dev-1 command/deploy ok" in words(said.card)
    assert "plan.created" in words(said.card)


async def test_who_may_not_see_the_audit_log_does_not_see_it_by_this(bot: Bot, gone: Run):
    await bot.says("viewer-1", f"audit {gone.id}")

    assert await bot.last_event() == ("authz.denied", "viewer-1", "no_permit")


async def test_a_run_that_never_was_is_unknown_as_before(bot: Bot, gone: Run):
    for name, command in (("sre-1", "run"), ("auditor-1", "audit")):
        said = await bot.says(name, f"{command} zzzzzzzz")

        assert said is not None
        assert "I know no run zzzzzzzz." in words_of(said)


def words_of(message) -> str:
    return words({"card": message.card, "text": message.markdown})
