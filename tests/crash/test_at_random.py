"""SIGKILL at any time, under load: dozens of runs of every kind, and whoever works on them."""

import asyncio
from dataclasses import replace
from datetime import timedelta
import itertools
import random

import pytest

from domain.run import RunState
from tests.crash.subject import VOTERS, Wish
from tests.crash.target import BROKEN, FIRST, SHY
from tests.databases import KINDS

pytestmark = [pytest.mark.crash, pytest.mark.points, pytest.mark.timeout(900)]

KINDS_OF_WISH = [
    Wish("plain", effects=("v1.1.0",)),
    Wish("bad", BROKEN, RunState.ROLLED_BACK, effects=(BROKEN, FIRST)),
    Wish("voted", voters=VOTERS, effects=("v1.1.0",)),
    Wish("retried", SHY, effects=(SHY,)),
    Wish("cancelled", end=RunState.CANCELLED, is_cancelled=True, effects=("v1.1.0",)),
    Wish("forgotten", end=RunState.EXPIRED, voters=(), expires=timedelta(seconds=1)),
]


def wishes(count: int) -> list[Wish]:
    kinds = itertools.islice(itertools.cycle(KINDS_OF_WISH), count)
    return [replace(kind, shop=f"{kind.shop}-{number}") for number, kind in enumerate(kinds)]


@pytest.mark.parametrize("build", KINDS, indirect=True)
async def test_killed_at_any_time(build, is_long):
    """On PostgreSQL two processes work at once; on SQLite there is one."""
    kills = 40 if is_long else 6
    house = build(*wishes(kills * 4))
    is_shared = house.life.url.startswith("postgresql")
    dice = random.Random()  # noqa: S311 - when to kill is no secret
    alive = [house.start() for _ in range(2 if is_shared else 1)]

    while house.kills < kills:
        await asyncio.sleep(dice.uniform(0.3, 1.5))
        house.kill(alive.pop(dice.randrange(len(alive))))
        alive.append(house.start())

    await house.settles(120)
    await house.check(survivors=len(alive))
