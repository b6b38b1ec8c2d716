"""The engine over a real store, on each kind of database."""

from collections.abc import Iterator

import pytest

from storage.store import Store
from tests.engine.world import AUDIT_KEY, Clock, FakeQueue, Ids, World


@pytest.fixture
def world(database_url: str) -> Iterator[World]:
    clock, ids = Clock(), Ids()
    store = Store.open(database_url, audit_key=AUDIT_KEY, clock=clock, ids=ids)
    yield World(store, clock, FakeQueue(clock), ids)
    store.close()
