"""The command line as a process, and an installation with a few events in its log."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
import itertools
import logging
import os
from pathlib import Path
import subprocess
import sys

import pytest
import structlog

from bot.audit import Checkpoints
from bot.cli import run
from bot.keys import installation_keys
from bot.settings import Settings
from domain.actor import Actor, ActorKind, ObjectId, TenantId
from domain.audit import Event
from storage.store import Store

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, kw_only=True)
class Ended:
    """A command that has ended."""

    code: int
    out: str
    err: str


@pytest.fixture
def signalbox(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Callable[..., Ended]]:
    """Run `signalbox` in an empty folder, with nothing but *environment* of ours."""
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    monkeypatch.chdir(tmp_path)

    def command(*arguments: str, **environment: str) -> Ended:
        for name in [each for each in os.environ if each.upper().startswith("SIGNALBOX_")]:
            monkeypatch.delenv(name)
        for name, value in environment.items():
            monkeypatch.setenv(f"SIGNALBOX_{name}", value)
        code = run(arguments)
        out, err = capsys.readouterr()
        return Ended(code=code, out=out, err=err)

    yield command
    logging.captureWarnings(capture=False)
    root.handlers, root.level = handlers, level
    structlog.reset_defaults()


@pytest.fixture
def process(tmp_path: Path) -> Callable[..., Ended]:
    """As `signalbox`, in a process of its own."""

    def command(*arguments: str, **environment: str) -> Ended:
        clean = {k: v for k, v in os.environ.items() if not k.upper().startswith("SIGNALBOX_")}
        given = {f"SIGNALBOX_{name}": value for name, value in environment.items()}
        ended = subprocess.run(
            [sys.executable, "-m", "bot", *arguments],
            env=clean | given | {"PYTHONPATH": str(ROOT)},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        return Ended(code=ended.returncode, out=ended.stdout, err=ended.stderr)

    return command


class TickingClock:
    """Every look at it is a second later."""

    def __init__(self) -> None:
        self.moment = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)

    def now(self) -> datetime:
        self.moment += timedelta(seconds=1)
        return self.moment


class CountingIds:
    """Counts."""

    def __init__(self) -> None:
        self._numbers = itertools.count(1)

    def uuid(self) -> str:
        return f"00000000-0000-4000-8000-{next(self._numbers):012x}"

    def run_id(self) -> str:
        return "k7f3q2ma"


@pytest.fixture
async def state(tmp_path: Path) -> Path:
    """The state folder of a demo that has ended: nine events, the first seven in a checkpoint."""
    folder = tmp_path / "state"
    settings = Settings(profile="demo", state_dir=folder)
    key, clock = installation_keys(settings).audit, TickingClock()
    store = Store.open(settings.database, audit_key=key, clock=clock, ids=CountingIds())
    actor = Actor(
        tenant=TenantId("00000000-0000-4000-8000-00000000aaaa"),
        id=ObjectId("00000000-0000-4000-8000-000000000001"),
        name="dev-1",
        kind=ActorKind.USER,
    )
    for number in range(1, 10):
        event = Event(
            type="run.started", actor=actor, subject=f"run/{number}", reason=f"for {number}\x1b[2J"
        )
        await store.transaction(lambda unit, event=event: unit.audit.append(event))
        if number == 7:
            await Checkpoints(store, settings.checkpoints, key, clock).write_now()
    store.close()
    return folder
