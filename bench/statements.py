"""What a run asks of the database: statements and commits for each of its steps."""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
import tempfile
from typing import Any

import sqlalchemy as sa

from bench.figures import Figure
from storage.store import Store
from tests.engine.world import AUDIT_KEY, Clock, FakeQueue, Ids, World
from workflows.definition import Step, Workflow

_SHORT, _LONG = 5, 15


class Statements:
    """What was said to databases, transaction after transaction."""

    def __init__(self) -> None:
        self.transactions: list[list[str]] = []
        self.commits = 0

    @property
    def count(self) -> int:
        """How many statements there were; one for many rows is one."""
        return sum(map(len, self.transactions))

    def begin(self, _connection: sa.Connection) -> None:
        """A transaction begins."""
        self.transactions.append([])

    def execute(self, *said: Any) -> None:
        """A statement was sent: connection, cursor, text, and so on.

        `BEGIN` is none: only SQLite's is seen here.
        """
        if not said[2].startswith("BEGIN"):
            self.transactions[-1].append(said[2])

    def commit(self, _connection: sa.Connection) -> None:
        """A transaction that said anything is committed."""
        self.commits += bool(self.transactions[-1])


@contextmanager
def counted() -> Iterator[Statements]:
    """Count what is said to all databases meanwhile."""
    statements = Statements()
    heard = {
        "begin": statements.begin,
        "after_cursor_execute": statements.execute,
        "commit": statements.commit,
    }
    for name, listener in heard.items():
        sa.event.listen(sa.Engine, name, listener)
    try:
        yield statements
    finally:
        for name, listener in heard.items():
            sa.event.remove(sa.Engine, name, listener)


def main() -> Sequence[Figure]:
    """Count."""
    with tempfile.TemporaryDirectory() as folder:
        short, long = (asyncio.run(_count(Path(folder), steps)) for steps in (_SHORT, _LONG))
    more = _LONG - _SHORT
    return [
        Figure("statements, a step of a run", (long[0] - short[0]) / more, "statements"),
        Figure("commits, a step of a run", (long[1] - short[1]) / more, "commits"),
        Figure("statements, a run of five steps", short[0], "statements"),
        Figure("commits, a run of five steps", short[1], "commits"),
    ]


def chain(length: int) -> Workflow:
    """A workflow of *length* steps, each after the other."""
    names = [f"step{number:02}" for number in range(length)]
    steps = [
        Step(
            name=name,
            title=name,
            uses="shop.current@1",
            needs=(names[number - 1],) if number else (),
        )
        for number, name in enumerate(names)
    ]
    return Workflow(
        name="chain",
        title="A chain",
        description="",
        command="chain",
        inputs=(),
        lock="shop/prod",
        steps=tuple(steps),
    )


async def _count(folder: Path, length: int) -> tuple[int, int]:
    """Statements and commits of a run of *length* steps, asked for and carried out."""
    clock, ids = Clock(), Ids()
    url = f"sqlite:///{folder}/{length}.db"
    store = Store.open(url, audit_key=AUDIT_KEY, clock=clock, ids=ids)
    world = World(store, clock, FakeQueue(clock), ids)
    with counted() as statements:
        await world.ask(workflow=chain(length))
        await world.work(timedelta(hours=1))
    store.close()
    return statements.count, statements.commits
