"""Roles, and the directory's groups that give them: `policy/roles.yaml`."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from pydantic import Field

from bot.access.config_file import ConfigFile, Entry, Guid, Slug
from workflows.nearest import did_you_mean
from workflows.yaml_source import Place


class RoleEntry(Entry):
    """One role, as the file has it."""

    groups: tuple[str, ...] = ()
    includes: tuple[str, ...] = ()


class RolesFile(ConfigFile):
    """What `roles.yaml` says."""

    groups: dict[Slug, Guid]
    roles: dict[Slug, RoleEntry] = Field(min_length=1)

    def problems(self) -> Iterator[tuple[Place, str]]:
        """What no single value shows: names that lead nowhere, and circles."""
        for name, role in self.roles.items():
            for index, group in enumerate(role.groups):
                if group not in self.groups:
                    hint = did_you_mean(group, self.groups, limit=1)
                    yield (
                        ("roles", name, "groups", index),
                        f"`{group}` is no group of this file.{hint}",
                    )
            for index, included in enumerate(role.includes):
                place = ("roles", name, "includes", index)
                if included not in self.roles:
                    hint = did_you_mean(included, self.roles, limit=1)
                    yield place, f"`{included}` is no role.{hint}"
                elif name in self._reached_from(included):
                    yield place, f"The role `{name}` includes itself by way of `{included}`."

    def _reached_from(self, role: str) -> frozenset[str]:
        reached: set[str] = set()
        ahead = [role]
        while ahead:
            name = ahead.pop()
            if name in self.roles and name not in reached:
                reached.add(name)
                ahead += self.roles[name].includes
        return frozenset(reached)

    def held(self) -> "Roles":
        """The roles, for a file without problems."""
        return Roles(
            groups=dict(self.groups),
            given_by={
                name: frozenset(self.groups[group] for group in role.groups)
                for name, role in self.roles.items()
            },
            closures={name: self._reached_from(name) for name in self.roles},
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Roles:
    """Who gets which role."""

    groups: Mapping[str, str]  #: our name of a group → its object id
    given_by: Mapping[str, frozenset[str]]  #: role → object ids; lightest role first
    closures: Mapping[str, frozenset[str]]  #: role → itself and all that it includes

    def of(self, groups: frozenset[str]) -> frozenset[str]:
        """The roles that membership in *groups* (object ids) gives, included roles and all."""
        return frozenset(
            role
            for name, givers in self.given_by.items()
            if givers & groups
            for role in self.closures[name]
        )

    def in_order(self, roles: frozenset[str]) -> tuple[str, ...]:
        """*roles*, lightest first."""
        return tuple(name for name in self.given_by if name in roles)

    def groups_behind(self, role: str) -> tuple[str, ...]:
        """The object ids of the groups whose members have *role*, however they come to it."""
        found: dict[str, None] = {}
        for name, givers in self.given_by.items():
            if role in self.closures[name]:
                found |= dict.fromkeys(sorted(givers))
        return tuple(found)
