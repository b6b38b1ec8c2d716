"""The connector of the cluster test: it puts things on a shelf, which is an HTTP service."""

from typing import Any

import aiohttp
from pydantic import BaseModel, ConfigDict

from connectors.connector import Action, Inputs
from domain.command import Effect
from domain.errors import Ambiguous, Unavailable
from domain.plan import ActionPlan, Change


class ShelfSettings(BaseModel):
    """Where the service listens."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    url: str


class Put(Inputs):
    """One part of an item."""

    item: str
    part: str


class Shelf:
    """The shelf's actions."""

    Settings = ShelfSettings

    def __init__(self, settings: ShelfSettings) -> None:
        self._url = settings.url
        self._session: aiohttp.ClientSession | None = None

    def actions(self) -> list[Action[Put]]:
        """What can be done with it."""
        return [
            Action(
                name="shelf.put",
                major=1,
                summary="Puts a part of an item on the shelf",
                effect=Effect.WRITE,
                inputs=Put,
                apply=self._put,
                plan=self._plan,
                reconcile=self._is_there,
            )
        ]

    async def close(self) -> None:
        """Close the connections."""
        if self._session:
            await self._session.close()

    async def _plan(self, inputs: Put) -> ActionPlan:
        change = Change(target=inputs.item, what=inputs.part, before="missing", after="there")
        return ActionPlan(summary=f"Put {inputs.part}", changes=(change,))

    async def _put(self, inputs: Put, key: str) -> dict[str, Any]:
        try:
            async with self._http.post(
                f"{self._url}/{key}", json={"item": inputs.item, "part": inputs.part}
            ) as response:
                response.raise_for_status()
        except aiohttp.ClientConnectorError as error:
            raise Unavailable("The shelf does not answer.") from error
        except (aiohttp.ClientError, TimeoutError) as error:
            raise Ambiguous("The shelf has not said whether it took it.") from error
        return {}

    async def _is_there(self, _inputs: Put, key: str) -> dict[str, Any] | None:
        try:
            async with self._http.get(f"{self._url}/{key}") as response:
                return {} if response.status == 200 else None
        except (aiohttp.ClientError, TimeoutError) as error:
            raise Unavailable("The shelf does not answer.") from error

    @property
    def _http(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10))
        return self._session
