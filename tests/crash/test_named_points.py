"""SIGKILL at every point of every kind of transition: all comes to its right end, once.

At each point a process dies three times, one after the other: before the transaction, inside it,
and after it. Then another one does the rest.
"""

from datetime import timedelta

import pytest

from domain.run import RunState
from tests.crash.death import AFTER, BEFORE, PHASES, Point
from tests.crash.subject import VOTERS, Wish
from tests.crash.target import BROKEN, FIRST, SHY
from tests.databases import KINDS

pytestmark = [pytest.mark.crash, pytest.mark.points, pytest.mark.timeout(120)]

PLAIN = Wish("plain", effects=("v1.1.0",))
VOTED = Wish("voted", voters=VOTERS, effects=("v1.1.0",))
BAD = Wish("bad", BROKEN, RunState.ROLLED_BACK, effects=(BROKEN, FIRST))
RETRIED = Wish("retried", SHY, effects=(SHY,))
CANCELLED = Wish("cancelled", end=RunState.CANCELLED, is_cancelled=True, effects=("v1.1.0",))
FORGOTTEN = Wish("forgotten", end=RunState.EXPIRED, voters=(), expires=timedelta(milliseconds=600))

TRANSITIONS = [
    ("request", PLAIN, "state:planning"),
    ("plan", PLAIN, "plan.created"),
    ("gate", VOTED, "approval.requested"),
    ("vote", VOTED, "approval.voted"),
    ("release", VOTED, "approval.granted"),
    ("lock", PLAIN, "lock.acquired"),
    ("admit", PLAIN, "run.started"),
    ("step", PLAIN, "step.started:switch"),
    ("record", PLAIN, "step.finished:switch"),
    ("retry", RETRIED, "step.retried:switch"),
    ("wait", PLAIN, "step.started:settle"),
    ("wait's end", PLAIN, "step.finished:settle"),
    ("undo", BAD, "state:rolling_back"),
    ("undone", BAD, "step.compensated:switch"),
    ("end", PLAIN, "run.finished"),
    ("cancel", CANCELLED, "run.cancelled"),
    ("expiry", FORGOTTEN, "approval.expired"),
    ("card", PLAIN, "card:sent"),
]

DEEDS = [
    ("effect", PLAIN, "effect:v1.1.0"),
    ("effect of an undo", BAD, f"effect:{FIRST}"),
    ("message", PLAIN, "message"),
]


BURIALS = [
    ("claim", PLAIN, "executor:claimed"),
    ("burial", PLAIN, "executor:buried"),
]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Each point on both kinds of database; in short on one of them, which alternates."""
    points = {"transition": TRANSITIONS, "deed": DEEDS, "burial": BURIALS}
    (kind,) = points.keys() & set(metafunc.fixturenames)
    cases = [
        pytest.param(point, database, id=f"{point[0]}-{database}")
        for number, point in enumerate(points[kind])
        for place, database in enumerate(KINDS)
        if metafunc.config.getoption("long") or number % 2 == place
    ]
    metafunc.parametrize((kind, "build"), cases, indirect=["build"])


async def test_killed_before_inside_and_after(build, transition):
    _, wish, name = transition
    house = build(wish)

    for phase in PHASES:
        await house.dies_at(Point(name, phase))
    house.start()

    await house.settles()
    await house.check()


async def test_killed_before_and_after_a_deed(build, deed):
    _, wish, name = deed
    house = build(wish)

    for phase in (BEFORE, AFTER):
        await house.dies_at(Point(name, phase))
    house.start()

    await house.settles()
    await house.check()


async def test_killed_while_taking_over_from_the_dead(build, burial):
    _, wish, name = burial
    house = build(wish)

    await house.dies_at(Point("effect:v1.1.0", BEFORE))
    for phase in PHASES:
        await house.dies_at(Point(name, phase))
    house.start()

    await house.settles()
    await house.check()
