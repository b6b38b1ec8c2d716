"""A workflow whose steps do nothing, and the engine around it: what is measured is the rest."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from bot.system import RandomIds, SystemClock
from connectors.connector import Action, Actions, Inputs
from domain.actor import Actor, ObjectId, TenantId
from domain.approval import Gate
from domain.command import Effect
from domain.conversation import Conversation, ConversationKind
from domain.plan import ActionPlan, Change
from domain.policy import NO_GATE, GateKind, GateRule
from domain.run import Run
from storage.store import Store
from workflows.definition import Step, Workflow
from workflows.engine.durable import Durable
from workflows.engine.lifecycle import Lifecycle, RunRequest
from workflows.engine.plans import Plans
from workflows.engine.progress import Progress
from workflows.engine.turns import Turns
from workflows.engine.worker import Worker

STEPS = 5
TENANT = TenantId("00000000-0000-4000-8000-00000000aaaa")
APPROVERS = "00000000-0000-4000-8000-0000000000a1"
FREE = GateRule()
ONE_APPROVAL = GateRule(
    kind=GateKind.APPROVAL, count=1, group="prod-approvers", expires=timedelta(days=7)
)
PLACE = Conversation(
    tenant=TENANT,
    service_url="http://127.0.0.1:1/",
    id="19:ops@thread.tacv2;messageid=1",
    kind=ConversationKind.CHANNEL,
    bot_id="28:00000000-0000-4000-8000-00000000b07a",
)
_KEY = b"k" * 32


def person(name: str, number: int, *groups: str) -> Actor:
    """Somebody of the tenant."""
    return Actor(
        tenant=TENANT,
        id=ObjectId(f"00000000-0000-4000-8000-0000000000{number:02}"),
        name=name,
        roles=frozenset({"developer", "viewer"}),
        groups=frozenset(groups),
    )


DEV = person("dev-1", 1)
APPROVER = person("approver-1", 3, APPROVERS)


class Switch(Inputs):
    """What the action takes."""

    service: str
    version: str


class Nothing:
    """A connector to no system: its one action writes, plans and reconciles, all at once."""

    def actions(self) -> list[Action[Switch]]:
        """The one."""
        return [
            Action(
                name="nothing.switch",
                major=1,
                summary="Switch nothing",
                effect=Effect.WRITE,
                inputs=Switch,
                apply=self._apply,
                plan=self._plan,
                reconcile=self._reconcile,
            )
        ]

    async def _plan(self, inputs: Switch) -> ActionPlan:
        change = Change(
            target=f"{inputs.service} in prod", what="version", before="v1", after=inputs.version
        )
        return ActionPlan(
            summary=f"Switch {inputs.service}",
            changes=(change,),
            rollback="Switched back",
            before={"version": "v1"},
        )

    async def _apply(self, inputs: Switch, _key: str) -> dict[str, Any]:
        return {"version": inputs.version}

    async def _reconcile(self, _inputs: Switch, _key: str) -> None:
        return None

    async def close(self) -> None:
        """Nothing is open."""


class NoObjections:
    """Everybody may still vote."""

    async def objections(self, _run: Run, _gate: Gate) -> Mapping[ObjectId, str]:
        """None."""
        return {}

    async def gate(self, _run: Run, _of: Workflow, _inputs: Mapping[str, str]) -> GateRule:
        """None."""
        return NO_GATE


def workflow(steps: int = STEPS) -> Workflow:
    """*steps* of them, one after the other. No lock: the runs do not wait for each other."""
    names = [f"switch{number}" for number in range(steps)]
    return Workflow(
        name="switch-all",
        title="Switch everything",
        description="Switches one service after the other",
        command="switch-all",
        inputs=(),
        lock=None,
        steps=tuple(
            Step(
                name=name,
                title=f"Switch service {number}",
                uses="nothing.switch@1",
                arguments={"service": f"service{number}", "version": "v2"},
                needs=tuple(names[number - 1 : number]),
            )
            for number, name in enumerate(names)
        ),
    )


@dataclass(frozen=True)
class Engine:
    """The engine's parts over one database, as `bot/app.py` wires them."""

    store: Store
    durable: Durable
    lifecycle: Lifecycle
    plans: Plans
    turns: Turns
    worker: Worker

    async def ask_for(self, runs: int, steps: int = STEPS, rule: GateRule = FREE) -> list[str]:
        """Ask for *runs*, all in one transaction; their ids."""
        asked = RunRequest(
            workflow=workflow(steps),
            inputs={},
            reason="to measure",
            requester=DEV,
            conversation=PLACE,
            reply_to="1",
            gate_rule=rule,
        )
        return await self.store.transaction(
            lambda unit: [self.lifecycle.request(unit, asked).id for _ in range(runs)]
        )

    def close(self) -> None:
        """Let go of the database."""
        self.durable.close()
        self.store.close()


def open_engine(url: str) -> Engine:
    """The engine over the database at *url*, which has the newest schema afterwards."""
    clock, ids = SystemClock(), RandomIds()
    store = Store.open(url, audit_key=_KEY, clock=clock, ids=ids)
    Durable.prepare(url)
    durable = Durable(url)
    plans, progress = Plans(durable, ids), Progress(durable, ids)
    turns = Turns(durable, progress)
    worker = Worker(
        store=store,
        plans=plans,
        turns=turns,
        progress=progress,
        actions=Actions([Nothing()]),
        voters=NoObjections(),
        clock=clock,
    )
    return Engine(store, durable, Lifecycle(durable, ids), plans, turns, worker)
