"""A small world for the engine: a shop whose version can be switched, and time that obeys."""

import asyncio
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
import json
from typing import Any

from connectors.connector import Action, Actions, Inputs
from domain.actor import Actor, ObjectId, TenantId
from domain.approval import Choice, Gate
from domain.command import Effect
from domain.conversation import Conversation, ConversationKind
from domain.errors import Ambiguous, NotPermitted, Refused, Unavailable
from domain.field import Field, FieldType
from domain.notice import Notice
from domain.plan import ActionPlan, Change
from domain.policy import GateKind, GateRule
from domain.run import Run
from storage.store import Store
from workflows.definition import Retry, Step, Undo, Workflow
from workflows.engine.durable import Kind
from workflows.engine.halts import Halting
from workflows.engine.holds import Holds
from workflows.engine.lifecycle import Lifecycle, RunRequest
from workflows.engine.plans import Plans
from workflows.engine.progress import Progress
from workflows.engine.turns import Turns
from workflows.engine.worker import Worker
from workflows.rehearsal.clock import VirtualClock as Clock
from workflows.rehearsal.queue import CountingIds as Ids
from workflows.rehearsal.queue import VirtualQueue

TENANT = TenantId("00000000-0000-4000-8000-00000000aaaa")
APPROVERS = "group-of-approvers"
AUDIT_KEY = b"k" * 32
FREE = GateRule()
CONFIRM = GateRule(kind=GateKind.CONFIRM, expires=timedelta(minutes=10))
TWO = GateRule(
    kind=GateKind.APPROVAL, count=2, group="prod-approvers", expires=timedelta(minutes=30)
)


def person(name: str, *groups: str) -> Actor:
    return Actor(tenant=TENANT, id=ObjectId(f"id-of-{name}"), name=name, groups=frozenset(groups))


DEV = person("dev-1")
APPROVER_1 = person("approver-1", APPROVERS)
APPROVER_2 = person("approver-2", APPROVERS)
PLACE = Conversation(
    tenant=TENANT,
    service_url="http://127.0.0.1:1/",
    id="19:ops@thread.tacv2;messageid=1",
    kind=ConversationKind.CHANNEL,
    bot_id="28:bot",
)


@dataclass
class Electors:
    """Who may not vote any more, and how often nobody can tell."""

    gone: dict[str, str] = field(default_factory=dict)  #: object id, and what is said against it
    silent: int = 0
    rules: dict[str, GateRule] = field(default_factory=dict)  #: by workflow that a step runs
    forbidden: set[str] = field(default_factory=set)
    asked: int = 0

    async def gate(self, run: Run, workflow: Workflow, inputs: Mapping[str, str]) -> GateRule:
        if workflow.name in self.forbidden:
            raise NotPermitted(f"dev-1 may not {workflow.name}.")
        return self.rules.get(workflow.name, FREE)

    async def objections(self, run: Run, gate: Gate) -> dict[ObjectId, str]:
        self.asked += 1
        if self.silent:
            self.silent -= 1
            raise Unavailable("The directory did not answer.")
        return {v.voter: self.gone[v.voter] for v in gate.votes if v.voter in self.gone}


class FakeQueue(VirtualQueue):
    """A queue that moves the clock to what is taken out of it."""

    def take(self, *, until: datetime) -> tuple[Kind, str, tuple[str, ...]] | None:
        work = super().take(until=until)
        if work is None:
            return None
        self.clock.moment = max(self.clock.moment, work.due)
        return work.kind, work.id, work.args


class Killed(BaseException):
    """The process is gone."""


class Shop(Inputs):
    version: str = ""


