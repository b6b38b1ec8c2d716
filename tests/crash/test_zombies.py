"""A process that stands still is taken for dead; when it wakes up, it is not listened to."""

import asyncio
from datetime import timedelta
import os
import signal

import pytest

from tests.crash.death import AFTER, BEFORE, INSIDE, Point
from tests.crash.subject import Wish

pytestmark = [pytest.mark.crash, pytest.mark.points, pytest.mark.timeout(120)]

SHOP = Wish("shop", effects=("v1.1.0",))


@pytest.mark.parametrize("build", ["postgresql"], indirect=True)
@pytest.mark.parametrize(
    ("name", "phase"),
    [
        ("effect", BEFORE),
        ("effect", AFTER),
        ("step.finished:switch", BEFORE),
        ("plan.created", BEFORE),
    ],
)
async def test_a_zombie_writes_nothing(build, name, phase):
    """What it may do is reach the target once more, under the same key: that is the target's."""
    house = build(
        SHOP,
        keeps_keys=True,
        beat=timedelta(seconds=0.3),
        lease=timedelta(seconds=1.5),
    )
    zombie = house.start(Point(name, phase, signal.SIGSTOP))
    await house.stands_still(zombie)
    house.start()
    await house.settles()
    before = await house.contents()

    os.kill(zombie.pid, signal.SIGCONT)
    await house.until(lambda unit: zombie.pid in {each.pid for each in unit.executors.all()})
    await asyncio.sleep(0.5)

    assert await house.contents() == before
    await house.check(survivors=2)


@pytest.mark.parametrize("build", ["postgresql"], indirect=True)
async def test_a_zombie_that_wakes_up_while_another_one_goes_on_writes_nothing(build):
    """The other one is stopped too, so that whatever is written now is the zombie's."""
    house = build(SHOP, beat=timedelta(seconds=0.3), lease=timedelta(seconds=3))
    zombie = house.start(Point("step.finished:switch", BEFORE, signal.SIGSTOP))
    await house.stands_still(zombie)
    other = house.start(Point("step.started:settle", AFTER, signal.SIGSTOP))
    await house.stands_still(other)
    before = await house.contents()

    os.kill(zombie.pid, signal.SIGCONT)
    await asyncio.sleep(1)  # the other one's lease is not over: nothing may be taken from it
    assert await house.contents() == before

    os.kill(other.pid, signal.SIGCONT)
    await house.settles()
    await house.check(survivors=2)


@pytest.mark.parametrize("build", ["postgresql"], indirect=True)
async def test_a_zombie_that_holds_a_transaction_open_keeps_nobody_waiting_for_ever(build):
    """Its locks are the server's to break: `idle_in_transaction_session_timeout`."""
    house = build(SHOP, beat=timedelta(seconds=0.3), lease=timedelta(seconds=1.5))
    zombie = house.start(Point("step.finished:switch", INSIDE, signal.SIGSTOP))
    await house.stands_still(zombie)

    house.start()
    await house.settles(60)

    os.kill(zombie.pid, signal.SIGCONT)
    await house.until(lambda unit: zombie.pid in {each.pid for each in unit.executors.all()})
    await house.check(survivors=2)
