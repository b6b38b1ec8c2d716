"""The store on each kind of database, and builders of what is stored."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
import itertools

import pytest

from domain.actor import Actor, ObjectId, TenantId
from domain.conversation import Conversation, ConversationKind
from domain.policy import GateKind, GateRule
from domain.run import Run, RunId, RunState
from storage.store import Store

TENANT = TenantId("00000000-0000-4000-8000-00000000aaaa")


@dataclass
class StillClock:
    """Stands still until it is moved."""

    moment: datetime = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)

    def now(self) -> datetime:
        return self.moment

    def move(self, by: timedelta) -> datetime:
        self.moment += by
        return self.moment


@dataclass
class CountingIds:
    """Counts; each instance makes ids of its own."""

    prefix: int = field(default_factory=itertools.count(1).__next__)
    counter: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def uuid(self) -> str:
        return f"00000000-0000-4000-{self.prefix:04x}-{next(self.counter):012x}"

    def run_id(self) -> str:
        return f"{next(self.counter):08d}".translate(str.maketrans("0189", "abcd"))


@pytest.fixture
def clock() -> StillClock:
    return StillClock()


@pytest.fixture
def url(database_url: str) -> str:
    return database_url


@pytest.fixture
def open_store(database_url: str, clock: StillClock) -> Iterator[Callable[[], Store]]:
    opened: list[Store] = []

    def another() -> Store:
        opened.append(
            Store.open(database_url, audit_key=b"k" * 32, clock=clock, ids=CountingIds())
        )
        return opened[-1]

    yield another
    for store in opened:
        store.close()


@pytest.fixture
def store(open_store: Callable[[], Store]) -> Store:
    return open_store()


@pytest.fixture
def place() -> Conversation:
    return Conversation(
        tenant=TENANT,
        service_url="http://127.0.0.1:3979/",
        id="19:ops@thread.tacv2;messageid=1",
        kind=ConversationKind.CHANNEL,
        bot_id="28:bot",
    )


@pytest.fixture
def requester() -> Actor:
    return Actor(
        tenant=TENANT, id=ObjectId("dev"), name="dev-1", roles=frozenset({"developer", "viewer"})
    )


@pytest.fixture
def a_run(clock: StillClock, place: Conversation, requester: Actor) -> Callable[..., Run]:
    built = Run(
        id=RunId("k7f3q2ma"),
        workflow="deploy",
        title="Deploy a service",
        definition={"steps": {"switch": {"uses": "supervisor.switch@1"}}},
        inputs={"service": "shop", "version": "v1.1.0"},
        reason="",
        requester=requester,
        conversation=place,
        gate_rule=GateRule(kind=GateKind.APPROVAL, count=2, group="prod-approvers"),
        state=RunState.PLANNING,
        rev=1,
        generation=1,
        created_at=clock.now(),
    )

    def build(run_id: str = "k7f3q2ma", **changes) -> Run:
        return replace(built, id=RunId(run_id), **changes)

    return build