@dataclass
class Target:
    """What is deployed to. It keeps the keys of the effects it has had."""

    version: str = "v1.0.0"
    effects: list[tuple[str, str]] = field(default_factory=list)
    script: deque[BaseException | str] = field(default_factory=deque)
    lost: BaseException | None = None  #: raised after the next effect, once
    broken: frozenset[str] = frozenset({"v1.2.0"})
    looks: int = 0

    async def current(self, _inputs: Shop, _key: str) -> dict[str, Any]:
        self.looks += 1
        return {"version": self.version}

    async def plan(self, inputs: Shop) -> ActionPlan:
        if inputs.version == "v9":
            raise Refused("There is no release v9.")
        change = Change(
            target="shop in prod", what="version", before=self.version, after=inputs.version
        )
        return ActionPlan(
            summary="Switch shop", changes=(change,), before={"version": self.version}
        )

    async def switch(self, inputs: Shop, key: str) -> dict[str, Any]:
        if self.script:
            trouble = self.script.popleft()
            if isinstance(trouble, BaseException):
                raise trouble
        self.version = inputs.version
        self.effects.append((key, inputs.version))
        if self.lost is not None:
            lost, self.lost = self.lost, None
            raise lost
        return {"version": inputs.version}

    async def applied(self, inputs: Shop, key: str) -> dict[str, Any] | None:
        return {"version": inputs.version} if key in dict(self.effects) else None

    async def health(self, _inputs: Shop, _key: str) -> dict[str, Any]:
        if self.version in self.broken:
            raise Refused(f"shop in prod answers 503 on {self.version}.")
        return {"detail": "answers ok"}

    def actions(self) -> Actions:
        return Actions([self])  # type: ignore[list-item]

    async def close(self) -> None:
        return None


class ShopConnector:
    """The target's actions."""

    def __init__(self, target: Target) -> None:
        self._target = target

    def actions(self) -> list[Action[Shop]]:
        target = self._target
        return [
            Action(
                name="shop.current",
                major=1,
                summary="What runs",
                effect=Effect.READ,
                inputs=Shop,
                apply=target.current,
            ),
            Action(
                name="shop.switch",
                major=1,
                summary="Switch",
                effect=Effect.WRITE,
                inputs=Shop,
                apply=target.switch,
                plan=target.plan,
                reconcile=target.applied,
            ),
            Action(
                name="shop.health",
                major=1,
                summary="Health",
                effect=Effect.READ,
                inputs=Shop,
                apply=target.health,
            ),
        ]

    async def close(self) -> None:
        return None


def deploy(*, wait: timedelta | None = None, attempts: int = 3) -> Workflow:
    settle = [Step(name="settle", title="Settle", wait=wait, needs=("switch",))] if wait else []
    return Workflow(
        name="deploy",
        title="Deploy a service",
        description="",
        command="deploy <version>",
        inputs=(Field(name="version", type=FieldType.VERSION),),
        lock="shop/prod",
        steps=(
            Step(name="previous", title="Note what runs", uses="shop.current@1"),
            Step(
                name="switch",
                title="Switch the version",
                uses="shop.switch@1",
                arguments={"version": "${ inputs.version }"},
                needs=("previous",),
                retry=Retry(attempts=attempts, backoff=timedelta(seconds=1)),
                undo=Undo(
                    uses="shop.switch@1", arguments={"version": "${ steps.previous.version }"}
                ),
            ),
            *settle,
            Step(
                name="health",
                title="Check the health",
                uses="shop.health@1",
                needs=("settle",) if wait else ("switch",),
            ),
        ),
    )


