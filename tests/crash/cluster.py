"""Signalbox as it runs on several machines: bots and workers, as processes, on one PostgreSQL."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
import json
import os
from pathlib import Path
import shutil
import signal
from typing import Any

import aiohttp
from aiohttp import web
import sqlalchemy as sa

from bot.system import RandomIds, SystemClock
from domain.actor import TenantId
from domain.run import Run, RunState
from sandbox.entra import Issuer
from storage.store import Store
from storage.unit import UnitOfWork
from tests.scenarios.bot_connector import BOT, TENANT, BotConnector
from tests.scenarios.product import ROOT, Product, free_port, text_of
from workflows.engine.recovery import LEASE

APP = BOT.removeprefix("28:")
AUDIT_KEY = "the key of the cluster's audit log"
PARTS = ("one", "two", "three", "four", "five")
_BUSY = 4  #: runs that are carried out at once
_SECRET = "a secret of the test"
_WORKFLOW = """
name: fill
title: Fill the shelf
command: fill <item> in <environment>
inputs:
  item: {type: text, description: With what}
  environment: {type: environment, description: Where}
steps:
"""
_STEP = """
  put_%(part)s:
    title: Put part %(part)s
    uses: shelf.put@1
    with: {item: "${ inputs.item }", part: %(part)s}
    retry: {attempts: 10, backoff: 500ms}
