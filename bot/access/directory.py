"""Directories: people and groups from a file, for demo and tests; or none at all."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, NoReturn

from pydantic import StringConstraints

from bot.access.config_file import ConfigFile, Entry, Guid, Slug
from domain.actor import ObjectId, Person, TenantId
from domain.errors import Unavailable
from workflows.nearest import did_you_mean
from workflows.yaml_source import Place


class UserType(StrEnum):
    """Entra's `userType`."""

    MEMBER = "Member"
    GUEST = "Guest"


class PersonEntry(Entry):
    """One person, in the words of Microsoft Graph.

    https://learn.microsoft.com/graph/api/resources/user
    """

    id: Guid
    name: Annotated[str, StringConstraints(min_length=1, max_length=256)]
    groups: tuple[str, ...] = ()
    userType: UserType = UserType.MEMBER  # noqa: N815  # Graph's word
    accountEnabled: bool = True  # noqa: N815  # Graph's word


class DirectoryFile(ConfigFile):
    """What `directory.yaml` says."""

    tenant: Guid
    groups: dict[Slug, Guid]
    people: tuple[PersonEntry, ...]

    def problems(self) -> Iterator[tuple[Place, str]]:
        """Groups that are not there; ids and names that are given twice."""
        seen: dict[str, str] = {}
        for index, person in enumerate(self.people):
            if person.id in seen:
                yield ("people", index, "id"), f"{seen[person.id]} has this id already."
            if person.name in seen.values():
                yield ("people", index, "name"), f"There is a {person.name} already."
            seen[person.id] = person.name
            for number, group in enumerate(person.groups):
                if group not in self.groups:
                    hint = did_you_mean(group, self.groups, limit=1)
                    yield (
                        ("people", index, "groups", number),
                        f"`{group}` is no group of this file.{hint}",
                    )

    def directory(self) -> "YamlDirectory":
        """The directory, for a file without problems."""
        people = (
            Person(
                id=ObjectId(entry.id),
                name=entry.name,
                groups=frozenset(self.groups[group] for group in entry.groups),
                is_guest=entry.userType is UserType.GUEST,
                is_enabled=entry.accountEnabled,
            )
            for entry in self.people
        )
        return YamlDirectory(TenantId(self.tenant), {person.id: person for person in people})


@dataclass(frozen=True, slots=True)
class YamlDirectory:
    """Implements `domain.ports.Directory` over the file; it is always fresh."""

    tenant: TenantId
    people: Mapping[ObjectId, Person]

    async def person(self, object_id: ObjectId, *, fresh: bool = False) -> Person | None:  # noqa: ARG002  # the port's; there is no cache
        """What the file says of *object_id*; None for a stranger."""
        return self.people.get(object_id)

    async def members(self, group_id: str) -> tuple[Person, ...]:
        """The people in a group, in the order of the file."""
        return tuple(person for person in self.people.values() if group_id in person.groups)

    def named(self, name: str) -> Person | None:
        """The person the file calls *name*; for decision tables and the terminal, nothing else."""
        return next((person for person in self.people.values() if person.name == name), None)


class NoDirectory:
    """Implements `domain.ports.Directory` where none is connected: nobody can be told apart."""

    async def person(self, object_id: ObjectId, *, fresh: bool = False) -> Person | None:  # noqa: ARG002  # the port's
        """Never an answer.

        Raises:
            Unavailable: always.
        """
        _nobody_to_ask()

    async def members(self, group_id: str) -> tuple[Person, ...]:  # noqa: ARG002  # the port's
        """Never an answer.

        Raises:
            Unavailable: always.
        """
        _nobody_to_ask()


def _nobody_to_ask() -> NoReturn:
    raise Unavailable(
        "I cannot verify your roles: no directory is connected.",
        hint="Whoever runs Signalbox has to connect one.",
    )
