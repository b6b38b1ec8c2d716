import asyncio
import json

import pytest

from bot import audit
from bot.audit import Checkpoint, Checkpoints, verify
from domain.errors import Unavailable


async def test_a_checkpoint_says_how_far_the_chain_reached(record, checkpoints, directory, key):
    await record()
    last = await record()

    written = await checkpoints.write_now()

    content = json.loads((directory / "checkpoint-2.json").read_text())
    assert content == written.model_dump()
    assert set(content) == {"seq", "hash", "at", "count", "mac"}
    assert (content["seq"], content["hash"], content["count"]) == (2, last.hash, 2)
    assert written.is_signed_with(key)
    assert not written.is_signed_with(b"another key")
    assert [path.name for path in directory.iterdir()] == ["checkpoint-2.json"]


async def test_there_is_none_before_the_first_event_and_none_without_a_new_one(
    record, checkpoints, directory
):
    assert await checkpoints.write_now() is None
    await record()
    assert isinstance(await checkpoints.write_now(), Checkpoint)
    assert await checkpoints.write_now() is None
    assert len(list(directory.iterdir())) == 1


async def test_every_checkpoint_is_met_by_the_log_that_went_on(
    record, checkpoints, url, key, directory
):
    for _ in range(3):
        await record()
        await checkpoints.write_now()
    await record()

    verdict = verify(url, key, directory)

    assert (verdict.ok, verdict.events, verdict.uncovered) == (True, 4, 1)


async def test_a_checkpoint_that_lies_there_is_never_overwritten(record, checkpoints, directory):
    directory.mkdir()
    (directory / "checkpoint-1.json").write_text("evidence")
    await record()

    assert await checkpoints.write_now() is None
    assert (directory / "checkpoint-1.json").read_text() == "evidence"


async def test_only_the_newest_are_kept(record, checkpoints, directory, monkeypatch):
    monkeypatch.setattr(audit, "_KEPT", 3)
    for _ in range(12):
        await record()
        await checkpoints.write_now()

    assert sorted(path.name for path in directory.iterdir()) == [
        "checkpoint-10.json",
        "checkpoint-11.json",
        "checkpoint-12.json",
    ]


async def test_a_directory_that_cannot_be_written_is_said(record, checkpoints, directory):
    directory.write_text("in the way")
    await record()

    with pytest.raises(Unavailable, match="could not be written"):
        await checkpoints.write_now()


async def test_it_goes_on_by_itself_also_after_a_failure(
    record, checkpoints: Checkpoints, directory, monkeypatch
):
    monkeypatch.setattr(audit, "EVERY", audit.EVERY / 6000)  # 10 ms
    directory.write_text("in the way")
    await record()
    running = asyncio.create_task(checkpoints.run())
    await asyncio.sleep(0.05)
    assert not running.done()
    directory.unlink()

    async with asyncio.timeout(10):
        while not (directory / "checkpoint-1.json").exists():  # noqa: ASYNC110 - a file
            await asyncio.sleep(0.01)

    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
