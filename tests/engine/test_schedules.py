"""Schedules and reminders as rows: their transitions, their alarms, and what two make of one."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
import json
from typing import Any

import pytest

from domain.actor import Actor
from domain.errors import Bug, NotNow, NotPermitted
from domain.reminder import Reminder, ReminderId, UnknownReminder
from domain.schedule import (
    MAY_BE_LATE,
    TRANSITIONS,
    Schedule,
    ScheduleEvent,
    ScheduleId,
    ScheduleState,
    UnknownSchedule,
    When,
    advance,
    occurrence_id,
)
from tests.engine.world import DEV, PLACE, FakeQueue, Ids, World, person
from workflows.engine.alarm import AT_MOST
from workflows.engine.durable import Kind
from workflows.engine.reminders import Reminders
from workflows.engine.schedules import LostRace, Schedules
from workflows.occasion import Due, Early, Missed, occasion

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
DAILY = When(text="every day 07:30", zone="UTC", cron="30 7 * * *")


def a_schedule(**changes: Any) -> Schedule:
    plain = Schedule(
        id=ScheduleId("m4x7q2ka"),
        owner=DEV,
        channel=PLACE.roster_id,
        conversation=PLACE,
        command="deploy",
        arguments={"version": "v1.1.0"},
        line="deploy v1.1.0",
        when=DAILY,
        may_be_late=MAY_BE_LATE,
        state=ScheduleState.PROPOSED,
        rev=1,
        created_at=NOW,
        next_at=NOW,
        reply_to="1",
    )
    return replace(plain, **changes)


@pytest.fixture
def transitions(world: World) -> Schedules:
    return Schedules(world.queue, Ids())


async def do(world: World, work: Any) -> Any:
    return await world.store.transaction(work)


async def saved(world: World, transitions: Schedules, **changes: Any) -> Schedule:
    await do(world, lambda unit: transitions.propose(unit, a_schedule(**changes)))
    return await do(world, lambda unit: transitions.save(unit, "m4x7q2ka", DEV))


async def found(world: World) -> Schedule:
    return await world.store.read(lambda unit: unit.schedules.get("m4x7q2ka"))


async def events(world: World) -> list[str]:
    entries = await world.store.read(lambda unit: unit.audit.entries())
    return [json.loads(each.text)["type"].removeprefix("signalbox.") for each in entries]


def alarms(queue: FakeQueue, kind: Kind = Kind.SCHEDULE) -> list[datetime]:
    return sorted(each.due for each in queue.waiting if each.kind is kind)


# -- the table of states ----------------------------------------------------------------------


def test_every_state_can_be_reached_and_every_event_has_its_place():
    reached, todo = set(), [ScheduleState.PROPOSED]
    while todo:
        state = todo.pop()
        if state not in reached:
            reached.add(state)
            todo += TRANSITIONS[state].values()

    assert reached == set(ScheduleState)
    assert {event for moves in TRANSITIONS.values() for event in moves} == set(ScheduleEvent)


@pytest.mark.parametrize("state", ScheduleState)
@pytest.mark.parametrize("event", ScheduleEvent)
def test_an_event_moves_along_the_table_or_is_a_mistake(state, event):
    if event in TRANSITIONS[state]:
        assert advance(state, event) is TRANSITIONS[state][event]
        return
    with pytest.raises(Bug):
        advance(state, event)


# -- what is to be done -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("now", "what"),
    [
        ("01-05T07:29", Early(until=datetime(2026, 1, 5, 7, 30, tzinfo=UTC))),
        ("01-05T07:30", ("due", 5, 6)),
        ("01-05T09:30", ("missed", 5, 6)),  # two hours later it is not later than two hours
        ("01-05T09:29", ("due", 5, 6)),
        ("01-05T09:31", ("missed", 5, 6)),
        ("01-08T08:00", ("due", 8, 9)),  # of four that were missed, the last
        ("01-08T07:00", ("missed", 5, 8)),
    ],
)
def test_what_is_done_hangs_on_how_late_it_is(now, what):
    moment = datetime.fromisoformat(f"2026-{now}+00:00")
    schedule = a_schedule(
        state=ScheduleState.ACTIVE, next_at=datetime(2026, 1, 5, 7, 30, tzinfo=UTC)
    )

    expected = what
    if isinstance(what, tuple):
        kind, at, following = what
        expected = {"due": Due, "missed": Missed}[kind](
            at=datetime(2026, 1, at, 7, 30, tzinfo=UTC),
            following=datetime(2026, 1, following, 7, 30, tzinfo=UTC),
        )
    assert occasion(schedule, moment) == expected


@pytest.mark.parametrize("state", [each for each in ScheduleState if each != "active"])
def test_nothing_is_due_for_what_is_not_active(state):
    assert occasion(a_schedule(state=state), NOW + timedelta(days=9)) is None


def test_who_may_not_be_late_may_still_be_a_moment_late():
    due = datetime(2026, 1, 5, 7, 30, tzinfo=UTC)
    schedule = a_schedule(state=ScheduleState.ACTIVE, next_at=due, may_be_late=timedelta())

    assert isinstance(occasion(schedule, due + timedelta(seconds=59)), Due)
    assert isinstance(occasion(schedule, due + timedelta(seconds=61)), Missed)


# -- transitions ------------------------------------------------------------------------------


async def test_a_schedule_is_saved_paused_resumed_and_deleted(world, transitions):
    await saved(world, transitions)

    await do(world, lambda unit: transitions.pause(unit, "m4x7q2ka", DEV))
    paused = await found(world)
    await do(world, lambda unit: transitions.resume(unit, "m4x7q2ka", DEV))
    resumed = await found(world)
    await do(world, lambda unit: transitions.delete(unit, "m4x7q2ka", DEV))

    assert (paused.state, paused.next_at) == (ScheduleState.PAUSED, None)
    assert resumed.next_at == datetime(2026, 1, 2, 7, 30, tzinfo=UTC)
    assert (await found(world)).state is ScheduleState.DELETED
    assert await events(world) == [
        "schedule.created",
        "schedule.paused",
        "schedule.resumed",
        "schedule.deleted",
    ]


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda t, u: t.save(u, "m4x7q2ka", DEV), "is active already"),
        (lambda t, u: t.resume(u, "m4x7q2ka", DEV), "is active already"),
        (lambda t, u: t.pause(u, "aaaaaaaa", DEV), "I know no schedule"),
        (
            lambda t, u: t.pause(u, "m4x7q2ka", replace(DEV, tenant="another")),
            "I know no schedule",
        ),
    ],
)
async def test_what_makes_no_sense_is_refused(world, transitions, change, problem):
    before = await saved(world, transitions)

    with pytest.raises((NotNow, UnknownSchedule), match=problem):
        await do(world, lambda unit: change(transitions, unit))

    assert await found(world) == before


async def test_nobody_saves_what_another_was_shown(world, transitions):
    await do(world, lambda unit: transitions.propose(unit, a_schedule()))

    with pytest.raises(NotPermitted):
        await do(world, lambda unit: transitions.save(unit, "m4x7q2ka", person("sre-1")))


async def test_of_two_who_find_it_due_one_carries_it_out(world, transitions):
    schedule = await saved(world, transitions)
    due = Due(at=schedule.next_at, following=schedule.next_at + timedelta(days=1))

    def fire(unit: Any) -> Schedule:
        return transitions.fired(unit, schedule, due, result="run begun", run_id="k7f3q2ma")

    await do(world, fire)
    with pytest.raises(LostRace):
        await do(world, fire)

    assert (await events(world)).count("schedule.fired") == 1
    assert (await found(world)).next_at == due.following


async def test_an_occurrence_has_one_name():
    berlin = datetime.fromisoformat("2026-12-01T06:30:00+00:00")

    assert occurrence_id("m4x7q2ka", berlin) == "schedule/m4x7q2ka/20261201T063000Z"


async def test_what_files_say_is_not_deleted_by_hand(world, transitions):
    declared = a_schedule(state=ScheduleState.ACTIVE, source="workflow/deploy")
    await do(world, lambda unit: transitions.declare(unit, declared))
    await do(world, lambda unit: transitions.declare(unit, declared))

    with pytest.raises(Exception, match="stands in the file of the workflow deploy"):
        await do(world, lambda unit: transitions.delete(unit, "m4x7q2ka", DEV))

    assert await events(world) == ["schedule.created"]
    assert len(alarms(world.queue)) == 1


# -- alarms -----------------------------------------------------------------------------------


async def test_months_ahead_there_is_one_alarm_a_day_and_no_other(world, transitions):
    once = When(text="at 2026-03-01 03:04:05", zone="UTC", at=NOW + timedelta(days=58))
    schedule = await saved(world, transitions, when=once)
    rung = 0

    while world.clock.now() < schedule.next_at:
        assert len(alarms(world.queue)) == 1
        assert alarms(world.queue)[0] - world.clock.now() <= AT_MOST
        taken = world.queue.take(until=schedule.next_at)
        assert taken is not None
        rung += 1
        if isinstance(occasion(schedule, world.clock.now()), Early):
            await do(world, lambda unit: transitions.arm(unit, schedule))
            await do(world, lambda unit: transitions.arm(unit, schedule))  # it rang twice

    assert (rung, world.clock.now()) == (58, schedule.next_at)
    assert isinstance(occasion(schedule, world.clock.now()), Due)


async def test_an_alarm_that_rings_too_early_is_set_again(world, transitions):
    schedule = await saved(world, transitions)
    world.queue.take(until=schedule.next_at)
    world.clock.moment = schedule.next_at - timedelta(milliseconds=20)

    await do(world, lambda unit: transitions.arm(unit, schedule))

    assert alarms(world.queue) == [schedule.next_at]


# -- reminders --------------------------------------------------------------------------------


async def test_a_reminder_is_said_once_and_is_its_owners_alone(world):
    reminder = Reminder(
        id=ReminderId("m4x7q2ka"),
        owner=DEV,
        conversation=PLACE,
        is_for_all=False,
        text="breathe",
        due_at=NOW + timedelta(hours=1),
        zone="UTC",
        created_at=NOW,
    )
    reminders = Reminders(world.queue, Ids())
    other: Actor = person("sre-1")

    await do(world, lambda unit: reminders.remind(unit, reminder))
    with pytest.raises(UnknownReminder):
        await do(world, lambda unit: reminders.forget(unit, "m4x7q2ka", other))
    first = await do(world, lambda unit: reminders.reminded(unit, reminder))
    second = await do(world, lambda unit: reminders.reminded(unit, reminder))

    assert (first, second) == (True, False)
    assert alarms(world.queue, Kind.REMINDER) == [reminder.due_at]
    assert await events(world) == ["reminder.created", "reminder.sent"]
