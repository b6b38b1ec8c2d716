"""One service in one environment, as it lies on the disk.

services/shop/prod/current        -> ../../releases/shop/<commit>/v1.1.0
services/shop/prod/first-version  what it ran at first
services/shop/prod/orders.db      its data; no release touches it
services/shop/prod/lock           held by whoever switches it
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
import fcntl
import os
from pathlib import Path
import sqlite3
import time

from domain.errors import Refused, Unavailable

FIRST_VERSIONS = {"staging": "v1.1.0", "prod": "v1.0.0"}
"""What runs at the first start, by environment."""

SERVICES = ("shop", "billing")

_ORDERS = 200
_STATUSES = ("paid", "paid", "shipped", "open")
_RETRY = timedelta(milliseconds=20)


@dataclass(frozen=True, slots=True)
class Release:
    """What an installation runs."""

    version: str
    commit: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Installation:
    """A service in an environment, under the folder *root*."""

    root: Path
    service: str
    environment: str

    def __str__(self) -> str:
        return f"{self.service} in {self.environment}"

    @property
    def process(self) -> str:
        """What supervisord calls it."""
        return f"{self.service}-{self.environment}"

    @property
    def folder(self) -> Path:
        """Where it lies."""
        return self.root / self.service / self.environment

    @property
    def current(self) -> Path:
        """The link to the release that runs."""
        return self.folder / "current"

    @property
    def first_version(self) -> str:
        """What it ran at first."""
        return (self.folder / "first-version").read_text()

    def release(self) -> Release:
        """What `current` leads to."""
        target = self.current.readlink()
        return Release(target.name, target.parent.name)

    def install(self, release: Path) -> None:
        """Lay it out with its first *release*. Nothing that is there is changed."""
        self.folder.mkdir(parents=True, exist_ok=True)
        if not (self.folder / "orders.db").exists():
            _write_orders(self.folder / "orders.db")
        if not self.current.is_symlink():
            (self.folder / "first-version").write_text(release.name)
            self.swap(release)

    def swap(self, release: Path) -> None:
        """Make `current` lead to *release*, in one go."""
        fresh = self.folder / f"current.{os.getpid()}"
        fresh.unlink(missing_ok=True)
        fresh.symlink_to(os.path.relpath(release, self.folder))
        fresh.replace(self.current)

    @contextmanager
    def locked(self, patience: timedelta) -> Iterator[None]:
        """Be the only one who switches it.

        Raises:
            Unavailable: somebody else is, for longer than *patience*.
        """
        deadline = time.monotonic() + patience.total_seconds()
        with (self.folder / "lock").open("w") as lock:
            while True:
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    if time.monotonic() > deadline:
                        raise Unavailable(f"{self} is being switched by somebody else.") from None
                    time.sleep(_RETRY.total_seconds())
            yield


def installations(root: Path) -> tuple[Installation, ...]:
    """All of them."""
    return tuple(
        Installation(root=root, service=service, environment=environment)
        for service in SERVICES
        for environment in FIRST_VERSIONS
    )


def installation(root: Path, service: str, environment: str) -> Installation:
    """The one of *service* in *environment*.

    Raises:
        Refused: there is none.
    """
    found = Installation(root=root, service=service, environment=environment)
    if found not in installations(root):
        raise Refused(f"There is no {found} here.", hint=f"There are {', '.join(SERVICES)}.")
    return found


def _write_orders(path: Path) -> None:
    unfinished = path.with_suffix(".new")
    unfinished.unlink(missing_ok=True)
    database = sqlite3.connect(unfinished)
    with database:
        database.execute(
            "CREATE TABLE orders (id INTEGER PRIMARY KEY, status TEXT NOT NULL, "
            "cents INTEGER NOT NULL)"
        )
        database.executemany(
            "INSERT INTO orders (status, cents) VALUES (?, ?)",
            [(_STATUSES[n % len(_STATUSES)], 990 + 25 * n) for n in range(_ORDERS)],
        )
    database.close()
    unfinished.replace(path)
