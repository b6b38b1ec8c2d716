"""What is deployed to: a file that grows by a line with each effect, whoever causes it.

It refuses nothing and knows no keys: an effect that comes twice stands there twice.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
import json
import os
from pathlib import Path
from typing import Any

from connectors.connector import Action, Inputs
from domain.command import Effect
from domain.errors import Refused, Unavailable
from domain.plan import ActionPlan, Change
from tests.crash.death import AFTER, BEFORE, Death

FIRST = "v1.0.0"
BROKEN = "v1.2.0"  #: its health check fails
SHY = "v1.3.0"  #: the first attempt to switch to it finds the target unavailable


class Shop(Inputs):
    """A shop, and the version that it is to have."""

    shop: str
    version: str = ""


@dataclass(frozen=True)
class Ledger:
    """Lines in a file: each is written whole, at once, and there to stay."""

    file: Path

    def write(self, **line: Any) -> None:
        """Add a line."""
        handle = os.open(self.file, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        try:
            os.write(handle, json.dumps(line).encode() + b"\n")
        finally:
            os.close(handle)

    def lines(self) -> list[dict[str, Any]]:
        """All lines, oldest first."""
        if not self.file.exists():
            return []
        return [json.loads(line) for line in self.file.read_text().splitlines()]


class ShopConnector:
    """The shops' actions."""

    def __init__(
        self, folder: Path, death: Death, now: Callable[[], datetime], *, keeps_keys: bool = False
    ) -> None:
        """With *keeps_keys*, what comes under a key that is known already has no effect."""
        self._effects = Ledger(folder / "effects.jsonl")
        self._tries = Ledger(folder / "tries.jsonl")
        self._death = death
        self._now = now
        self._keeps_keys = keeps_keys

    def actions(self) -> list[Action[Shop]]:
        """What can be done with a shop."""
        read: dict[str, Any] = {"major": 1, "effect": Effect.READ, "inputs": Shop}
        return [
            Action(name="shop.current", summary="What runs", apply=self._current, **read),
            Action(name="shop.health", summary="Health", apply=self._health, **read),
            Action(
                name="shop.switch",
                major=1,
                summary="Switch",
                effect=Effect.WRITE,
                inputs=Shop,
                apply=self._switch,
                plan=self._plan,
                reconcile=self._applied,
            ),
        ]

    async def close(self) -> None:
        """Nothing is open."""

    def _version(self, shop: str) -> str:
        switched = [line["version"] for line in self._effects.lines() if line["shop"] == shop]
        return switched[-1] if switched else FIRST

    async def _current(self, inputs: Shop, _key: str) -> dict[str, Any]:
        return {"version": self._version(inputs.shop)}

    async def _health(self, inputs: Shop, _key: str) -> dict[str, Any]:
        if (version := self._version(inputs.shop)) == BROKEN:
            raise Refused(f"{inputs.shop} answers 503 on {version}.")
        return {"detail": "answers ok"}

    async def _plan(self, inputs: Shop) -> ActionPlan:
        before = self._version(inputs.shop)
        change = Change(target=inputs.shop, what="version", before=before, after=inputs.version)
        return ActionPlan(summary="Switch", changes=(change,), before={"version": before})

    async def _switch(self, inputs: Shop, key: str) -> dict[str, Any]:
        tried = any(line["key"] == key for line in self._tries.lines())
        self._tries.write(key=key)
        if inputs.version == SHY and not tried:
            raise Unavailable(f"{inputs.shop} is shy.")
        doing = ["effect", f"effect:{inputs.version}"]
        self._death.meet(BEFORE, doing)
        if not (self._keeps_keys and await self._applied(inputs, key)):
            self._effects.write(
                key=key, shop=inputs.shop, version=inputs.version, at=self._now().isoformat()
            )
        self._death.meet(AFTER, doing)
        return {"version": inputs.version}

    async def _applied(self, inputs: Shop, key: str) -> dict[str, Any] | None:
        known = any(line["key"] == key for line in self._effects.lines())
        return {"version": inputs.version} if known else None
