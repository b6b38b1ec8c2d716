"""The demo world with a dispatcher in it: real store, policy and engine; no channel, no worker."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
import itertools
import json
from pathlib import Path
from typing import Any

from bot.access.directory import YamlDirectory
from bot.access.identity import actor_from
from bot.card_tokens import CardTokens, Press
from bot.command import Installation
from bot.dialog_views import DialogViews
from bot.dispatch import Dispatcher
from bot.inbound import Inbound, InboundKind, InvokeAnswer
from connectors.connector import Action, Inputs
from domain.actor import Actor, ObjectId, Person, TenantId
from domain.command import Effect
from domain.conversation import Conversation, ConversationKind
from domain.errors import Unavailable
from domain.notice import Message
from domain.plan import ActionPlan, Change, Plan, StepPlan
from domain.run import Run, RunState
from storage.store import Store
from storage.unit import UnitOfWork
from workflows.definition import CATALOG
from workflows.definition_file import load_all
from workflows.engine.durable import Kind
from workflows.engine.plans import Plans

WORLD = Path(__file__).parents[2] / "sandbox" / "world"
TENANT = TenantId("00000000-0000-4000-8000-00000000aaaa")
RING = (b"newest key of the ring, 32 bytes", b"an older one of the ring, 32 by.")


@dataclass
class StillClock:
    """Stands still until it is moved."""

    moment: datetime = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)

    def now(self) -> datetime:
        return self.moment

    def move(self, by: timedelta) -> None:
        self.moment += by


@dataclass
class CountingIds:
    counter: Any = field(default_factory=lambda: itertools.count(1))

    def uuid(self) -> str:
        return f"{next(self.counter):08x}-0000-4000-8000-000000000000"

    def run_id(self) -> str:
        return f"{next(self.counter):08d}".translate(str.maketrans("0189", "abcd"))


@dataclass
class Queue:
    """Keeps what would be carried out."""

    work: list[tuple[Kind, str]] = field(default_factory=list)

    def enqueue(
        self,
        connection: Any,
        kind: Kind,
        work_id: str,
        *args: str,
        delay: timedelta | None = None,
    ) -> None:
        self.work.append((kind, work_id))


@dataclass
class Outbound:
    """Keeps what would be sent, once it is committed."""

    sent: list[tuple[Conversation, Message]] = field(default_factory=list)

    def put(self, unit: Any, conversation: Conversation, message: Message) -> None:
        unit.outbox.put(conversation, message)
        unit.after_commit(lambda: self.sent.append((conversation, message)))


@dataclass
class People:
    """The demo's directory; it can be made to fall silent, or hang."""

    directory: YamlDirectory
    is_silent: bool = False
    hangs: bool = False
    fresh: list[bool] = field(default_factory=list)
    demoted: set[str] = field(default_factory=set)

    async def person(self, object_id: ObjectId, *, fresh: bool = False) -> Person | None:
        self.fresh.append(fresh)
        if self.hangs:
            await asyncio.Event().wait()
        if self.is_silent:
            raise Unavailable("The directory is not there.")
        person = await self.directory.person(object_id, fresh=fresh)
        if person is not None and person.name in self.demoted:
            return replace(person, groups=frozenset())
        return person

    def demote(self, name: str) -> None:
        """From now on *name* is in no group."""
        self.demoted.add(name)

    async def members(self, group_id: str) -> tuple[Person, ...]:
        if self.is_silent:
            raise Unavailable("The directory is not there.")
        return await self.directory.members(group_id)


class Service(Inputs):
    service: str


class Target(Service):
    environment: str
    lines: int = 0
    version: str = ""


