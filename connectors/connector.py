"""What a connector is: named, typed actions on one system, and how the engine calls them."""

from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Generic, Protocol, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from domain.command import Effect
from domain.errors import BadArguments, Bug, Refused
from domain.plan import ActionPlan


class Inputs(BaseModel):
    """Base of an action's inputs: frozen, and nothing undeclared gets in."""

    model_config = ConfigDict(extra="forbid", frozen=True)


In = TypeVar("In", bound=Inputs)

Output = Mapping[str, Any]
"""What an action found or did: JSON values, for expressions and for the card."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Action(Generic[In]):
    """One operation of a connector.

    A writing action must say what it would change (*plan*) and must be able to tell, after a
    crash or a lost answer, whether it has happened (*reconcile*).
    """

    name: str  #: "releases.switch"
    major: int  #: workflows refer to `name@major`
    summary: str  #: one sentence for the reference page
    effect: Effect
    inputs: type[In]
    apply: Callable[[In, str], Awaitable[Output]]  #: with the idempotency key
    plan: Callable[[In], Awaitable[ActionPlan]] | None = None
    reconcile: Callable[[In, str], Awaitable[Output | None]] | None = None
    cancel: Callable[[In, str], Awaitable[None]] | None = None
    """Has the target stop what was begun under a key, where it can; it is asked afterwards."""
    timeout: timedelta = timedelta(seconds=30)

    def __post_init__(self) -> None:
        """Refuse a write that could not be planned or recovered."""
        if self.effect is not Effect.READ and (self.plan is None or self.reconcile is None):
            raise Bug(f"{self.reference} writes, so it needs a plan and a reconcile.")

    @property
    def reference(self) -> str:
        """How workflows name it: `releases.switch@1`."""
        return f"{self.name}@{self.major}"

    def parse(self, arguments: Mapping[str, Any]) -> In:
        """*arguments* as this action's inputs.

        Raises:
            BadArguments: one is missing, unknown, or of the wrong kind.
        """
        try:
            return self.inputs.model_validate(dict(arguments))
        except ValidationError as error:
            faults = "; ".join(
                f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors()
            )
            raise BadArguments(f"{self.reference} cannot take these inputs: {faults}.") from error


class Connector(Protocol):
    """One system we can talk to: a connection's settings turned into actions."""

    def actions(self) -> Iterable[Action[Any]]:
        """What it can do."""
        ...

    async def close(self) -> None:
        """Let go of sockets and sessions."""
        ...


class Actions:
    """All actions of all connections, by reference."""

    def __init__(self, connectors: Iterable[Connector]) -> None:
        self._by_reference: dict[str, Action[Any]] = {}
        for connector in connectors:
            for action in connector.actions():
                if action.reference in self._by_reference:
                    raise Refused(f"Two connections offer {action.reference}.")
                self._by_reference[action.reference] = action

    def __contains__(self, reference: object) -> bool:
        return reference in self._by_reference

    def __iter__(self) -> Iterator[Action[Any]]:
        return iter(self._by_reference.values())

    def get(self, reference: str) -> Action[Any]:
        """The action called *reference*.

        Raises:
            Refused: no connection offers it.
        """
        try:
            return self._by_reference[reference]
        except KeyError:
            raise Refused(
                f"No connection offers {reference}.",
                hint="Check `connections` in signalbox.yaml.",
            ) from None