"""
_BEGUN = sa.text(
    "SELECT w.workflow_uuid FROM dbos.workflow_status w JOIN executors e ON e.id = w.executor_id"
    " WHERE w.status = 'PENDING' AND e.pid = :pid"
)
_CARDS = sa.text("SELECT subject, activity_id, shown, wanted FROM living_cards")


@dataclass
class Target:
    """The shelf: it takes its time, and counts what comes under each key."""

    puts: Counter[str] = field(default_factory=Counter)
    parts: Counter[tuple[str, str]] = field(default_factory=Counter)
    url: str = ""

    async def start(self) -> web.AppRunner:
        app = web.Application()
        app.router.add_post("/{key}", self._put)
        app.router.add_get("/{key}", self._is_there)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        return runner

    async def _put(self, request: web.Request) -> web.Response:
        said = await request.json()
        await asyncio.sleep(0.4)
        self.puts[request.match_info["key"]] += 1
        self.parts[said["item"], said["part"]] += 1
        return web.Response()

    async def _is_there(self, request: web.Request) -> web.Response:
        return web.Response(status=200 if request.match_info["key"] in self.puts else 404)


class Replica(Product):
    """One process of the cluster. Its state folder is its own, as on a machine of its own."""

    cluster: "Cluster"
    role: tuple[str, ...]

    @property
    def env(self) -> dict[str, str]:
        clean = {k: v for k, v in os.environ.items() if not k.startswith("SIGNALBOX_")}
        return {
            **clean,
            "PYTHONPATH": os.pathsep.join(
                [str(self.cluster.folder / "plugin"), str(ROOT), clean.get("PYTHONPATH", "")]
            ),
            "SIGNALBOX_PROFILE": "test",
            "SIGNALBOX_APP_ID": APP,
            "SIGNALBOX_APP_PASSWORD": _SECRET,
            "SIGNALBOX_LOGIN_URL": self.cluster.issuer.url,
            "SIGNALBOX_CHANNEL_OPENID_URL": self.cluster.issuer.metadata_url,
            "SIGNALBOX_CHANNEL_HOSTS": self.connector.address,
            "SIGNALBOX_CONFIG_DIR": str(self.cluster.folder / "config"),
            "SIGNALBOX_STATE_DIR": str(self.state),
            "SIGNALBOX_DATABASE_URL": self.cluster.database_url,
            "SIGNALBOX_AUDIT_KEY": AUDIT_KEY,
            "SIGNALBOX_SECRET_KEYS": "the key of the cluster's cards and secrets",
            "SIGNALBOX_PORT": str(self.port),
            "SIGNALBOX_ADMIN_PORT": str(self.chat_port),
        }

    @property
    def command(self) -> tuple[str, ...]:
        return self.role

    async def _answers(self) -> bool:
        url = f"http://127.0.0.1:{self.chat_port}/readyz"
        with suppress(aiohttp.ClientError):
            async with self.http.get(url) as response:
                return response.status == 200
        return False

    @property
    def lives(self) -> bool:
        return self.process is not None and self.process.returncode is None


@dataclass
class Cluster:
    """Two bots and two workers, and what is around them."""

    folder: Path
    database_url: str
    http: aiohttp.ClientSession
    connector: BotConnector = field(default_factory=BotConnector)
    issuer: Issuer = field(default_factory=lambda: Issuer(SystemClock()))
    target: Target = field(default_factory=Target)
    bots: list[Replica] = field(default_factory=list)
    workers: list[Replica] = field(default_factory=list)
    kills: list[tuple[datetime, list[str]]] = field(default_factory=list)
    """When somebody was killed, and the runs that they were carrying out."""

    async def start(self) -> None:
        self.issuer.add_client(APP, _SECRET)
        await self.issuer.start()
        await self.connector.start()
        self._runner = await self.target.start()
        self._write_config()
        self.store = Store.open(
            self.database_url, audit_key=AUDIT_KEY.encode(), clock=SystemClock(), ids=RandomIds()
        )
        self.bots = [self._replica(f"bot-{n}", "serve", "--no-worker") for n in (1, 2)]
        self.workers = [self._replica(f"worker-{n}", "worker") for n in (1, 2)]
        for each in self.replicas:
            await each.start()

    async def stop(self) -> None:
        codes = [await each.stop() for each in self.replicas if each.lives]
        self.store.close()
        await self._runner.cleanup()
        await self.connector.stop()
        await self.issuer.stop()
        assert set(codes) == {0}, codes

    @property
    def replicas(self) -> list[Replica]:
        return [*self.bots, *self.workers]

    def _replica(self, name: str, *role: str) -> Replica:
        made = Replica(
            state=self.folder / name,
            connector=self.connector,
            http=self.http,
            port=free_port(),
            chat_port=free_port(),
            program="tests.crash.elsewhere",
            patience=120,
        )
        made.cluster, made.role = self, role
        return made

    def _write_config(self) -> None:
        config = self.folder / "config"
        shutil.copytree(ROOT / "sandbox/world", config)
        with (config / "signalbox.yaml").open("a") as main:
            main.write(f"  shelf:\n    connector: shelf\n    url: {self.target.url}\n")
        steps = "".join(_STEP % {"part": part} for part in PARTS)
        (config / "workflows/fill.yaml").write_text(_WORKFLOW + steps.replace("\n\n", "\n"))
        package = self.folder / "plugin/signalbox_shelf-1.0.dist-info"
        package.mkdir(parents=True)
        (package / "METADATA").write_text("Metadata-Version: 2.1\nName: signalbox-shelf\n")
        (package / "entry_points.txt").write_text(
            "[signalbox.connectors]\nshelf = tests.crash.shelf:Shelf\n"
        )

    # -- what people do --------------------------------------------------------------------

    async def fill(self, item: str) -> None:
        """Have dev-1 ask for it. Like Teams, send it again where nobody answers."""
        activity = self.bots[0].message("dev-1", f"fill {item} in staging")
        token = self.issuer.sign(APP, self.connector.url)
        headers = {"Authorization": f"Bearer {token}"}
        for number in range(200):
            bot = self.bots[(number + hash(item)) % 2]
            with suppress(aiohttp.ClientError, TimeoutError):
                async with self.http.post(bot.url, json=activity, headers=headers) as response:
                    if response.status < 300:
                        return
            await asyncio.sleep(0.2)
        raise AssertionError(f"nobody took {item}")

    # -- what befalls them -----------------------------------------------------------------

    async def kill(self, replica: Replica) -> None:
        """Kill a process, and note what it was carrying out."""
        assert replica.process is not None
        pid = replica.process.pid
        replica.process.send_signal(signal.SIGKILL)
        at = datetime.now(UTC)  # noqa: TID251 - this is the outside
        await replica.process.wait()
        begun = await self.store.read(
            lambda unit: list(unit.connection.scalars(_BEGUN, {"pid": pid}))
        )
        runs = {work_id.partition("/")[0] for work_id in begun}
        self.kills.append((at, sorted(runs)))

    async def is_busy(self) -> None:
        """Wait until several runs are carried out."""
        async with asyncio.timeout(120):
            while await self.store.read(_carried) < _BUSY:  # noqa: ASYNC110 - other processes
                await asyncio.sleep(0.05)

    # -- what became of it -----------------------------------------------------------------

    async def runs(self) -> list[Run]:
        return await self.store.read(lambda unit: unit.runs.latest(TenantId(TENANT), 10_000))

    async def ends(self, count: int, seconds: float) -> list[Run]:
        """Wait until *count* runs have ended and are shown."""
        left: Any = None
        try:
            async with asyncio.timeout(seconds):
                while left := await self._left(count):  # noqa: ASYNC110 - other processes
                    await asyncio.sleep(0.25)
        except TimeoutError:
            logs = "\n".join(each.log()[-1500:] for each in self.replicas)
            raise AssertionError(f"not within {seconds} s: {left}\n{logs}") from None
        return await self.runs()

    async def _left(self, count: int) -> str:
        runs = await self.runs()
        states = Counter(run.state.value for run in runs)
        behind = await self.store.read(
            lambda unit: sum(row.shown < row.wanted for row in unit.connection.execute(_CARDS))
        )
        is_done = len(runs) == count and all(run.state.is_final for run in runs) and not behind
        return "" if is_done else f"{len(runs)} of {count} runs: {dict(states)}; {behind} cards"

    async def has_buried_its_dead(self) -> None:
        """Wait until only those who live are known; a lease is over by then."""
        alive = {each.process.pid for each in self.replicas if each.process}

        def known(unit: UnitOfWork) -> set[int]:
            return {each.pid for each in unit.executors.all()}

        async with asyncio.timeout(2 * LEASE.total_seconds()):
            while await self.store.read(known) != alive:  # noqa: ASYNC110 - other processes
                await asyncio.sleep(0.25)

    async def cards(self) -> dict[str, str]:
        """What the message of each run says."""
        rows = await self.store.read(lambda unit: unit.connection.execute(_CARDS).all())
        return {
            row.subject: text_of(self.connector.messages[row.activity_id].card) for row in rows
        }

    async def take_overs(self) -> list[float]:
        """How long, in seconds, each run stood still whose carrier was killed."""
        times = []
        for at, run_ids in self.kills:
            for run_id in run_ids:
                happened = await self.store.read(lambda unit, i=run_id: _moments(unit, i))
                later = [moment for moment in happened if moment > at]
                if later:  # else its last event was on its way already
                    times.append((min(later) - at).total_seconds())
        return times


def _carried(unit: UnitOfWork) -> int:
    return len(unit.runs.in_state(RunState.RUNNING))


def _moments(unit: UnitOfWork, run_id: str) -> list[datetime]:
    entries = unit.audit.of_run(run_id)
    return [datetime.fromisoformat(json.loads(each.text)["time"]) for each in entries]


def percentile(values: Sequence[float], part: float) -> float:
    """The value below which *part* of them lie."""
    return sorted(values)[min(int(len(values) * part), len(values) - 1)]