@dataclass
class Systems:
    """A release program and a supervisord, which may be down, or never list a version."""

    down: set[str] = field(default_factory=set)
    hangs: bool = False
    versions: tuple[str, ...] = ("v1.2.1", "v1.2.0", "v1.1.0", "v1.0.0")
    last_lines: list[str] | None = None
    probe: Mapping[str, Any] = field(
        default_factory=lambda: {
            "is_good": True,
            "http_status": 200,
            "status": "ok",
            "version": "v1.0.0",
            "milliseconds": 12,
        }
    )

    async def current(self, target: Target, key: str) -> Mapping[str, Any]:
        if target.service in self.down:
            raise Unavailable(f"The release program of {target.service} is down.")
        return {"version": "v1.0.0", "commit": "c0ffee", "url": "http://127.0.0.1:9/"}

    async def status(self, target: Target, key: str) -> Mapping[str, Any]:
        if target.environment in self.down:
            await asyncio.Event().wait()
        return {"state": "running", "description": "pid 7, uptime 0:01:00"}

    async def logs(self, target: Target, key: str) -> Mapping[str, Any]:
        if self.last_lines is not None:
            return {"lines": self.last_lines}
        return {"lines": [f"line {number} <b>" for number in range(target.lines + 5)]}

    async def probed(self, target: Target, key: str) -> Mapping[str, Any]:
        return self.probe

    async def tags(self, target: Service, key: str) -> Mapping[str, Any]:
        if target.service in self.down:
            raise Unavailable(f"The release program of {target.service} is down.")
        if self.hangs:
            await asyncio.Event().wait()
        return {"versions": list(self.versions)}

    async def change(self, target: Target, key: str) -> Mapping[str, Any]:
        raise AssertionError("nothing is changed by a dispatcher")

    async def plan(self, target: Target) -> ActionPlan:
        raise AssertionError("nothing is planned by a dispatcher")

    def actions(self) -> tuple[Action[Any], ...]:
        reads = {
            "releases.current": self.current,
            "supervisor.status": self.status,
            "supervisor.logs": self.logs,
            "releases.previous": self.current,
            "releases.tags": self.tags,
            "releases.probe": self.probed,
            "releases.health": self.current,
        }
        return (
            *(
                Action(
                    name=name,
                    major=1,
                    summary="",
                    effect=Effect.READ,
                    inputs=Service if name == "releases.tags" else Target,
                    apply=apply,
                )
                for name, apply in reads.items()
            ),
            *(
                Action(
                    name=name,
                    major=1,
                    summary="",
                    effect=Effect.WRITE,
                    inputs=Target,
                    apply=self.change,
                    plan=self.plan,
                    reconcile=self.change,
                )
                for name in ("releases.switch", "supervisor.restart")
            ),
        )

    async def close(self) -> None:
        pass


WORKFLOWS = tuple(load_all((CATALOG,)).values())


