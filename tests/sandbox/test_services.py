"""The demo's services: real git, real supervisord, real processes."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
import json
import os
from pathlib import Path
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time

import aiohttp
import psutil
import pytest

from domain.errors import Refused, Unavailable
from sandbox.services.installation import installations
from sandbox.services.ports import HOST, choose
from sandbox.services.repository import Repository
from sandbox.services.running import Services

Start = Callable[[Path], Awaitable[Services]]


@pytest.fixture
async def start() -> AsyncIterator[Start]:
    """Start services that are stopped after the test, whatever happens."""
    started: list[Services] = []

    async def start(state: Path) -> Services:
        services = await Services.start(state)
        started.append(services)
        return services

    yield start
    for services in started:
        await services.stop()


@pytest.fixture
def short_folder() -> Iterator[Path]:
    """pytest's own folders are too deep for a unix socket."""
    with tempfile.TemporaryDirectory(prefix="s") as folder:
        yield Path(folder)


def processes(state: Path) -> list[int]:
    """Whatever runs on *state*, by what was put into its environment or on its command line."""
    found = []
    for process in psutil.process_iter():
        try:
            is_service = process.environ().get("INSTALLATIONS") == str(state / "services")
            if is_service or str(state) in process.cmdline():
                found.append(process.pid)
        except psutil.Error:
            continue
    return sorted(found)


async def until_none(state: Path) -> None:
    async with asyncio.timeout(10):
        while processes(state):  # noqa: ASYNC110 - processes set no event of ours
            await asyncio.sleep(0.05)


async def get(url: str) -> tuple[int, str]:
    async with aiohttp.ClientSession() as session, session.get(url) as response:
        return response.status, await response.text()


async def versions(services: Services) -> dict[str, dict[str, str]]:
    answers = {}
    for each in services.running:
        _status, text = await get(f"{each.url}/healthz")
        answers[f"{each.service} in {each.environment}"] = json.loads(text)
    return answers


def socket_of(state: Path) -> Path:
    return Path((state / "supervisor.path").read_text().strip())


def switch(state: Path, *arguments: str) -> subprocess.Popen[bytes]:
    program = (state / "release.program").read_text().strip()
    return subprocess.Popen([program, "switch", *arguments], start_new_session=True)


async def test_at_first_prod_runs_v1_0_0_and_staging_runs_v1_1_0(start, tmp_path):
    began = time.monotonic()
    services = await start(tmp_path)
    assert time.monotonic() - began < 10

    assert not services.adopted
    assert await versions(services) == {
        "shop in staging": {"status": "ok", "version": "v1.1.0"},
        "shop in prod": {"status": "ok", "version": "v1.0.0"},
        "billing in staging": {"status": "ok", "version": "v1.1.0"},
        "billing in prod": {"status": "ok", "version": "v1.0.0"},
    }
    assert json.loads((tmp_path / "services.json").read_text()) == [
        {"service": each.service, "environment": each.environment, "url": each.url}
        for each in services.running
    ]
    assert (tmp_path / "effects.jsonl").read_text() == ""
    status, page = await get(services.running[1].url)
    assert (status, "<h1>shop</h1>" in page, "v1.0.0" in page) == (200, True, True)
    for each in installations(tmp_path / "services"):
        database = sqlite3.connect(each.folder / "orders.db")
        assert database.execute("SELECT count(*) FROM orders").fetchone() == (200,)
        database.close()
        lines = (each.folder / "log.jsonl").read_text().splitlines()
        assert json.loads(lines[0])["message"] == "started"


async def test_stop_leaves_nothing_running_not_even_a_switch_under_way(start, tmp_path):
    services = await start(tmp_path)
    (tmp_path / "release.pause").write_text("30")
    under_way = switch(tmp_path, "shop", "prod", "v1.1.0", "--key", "k")
    assert len(processes(tmp_path)) >= 5  # supervisord, four services, and soon the switch

    async with asyncio.timeout(10):
        while len(processes(tmp_path)) < 6:  # noqa: ASYNC110 - processes set no event of ours
            await asyncio.sleep(0.02)
    await services.stop()

    assert under_way.wait() == -signal.SIGTERM
    assert processes(tmp_path) == []
    assert (tmp_path / "effects.jsonl").read_text() == ""
    await services.stop()  # once more is no harm


async def test_a_cold_start_keeps_versions_and_ports_but_leaves_a_taken_port(start, tmp_path):
    services = await start(tmp_path)
    before = {(e.service, e.environment): e.url for e in services.running}
    assert switch(tmp_path, "shop", "prod", "v1.2.0", "--key", "k").wait() == 0
    await services.stop()
    taken = int(before["billing", "prod"].rpartition(":")[2])

    with socket.create_server((HOST, taken)):
        services = await start(tmp_path)

    after = {(e.service, e.environment): e.url for e in services.running}
    moved = [key for key, url in before.items() if after[key] != url]
    assert moved == [("billing", "prod")]
    assert (await versions(services))["shop in prod"] == {"status": "fail", "version": "v1.2.0"}
    assert len(json.loads((tmp_path / "services.json").read_text())) == 4


