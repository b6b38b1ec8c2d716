"""What a transaction has read, and what it has made of it: the difference is what is written."""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import fields
from typing import Any, Generic, TypeVar

import sqlalchemy as sa

from domain.plan import Plan

K = TypeVar("K", str, tuple[str, str])
V = TypeVar("V")

AsStored = Mapping[str, Callable[[Any], Any]]
"""How the fields that have names are stored; all others are stored as they are."""


class Tracked(Generic[K, V]):
    """Rows of one table by key: as they lie in the database, and as they have become since."""

    def __init__(self) -> None:
        self._stored: dict[K, V] = {}
        self._current: dict[K, V] = {}
        self._told: dict[K, V | None] = {}  # as `news` was last asked; None: it was not there

    def get(self, key: K) -> V | None:
        """The row as it is by now; None where it was never read."""
        return self._current.get(key)

    def read(self, key: K, row: V) -> V:
        """Take *row*, just read; what is known of it already is newer, and comes back."""
        self._stored.setdefault(key, row)
        self._told.setdefault(key, row)
        return self._current.setdefault(key, row)

    def insert(self, key: K, row: V) -> None:
        """Take *row*, just added."""
        self._told.setdefault(key, None)
        self._stored[key] = self._current[key] = row

    def drop(self, key: K) -> None:
        """The row, which was read before, is no more."""
        self._stored.pop(key, None)
        self._current.pop(key, None)

    def save(self, key: K, row: V) -> None:
        """Have *row*, which was read before, be as it is here."""
        self._current[key] = row

    def amend(self, key: K, change: Callable[[V], V]) -> None:
        """Have a row that is known be what a statement of its own has made of it: *change*."""
        if key in self._current:
            self._stored[key] = change(self._stored[key])
            self._current[key] = change(self._current[key])

    def all(self) -> list[V]:
        """All that is known."""
        return list(self._current.values())

    def forget(self, key: K) -> None:
        """Know nothing of the row any more: it is to be read again.

        What was changed here is known for good: nobody else can have changed it since.
        """
        if self._current.get(key) is self._told.get(key):
            for rows in (self._stored, self._current, self._told):
                rows.pop(key, None)

    def news(self) -> Iterator[tuple[K, V | None, V | None]]:
        """What has changed since this was last asked: key, as it was, as it is.

        None stands for a row that there was not, or is not any more.
        """
        for key, was in list(self._told.items()):
            row = self._current.get(key)
            if row is None:
                del self._told[key]
            else:
                self._told[key] = row
            if was is not row:
                yield key, was, row

    def write(
        self,
        connection: sa.Connection,
        update: sa.Update,
        parameters: Callable[[K, V, frozenset[str]], Mapping[str, Any]],
    ) -> None:
        """Bring the database up to date, with one statement.

        *parameters* says what *update* needs for a row, its columns of those names included.
        The rows go in the order of their keys: two transactions wait for each other in one
        direction only.
        """
        changed = {key: names for key, names in self._changes() if names}
        if changed:
            names = frozenset[str]().union(*changed.values())
            rows = [parameters(key, self._current[key], names) for key in sorted(changed)]
            connection.execute(update, rows)
        self._stored.update(self._current)

    def _changes(self) -> Iterator[tuple[K, frozenset[str]]]:
        for key, row in self._current.items():
            stored = self._stored[key]
            if row is not stored:
                yield key, differences(stored, row)


def columns(row: Any, names: Collection[str], as_stored: AsStored) -> dict[str, Any]:
    """The fields of a dataclass that have *names*, as their columns take them."""
    values = {name: getattr(row, name) for name in names}
    return {n: as_stored[n](value) if n in as_stored else value for n, value in values.items()}


def differences(one: Any, other: Any) -> frozenset[str]:
    """The names of the fields in which two values of one dataclass differ."""
    names = (each.name for each in fields(one))
    return frozenset(name for name in names if _differ(getattr(one, name), getattr(other, name)))


def _differ(one: Any, other: Any) -> bool:
    """Whether *one* is to be replaced by *other*: where JSON is in it, equal is not enough.

    `1 == True`, but they are not the same JSON.
    """
    if one is other:
        return False
    return isinstance(one, Mapping | Plan) or type(one) is not type(other) or one != other
