"""Two bots and two workers on one PostgreSQL, killed at random: nothing is lost, nothing twice."""

import asyncio
from collections.abc import AsyncIterator
import itertools
from pathlib import Path
import random

import aiohttp
import pytest

from bot.audit import verify
from domain.run import RunState
from domain.step import idempotency_key
from tests.crash.cluster import AUDIT_KEY, PARTS, Cluster, percentile
from tests.databases import Postgres

pytestmark = [pytest.mark.crash, pytest.mark.scenario, pytest.mark.timeout(1200)]

SLOWEST_TAKE_OVER = 15.0  #: seconds


@pytest.fixture
async def cluster(postgres: Postgres, tmp_path: Path) -> AsyncIterator[Cluster]:
    url = postgres.create()
    timeout, connections = aiohttp.ClientTimeout(total=15), aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(timeout=timeout, connector=connections) as http:
        made = Cluster(tmp_path, url, http)
        try:
            await made.start()
            yield made
        finally:
            await made.stop()
    postgres.drop(url)


async def test_runs_survive_whoever_dies(cluster, is_long, capsys):
    count, kills = (500, 24) if is_long else (40, 4)
    dice = random.Random()  # noqa: S311 - when to kill is no secret
    revived = 0

    async def ask() -> None:
        """As many again after each revival, so that each kill hits somebody who has work."""
        async with asyncio.TaskGroup() as group:
            for number in range(count):
                while number > count * (revived + 1) / (kills + 1):  # noqa: ASYNC110
                    await asyncio.sleep(0.1)
                group.create_task(cluster.fill(f"item-{number}"))
                await asyncio.sleep(dice.uniform(0, 0.2))

    async def befall() -> None:
        """Workers and bots in turn."""
        nonlocal revived
        victims = itertools.cycle((cluster.workers, cluster.bots))
        for group in itertools.islice(victims, kills):
            await cluster.is_busy()
            await asyncio.sleep(dice.uniform(0, 1))
            victim = group[dice.randrange(2)]
            await cluster.kill(victim)
            await victim.start()
            revived += 1

    async with asyncio.TaskGroup() as group:
        group.create_task(ask())
        group.create_task(befall())
    runs = await cluster.ends(count, 300)

    assert [run for run in runs if run.state is not RunState.SUCCEEDED] == []
    assert sorted(run.inputs["item"] for run in runs) == sorted(
        f"item-{number}" for number in range(count)
    )
    keys = {idempotency_key(run.id, f"put_{part}", 1) for run in runs for part in PARTS}
    assert cluster.target.puts == dict.fromkeys(keys, 1)
    assert set(cluster.target.parts.values()) == {1}
    cards = await cluster.cards()
    assert cards.keys() == {run.id for run in runs}
    assert [text for text in cards.values() if "Succeeded in" not in text] == []
    verdict = await asyncio.to_thread(
        verify, cluster.database_url, AUDIT_KEY.encode(), cluster.bots[0].state / "audit"
    )
    assert verdict.ok, verdict
    await cluster.has_buried_its_dead()
    times = await cluster.take_overs()
    surplus = len({m.id for m in cluster.connector.messages.values() if m.card}) - count
    with capsys.disabled():
        print(  # noqa: T201 - the figures are wanted
            f"\n{count} runs, {len(cluster.kills)} kills; {len(times)} runs taken over: "
            f"p50 {percentile(times, 0.5):.1f} s, p99 {percentile(times, 0.99):.1f} s; "
            f"{surplus} cards posted twice"
        )
    assert percentile(times, 0.99 if is_long else 0.5) < SLOWEST_TAKE_OVER
