"""SIGKILL at the worst moments; after a restart everything comes to its right end."""

import asyncio
from collections import Counter
import json
import os
import signal
import sys

import psutil
import pytest

from tests.scenarios.product import ROOT, text_of

pytestmark = [pytest.mark.crash, pytest.mark.timeout(240)]


async def approved(product, version="v1.1.0"):
    thread = await product.say("dev-1", f"deploy shop {version} to prod")
    card = await product.card_with(thread, "Waiting for approval")
    await product.press("approver-1", card, "Approve")
    await product.press("approver-2", card, "Approve")
    return thread, card


async def ends_well(product, thread, card):
    """The same card ends green, the service runs it, and every effect happened once."""
    done = await product.card_with(thread, "Succeeded", seconds=60)
    assert done.id == card.id
    assert await product.version("shop", "prod") == ("ok", "v1.1.0")
    keys = Counter((e["action"], e["key"]) for e in product.effects())
    assert set(keys.values()) == {1}
    switches = [e for e in product.effects() if e["action"] == "switch"]
    assert [e["version"] for e in switches] == ["v1.1.0"]
    assert (await product.signalbox("audit", "verify"))[0] == 0
    status = await product.answer_in(await product.say("dev-1", "runs"))
    assert "Succeeded" in text_of(status.card) or "succeeded" in text_of(status.card)


async def test_killed_while_waiting_for_approval(product):
    before = await product.version("shop", "prod")
    thread = await product.say("dev-1", "deploy shop v1.1.0 to prod")
    card = await product.card_with(thread, "Waiting for approval")
    await product.press("approver-1", card, "Approve")

    await product.kill()
    assert await product.version("shop", "prod") == before
    services = (product.state / "services.json").read_text()
    await product.start()

    assert (product.state / "services.json").read_text() == services
    await product.press("approver-2", card, "Approve")
    await ends_well(product, thread, card)


async def test_killed_in_the_middle_of_the_deploy_step(product):
    (product.state / "release.pause").write_text("6")
    thread, card = await approved(product)
    await product.card_with(thread, "Running")
    await asyncio.sleep(1)
    assert product.effects() == []

    await product.kill()
    (product.state / "release.pause").unlink()
    await product.start()

    await ends_well(product, thread, card)


async def test_killed_right_after_the_switch_before_it_was_recorded(product):
    (product.state / "release.pause_after").write_text("6")
    thread, card = await approved(product)
    await product.until(product.effects, seconds=30)

    await product.kill()
    (product.state / "release.pause_after").unlink()
    await product.start()

    await ends_well(product, thread, card)


async def test_killed_again_and_again_under_load(product):
    threads = [
        await product.say("dev-1", f"deploy {service} {version} to staging")
        for service, version in (("shop", "v1.2.1"), ("billing", "v1.0.0"))
    ]
    for pause in (0.4, 1.1, 0.7):
        await asyncio.sleep(pause)
        await product.kill()
        await product.start()

    for thread in threads:
        await product.card_with(thread, "Succeeded", seconds=90)
    assert await product.version("shop", "staging") == ("ok", "v1.2.1")
    assert await product.version("billing", "staging") == ("ok", "v1.0.0")
    keys = Counter((e["action"], e["key"]) for e in product.effects())
    assert set(keys.values()) == {1}
    _, out, _ = await product.signalbox("audit", "export", "--format", "jsonl")
    finished = [
        json.loads(line)
        for line in out.splitlines()
        if json.loads(line)["type"] == "signalbox.run.finished"
    ]
    assert [e["data"]["state"] for e in finished] == ["succeeded"] * 2


async def test_a_second_demo_on_the_same_state_is_refused_and_harms_nothing(product):
    code, _, err = await product.signalbox(
        "demo", "--no-browser", "--port", "0", "--chat-port", "0", "--state", str(product.state)
    )

    assert (code, err.count("\n")) == (2, 1)
    assert await product.version("shop", "prod") == ("ok", "v1.0.0")
    await product.answer_in(await product.say("dev-1", "whoami"))


async def test_a_stop_during_the_start_and_a_second_one_leave_nothing_running(tmp_path):
    state = tmp_path / "state"
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "bot",
        *("demo", "--no-browser", "--port", "0", "--chat-port", "0", "--state", str(state)),
        cwd=ROOT,
        env={k: v for k, v in os.environ.items() if not k.startswith("SIGNALBOX_")},
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    async with asyncio.timeout(30):
        while not (state / "services.json").exists():  # noqa: ASYNC110 - another process
            await asyncio.sleep(0.02)
    process.send_signal(signal.SIGTERM)
    await asyncio.sleep(0.3)
    if process.returncode is None:
        process.send_signal(signal.SIGINT)

    async with asyncio.timeout(30):
        assert await process.wait() == 0
    assert [each for each in psutil.process_iter() if str(state) in place_of(each)] == []


def place_of(process: psutil.Process) -> str:
    """Where *process* works; nothing where that cannot be known."""
    try:
        return process.cwd()
    except psutil.Error:
        return ""
