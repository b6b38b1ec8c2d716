"""`signalbox audit replay`: what became of a run, and whether it is what it should be."""

from contextlib import closing
from pathlib import Path
import sqlite3

import pytest

from bot.settings import Settings
from storage.store import Store
from tests.engine.world import APPROVER_1, AUDIT_KEY, TWO, Clock, FakeQueue, Ids, World

RUN = "aaaaaaab"


@pytest.fixture
async def state(tmp_path: Path) -> Path:
    """The state folder of an installation with one run, which was approved once."""
    settings = Settings(profile="demo", state_dir=tmp_path / "state")
    clock, ids = Clock(), Ids()
    store = Store.open(settings.database, audit_key=AUDIT_KEY, clock=clock, ids=ids)
    world = World(store, clock, FakeQueue(clock), ids)
    assert await world.ask(rule=TWO) == RUN
    await world.work()
    await world.vote(RUN, APPROVER_1, comment="\x1b[2Jgo")
    store.close()
    return settings.state_dir


def sql(state: Path, *statements: str) -> None:
    with closing(sqlite3.connect(state / "signalbox.db", isolation_level=None)) as connection:
        for statement in statements:
            connection.execute(statement)


def test_the_moments_of_a_run_are_listed(signalbox, state: Path):
    ended = signalbox("audit", "replay", RUN, "--state", str(state))

    assert (ended.code, ended.err) == (0, "")
    assert ended.out == (
        "     1  2026-01-02T03:04:05.000Z  run.changed  Signalbox  planning  (run planning)\n"
        "     3  2026-01-02T03:04:05.000Z  plan.created approval.requested  dev-1"
        "  awaiting approval  (run awaiting approval, approval open)\n"
        "     4  2026-01-02T03:04:05.000Z  approval.voted  approver-1"
        "  awaiting approval  (votes 1)\n"
        "The run is what the log says that became of it.\n"
    )


def test_a_run_is_told_as_it_was_at_an_event(signalbox, state: Path):
    first = signalbox("audit", "replay", RUN, "--at", "2", "--state", str(state))
    last = signalbox("audit", "replay", RUN, "--at", "4", "--state", str(state))

    assert (first.code, last.code) == (0, 0)
    assert first.out.splitlines()[0].endswith("(run awaiting approval, approval open)")
    assert "run\n  definition_digest: " in first.out
    assert "\n  state: awaiting_approval\nstep " in first.out
    assert "step switch\n  position: 1\n  state: pending\n" in first.out
    assert ("votes" in first.out, '"comment": "\\u001b[2Jgo"' in last.out) == (False, True)


@pytest.mark.parametrize(
    ("statement", "sentence"),
    [
        (
            "UPDATE runs SET state = 'queued'",
            'state of the run is "queued", and "awaiting_approval"',
        ),
        (
            "UPDATE step_runs SET attempt = 2",
            "attempt of step health is 2, and not set in the log",
        ),
        ("DELETE FROM step_runs WHERE name = 'health'", "There is no step health"),
        ("DELETE FROM votes", "votes of gate 00000000-"),
    ],
)
def test_a_run_that_is_not_what_the_log_says_is_found(signalbox, state: Path, statement, sentence):
    sql(state, statement)

    ended = signalbox("audit", "replay", RUN, "--state", str(state))

    assert ended.code == 1
    assert ended.err.startswith(sentence)


def test_a_run_from_before_the_log_told_is_not_made_up(signalbox, state: Path):
    sql(
        state,
        "DROP TRIGGER audit_events_no_update",
        """UPDATE audit_events SET text = replace(text, '"became"', '"else"')""",
    )

    ended = signalbox("audit", "replay", RUN, "--state", str(state))

    assert (ended.code, ended.err) == (0, "")
    assert ended.out.splitlines()[-2:] == [
        "     4  2026-01-02T03:04:05.000Z  approval.voted  approver-1",
        "It began before the log told what becomes of runs: not all of it is known.",
    ]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["aaaaaaaa"], "I know no run aaaaaaaa."),
        ([RUN, "--at", "0"], "Invalid value for '--at': 0 is not in the range"),
        ([RUN, "--at", "400"], "There is no event 400 yet: the newest is 4."),
        ([], "Missing argument 'RUN'."),
    ],
)
def test_what_cannot_be_replayed_is_one_sentence(signalbox, state: Path, arguments, sentence):
    ended = signalbox("audit", "replay", *arguments, "--state", str(state))

    assert (ended.code, ended.out) == (2, "")
    assert ended.err.startswith(sentence)


def test_a_database_of_an_older_version_is_said(signalbox, state: Path):
    sql(state, "ALTER TABLE step_runs DROP COLUMN detail")

    ended = signalbox("audit", "replay", RUN, "--state", str(state))

    assert (ended.code, ended.out) == (2, "")
    assert ended.err.startswith("This database is an older one.")
