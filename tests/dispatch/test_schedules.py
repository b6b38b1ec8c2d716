"""Schedules on the one road, in time that obeys."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from domain.actor import ActorKind
from domain.run import RunState
from domain.schedule import MOST_SCHEDULES, Schedule, ScheduleId, ScheduleState
from tests.dispatch.due import (
    NOW,
    WEEKLY,
    alarms,
    every,
    found,
    kinds,
    posted,
    proposed,
    rings,
    saved,
)
from tests.dispatch.world import Bot, buttons, words
from workflows.engine.schedules import LostRace
from workflows.occasion import Due, occasion


@pytest.fixture(autouse=True)
def _now(bot: Bot) -> None:
    bot.clock.moment = NOW


# -- making one -----------------------------------------------------------------------------


async def test_a_preview_shows_the_next_three_times_and_saves_nothing(bot):
    made = await proposed(bot, "dev-1", WEEKLY)

    assert (made.state, made.owner.name, made.command) == (
        ScheduleState.PROPOSED,
        "dev-1",
        "restart",
    )
    assert dict(made.arguments) == {"service": "shop", "environment": "staging"}
    card = bot.installation.schedule_views.shown(made)
    for time in ("Tue 1 Dec 2026 07:30 UTC+01:00", "Tue 8 Dec", "Tue 15 Dec"):
        assert time in words(card)
    assert await rings(bot, made, NOW + timedelta(days=6)) == made
    assert await bot.runs() == []


async def test_a_change_of_clocks_is_seen_in_the_preview(bot):
    bot.clock.moment = datetime(2026, 3, 20, 12, tzinfo=UTC)
    made = await proposed(bot, "dev-1", WEEKLY)

    said = words(bot.installation.schedule_views.shown(made))

    assert "Tue 24 Mar 2026 07:30 UTC+01:00" in said
    assert "Tue 31 Mar 2026 07:30 UTC+02:00 (clocks change)" in said
    assert "Tue 7 Apr 2026 07:30 UTC+02:00" in said


async def test_the_preview_says_what_each_run_waits_for(bot):
    deploy = await proposed(bot, "dev-1", 'schedule "deploy shop v1.1.0 to prod" every tue 07:30')
    restart = await proposed(bot, "sre-1", 'schedule "restart shop in prod" every tue 07:30')

    assert deploy.gate.startswith("2 approvals")
    said = words(bot.installation.schedule_views.shown(restart))
    assert "nobody gives it for you" in said


async def test_pressing_save_saves_it_once(bot):
    made = await proposed(bot, "dev-1", WEEKLY)
    card = bot.installation.schedule_views.shown(made)
    tokens = [
        action["data"]["t"] for action in card["actions"] if action["title"] in {"Save", "Discard"}
    ]

    first = await bot.presses("dev-1", "schedules", tokens[0])
    again = await bot.presses("dev-1", "schedules", tokens[0])

    assert "Saved" in words(first["value"])
    assert "is active already" in str(again["value"])
    after = await found(bot, made)
    assert (after.state, after.next_at) == (
        ScheduleState.ACTIVE,
        datetime(2026, 12, 1, 6, 30, tzinfo=UTC),
    )
    assert len(await kinds(bot, "schedule.created")) == 1


async def test_only_who_asked_for_it_saves_it(bot):
    made = await proposed(bot, "dev-1", WEEKLY)

    said = await bot.says("sre-1", f"schedules save {made.id}")

    assert "was asked for by dev-1" in said.markdown
    assert (await found(bot, made)).state is ScheduleState.PROPOSED


async def test_an_old_preview_is_not_saved(bot):
    made = await proposed(bot, "dev-1", WEEKLY)
    bot.clock.move(timedelta(minutes=31))

    said = await bot.says("dev-1", f"schedules save {made.id}")

    assert "too old" in said.markdown


REFUSED = [
    ("viewer-1", WEEKLY, "viewer-1 may not use schedule"),
    ("dev-1", 'schedule "restart shop in prod" every tue 07:30', "may not restart shop"),
    ("dev-1", 'schedule "deploy shop to prod" every tue 07:30', "version is missing"),
    ("dev-1", 'schedule "restart shop in staging" every full moon', "I do not know when"),
    ("dev-1", 'schedule "restart shop in staging" at 2020-01-01 07:30', "is over"),
    ("dev-1", "schedule restart shop in staging every tue 07:30", "service is missing"),
    ("dev-1", 'schedule "approve k7f3q2ma" every tue 07:30', "cannot be scheduled"),
    ("dev-1", 'schedule "cancel k7f3q2ma" every tue 07:30', "cannot be scheduled"),
    ("dev-1", 'schedule "again" every tue 07:30', "cannot be scheduled"),
    ("dev-1", 'schedule "schedules pause aaaaaaaa" every tue 07:30', "cannot be scheduled"),
    ("dev-1", 'schedule "dance" every tue 07:30', "I know no command"),
    ("guest-1", WEEKLY, "Guests have no access"),
    ("dev-1", f"{WEEKLY} --late soon", "is no duration"),
    ("dev-1", f"{WEEKLY} --late 8d", "within a week"),
]


async def test_what_could_not_be_carried_out_is_refused_at_once(bot):
    for who, text, answer in REFUSED:
        said = await bot.says(who, text)

        assert said is not None, text
        assert answer in said.markdown.replace("\\", ""), text
    assert await every(bot) == []


async def test_without_a_time_one_is_asked_when(bot):
    assert await bot.says("dev-1", 'schedule "restart shop in staging"') is None
    assert await bot.says("dev-1", "every tue 07:30") is None

    [made] = await every(bot)
    assert made.when.text == "every tue 07:30"


async def test_nobody_has_too_many(bot):
    first = await saved(bot)
    preview = await proposed(bot, "dev-1", WEEKLY)

    def fill(unit: Any) -> None:
        for number in range(MOST_SCHEDULES - 1):
            unit.schedules.insert(replace(first, id=ScheduleId(f"number-{number}")))

    await bot.store.transaction(fill)
    for text in (WEEKLY, f"schedules save {preview.id}"):
        said = await bot.says("dev-1", text)
        assert "nobody may have more" in said.markdown


# -- carrying it out ------------------------------------------------------------------------


async def test_what_is_due_is_a_run_like_any_other(bot):
    made = await saved(bot)

    after = await rings(bot, made, datetime(2026, 12, 1, 6, 30, tzinfo=UTC))

    [run] = await bot.runs()
    assert (run.state, run.workflow, run.requester.name) == (RunState.PLANNING, "restart", "dev-1")
    assert run.requester.kind is ActorKind.SCHEDULE
    assert run.reason == f"Schedule {made.id}: every tue 07:30 Europe/Berlin"
    assert run.conversation == made.conversation
    assert (after.last_run_id, after.last_result) == (run.id, "run begun")
    assert after.next_at == datetime(2026, 12, 8, 6, 30, tzinfo=UTC)
    [fired] = await kinds(bot, "schedule.fired")
    assert (fired["run_id"], fired["late_seconds"]) == (run.id, 0)
    parsed = (await kinds(bot, "command.parsed"))[-1]
    assert (parsed["trigger"], parsed["actor"]["kind"]) == ("schedule", "schedule")
    assert bot.people.fresh[-1] is True


async def test_an_early_or_a_doubled_alarm_does_nothing(bot):
    made = await saved(bot)
    due = datetime(2026, 12, 1, 6, 30, tzinfo=UTC)

    assert (await rings(bot, made, due - timedelta(seconds=1))) == made
    once = await rings(bot, made, due)
    twice = await rings(bot, made, due)

    assert once == twice
    assert len(await bot.runs()) == 1


async def test_two_processes_that_find_it_due_make_one_run(bot):
    made = await saved(bot)
    bot.clock.moment = datetime(2026, 12, 1, 6, 30, tzinfo=UTC)
    one, other = alarms(bot), alarms(bot)
    due = await found(bot, made)
    [what] = {_due(due, bot)}

    await one._carry_out(due, what)
    with pytest.raises(LostRace):
        await other._carry_out(due, what)

    assert len(await bot.runs()) == 1
    assert len(await kinds(bot, "schedule.fired")) == 1


async def test_processes_that_find_it_due_at_the_same_time_make_one_run(bot):
    made = await saved(bot)
    bot.clock.moment = datetime(2026, 12, 1, 6, 30, 6, tzinfo=UTC)

    await asyncio.gather(
        *(alarms(bot).schedule("work", made.id) for _ in range(4)),
        *(alarms(bot).sweep() for _ in range(4)),
    )

    assert len(await bot.runs()) == 1
    assert len(await kinds(bot, "schedule.fired")) == 1
    assert len([e for e in await kinds(bot, "command.parsed") if e["trigger"] == "schedule"]) == 1


async def test_a_schedule_that_is_paused_meanwhile_is_not_carried_out(bot):
    made = await saved(bot)
    bot.clock.moment = datetime(2026, 12, 1, 6, 30, tzinfo=UTC)
    due = await found(bot, made)
    await bot.says("dev-1", f"schedules pause {made.id}")

    with pytest.raises(LostRace):
        await alarms(bot)._carry_out(due, _due(due, bot))

    assert await bot.runs() == []


async def test_a_production_deploy_asks_for_approvals_each_time(bot):
    made = await saved(bot, text='schedule "deploy shop v1.1.0 to prod" every day 07:30')

    for day in (26, 27):
        await rings(bot, made, datetime(2026, 11, day, 6, 30, tzinfo=UTC))

    runs = await bot.runs()
    assert [run.gate_rule.count for run in runs] == [2, 2]
    assert len({run.id for run in runs}) == 2


async def test_who_may_not_do_it_any_more_has_the_schedule_paused(bot):
    made = await saved(bot)
    bot.people.demote("dev-1")

    after = await rings(bot, made, datetime(2026, 12, 1, 6, 30, tzinfo=UTC))

    assert (after.state, after.next_at, after.last_result) == (
        ScheduleState.PAUSED,
        None,
        "denied",
    )
    assert "may not restart shop in staging" in after.why
    assert await bot.runs() == []
    [denied] = await kinds(bot, "authz.denied")
    assert denied["trigger"] == "schedule"
    assert [each["type"] for each in (await bot.events())[-3:]] == [
        "schedule.skipped",
        "schedule.paused",
        "authz.denied",
    ]
    assert "is paused: dev-1 may not restart shop in staging" in (await posted(bot))[-1]


async def test_who_lost_the_right_cannot_resume_it(bot):
    made = await saved(bot)
    bot.people.demote("dev-1")
    await rings(bot, made, datetime(2026, 12, 1, 6, 30, tzinfo=UTC))

    said = await bot.says("sre-1", f"schedules resume {made.id}")

    assert "dev-1 may not restart shop in staging" in said.markdown
    assert (await found(bot, made)).state is ScheduleState.PAUSED


async def test_while_the_directory_is_silent_it_stays_due_and_is_missed_in_the_end(bot):
    made = await saved(bot)
    bot.people.is_silent = True
    due = datetime(2026, 12, 1, 6, 30, tzinfo=UTC)

    waiting = await rings(bot, made, due)
    later = await rings(bot, made, due + timedelta(hours=1))
    over = await rings(bot, made, due + timedelta(hours=3))

    assert waiting == later == made
    assert (over.state, over.last_result) == (ScheduleState.ACTIVE, "skipped")
    assert await bot.runs() == []


async def test_what_was_missed_runs_once_late(bot):
    made = await saved(bot, text='schedule "restart shop in staging" every hour')

    after = await rings(bot, made, NOW + timedelta(hours=30, minutes=5))

    assert len(await bot.runs()) == 1
    assert after.last_at == NOW + timedelta(hours=30)
    assert after.next_at == NOW + timedelta(hours=31)
    assert any("is carried out late" in each for each in await posted(bot))


async def test_what_was_missed_too_long_ago_is_skipped_and_said(bot):
    made = await saved(bot)

    after = await rings(bot, made, datetime(2026, 12, 1, 8, 31, tzinfo=UTC))

    assert await bot.runs() == []
    assert (after.last_result, after.next_at) == (
        "skipped",
        datetime(2026, 12, 8, 6, 30, tzinfo=UTC),
    )
    said = (await posted(bot))[-1]
    assert "was due Tue 1 Dec 2026 07:30 UTC+01:00 and was skipped" in said
    assert "Next: Tue 8 Dec 2026 07:30 UTC+01:00" in said
    [skipped] = await kinds(bot, "schedule.skipped")
    assert "within 2 h" in skipped["reason"]


@pytest.mark.parametrize(
    "text",
    [
        'schedule "restart shop in staging" every tue 07:30 Europe/Berlin --late 0s',
        'schedule "restart shop in staging" --late=0s every tue 07:30 Europe/Berlin',
    ],
)
async def test_how_late_it_may_run_can_be_said(bot, text):
    made = await saved(bot, text=text)
    assert made.may_be_late == timedelta()

    due = datetime(2026, 12, 1, 6, 30, tzinfo=UTC)
    in_time = await rings(bot, made, due + timedelta(seconds=20))
    late = await rings(bot, made, due + timedelta(days=7, minutes=2))

    assert (in_time.last_result, late.last_result) == ("run begun", "skipped")


async def test_what_is_due_once_is_over_then(bot):
    made = await saved(bot, text='schedule "restart shop in staging" at 2026-12-01 07:30')

    after = await rings(bot, made, datetime(2026, 12, 1, 6, 30, tzinfo=UTC))

    assert (after.state, after.next_at) == (ScheduleState.DONE, None)
    assert len(await bot.runs()) == 1


async def test_what_only_reads_is_answered_in_the_thread(bot):
    made = await saved(bot, text='schedule "status shop" every tue 07:30')

    after = await rings(bot, made, datetime(2026, 12, 1, 6, 30, tzinfo=UTC))

    assert after.last_result == "answered"
    assert "Status:" in (await posted(bot))[-1]


async def test_a_mistake_of_ours_skips_one_and_not_the_next(bot):
    made = await saved(bot, text='schedule "status shop" every tue 07:30')
    bot.systems.probe = None

    def broken(*_: object) -> None:
        raise ZeroDivisionError

    bot.installation.identity.actor = broken  # type: ignore[method-assign]
    after = await rings(bot, made, datetime(2026, 12, 1, 6, 30, tzinfo=UTC))

    assert (after.state, after.last_result) == (ScheduleState.ACTIVE, "skipped")
    assert "our mistake" in (await posted(bot))[-1]


async def test_the_sweep_finds_what_no_alarm_rang_for(bot):
    made = await saved(bot)
    bot.clock.moment = datetime(2026, 12, 1, 6, 30, 6, tzinfo=UTC)

    await alarms(bot).sweep()

    assert len(await bot.runs()) == 1
    assert (await found(bot, made)).last_result == "run begun"


# -- changing it ----------------------------------------------------------------------------


async def test_the_list_tells_who_what_next_and_what_came_of_it(bot):
    made = await saved(bot)
    await rings(bot, made, datetime(2026, 12, 1, 6, 30, tzinfo=UTC))

    said = await bot.says("viewer-1", "schedules")

    text = words(said.card)
    for part in (
        "restart shop in staging",
        "dev-1",
        "Tue 8 Dec 2026 07:30",
        ": planning, run ",
        made.id,
    ):
        assert part in text
    assert buttons(said.card) == {}
    own = await bot.says("dev-1", "schedules --mine")
    assert f"Pause {made.id}" in words(own.card)


@pytest.mark.parametrize(("who", "may"), [("dev-1", True), ("sre-1", True), ("viewer-1", False)])
async def test_its_owner_and_operators_pause_and_resume_and_delete_it(bot, who, may):
    made = await saved(bot)

    paused = await bot.says(who, f"schedules pause {made.id}")
    state = (await found(bot, made)).state
    await bot.says(who, f"schedules resume {made.id}")
    await bot.says(who, f"schedules delete {made.id}")

    assert state is (ScheduleState.PAUSED if may else ScheduleState.ACTIVE)
    gone = (await found(bot, made)).state is ScheduleState.DELETED
    assert gone is may
    assert ("Paused" in paused.markdown) is may
    kinds_seen = [e["type"] for e in await bot.events() if e["type"].startswith("schedule.")]
    changes = ["schedule.paused", "schedule.resumed", "schedule.deleted"] if may else []
    assert kinds_seen == ["schedule.created", *changes]


async def test_pressed_in_the_list_the_list_is_the_answer(bot):
    made = await saved(bot)
    listed = await bot.says("dev-1", "schedules")
    pause = _titled(listed.card, f"Pause {made.id}")

    answer = await bot.presses("dev-1", "schedules", pause)

    assert f"Resume {made.id}" in words(answer["value"])
    assert (await found(bot, made)).state is ScheduleState.PAUSED


async def test_what_was_due_while_it_was_paused_is_not_made_up_for(bot):
    made = await saved(bot)
    await bot.says("dev-1", f"schedules pause {made.id}")
    bot.clock.moment = datetime(2026, 12, 1, 7, 0, tzinfo=UTC)
    await bot.says("dev-1", f"schedules resume {made.id}")

    after = await rings(bot, made, datetime(2026, 12, 1, 7, 1, tzinfo=UTC))

    assert await bot.runs() == []
    assert after.next_at == datetime(2026, 12, 8, 6, 30, tzinfo=UTC)


async def test_what_is_not_there_is_not_changed(bot):
    for change in ("pause", "resume", "delete", "show", "save"):
        said = await bot.says("dev-1", f"schedules {change} aaaaaaaa")
        which = await bot.says("dev-1", f"schedules {change}")

        assert "I know no schedule aaaaaaaa" in said.markdown
        assert "Which one?" in which.markdown


async def test_one_of_them_is_shown_to_who_may_see_its_runs(bot):
    made = await saved(bot)

    seen = await bot.says("viewer-1", f"Schedules show {made.id.upper()}")
    unseen = await bot.says("guest-1", f"schedules show {made.id}")

    assert "restart shop in staging" in words(seen.card)
    assert "Guests have no access" in unseen.markdown


async def test_an_operator_resumes_what_its_owner_may_still_do(bot):
    made = await saved(bot)
    await bot.says("sre-1", f"schedules pause {made.id}")
    paused = await found(bot, made)

    await bot.says("sre-1", f"schedules resume {made.id}")

    assert paused.why == "by sre-1"
    assert (await found(bot, made)).state is ScheduleState.ACTIVE


async def test_a_command_that_is_gone_has_its_schedule_paused(bot):
    made = await saved(bot)
    gone = replace(made, command="vanished", rev=made.rev + 1)
    await bot.store.transaction(lambda unit: unit.schedules.save(gone))

    after = await rings(bot, gone, datetime(2026, 12, 1, 6, 30, tzinfo=UTC))
    said = await bot.says("dev-1", f"schedules resume {made.id}")
    listed = await bot.says("dev-1", "schedules")

    assert (after.state, after.why) == (ScheduleState.PAUSED, "I know no command `vanished`.")
    assert "There is no command `vanished` any more" in said.markdown
    assert f"Resume {made.id}" in words(listed.card)


async def test_who_dies_in_the_middle_has_done_nothing(bot):
    made = await saved(bot)
    fired = bot.installation.schedules.fired

    class Dies(BaseException):
        """The process is gone."""

    def dies(*given: Any, **named: Any) -> None:
        fired(*given, **named)
        raise Dies

    bot.installation.schedules.fired = dies
    with pytest.raises(Dies):
        await rings(bot, made, datetime(2026, 12, 1, 6, 30, tzinfo=UTC))
    bot.installation.schedules.fired = fired
    assert (await bot.runs(), await found(bot, made)) == ([], made)

    await rings(bot, made, datetime(2026, 12, 1, 6, 30, 1, tzinfo=UTC))

    assert len(await bot.runs()) == 1


def _titled(node: Any, title: str) -> str:
    """The token of the button of that title."""
    found: list[str] = []

    def walk(node: Any) -> None:
        if isinstance(node, dict):
            if node.get("type") == "Action.Execute" and node["title"] == title:
                found.append(node["data"]["t"])
            for value in node.values():
                walk(value)
        elif isinstance(node, list):
            for each in node:
                walk(each)

    walk(node)
    return found[0]


def _due(schedule: Schedule, bot: Bot) -> Due:
    what = occasion(schedule, bot.clock.now())
    assert isinstance(what, Due)
    return what
