"""From the connections in `signalbox.yaml` to connectors.

A connector is a class with `Settings`, a pydantic model, that is made from these settings. Ours
are listed here; a package brings its own through the entry point group `signalbox.connectors`.
"""

from collections.abc import Callable, Mapping
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, Protocol

from pydantic import BaseModel, ValidationError

from connectors.connector import Connector
from connectors.reference import Surroundings
from connectors.releases import Releases
from connectors.supervisor import Supervisor
from domain.errors import Refused

GROUP = "signalbox.connectors"


class ConnectionEntry(Protocol):
    """What the operator says of a connection."""

    @property
    def connector(self) -> str:
        """The connector's name."""
        ...

    @property
    def settings(self) -> Mapping[str, Any]:
        """For the connector to check."""
        ...


class ConnectorKind(Protocol):
    """A class of connectors."""

    @property
    def Settings(self) -> type[BaseModel]:  # noqa: N802 - a class
        """What its connections have to say."""
        ...

    def __call__(self, settings: Any, /) -> Connector:
        """A connector with these *settings*, an instance of `Settings`. It connects later."""
        ...


Offers = Mapping[str, Callable[[], ConnectorKind]]
"""How to get a kind of connector by its name; what nobody uses is never loaded."""


def offers() -> Offers:
    """Our own connectors, and those of installed packages.

    Raises:
        Refused: two go by one name.
    """
    known: dict[str, Callable[[], ConnectorKind]] = {
        "releases": lambda: Releases,
        "supervisor": lambda: Supervisor,
    }
    for entry in entry_points(group=GROUP):
        if entry.name in known:
            raise Refused(
                f"Two packages bring a connector {entry.name}.",
                hint=f"One of them is {entry.value}; remove it.",
            )
        known[entry.name] = entry.load
    return known


def connect(
    connections: Mapping[str, ConnectionEntry], state: Path, offered: Offers
) -> tuple[Connector, ...]:
    """A connector for each connection. None is contacted yet; the caller closes them.

    Settings such as `file://…` are looked up in the folder *state*, when they are needed.

    Raises:
        Refused: a connection asks for what nobody offers, or its settings are wrong.
    """
    surroundings = Surroundings(state=state)
    return tuple(
        _connector(name, connection, surroundings, offered)
        for name, connection in connections.items()
    )


def _connector(
    name: str, connection: ConnectionEntry, surroundings: Surroundings, offered: Offers
) -> Connector:
    load = offered.get(connection.connector)
    if load is None:
        raise Refused(
            f"The connection {name} asks for the connector {connection.connector}, "
            "which is not installed.",
            hint=f"There are {', '.join(sorted(offered))}.",
        )
    try:
        kind = load()
        model = kind.Settings
    except (ImportError, AttributeError) as error:
        raise Refused(
            f"The connection {name} asks for the connector {connection.connector}, "
            f"which does not load: {error}."
        ) from error
    try:
        settings = model.model_validate(dict(connection.settings), context=surroundings)
    except ValidationError as error:
        faults = "; ".join(f"{'.'.join(map(str, e['loc']))}: {_words(e)}" for e in error.errors())
        raise Refused(
            f"The connection {name} is not set up right: {faults}.",
            hint="Correct it in signalbox.yaml.",
        ) from error
    return kind(settings)


def _words(fault: Any) -> str:
    """What is wrong. Never the value: it may be a secret."""
    return str(fault["msg"]).removeprefix("Value error, ")
