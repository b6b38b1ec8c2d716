"""Schedules, reminders and places: the same on every database."""

from dataclasses import replace
from datetime import timedelta

import pytest

from domain.reminder import Reminder, ReminderId
from domain.schedule import Schedule, ScheduleId, ScheduleState, UnknownSchedule, When
from tests.storage.conftest import TENANT


@pytest.fixture
def a_schedule(clock, place, requester):
    built = Schedule(
        id=ScheduleId("m4x7q2ka"),
        owner=requester,
        channel=place.roster_id,
        conversation=place,
        command="deploy",
        arguments={"service": "shop", "version": "v1.1.0"},
        line='deploy shop "v1.1.0"',
        when=When(text="every tue 07:30", zone="Europe/Berlin", cron="30 7 * * 2"),
        may_be_late=timedelta(hours=2),
        state=ScheduleState.ACTIVE,
        rev=1,
        created_at=clock.now(),
        next_at=clock.now() + timedelta(days=1),
        reply_to="1700000000000",
        gate="2 approvals",
    )

    def build(schedule_id="m4x7q2ka", **changes):
        return replace(built, id=ScheduleId(schedule_id), **changes)

    return build


async def test_a_schedule_comes_back_as_it_was(store, a_schedule, clock):
    recurring = a_schedule()
    once = a_schedule(
        "aaaaaaaa",
        conversation=None,
        when=When(text="at 2026-12-01 07:30", zone="UTC", at=clock.now()),
        last_at=clock.now(),
        last_result="run begun",
        last_run_id="k7f3q2ma",
        why="because",
        source="workflow/deploy",
        next_at=None,
    )

    for each in (recurring, once):
        assert await store.transaction(lambda unit, each=each: unit.schedules.insert(each))
        assert await store.read(lambda unit, each=each: unit.schedules.get(each.id)) == each
    assert not await store.transaction(lambda unit: unit.schedules.insert(recurring))
    assert await store.read(lambda unit: unit.schedules.get("bbbbbbbb")) is None


async def test_who_saves_what_has_moved_on_is_late(store, a_schedule):
    first = a_schedule()
    await store.transaction(lambda unit: unit.schedules.insert(first))
    paused = replace(first, rev=2, state=ScheduleState.PAUSED, next_at=None)
    fired = replace(first, rev=2, last_result="run begun")

    assert await store.transaction(lambda unit: unit.schedules.save(paused))
    assert not await store.transaction(lambda unit: unit.schedules.save(fired))

    assert await store.read(lambda unit: unit.schedules.get(first.id)) == paused


async def test_what_is_due_is_found_the_oldest_first(store, a_schedule, clock):
    now = clock.now()
    rows = [
        a_schedule("aaaaaaaa", next_at=now),
        a_schedule("bbbbbbbb", next_at=now - timedelta(hours=1)),
        a_schedule("cccccccc", next_at=now + timedelta(seconds=1)),
        a_schedule("dddddddd", next_at=now, state=ScheduleState.PROPOSED),
        a_schedule("eeeeeeee", next_at=None, state=ScheduleState.PAUSED),
    ]
    for each in rows:
        await store.transaction(lambda unit, each=each: unit.schedules.insert(each))

    assert await store.read(lambda unit: unit.schedules.due(now)) == ["bbbbbbbb", "aaaaaaaa"]
    assert await store.read(lambda unit: unit.schedules.due(now, 1)) == ["bbbbbbbb"]
    listed = await store.read(lambda unit: unit.schedules.listed(TENANT))
    assert [each.id for each in listed] == ["bbbbbbbb", "aaaaaaaa", "cccccccc", "eeeeeeee"]
    owner = listed[0].owner
    assert await store.read(lambda unit: unit.schedules.count_of(TENANT, owner.id)) == 4
    assert await store.read(lambda unit: unit.schedules.count_of("another", owner.id)) == 0
    assert await store.transaction(lambda unit: unit.schedules.forget(now)) == 0
    later = now + timedelta(days=1)
    assert await store.transaction(lambda unit: unit.schedules.forget(later)) == 1
    assert await store.read(lambda unit: unit.schedules.get("dddddddd")) is None


async def test_another_tenants_schedule_is_not_known(store, a_schedule):
    await store.transaction(lambda unit: unit.schedules.insert(a_schedule()))

    assert await store.read(lambda unit: unit.schedules.of("m4x7q2ka", TENANT)) == a_schedule()
    with pytest.raises(UnknownSchedule):
        await store.read(lambda unit: unit.schedules.of("m4x7q2ka", "another"))
    assert await store.read(lambda unit: unit.schedules.listed("another")) == []


async def test_what_files_say_is_found_while_it_is_not_over(store, a_schedule):
    for schedule_id, source, state in (
        ("aaaaaaaa", "workflow/deploy", ScheduleState.ACTIVE),
        ("bbbbbbbb", "workflow/deploy", ScheduleState.PAUSED),
        ("cccccccc", "workflow/deploy", ScheduleState.DELETED),
        ("dddddddd", "", ScheduleState.ACTIVE),
    ):
        each = a_schedule(schedule_id, source=source, state=state)
        await store.transaction(lambda unit, each=each: unit.schedules.insert(each))

    found = await store.read(lambda unit: unit.schedules.of_files(TENANT))
    assert {each.id for each in found} == {"aaaaaaaa", "bbbbbbbb"}


async def test_a_reminder_is_taken_once(store, place, requester, clock):
    reminder = Reminder(
        id=ReminderId("m4x7q2ka"),
        owner=requester,
        conversation=place,
        is_for_all=True,
        text="breathe 🌬",
        due_at=clock.now(),
        zone="Europe/Berlin",
        created_at=clock.now(),
    )
    await store.transaction(lambda unit: unit.reminders.insert(reminder))

    assert await store.read(lambda unit: unit.reminders.get("m4x7q2ka")) == reminder
    assert await store.read(lambda unit: unit.reminders.of(TENANT, requester.id)) == [reminder]
    assert await store.read(lambda unit: unit.reminders.due(clock.now())) == ["m4x7q2ka"]
    assert await store.transaction(lambda unit: unit.reminders.take("m4x7q2ka"))
    assert not await store.transaction(lambda unit: unit.reminders.take("m4x7q2ka"))
    assert await store.read(lambda unit: unit.reminders.get("m4x7q2ka")) is None


async def test_a_place_is_its_channel_at_its_newest_address(store, place):
    moved = replace(place, service_url="http://127.0.0.1:9/", id="19:ops@thread.tacv2;messageid=2")

    for each in (place, place, moved):
        await store.transaction(lambda unit, each=each: unit.places.remember(each))

    found = await store.read(lambda unit: unit.places.get(TENANT, "19:ops@thread.tacv2"))
    assert found == replace(moved, id="19:ops@thread.tacv2")
    assert await store.read(lambda unit: unit.places.get("another", found.id)) is None
