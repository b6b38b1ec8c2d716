"""The engine over a real SQLite store."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from storage.store import Store
from tests.engine.world import AUDIT_KEY, Clock, FakeQueue, Ids, World


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    clock, ids = Clock(), Ids()
    store = Store.open(
        f"sqlite:///{tmp_path}/signalbox.db", audit_key=AUDIT_KEY, clock=clock, ids=ids
    )
    yield World(store, clock, FakeQueue(clock), ids)
    store.close()
