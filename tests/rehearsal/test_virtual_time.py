"""Time that leaps: what sleeps wakes in order, at the very moment, and at once."""

import asyncio
from datetime import timedelta
import time

import pytest

from domain.errors import Bug
from workflows.rehearsal.clock import BEGINNING, VirtualClock, in_virtual_time


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


def test_a_year_passes_while_nobody_waits(clock):
    async def sleeper() -> None:
        await asyncio.sleep(timedelta(days=365).total_seconds())

    began = time.perf_counter()
    in_virtual_time(sleeper, clock)

    assert clock.now() - BEGINNING == timedelta(days=365)
    assert time.perf_counter() - began < 5


def test_sleepers_wake_in_order_each_at_its_moment(clock):
    woken = []

    async def sleeper(seconds: float) -> None:
        await asyncio.sleep(seconds)
        woken.append((seconds, (clock.now() - BEGINNING).total_seconds()))

    async def all_of_them() -> None:
        await asyncio.gather(*map(sleeper, (0.7, 3600, 0.1, 259200.003, 0)))

    in_virtual_time(all_of_them, clock)

    assert woken == [(s, s) for s in (0, 0.1, 0.7, 3600, 259200.003)]


def test_what_hangs_is_cut_off(clock):
    async def patient() -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(30):
                await asyncio.Event().wait()

    in_virtual_time(patient, clock)

    assert clock.now() - BEGINNING == timedelta(seconds=30)


def test_what_is_handed_to_a_thread_takes_no_time(clock):
    async def hands_over() -> tuple[int, str]:
        worked = await asyncio.get_running_loop().run_in_executor(None, max, 1, 2)
        with pytest.raises(ValueError, match="invalid literal"):
            await asyncio.get_running_loop().run_in_executor(None, int, "x")
        return worked, (await asyncio.to_thread(str, 3))

    assert in_virtual_time(hands_over, clock) == (2, "3")
    assert clock.now() == BEGINNING


def test_waiting_for_what_can_never_happen_is_our_mistake(clock):
    with pytest.raises(Bug, match="never happen"):
        in_virtual_time(asyncio.Event().wait, clock)


def test_a_clock_that_is_moved_by_hand_lets_time_pass(clock):
    async def sleeper() -> float:
        began = asyncio.get_running_loop().time()
        clock.leap(timedelta(hours=1))
        return asyncio.get_running_loop().time() - began

    assert in_virtual_time(sleeper, clock) == 3600
