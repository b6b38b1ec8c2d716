"""Commands that control runs: what permits them, and what they refuse."""

from dataclasses import replace

import pytest

from domain.run import RunState
from tests.dispatch.world import Bot


async def said(bot: Bot, who: str, text: str) -> str:
    answer = await bot.says(who, text)
    assert answer is not None
    return answer.markdown


async def ended(bot: Bot, **changes):
    """A run of dev-1's in staging that has failed after it began."""
    run = await bot.asks_for("dev-1", "restart shop in staging")
    now = bot.clock.now()
    over = replace(run, state=RunState.FAILED, started_at=now, finished_at=now, **changes)
    await bot.store.transaction(lambda unit: unit.runs.save(over))
    return over


@pytest.mark.parametrize("command", ["cancel", "pause", "retry"])
async def test_what_the_policy_gates_is_refused_where_no_run_could_wait(bot_under, command):
    rule = '@id("requesters-confirm-and-cancel")'
    gated = await bot_under(
        rule, f'{rule}\n@gate("approval")\n@count("2")\n@group("prod-approvers")'
    )
    run = await gated.asks_for("dev-1", "restart shop in staging")

    words = await said(gated, "dev-1", f"{command} {run.id}")

    assert "which makes no run that could wait for it" in words
    assert (await gated.store.read(lambda unit: unit.runs.get(run.id))).state is run.state


async def test_a_retry_is_a_run_of_its_own(bot: Bot):
    run = await ended(bot)

    assert await bot.says("dev-1", f"retry {run.id}") is None  # its card answers

    again = next(each for each in await bot.runs() if each.id != run.id)
    assert (again.repeats, again.requester.name, again.state) == (
        run.id,
        "dev-1",
        RunState.PLANNING,
    )


async def test_where_all_was_done_it_is_said_what_is_to_be_done_again(bot: Bot):
    run = await ended(bot)
    done = replace(run, state=RunState.SUCCEEDED)
    await bot.store.transaction(lambda unit: unit.runs.save(done))

    assert "nothing is left to be done" in await said(bot, "dev-1", f"retry {run.id}")
    assert len(await bot.runs()) == 1
    assert await bot.says("dev-1", f"retry {run.id} from restart") is None
    assert len(await bot.runs()) == 2


async def test_a_workflow_that_has_changed_since_is_not_tried_again(bot: Bot):
    run = await ended(bot)
    old = {**run.definition, "title": "Restart as it was"}
    await bot.store.transaction(lambda unit: unit.runs.save(replace(run, definition=old)))

    assert "has changed since" in await said(bot, "dev-1", f"retry {run.id}")
    assert len(await bot.runs()) == 1


async def test_who_may_not_do_it_may_not_try_it_again(bot: Bot):
    run = await ended(bot)

    assert "may not retry" in await said(bot, "viewer-1", f"retry {run.id}")
    assert len(await bot.runs()) == 1
