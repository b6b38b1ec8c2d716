"""The process that is killed: a worker over a real database, with its people and its channel.

It is started again and again on the same database and folder, and goes on with what is there.
"""

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
import os
from pathlib import Path

from bot import delivery
from bot.delivery import Delivery
from bot.system import RandomIds, SystemClock
from connectors.connector import Actions
from domain.actor import Actor, ObjectId, TenantId
from domain.approval import Choice, Gate
from domain.conversation import Conversation, ConversationKind
from domain.errors import Refused
from domain.notice import Member, Message, Notice
from domain.policy import GateKind, GateRule
from domain.run import Run, RunState
from storage.unit import UnitOfWork
from tests.crash.death import AFTER, BEFORE, Death, MortalStore, Point
from tests.crash.target import Ledger, ShopConnector
from workflows.definition_file import read_definition
from workflows.engine import recovery as heartbeat
from workflows.engine.durable import Durable
from workflows.engine.lifecycle import Lifecycle, RunRequest
from workflows.engine.plans import Plans
from workflows.engine.progress import Progress
from workflows.engine.recovery import Recovery
from workflows.engine.sweep import Sweep
from workflows.engine.turns import Turns
from workflows.engine.worker import Worker

AUDIT_KEY = b"k" * 32
TENANT = TenantId("00000000-0000-4000-8000-00000000aaaa")
APPROVERS = "group-of-approvers"
PLACE = Conversation(
    tenant=TENANT,
    service_url="http://127.0.0.1:1/",
    id="19:ops@thread.tacv2;messageid=1",
    kind=ConversationKind.CHANNEL,
    bot_id="28:bot",
)
DEPLOY = Path(__file__).parent / "deploy.yaml"


def _person(name: str, *groups: str) -> Actor:
    return Actor(tenant=TENANT, id=ObjectId(f"id-of-{name}"), name=name, groups=frozenset(groups))


DEV = _person("dev-1")
VOTERS = (_person("approver-1", APPROVERS), _person("approver-2", APPROVERS))


@dataclass(frozen=True)
class Wish:
    """A run that somebody wants, and how it must end."""

    shop: str
    version: str = "v1.1.0"
    end: RunState = RunState.SUCCEEDED
    voters: tuple[Actor, ...] | None = None  #: None: it needs no votes; else who gives theirs
    expires: timedelta = timedelta(minutes=30)
    is_cancelled: bool = False  #: by who asked for it, as soon as it runs
    effects: tuple[str, ...] = ()  #: the versions it may switch to, in turn

    @property
    def gate_rule(self) -> GateRule:
        """What it has to pass."""
        if self.voters is None:
            return GateRule()
        return GateRule(
            kind=GateKind.APPROVAL, count=2, group="prod-approvers", expires=self.expires
        )


@dataclass(frozen=True)
class Life:
    """What a process is started with."""

    url: str
    folder: Path
    wishes: tuple[Wish, ...]
    point: Point | None = None  #: where it dies; None: not by its own hand
    has_people: bool = True
    keeps_keys: bool = False  #: whether the target does
    beat: timedelta = field(default=heartbeat.BEAT)
    lease: timedelta = field(default=heartbeat.LEASE)


