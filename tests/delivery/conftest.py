"""The delivery loop over a real SQLite store, writing to a channel that obeys the test."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.delivery import Delivery
from domain.actor import Actor, ObjectId, TenantId
from domain.conversation import Conversation, ConversationKind
from domain.notice import Member, Message, Notice
from domain.policy import GateRule
from domain.run import Run, RunId, RunState
from storage.store import Store

TENANT = TenantId("00000000-0000-4000-8000-00000000aaaa")
PLACE = Conversation(
    tenant=TENANT,
    service_url="http://127.0.0.1:1/",
    id="19:ops@thread.tacv2;messageid=1",
    kind=ConversationKind.CHANNEL,
    bot_id="28:bot",
)


@dataclass
class Clock:
    moment: datetime = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)

    def now(self) -> datetime:
        return self.moment


class Ids:
    def __init__(self) -> None:
        self.count = 0

    def uuid(self) -> str:
        self.count += 1
        return f"uuid-{self.count}"

    def run_id(self) -> str:
        return "k7f3q2ma"


@dataclass
class Channel:
    """Keeps what it was told; fails as it is scripted to."""

    log: list[tuple[str, str, str]] = field(default_factory=list)  #: deed, message id, words
    troubles: list[Exception] = field(default_factory=list)
    rosters: int = 0
    gate: asyncio.Event | None = None

    async def send(self, conversation: Conversation, message: Message) -> str:
        await self._trouble()
        activity_id = f"m{len(self.log) + 1}"
        self.log.append(("send", activity_id, message.markdown))
        return activity_id

    async def update(self, conversation: Conversation, activity_id: str, message: Message) -> None:
        await self._trouble()
        self.log.append(("update", activity_id, message.markdown))

    async def members(self, conversation: Conversation) -> tuple[Member, ...]:
        self.rosters += 1
        return (Member(teams_id="29:dev", object_id="dev", name="dev-1"),)

    async def _trouble(self) -> None:
        if self.gate is not None:
            await self.gate.wait()
        if self.troubles:
            raise self.troubles.pop(0)

    @property
    def words(self) -> list[str]:
        return [words for _, _, words in self.log]


class World:
    """A store, a channel, and the loop between them."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self.store = store
        self.clock = clock
        self.channel = Channel()
        self.state = "planning"
        self.notice_troubles: list[Exception] = []
        self.delivery = self.another()
        self._task: asyncio.Task[None] | None = None

    def another(self, owner: str = "me") -> Delivery:
        async def card_of(run_id: str) -> Message:
            return Message(markdown=f"{run_id} is {self.state}")

        async def notice_of(notice: Notice, attempts: int) -> Message:
            if self.notice_troubles:
                raise self.notice_troubles.pop(0)
            return Message(markdown=f"{notice.run_id} {notice.kind} after {attempts}")

        return Delivery(
            self.store,
            self.channel,
            self.clock,
            owner=owner,
            card_of=card_of,
            notice_of=notice_of,
        )

    def start(self) -> None:
        self._task = asyncio.create_task(self.delivery.run())

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
        await self.delivery.finish(timedelta(seconds=1))

    async def say(self, *texts: str, place: Conversation = PLACE) -> None:
        def work(unit: Any) -> None:
            for text in texts:
                self.delivery.put(unit, place, Message(markdown=text))

        await self.store.transaction(work)

    async def touch(self, state: str) -> None:
        self.state = state
        await self.store.transaction(lambda unit: unit.cards.touch("k7f3q2ma", PLACE, "1"))

    async def until(self, condition: Any) -> None:
        async with asyncio.timeout(5):
            while not condition():  # noqa: ASYNC110 - the condition is a test's own
                await asyncio.sleep(0.01)

    async def left_over(self) -> int:
        far = self.clock.now() + timedelta(days=1)
        items = await self.store.transaction(
            lambda unit: unit.outbox.due(far, "auditor", timedelta(), 99)
        )
        return len(items)


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    clock = Clock()
    url = f"sqlite:///{tmp_path}/signalbox.db"
    store = Store.open(url, audit_key=b"k" * 32, clock=clock, ids=Ids())
    await store.transaction(lambda unit: unit.runs.insert(_run(clock)))
    made = World(store, clock)
    yield made
    await made.stop()
    store.close()


def _run(clock: Clock) -> Run:
    return Run(
        id=RunId("k7f3q2ma"),
        workflow="deploy",
        title="Deploy a service",
        definition={},
        inputs={},
        reason="",
        requester=Actor(tenant=TENANT, id=ObjectId("dev"), name="dev-1"),
        conversation=PLACE,
        gate_rule=GateRule(),
        state=RunState.PLANNING,
        rev=1,
        generation=1,
        created_at=clock.now(),
    )