@dataclass
class Bot:
    """A dispatcher, and what came of it."""

    dispatcher: Dispatcher
    dialogs: DialogViews
    installation: Installation
    store: Store
    tokens: CardTokens
    outbound: Outbound
    queue: Queue
    ids: CountingIds
    people: People
    systems: Systems
    clock: StillClock
    numbers: Any = field(default_factory=lambda: itertools.count(1))

    def id_of(self, name: str) -> ObjectId:
        if name == "stranger":
            return ObjectId("00000000-0000-4000-8000-000000000099")
        person = self.people.directory.named(name)
        assert person is not None
        return person.id

    def actor(self, name: str) -> Actor:
        person = self.people.directory.named(name)
        assert person is not None
        return actor_from(person, TENANT, self.installation.roles.of)

    def inbound(self, name: str, **changes: Any) -> Inbound:
        number = next(self.numbers)
        plain = Inbound(
            kind=InboundKind.MESSAGE,
            activity_id=f"activity-{number}",
            activity_type="message",
            conversation=Conversation(
                tenant=TENANT,
                service_url="http://127.0.0.1:3979/",
                id="19:ops@thread.tacv2;messageid=1",
                kind=ConversationKind.CHANNEL,
                bot_id="28:bot",
            ),
            tenant=TENANT,
            sender=self.id_of(name),
            sender_name=f"{name} (as the client says)",
            sender_teams_id=f"29:{name}",
            is_addressed=True,
        )
        return replace(plain, **changes)

    async def says(self, name: str, text: str, **changes: Any) -> Message | None:
        """What is answered to a typed line; None where nothing is, but perhaps a run's card."""
        before = len(self.outbound.sent)
        answer = await self.dispatcher.handle(self.inbound(name, text=text, **changes))
        assert answer is None
        await asyncio.sleep(0)
        said = self.outbound.sent[before:]
        assert len(said) <= 1
        return said[0][1] if said else None

    def press(self, name: str, verb: str, token: object, **changes: Any) -> Inbound:
        inputs = changes.pop("inputs", {})
        return self.inbound(
            name,
            kind=InboundKind.ACTION,
            activity_type="invoke",
            verb=verb,
            data={"t": token, **inputs},
            reply_to="card-1",
            invoke_name="adaptiveCard/action",
            **changes,
        )

    async def presses(self, name: str, verb: str, token: object, **changes: Any) -> dict[str, Any]:
        """The body of the answer to a press."""
        answer = await self.dispatcher.handle(self.press(name, verb, token, **changes))
        return body(answer)

    async def looks(self, name: str, run_id: str) -> dict[str, Any]:
        """The card that *name*'s client gets when it refreshes."""
        token = self.tokens.sign(Press(verb="run", run_id=run_id))
        said = await self.presses(name, "run", token, is_refresh=True)
        assert said["type"].endswith("card.adaptive"), said
        return said["value"]

    async def asks_for(self, name: str, text: str) -> Run:
        """The run that a typed line made."""
        before = {run.id for run in await self.runs()}
        assert await self.says(name, text) is None
        [made] = [run for run in await self.runs() if run.id not in before]
        return made

    async def runs(self) -> list[Run]:
        return await self.store.read(lambda unit: unit.runs.latest(TENANT, 50))

    async def opened(self, run: Run, *, rev: int = 1) -> Run:
        """*run* planned and its gate open, as a worker leaves it; the roster is known."""
        change = Change(target="shop in prod", what="version", before="v1.0.0", after="v1.1.0")
        plan = Plan(
            definition_digest="0" * 64,
            inputs=run.inputs,
            steps=(
                StepPlan(
                    step="switch",
                    uses="releases.switch@1",
                    effect=Effect.WRITE,
                    arguments={},
                    plan=ActionPlan(summary="Switch.", changes=(change,)),
                ),
            ),
            lock=None,
        )
        plans = Plans(self.queue, self.ids)

        def work(unit: UnitOfWork) -> Run:
            unit.runs.save(replace(run, state=RunState.PLANNING, rev=rev))
            plans.planned(unit, run.id, rev, plan, run.gate_rule)
            for number, person in enumerate(self.people.directory.people.values()):
                unit.members.remember(TENANT, person.id, f"29:{number}", person.name)
            return unit.runs.lock(run.id)

        return await self.store.transaction(work)

    async def state(self, run: Run) -> RunState:
        found = await self.store.read(lambda unit: unit.runs.get(run.id))
        assert found is not None
        return found.state

    async def votes(self, run: Run) -> list[str]:
        gate = await self.store.read(lambda unit: unit.gates.latest(run.id))
        return [vote.name for vote in gate.votes] if gate else []

    async def events(self) -> list[dict[str, Any]]:
        """The audit log: type, and the data."""
        entries = await self.store.read(lambda unit: unit.audit.entries())
        clouds = [json.loads(entry.text) for entry in entries]
        return [
            {
                "type": cloud["type"].removeprefix("signalbox."),
                "subject": cloud["subject"],
                **cloud["data"],
            }
            for cloud in clouds
        ]

    async def last_event(self) -> tuple[str, str, str]:
        """Type, who, and reason of the newest event."""
        event = (await self.events())[-1]
        return event["type"], event["actor"]["name"], event.get("reason", "")


def body(answer: InvokeAnswer | None) -> dict[str, Any]:
    assert answer is not None
    assert answer.status == 200
    assert answer.body is not None
    assert answer.body["statusCode"] == 200
    return dict(answer.body)


def buttons(card: Mapping[str, Any]) -> dict[str, str]:
    """The buttons of a card: verb and token, those behind a comment field too."""
    found: dict[str, str] = {}

    def walk(node: Any) -> None:
        if isinstance(node, dict):
            if node.get("type") == "Action.Execute":
                found[node["verb"]] = node["data"]["t"]
            for key, value in node.items():
                if key != "refresh":
                    walk(value)
        elif isinstance(node, list):
            for each in node:
                walk(each)

    walk(card)
    return found


def words(card: Mapping[str, Any]) -> str:
    """All that a card says."""
    return json.dumps(card, ensure_ascii=False)