def live(life: Life) -> None:
    """Be that process."""
    log = os.open(life.folder / "log", os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    for stream in (1, 2):
        os.dup2(log, stream)
    heartbeat.BEAT, heartbeat.LEASE = life.beat, life.lease
    delivery.EDIT_PAUSE = timedelta(milliseconds=100)
    asyncio.run(_live(life))


async def _live(life: Life) -> None:
    clock, ids, death = SystemClock(), RandomIds(), Death(life.point)
    store = MortalStore.open(life.url, audit_key=AUDIT_KEY, clock=clock, ids=ids)
    store.beware(death)
    Durable.prepare(life.url)
    durable = Durable(life.url)
    recovery = Recovery(store, durable, clock, ids)
    shops = ShopConnector(life.folder, death, clock.now, keeps_keys=life.keeps_keys)
    plans, progress = Plans(durable, ids), Progress(durable, ids)
    turns = Turns(durable, progress)
    worker = Worker(
        store=store,
        plans=plans,
        turns=turns,
        progress=progress,
        actions=Actions([shops]),
        voters=_Electorate(),
        clock=clock,
    )
    channel = _Channel(life.folder, death)
    sender = Delivery(
        store,
        channel,
        clock,
        owner=recovery.executor_id,
        card_of=_Cards(store).card_of,
        notice_of=_words,
    )
    await recovery.begin()
    await durable.start(recovery.executor_id, worker.work)
    async with asyncio.TaskGroup() as group:
        group.create_task(recovery.run())
        group.create_task(sender.run())
        group.create_task(Sweep(store, plans, turns, clock, ended=durable.ended).run())
        if life.has_people:
            group.create_task(_People(store, Lifecycle(durable, ids), life.wishes).run())


class _Electorate:
    """Everybody's votes count."""

    async def objections(self, _run: Run, _gate: Gate) -> dict[ObjectId, str]:
        return {}


class _People:
    """They ask for what they wish, vote, and cancel; and look whether it has been done."""

    def __init__(self, store: MortalStore, lifecycle: Lifecycle, wishes: tuple[Wish, ...]) -> None:
        self._store = store
        self._lifecycle = lifecycle
        self._wishes = wishes
        self._workflow = read_definition(DEPLOY)

    async def run(self) -> None:
        while True:
            runs = await self._store.read(runs_by_shop)
            for wish in self._wishes:
                run = runs.get(wish.shop)
                with suppress(Refused):  # somebody was faster
                    await self._see_to(wish, run)
            await asyncio.sleep(0.05)

    async def _see_to(self, wish: Wish, run: Run | None) -> None:
        if run is None:
            await self._store.transaction(lambda unit: self._ask(unit, wish))
        elif run.state is RunState.AWAITING_APPROVAL:
            for voter in wish.voters or ():
                with suppress(Refused):
                    await self._store.transaction(
                        lambda unit, who=voter: self._vote(unit, run, who)
                    )
        elif wish.is_cancelled and run.state is RunState.RUNNING and run.cancelled_by is None:
            await self._store.transaction(
                lambda unit: self._lifecycle.cancel(unit, run.id, actor=DEV)
            )

    def _ask(self, unit: UnitOfWork, wish: Wish) -> None:
        """As the dispatcher: the same activity again starts nothing."""
        is_new = unit.inbox.claim(
            tenant=TENANT,
            conversation_id=PLACE.id,
            activity_id=wish.shop,
            activity_type="message",
        )
        if is_new:
            asked = RunRequest(
                workflow=self._workflow,
                inputs={"shop": wish.shop, "version": wish.version},
                reason=wish.shop,
                requester=DEV,
                conversation=PLACE,
                reply_to="1",
                gate_rule=wish.gate_rule,
            )
            self._lifecycle.request(unit, asked)

    def _vote(self, unit: UnitOfWork, run: Run, voter: Actor) -> None:
        self._lifecycle.vote(
            unit, run.id, voter=voter, choice=Choice.APPROVE, comment="", group_id=APPROVERS
        )


def runs_by_shop(unit: UnitOfWork) -> dict[str, Run]:
    """All runs, by the shop that they are for."""
    return {run.reason: run for run in unit.runs.latest(TENANT, 10_000)}


class _Channel:
    """Takes every message, and keeps what each said last at the end of a file."""

    def __init__(self, folder: Path, death: Death) -> None:
        self._messages = Ledger(folder / "channel.jsonl")
        self._death = death
        self._ids = RandomIds()

    async def send(self, conversation: Conversation, message: Message) -> str:
        activity_id = self._ids.uuid()
        await self.update(conversation, activity_id, message)
        return activity_id

    async def update(self, _to: Conversation, activity_id: str, message: Message) -> None:
        self._death.meet(BEFORE, ["message"])
        self._messages.write(id=activity_id, text=message.markdown)
        self._death.meet(AFTER, ["message"])

    async def members(self, _conversation: Conversation) -> tuple[Member, ...]:
        return ()


@dataclass(frozen=True)
class _Cards:
    store: MortalStore

    async def card_of(self, run_id: str) -> Message:
        run = await self.store.read(lambda unit: unit.runs.get(run_id))
        return Message(markdown=f"{run_id} {run.state if run else ''}")


async def _words(notice: Notice, _attempts: int) -> Message:
    return Message(markdown=f"{notice.run_id} told: {notice.kind}")
