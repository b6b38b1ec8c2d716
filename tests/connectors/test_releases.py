"""The `releases` connector against the demo's real services, git and supervisord."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
import fcntl
import os
from pathlib import Path
import signal

import aiohttp
import pytest

from connectors.releases import ran_before
from domain.errors import BadArguments, Refused
from domain.plan import Change
from tests.connectors.world import World, until

SHOP = {"service": "shop", "environment": "prod"}
BILLING = {"service": "billing", "environment": "staging"}


@contextmanager
def pause(state: Path, name: str, seconds: float) -> Iterator[None]:
    (state / name).write_text(str(seconds))
    try:
        yield
    finally:
        (state / name).unlink()


async def is_locked(path: Path) -> bool:
    with path.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


async def answer_of(world: World, **target: str) -> dict[str, str]:
    live = await world.apply("releases.current@1", **target)
    async with aiohttp.ClientSession() as session:
        for _ in range(100):
            try:
                async with session.get(f"{live['url']}/healthz") as response:
                    return await response.json()
            except aiohttp.ClientConnectorError:
                await asyncio.sleep(0.05)
    raise AssertionError("no answer")


async def test_a_switch_makes_the_version_answer_and_keeps_a_record_of_it(world, key):
    done = await world.apply("releases.switch@1", key, **SHOP, version="v1.1.0")

    assert await world.apply("releases.health@1", **SHOP, version="v1.1.0") == {
        "status": "ok",
        "version": "v1.1.0",
    }
    assert await answer_of(world, **SHOP) == {"status": "ok", "version": "v1.1.0"}
    assert world.effects(key) == [
        {"at": done["at"], **SHOP, "action": "switch", "version": "v1.1.0", "key": key}
    ]


async def test_the_same_key_again_changes_nothing_and_answers_the_same(world, key):
    first = await world.apply("releases.switch@1", key, **SHOP, version="v1.1.0")
    before = await world.apply("supervisor.status@1", **SHOP)

    again = await world.apply("releases.switch@1", key, **SHOP, version="v1.1.0")

    assert again == first
    assert (await world.apply("supervisor.status@1", **SHOP))["pid"] == before["pid"]
    assert len(world.effects(key)) == 1


async def test_two_at_once_with_one_key_are_one_effect(world, key):
    with pause(world.state, "release.pause", 0.3):
        answers = await asyncio.gather(
            *(world.apply("releases.switch@1", key, **BILLING, version="v1.2.1") for _ in "12")
        )

    assert answers[0] == answers[1]
    assert len(world.effects(key)) == 1


async def test_a_key_stands_for_one_switch_only(world, key):
    await world.apply("releases.switch@1", key, **SHOP, version="v1.1.0")

    with pytest.raises(Refused, match=r"switched shop in prod to v1\.1\.0, not to v1\.2\.1"):
        await world.apply("releases.switch@1", key, **SHOP, version="v1.2.1")
    with pytest.raises(Refused, match="switched shop in prod"):
        await world.apply("releases.switch@1", key, **BILLING, version="v1.1.0")

    assert len(world.effects(key)) == 1


async def test_a_switch_killed_before_the_swap_is_done_by_the_same_key(world, key):
    await world.apply("releases.switch@1", f"{key}-first", **BILLING, version="v1.0.0")
    with pause(world.state, "release.pause", 30):
        process = world.start_release("switch", "billing", "staging", "v1.1.0", "--key", key)
        await until(lambda: is_locked(world.state / "services/billing/staging/lock"))
        os.kill(process.pid, signal.SIGKILL)
        process.communicate()
    assert world.current("billing", "staging") == "v1.0.0"
    assert await world.reconcile("releases.switch@1", key, **BILLING, version="v1.1.0") is None

    await world.apply("releases.switch@1", key, **BILLING, version="v1.1.0")

    assert world.current("billing", "staging") == "v1.1.0"
    assert len(world.effects(key)) == 1


async def test_a_switch_killed_after_the_swap_is_done_by_the_same_key(world, key):
    """As if it had died between the swap and its record."""
    other = f"{key}-other"
    await world.apply("releases.switch@1", other, **BILLING, version="v1.0.0")
    current = world.state / "services/billing/staging/current"
    target = current.readlink()
    await world.apply("releases.switch@1", f"{key}-back", **BILLING, version="v1.1.0")
    current.unlink()
    current.symlink_to(target)  # swapped, and no more

    await world.apply("releases.switch@1", key, **BILLING, version="v1.0.0")

    assert await world.apply("releases.health@1", **BILLING, version="v1.0.0")
    assert len(world.effects(key)) == 1


async def test_what_was_switched_before_its_answer_was_lost_is_found_again(world, key):
    with pause(world.state, "release.pause_after", 30):
        process = world.start_release("switch", "shop", "prod", "v1.2.1", "--key", key)
        await until(lambda: world.reconcile("releases.switch@1", key, **SHOP, version="v1.2.1"))
        os.kill(process.pid, signal.SIGKILL)
        process.communicate()

    found = await world.reconcile("releases.switch@1", key, **SHOP, version="v1.2.1")

    assert found == await world.apply("releases.switch@1", key, **SHOP, version="v1.2.1")
    assert len(world.effects(key)) == 1


async def test_a_caller_who_is_gone_does_not_stop_a_switch(world, key):
    with pause(world.state, "release.pause", 0.3), pytest.raises(TimeoutError):
        async with asyncio.timeout(0.2):
            await world.apply("releases.switch@1", key, **SHOP, version="v1.1.0")

    await until(lambda: world.reconcile("releases.switch@1", key, **SHOP, version="v1.1.0"))


async def test_when_a_switch_is_done_the_version_answers_be_it_ill(world, key):
    for number, version in enumerate(("v1.2.0", "v1.1.0", "v1.2.0")):
        await world.apply("releases.switch@1", f"{key}-{number}", **BILLING, version=version)

        assert (await answer_of(world, **BILLING))["version"] == version


async def test_a_broken_version_is_switched_to_but_not_healthy(world, key):
    await world.apply("releases.switch@1", key, **BILLING, version="v1.2.0")

    with pytest.raises(Refused) as refused:
        await world.apply("releases.health@1", **BILLING, version="v1.2.0", within=2)

    assert str(refused.value) == (
        "billing in staging answers 503 with status fail as v1.2.0; it was given 2 s."
    )


async def test_another_version_than_the_wanted_one_is_not_healthy(world, key):
    await world.apply("releases.switch@1", key, **BILLING, version="v1.1.0")

    with pytest.raises(Refused, match=r"answers as v1\.1\.0, not as v1\.2\.1; it was given 1 s"):
        await world.apply("releases.health@1", **BILLING, version="v1.2.1", within=1)


async def test_the_plan_says_what_changes_what_does_not_and_the_way_back(world, key):
    await world.apply("releases.switch@1", key, **SHOP, version="v1.0.0")
    commits = {
        version: (await world.plan("releases.switch@1", **SHOP, version=version)).before[
            f"commit of {version}"
        ]
        for version in ("v1.0.0", "v1.1.0")
    }

    plan = await world.plan("releases.switch@1", **SHOP, version="v1.1.0")

    assert plan.changes == (
        Change(target="shop in prod", what="version", before="v1.0.0", after="v1.1.0"),
    )
    assert plan.untouched == ("shop in staging (v1.1.0)", "the orders database of shop in prod")
    assert plan.rollback == "Switch shop in prod back to v1.0.0."
    assert plan.before == {
        "version": "v1.0.0",
        "commit of what runs": commits["v1.0.0"],
        "commit of v1.1.0": commits["v1.1.0"],
    }


async def test_the_version_that_runs_may_be_switched_to_again(world, key):
    await world.apply("releases.switch@1", key, **SHOP, version="v1.1.0")

    plan = await world.plan("releases.switch@1", **SHOP, version="v1.1.0")

    assert [(c.before, c.after) for c in plan.changes] == [("v1.1.0", "v1.1.0")]


async def test_planning_changes_nothing(world):
    effects, version = world.effects(), world.current("shop", "prod")
    pid = (await world.apply("supervisor.status@1", **SHOP))["pid"]

    await world.plan("releases.switch@1", **SHOP, version="v1.2.1")
    await world.plan("supervisor.restart@1", **SHOP)

    assert world.effects() == effects
    assert world.current("shop", "prod") == version
    assert (await world.apply("supervisor.status@1", **SHOP))["pid"] == pid


@pytest.mark.parametrize(
    ("version", "hint"),
    [
        ("1.1.0", "The nearest are v1.1.0, "),
        ("v1.1", "The nearest are v1.1.0, "),
        ("v1.3.0", "The nearest are v1.2.0, v1.1.0, v1.0.0."),
        ("main", "The newest are v1.2.1, v1.2.0, v1.1.0."),
    ],
)
async def test_a_version_that_does_not_exist_is_refused_with_its_nearest(world, version, hint):
    with pytest.raises(Refused) as refused:
        await world.plan("releases.switch@1", **SHOP, version=version)

    assert str(refused.value) == f"shop has no version {version}."
    assert refused.value.hint.startswith(hint)


async def test_a_version_that_does_not_exist_is_not_switched_to(world, key):
    with pytest.raises(Refused, match=r"shop has no version v9\.0\.0\."):
        await world.apply("releases.switch@1", key, **SHOP, version="v9.0.0")

    assert world.effects(key) == []


async def test_an_installation_that_does_not_exist_is_refused(world):
    with pytest.raises(Refused, match="There is no shop in moon here"):
        await world.apply("releases.current@1", service="shop", environment="moon")
    with pytest.raises(Refused, match="There is no cellar here"):
        await world.apply("releases.tags@1", service="cellar")


@pytest.mark.parametrize("version", ["--key", "../v1.0.0", "v1 .0", "", "v1.0.0\n"])
async def test_a_version_that_could_be_taken_for_something_else_is_refused(world, version):
    with pytest.raises(BadArguments):
        await world.plan("releases.switch@1", **SHOP, version=version)


async def test_versions_are_listed_newest_first(world):
    assert await world.apply("releases.tags@1", service="shop") == {
        "versions": ["v1.2.1", "v1.2.0", "v1.1.0", "v1.0.0"]
    }


async def test_what_ran_before_is_what_a_rollback_goes_back_to(world, key):
    target = {"service": "billing", "environment": "prod"}
    for number, version in enumerate(["v1.1.0", "v1.2.0", "v1.1.0"]):  # v1.2.0 was rolled back
        await world.apply("releases.switch@1", f"{key}-{number}", **target, version=version)
    assert await world.apply("releases.previous@1", **target) == {"version": "v1.0.0"}

    await world.apply("releases.switch@1", f"{key}-back", **target, version="v1.0.0")

    with pytest.raises(Refused) as refused:
        await world.apply("releases.previous@1", **target)
    assert str(refused.value) == (
        "billing in prod has nothing to roll back to: nothing ran before v1.0.0."
    )


@pytest.mark.parametrize(
    ("versions", "before"),
    [
        ([], None),
        (["v1"], None),
        (["v1", "v2"], "v1"),
        (["v1", "v2", "v3"], "v2"),
        (["v1", "v2", "v2"], "v1"),  # deployed once more
        (["v1", "v2", "v1"], None),  # v2 was rolled back: it is not what "before" means
        (["v1", "v2", "v3", "v2"], "v1"),
        (["v1", "v2", "v3", "v1", "v3"], "v1"),
        (["v1", "v2", "v1", "v2"], "v1"),  # rolled back, then deployed for good
    ],
)
def test_a_rollback_never_goes_to_what_was_rolled_back(versions, before):
    assert ran_before(versions) == before
