"""The services we operate: `services.yaml`."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field, StringConstraints

from bot.access.config_file import ConfigFile, Entry, Slug
from workflows.yaml_source import Place


class EnvironmentEntry(Entry):
    """One environment of a service, as the file has it."""

    tier: int = Field(ge=0, le=9, strict=True)  #: 1 matters most


class ServiceEntry(Entry):
    """One service, as the file has it."""

    name: Slug
    owner: Annotated[str, StringConstraints(min_length=1, max_length=100)]
    environments: dict[Slug, EnvironmentEntry] = Field(min_length=1)


class ServicesFile(ConfigFile):
    """What `services.yaml` says."""

    services: tuple[ServiceEntry, ...]

    def problems(self) -> list[tuple[Place, str]]:
        """Names that are given twice."""
        names = [service.name for service in self.services]
        return [
            (("services", index, "name"), f"There is a service `{name}` already.")
            for index, name in enumerate(names)
            if name in names[:index]
        ]

    def catalogue(self) -> "ServiceCatalogue":
        """The catalogue, for a file without problems."""
        return ServiceCatalogue({service.name: service for service in self.services})


@dataclass(frozen=True, slots=True)
class ServiceCatalogue:
    """Implements `domain.ports.Catalogue` over the file."""

    entries: Mapping[str, ServiceEntry]

    def services(self) -> tuple[str, ...]:
        """Names, in the order of the file."""
        return tuple(self.entries)

    def environments(self, service: str | None = None) -> tuple[str, ...]:
        """The environments of *service*, or of all services; none for a service unknown."""
        if service is not None:
            entry = self.entries.get(service)
            return tuple(entry.environments) if entry else ()
        return tuple(
            dict.fromkeys(name for entry in self.entries.values() for name in entry.environments)
        )

    def attributes(self, service: str, environment: str) -> Mapping[str, str]:
        """`owner`, and the `tier` of *environment* unless that is empty.

        Empty for what the file does not know.
        """
        entry = self.entries.get(service)
        if entry is None:
            return {}
        if not environment:
            return {"owner": entry.owner}
        if environment not in entry.environments:
            return {}
        return {"owner": entry.owner, "tier": str(entry.environments[environment].tier)}