async def test_two_demos_run_side_by_side(start, tmp_path):
    one, two = await asyncio.gather(start(tmp_path / "one"), start(tmp_path / "two"))

    assert switch(tmp_path / "one", "shop", "prod", "v1.2.1", "--key", "k").wait() == 0
    assert not {each.url for each in one.running} & {each.url for each in two.running}
    await one.stop()

    assert (await versions(two))["shop in prod"] == {"status": "ok", "version": "v1.0.0"}
    assert (tmp_path / "two" / "effects.jsonl").read_text() == ""


@pytest.mark.crash
async def test_services_outlive_the_death_of_the_bot_and_are_adopted_as_they_are(start, tmp_path):
    program = (
        "import asyncio, os, signal, sys, pathlib\n"
        "from sandbox.services.running import Services\n"
        "services = asyncio.run(Services.start(pathlib.Path(sys.argv[1])))\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    bot = await asyncio.create_subprocess_exec(sys.executable, "-c", program, str(tmp_path))
    assert await bot.wait() == -signal.SIGKILL
    before = processes(tmp_path)
    listing = (tmp_path / "services.json").read_text()

    services = await start(tmp_path)

    assert services.adopted
    assert len(before) == 5
    assert processes(tmp_path) == before
    assert (tmp_path / "services.json").read_text() == listing
    assert (await versions(services))["shop in prod"] == {"status": "ok", "version": "v1.0.0"}
    await services.stop()
    assert processes(tmp_path) == []


@pytest.mark.crash
async def test_services_do_not_outlive_supervisord(start, tmp_path):
    services = await start(tmp_path)
    os.kill(int((tmp_path / "services/supervisord.pid").read_text()), signal.SIGKILL)
    await services.stop()
    await until_none(tmp_path)

    again = await start(tmp_path)

    assert not again.adopted
    assert [each.url for each in again.running] == [each.url for each in services.running]


async def test_a_supervisord_whose_socket_was_removed_is_replaced(start, tmp_path):
    await start(tmp_path)
    lost = processes(tmp_path)
    socket_of(tmp_path).unlink()

    services = await start(tmp_path)

    assert not services.adopted
    assert not set(lost) & set(processes(tmp_path))
    assert len(processes(tmp_path)) == 5


def test_any_state_folder_will_do(short_folder):
    for name, has_short_path in (("long-" * 30, False), ("a ;% #'\"$b", True)):
        state = short_folder / name

        services = asyncio.run(Services.start(state))
        try:
            path = socket_of(state)
            assert path.is_socket()
            assert (path.stat().st_mode & 0o077) == 0
            assert path.is_relative_to(state) == has_short_path
            assert switch(state, "shop", "prod", "v1.2.1", "--key", "k").wait() == 0
        finally:
            asyncio.run(services.stop())

        assert not path.exists()
        assert path.parent.exists() == has_short_path


async def test_a_supervisord_that_does_not_start_is_told_and_leaves_nothing(tmp_path):
    (tmp_path / "services" / "supervisord.log").mkdir(parents=True)

    with pytest.raises(Unavailable) as unavailable:
        await Services.start(tmp_path)

    assert unavailable.value.hint == f"Look at {tmp_path}/services/supervisord.log."
    assert processes(tmp_path) == []


async def test_without_git_it_says_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")

    with pytest.raises(Refused, match=r"The demo needs git\. *"):
        await Services.start(tmp_path)


def test_a_repository_is_the_same_everywhere_whatever_git_is_told_there(tmp_path, monkeypatch):
    plain = Repository(tmp_path / "plain.git")
    plain.create()
    home = tmp_path / "home"
    home.mkdir()
    (home / ".gitconfig").write_text("[this is no configuration")
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("GIT_DIR", str(home))
    monkeypatch.setenv("GIT_AUTHOR_DATE", "2001-01-01T00:00:00Z")
    odd = Repository(tmp_path / "odd.git")
    odd.create()

    assert list(odd.commits()) == ["v1.2.1", "v1.2.0", "v1.1.0", "v1.0.0"]
    assert odd.commits() == plain.commits()
    assert not (tmp_path / "odd.git" / "hooks").exists()


def test_a_release_is_exported_as_its_commit_has_it(tmp_path):
    repository = Repository(tmp_path / "r.git")
    repository.create()
    commit = repository.commits()["v1.2.0"]

    folder = repository.export(commit, "v1.2.0", tmp_path / "releases")

    assert folder == tmp_path / "releases" / commit / "v1.2.0"
    assert sorted(each.name for each in folder.iterdir()) == ["release.json", "service.py"]
    assert json.loads((folder / "release.json").read_text())["version"] == "v1.2.0"
    assert repository.export(commit, "v1.2.0", tmp_path / "releases") == folder


def test_ports_are_kept_if_they_are_free_and_no_port_is_given_twice(tmp_path):
    first = choose([None] * 4, tmp_path)
    assert len(set(first)) == 4

    assert choose(first, tmp_path) == first
    with socket.create_server((HOST, first[2])):
        moved = choose(first, tmp_path)
    assert [new == old for new, old in zip(moved, first, strict=True)] == [True, True, False, True]
    assert len(set(moved)) == 4


def test_two_state_folders_search_for_ports_from_different_places(tmp_path):
    assert not set(choose([None] * 4, tmp_path / "a")) & set(choose([None] * 4, tmp_path / "b"))
