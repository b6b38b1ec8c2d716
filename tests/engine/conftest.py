"""The engine over a real store, on each kind of database."""

from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent

import pytest

from storage.store import Store
from tests.engine.boxes import indented, with_boxes
from tests.engine.world import AUDIT_KEY, Clock, FakeQueue, Ids, World
from workflows.definition_file import load_all


@pytest.fixture
def world(database_url: str) -> Iterator[World]:
    clock, ids = Clock(), Ids()
    store = Store.open(database_url, audit_key=AUDIT_KEY, clock=clock, ids=ids)
    yield World(store, clock, FakeQueue(clock), ids)
    store.close()


@pytest.fixture
def boxes(world):
    return with_boxes(world)


@pytest.fixture
def workflow(tmp_path: Path):
    """Makes a workflow out of its steps, in YAML; others may be given by name, to be run."""

    def make(steps: str, *, head: str = "", **others: str):
        folder = tmp_path / "workflows"
        folder.mkdir(exist_ok=True)
        for name, text in {"go": f"{dedent(head)}steps:\n{indented(steps)}", **others}.items():
            command = "" if "command:" in text else f"command: {name}\n"
            path = folder / f"{name}.yaml"
            path.write_text(f"name: {name}\ntitle: {name}\n{command}{dedent(text)}", "utf-8")
        return load_all([folder])["go"]

    return make
