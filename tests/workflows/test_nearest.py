"""What somebody probably meant is offered, and nothing else."""

from hypothesis import given
from hypothesis import strategies as st
import pytest

from workflows.nearest import did_you_mean, nearest

COMMANDS = ("deploy", "rollback", "restart", "runs", "run", "reject", "status")

words = st.text(max_size=12)


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("depoly", ("deploy",)),  # two letters swapped are one mistake
        ("DEPLOY", ("deploy",)),
        ("dep", ("deploy",)),  # a beginning
        ("re", ("reject", "restart")),
        ("rusn", ("run", "runs")),  # one mistake from either
        ("xyz", ()),
        ("", ()),
    ],
)
def test_the_likeliest_comes_first(typed: str, expected: tuple[str, ...]):
    assert nearest(typed, COMMANDS) == expected


@given(names=st.lists(words.filter(bool), min_size=1), more=words)
def test_a_name_that_there_is_is_nearest_to_itself(names: list[str], more: str):
    wanted = names[0]
    known = [*names, wanted + more]
    known = [each for each in known if each == wanted or each.lower() != wanted.lower()]

    assert nearest(wanted, known)[0] == wanted


@given(typed=words, names=st.lists(words), limit=st.integers(0, 4))
def test_only_names_that_there_are_are_offered_each_once(typed: str, names: list[str], limit: int):
    found = nearest(typed, names, limit)

    assert set(found) <= set(names)
    assert len(found) == len(set(found)) <= limit


def test_a_text_without_end_is_no_more_work_than_a_long_name():
    assert nearest("deploy" * 100_000, ["deploy" * 50]) == ("deploy" * 50,)


def test_the_guess_is_said_behind_a_sentence():
    assert did_you_mean("depoly", COMMANDS) == " Did you mean `deploy`?"
    assert did_you_mean("rusn", COMMANDS) == " Did you mean `run` or `runs`?"
    assert did_you_mean("rusn", COMMANDS, limit=1) == " Did you mean `run`?"
    assert did_you_mean("xyz", COMMANDS) == ""
    assert did_you_mean("r", COMMANDS) == " Did you mean `reject`, `restart` or `rollback`?"
