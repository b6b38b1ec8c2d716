"""Transactions that wait for one writer share a commit: one fsync is as good as one for each.

Each has a savepoint of its own, so that one that fails is undone alone; and none is told that it
is committed before all are. https://www.sqlite.org/lang_savepoint.html
"""

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

_TOGETHER = 16
"""How many share a commit at most: the first of them waits for the last."""

Work = Callable[[sa.Connection], Any]


@dataclass(frozen=True, slots=True)
class _Waiting:
    work: Work
    future: Future[Any] = field(default_factory=Future)


class SharedCommit:
    """Work for the one connection of *engine*, a SQLite one, that writes."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine
        self._waiting: deque[_Waiting] = deque()

    def put(self, work: Work) -> Future[Any]:
        """What *work* gives, once a `commit` that has to follow has committed it."""
        waiting = _Waiting(work)
        self._waiting.append(waiting)
        return waiting.future

    def commit(self) -> None:
        """Carry out what waits, and commit it. Only one thread may be here at a time."""
        together = self._next()
        if not together:
            return  # an earlier one has taken it along
        try:
            with self._engine.begin() as connection:
                if len(together) == 1:
                    results = [together[0].work(connection)]
                else:
                    results = [_apart(connection, each) for each in together]
        except BaseException as error:  # noqa: BLE001 - whoever waits is to hear of it
            for each in together:
                each.future.set_exception(error)
            return
        for each, result in zip(together, results, strict=True):
            if isinstance(result, _Failure):
                each.future.set_exception(result.error)
            else:
                each.future.set_result(result)

    def _next(self) -> list[_Waiting]:
        together: list[_Waiting] = []
        while self._waiting and len(together) < _TOGETHER:
            each = self._waiting.popleft()
            if each.future.set_running_or_notify_cancel():
                together.append(each)
        return together


@dataclass(frozen=True, slots=True)
class _Failure:
    error: BaseException


def _apart(connection: sa.Connection, each: _Waiting) -> Any:
    """What *each* gives; the error if it failed, and is undone.

    Raises:
        BaseException: with it the database has undone all the others.
    """
    try:
        with connection.begin_nested():
            return each.work(connection)
    except BaseException as error:
        # Of a full disk, and the like, SQLite undoes the whole transaction.
        # https://www.sqlite.org/lang_transaction.html#response_to_errors_within_a_transaction
        sqlite: Any = connection.connection.dbapi_connection
        if not sqlite.in_transaction:
            raise
        return _Failure(error)
