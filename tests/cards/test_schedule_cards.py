"""What the cards of schedules and reminders tell."""

from dataclasses import replace
from datetime import timedelta

from cards.schedule import reminders_card, schedule_card, schedule_sentence, schedules_card
from domain.schedule import ScheduleState
from tests.cards.builders import NOW, START, ZONE
from tests.cards.schedules import a_schedule


def test_a_card_tells_what_came_of_the_last_run_and_what_was_just_done():
    view = a_schedule(
        ScheduleState.ACTIVE,
        last_at=START - timedelta(days=7),
        last_result="run begun",
        last_run_id="k7f3q2ma",
        may_be_late=timedelta(),
    )

    words = str(schedule_card(view, note="Saved: restart *shop*"))

    assert "17 Nov 14:02: run begun, run k7f3q2ma" in words
    assert "'text': 'is skipped'" in words
    assert "Saved: restart \\\\*shop\\\\*" in words
    assert "run k7f3q2ma" in str(schedule_card(replace(view, last_state="succeeded")))
    assert "17 Nov 14:02: succeeded" in str(schedule_card(replace(view, last_state="succeeded")))


def test_a_sentence_tells_it_to_whoever_hears_it():
    active, over = a_schedule(ScheduleState.ACTIVE), a_schedule(ScheduleState.DONE)

    assert schedule_sentence(active) == (
        "Active: restart shop in staging, every tue 07:30;"
        " next Tue 1 Dec 2026 07:30 UTC+01:00 (schedule m4x7q2ka)."
    )
    assert schedule_sentence(over) == (
        "Over: restart shop in staging, every tue 07:30 (schedule m4x7q2ka)."
    )


def test_a_list_tells_why_something_is_paused_and_how_many_more_there_are():
    paused = a_schedule(ScheduleState.PAUSED, why="by sre-1")

    few, many = schedules_card([paused]), schedules_card([paused] * 15)

    assert "paused: by sre-1" in str(few)
    assert few["speak"] == "1 schedule."
    assert "3 more are not shown." in str(many)
    assert schedules_card([])["speak"] == "There are no schedules."


def test_who_waits_for_nothing_is_told_so():
    assert reminders_card([], now=NOW, zone=ZONE)["speak"] == "You have no reminders."


def test_seconds_are_told_where_there_are_some():
    view = a_schedule(ScheduleState.ACTIVE)
    soon = replace(view, upcoming=(NOW + timedelta(seconds=5),))

    assert "14:20:05 UTC+01:00" in schedule_sentence(soon)
