"""Who can look up whom: two containers of one name must not take each other for dead."""

from datetime import UTC, datetime, timedelta
import os
import subprocess
import sys

import pytest

from storage.store import Store
from tests.engine.world import AUDIT_KEY, Clock, Ids
from workflows.engine.durable import Durable
from workflows.engine.recovery import LEASE, Recovery
from workflows.engine.whereabouts import lives, whereabouts

NOW = datetime.now(UTC)  # noqa: TID251 - processes start by the real clock


@pytest.fixture
def places(tmp_path):
    """Builds what a kernel says of itself: a boot, and a set of processes."""

    def place(boot, processes):
        folder = tmp_path / f"{boot}-{processes}"
        folder.mkdir(exist_ok=True)
        (folder / "boot").write_text(f"{boot}\n")
        (folder / "ns").unlink(missing_ok=True)
        (folder / "ns").symlink_to(f"pid:[{processes}]")
        return {"boot": folder / "boot", "processes": folder / "ns"}

    return place


def test_processes_that_see_each_other_are_at_one_place(places):
    here = places("b1", 1)

    assert whereabouts(Ids().uuid, **here) == whereabouts(Ids().uuid, **here)


@pytest.mark.parametrize("elsewhere", [("b1", 2), ("b2", 1)])
def test_another_container_or_another_machine_of_the_same_name_is_another_place(places, elsewhere):
    assert whereabouts(Ids().uuid, **places("b1", 1)) != whereabouts(
        Ids().uuid, **places(*elsewhere)
    )


def test_where_nothing_can_be_known_nobody_is_looked_up(tmp_path):
    nowhere = {"boot": tmp_path / "no", "processes": tmp_path / "nor"}
    ids = Ids()

    assert whereabouts(ids.uuid, **nowhere) != whereabouts(ids.uuid, **nowhere)


def test_a_process_lives_until_it_ends_whoever_gets_its_number_then():
    assert lives(os.getpid(), NOW)
    assert not lives(os.getpid(), NOW - timedelta(days=10_000))


def test_a_dead_process_that_nobody_has_looked_after_is_dead():
    with subprocess.Popen([sys.executable, "-c", ""], stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        child.stdout.read()
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)

        assert not lives(child.pid, NOW + timedelta(seconds=60))

    assert not lives(child.pid, NOW + timedelta(seconds=60))


async def test_a_container_of_our_name_is_left_alone_until_its_lease_is_over(
    database_url, monkeypatch
):
    clock, ids = Clock(NOW), Ids()
    store = Store.open(database_url, audit_key=AUDIT_KEY, clock=clock, ids=ids)
    Durable.prepare(database_url)
    durable = Durable(database_url)
    names = iter(["ours b1 pid:[1]", "ours b1 pid:[2]"])
    monkeypatch.setattr("workflows.engine.recovery.whereabouts", lambda _uuid: next(names))
    monkeypatch.setattr("workflows.engine.recovery.lives", lambda _pid, _at: False)
    first, second = (Recovery(store, durable, clock, ids) for _ in range(2))

    async def known():
        return await store.read(lambda unit: {each.id for each in unit.executors.all()})

    await first.begin()
    await second.begin()
    await second._round()
    assert await known() == {first.executor_id, second.executor_id}

    clock.moment += LEASE + timedelta(seconds=1)
    await second._round()
    assert await known() == {second.executor_id}
    durable.close()
    store.close()
