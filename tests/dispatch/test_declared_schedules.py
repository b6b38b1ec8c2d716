"""Schedules that workflow files say: made, kept, and ended as the files say it."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bot.declared import declare
from bot.occurrences import Occurrences
from bot.preparation import Preparation
from domain.errors import Refused
from domain.schedule import Schedule, ScheduleState
from tests.dispatch.world import TENANT, Bot
from workflows.definition import Workflow
from workflows.definition_file import read_definition
from workflows.definition_on import Scheduled

NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
HEAD = """\
name: tidy
title: Tidy up
command: tidy <service> in <environment>
inputs:
  service: {type: service, description: What}
  environment: {type: environment, description: Where}
on:
  schedule:
    - cron: "30 7 * * 2"
      timezone: Europe/Berlin
      with: {service: shop, environment: staging}
      owner: 00000000-0000-4000-8000-000000000001
      channel: "19:ops@thread.tacv2"
"""
Make = Callable[[str], Awaitable[Bot]]


@pytest.fixture
async def bot(bot_with: Make) -> Bot:
    made = await bot_with(HEAD)
    made.clock.moment = NOW
    return made


@pytest.fixture
def workflow(tmp_path) -> Workflow:
    return read_definition(tmp_path / "workflow.yaml")


async def starts(bot: Bot, *workflows: Workflow) -> list[Schedule]:
    """What there is after a start with the files of *workflows*."""
    await declare(workflows, bot.installation, bot.store, TENANT, bot.clock)
    return await bot.store.read(lambda unit: unit.schedules.listed(TENANT))


async def rings(bot: Bot, schedule: Schedule) -> Schedule:
    occurrences = Occurrences(
        store=bot.store,
        installation=bot.installation,
        preparation=Preparation(bot.store, bot.installation, bot.tokens),
        clock=bot.clock,
        ids=bot.ids,
    )
    assert schedule.next_at is not None
    bot.clock.moment = schedule.next_at
    await occurrences.schedule("work", schedule.id)
    found = await bot.store.read(lambda unit: unit.schedules.get(schedule.id))
    assert found is not None
    return found


def changed(workflow: Workflow, **changes) -> Workflow:
    [entry] = workflow.schedules
    return replace(workflow, schedules=(replace(entry, **changes),))


async def kinds(bot: Bot) -> list[str]:
    return [e["type"] for e in await bot.events() if e["type"].startswith("schedule.")]


async def test_what_a_file_says_is_made_once_however_often_we_start(bot, workflow):
    [first] = await starts(bot, workflow)
    [again] = await starts(bot, workflow)

    assert first == again
    assert (first.owner.name, first.line, first.source) == (
        "dev-1",
        "tidy shop staging",
        "workflow/tidy",
    )
    assert first.next_at == datetime(2026, 12, 1, 6, 30, tzinfo=UTC)
    assert await kinds(bot) == ["schedule.created"]


async def test_what_is_changed_ends_and_begins_anew(bot, workflow):
    [before] = await starts(bot, workflow)
    [after] = await starts(bot, changed(workflow, cron="30 8 * * 2"))
    [back] = await starts(bot, workflow)

    assert before.id == back.id != after.id
    assert await kinds(bot) == [
        "schedule.created",
        "schedule.deleted",
        "schedule.created",
        "schedule.deleted",
        "schedule.created",
    ]
    assert await starts(bot) == []


async def test_what_was_paused_stays_so_over_a_start(bot, workflow):
    [made] = await starts(bot, workflow)
    await bot.says("dev-1", f"schedules pause {made.id}")

    [again] = await starts(bot, workflow)

    assert again.state is ScheduleState.PAUSED
    said = await bot.says("dev-1", f"schedules delete {made.id}")
    assert "stands in the file of the workflow tidy" in said.markdown


async def test_it_is_carried_out_in_its_channel_for_its_owner(bot, workflow):
    await bot.says("viewer-1", "runs")  # somebody speaks to us there
    [made] = await starts(bot, workflow)

    after = await rings(bot, made)

    [run] = await bot.runs()
    assert (run.workflow, run.requester.name, run.conversation.id) == (
        "tidy",
        "dev-1",
        "19:ops@thread.tacv2",
    )
    assert after.last_run_id == run.id


async def test_where_nobody_has_spoken_to_us_it_is_skipped(bot, workflow):
    [made] = await starts(bot, workflow)

    after = await rings(bot, made)

    assert await bot.runs() == []
    assert (after.last_result, after.state) == ("skipped", ScheduleState.ACTIVE)


async def test_an_owner_who_is_not_there_has_it_paused(bot, workflow):
    await bot.says("viewer-1", "runs")
    nobody = changed(workflow, owner="00000000-0000-4000-8000-0000000000ff")
    [made] = await starts(bot, nobody)

    after = await rings(bot, made)

    assert (after.state, await bot.runs()) == (ScheduleState.PAUSED, [])


async def test_inputs_that_do_not_fit_the_installation_stop_the_start(bot, workflow):
    with pytest.raises(Refused, match="tidy has a schedule whose inputs do not fit"):
        await starts(bot, changed(workflow, inputs={"service": "nope", "environment": "prod"}))


async def test_while_the_directory_is_silent_the_owner_goes_by_the_id(bot, workflow):
    bot.people.is_silent = True

    [made] = await starts(bot, workflow)

    assert made.owner.name == "00000000-0000-4000-8000-000000000001"
    assert isinstance(workflow.schedules[0], Scheduled)
    assert made.may_be_late == timedelta(hours=2)
