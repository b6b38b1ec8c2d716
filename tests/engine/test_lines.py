"""Whose turn it is, as values: first come first served, places kept, nobody starved."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st
import pytest

from domain.conversation import Conversation, ConversationKind
from domain.lock import GROUP, Held, Hold, Line, Waiting
from domain.rate import burst, turn

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
HOLD = Hold(
    name="shop/prod",
    by="sre",
    by_name="sre-1",
    reason="",
    since=NOW,
    until=NOW + timedelta(hours=1),
    conversation=Conversation(
        tenant="t", service_url="", id="", kind=ConversationKind.CHANNEL, bot_id=""
    ),
)


def waiting(run_id: str, *, places: int = 1, requester: str = "dev") -> Waiting:
    return Waiting(run_id=run_id, requester=requester, places=places, since=NOW)


def line(*names: str, held: str = "", places: int = 1, hold: Hold | None = None) -> Line:
    return Line(
        name="shop/prod",
        held=tuple(Held(run_id=run_id, since=NOW, place=n) for n, run_id in enumerate(held)),
        hold=hold,
        waiting=tuple(waiting(name, places=places) for name in names),
    )


@pytest.mark.parametrize(
    ("before", "turns"),
    [
        (line("a", "b"), ("a",)),
        (line("a", "b", held="x"), ()),
        (line(), ()),
        (line("a", "b", "c", places=2), ("a", "b")),
        (line("a", "b", "c", held="x", places=2), ("a",)),
        (line("a", "b", "c", held="xy", places=2), ()),
        (line("a", "b", "c", held="xyz", places=2), ()),
        (line("a", "b", hold=HOLD), ()),
    ],
)
def test_as_many_have_a_turn_as_there_are_places_left(before, turns):
    assert before.next == turns


def test_under_a_hold_its_owners_runs_go_on_one_at_a_time():
    own = (waiting("b", requester="sre"), waiting("c", requester="sre"))
    held = replace(line(hold=HOLD), waiting=(waiting("a"), *own))

    assert held.next == ("b",)
    assert replace(held, held=(Held(run_id="x", since=NOW),)).next == ()
    assert [held.position(each) for each in ("a", "b", "c", "x")] == [1, 2, 3, 0]


def test_a_place_is_kept_for_who_stands_before():
    """`a` may be held up in another line: the place that is its is not `b`'s to have."""
    assert "b" not in line("a", "b", held="x", places=2).next


def test_a_group_may_be_called_like_a_lock():
    group = replace(line(), name=f"{GROUP}shop/prod")

    assert (group.is_group, group.words) == (True, "shop/prod")
    assert (line().is_group, line().words) == (False, "shop/prod")


NEEDS = st.dictionaries(
    st.sampled_from("wxyz"), st.integers(min_value=1, max_value=3), min_size=1, max_size=3
)


@given(st.lists(NEEDS, min_size=1, max_size=12), st.randoms(use_true_random=False))
def test_whatever_runs_need_all_get_their_turn_and_no_place_is_given_twice(needs, chance):
    """Any order of ends: while somebody waits, somebody holds or somebody's turn it is."""
    capacity = {
        name: min(n[name] for n in needs if name in n)
        for name in "wxyz"
        if any(name in n for n in needs)
    }
    queue = list(range(len(needs)))
    held: dict[int, set[str]] = {}
    started = []

    def line_of(name):
        return Line(
            name=name,
            held=tuple(
                Held(run_id=str(run), since=NOW, place=place)
                for place, run in enumerate(r for r in held if name in held[r])
            ),
            waiting=tuple(
                waiting(str(r), places=capacity[name]) for r in queue if name in needs[r]
            ),
        )

    while queue or held:
        ready = [r for r in queue if all(str(r) in line_of(name).next for name in needs[r])]
        assert ready or held  # else all would wait for ever
        if ready and (not held or chance.random() < 0.5):
            run = chance.choice(ready)
            queue.remove(run)
            held[run] = set(needs[run])
            started.append(run)
            for name in needs[run]:
                assert sum(name in each for each in held.values()) <= capacity[name]
        else:
            held.pop(chance.choice(list(held)))

    assert sorted(started) == list(range(len(needs)))
    for name, places in capacity.items():  # nobody passed whoever came before
        if places == 1:
            of_line = [run for run in started if name in needs[run]]
            assert of_line == sorted(of_line)


# -- rates ----------------------------------------------------------------------------------


def test_a_connection_that_was_quiet_bears_a_burst_and_then_its_rate():
    full_at, waits = None, []
    for _ in range(5):
        wait, full_at = turn(full_at, NOW, 30, ahead=timedelta(minutes=1))
        waits.append(wait.total_seconds())

    assert burst(30) == 3
    assert waits == [0, 0, 0, 2, 4]  # 60 s / 30


def test_who_had_to_wait_too_long_comes_again_and_takes_nothing():
    _, full_at = turn(None, NOW, 1)

    assert turn(full_at, NOW, 1, ahead=timedelta(seconds=59)) == (timedelta(minutes=1), None)
    assert turn(full_at, NOW + timedelta(minutes=1), 1)[0] == timedelta()


@given(
    st.integers(min_value=1, max_value=300),
    st.lists(st.floats(min_value=0, max_value=20), min_size=1, max_size=120),
)
def test_no_minute_sees_more_than_the_limit_and_a_burst(per_minute, pauses):
    now, full_at, uses = NOW, None, []
    for pause in pauses:
        now += timedelta(seconds=pause)
        wait, moved = turn(full_at, now, per_minute)
        if moved is not None:
            full_at = moved
            uses.append(now)
            assert wait == timedelta()

    for first in uses:
        within = [each for each in uses if first <= each < first + timedelta(minutes=1)]
        assert len(within) <= per_minute + burst(per_minute)