class World:
    """The engine with everything around it."""

    def __init__(self, store: Store, clock: Clock, queue: FakeQueue, ids: Ids) -> None:
        self.store = store
        self.clock = clock
        self.queue = queue
        self.target = Target()
        self.connectors: list[Any] = [ShopConnector(self.target)]
        self.electors = Electors()
        self.lifecycle = Lifecycle(queue, ids)
        self.holds = Holds(queue, self.lifecycle)
        self.halting = Halting(queue)
        self.worker = self.new_worker(ids)
        self._ids = ids

    def new_worker(self, ids: Ids | None = None) -> Worker:
        """A worker, as a fresh process would have it."""
        ids = ids or self._ids
        plans, progress = Plans(self.queue, ids), Progress(self.queue, ids)
        turns = Turns(self.queue, progress)
        return Sleepless(
            store=self.store,
            plans=plans,
            turns=turns,
            progress=progress,
            actions=Actions(self.connectors),
            voters=self.electors,
            clock=self.clock,
            correlation_id=lambda: "7f3a",
            jitter=lambda: 0.0,
        )

    async def ask(
        self,
        version: str = "v1.1.0",
        rule: GateRule = FREE,
        workflow: Workflow | None = None,
        requester: Actor = DEV,
    ) -> str:
        request = RunRequest(
            workflow=workflow or deploy(),
            inputs={"version": version},
            reason="PAY-812",
            requester=requester,
            conversation=PLACE,
            reply_to="1",
            gate_rule=rule,
        )
        run = await self.store.transaction(lambda unit: self.lifecycle.request(unit, request))
        return run.id

    async def work(self, within: timedelta = timedelta(seconds=10)) -> None:
        """Carry out all work that is due within that time."""
        until = self.clock.now() + within
        while taken := self.queue.take(until=until):
            kind, work_id, args = taken
            await self.worker.work[kind](work_id, *args)

    async def until_something_happens(self) -> None:
        """Let others go on."""
        await asyncio.sleep(0.001)

    async def vote(self, run_id, voter, choice=Choice.APPROVE, comment="", gate_id=None):
        return await self.store.transaction(
            lambda unit: self.lifecycle.vote(
                unit,
                run_id,
                voter=voter,
                choice=choice,
                comment=comment,
                group_id=APPROVERS,
                gate_id=gate_id,
            )
        )

    async def withdraw(self, run_id, voter, gate_id=None):
        return await self.store.transaction(
            lambda unit: self.lifecycle.withdraw(unit, run_id, voter=voter, gate_id=gate_id)
        )

    async def notices(self) -> list[Notice]:
        """What is to be told, oldest first; it is forgotten here."""
        far, found = self.clock.now() + timedelta(days=1), []

        def due(unit):
            items = unit.outbox.due(far, "reader", timedelta(), 9)
            unit.outbox.done([item.id for item in items])
            return [item.message for item in items]

        while batch := await self.store.transaction(due):
            found += batch
        return found

    async def confirm(self, run_id, actor=DEV):
        return await self.store.transaction(
            lambda unit: self.lifecycle.confirm(unit, run_id, actor=actor)
        )

    async def cancel(self, run_id, actor=DEV):
        return await self.store.transaction(
            lambda unit: self.lifecycle.cancel(unit, run_id, actor=actor)
        )

    async def run(self, run_id):
        return await self.store.read(lambda unit: unit.runs.get(run_id))

    async def steps(self, run_id):
        steps = await self.store.read(lambda unit: unit.steps.of(run_id))
        return {step.name: step for step in steps}

    async def gate(self, run_id):
        return await self.store.read(lambda unit: unit.gates.latest(run_id))

    async def log(self, run_id) -> list[dict[str, Any]]:
        """All events about the run."""
        entries = await self.store.read(lambda unit: unit.audit.of_run(run_id))
        return [json.loads(each.text) for each in entries]

    async def events(self, run_id) -> list[str]:
        """What has happened to the run, without what nobody has said a word about."""
        names = [each["type"].removeprefix("signalbox.") for each in await self.log(run_id)]
        return [name for name in names if name != "run.changed"]


class Sleepless(Worker):
    """A worker whose pauses move the clock instead of taking time."""

    async def _sleep_until(self, until: datetime) -> None:
        clock = self._clock
        assert isinstance(clock, Clock)
        clock.moment = max(clock.moment, until)


__all__ = ["Ambiguous", "Clock", "Ids", "Killed", "Unavailable", "World", "replace"]
