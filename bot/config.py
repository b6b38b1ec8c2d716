"""The operator's config folder, loaded and validated as a whole.

A folder is either right or not used: every fault is told with file, line and column, and the
caller keeps what it had.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, TypeVar
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, JsonValue

from bot.access.cases import Case, CasesFile, case
from bot.access.catalogue import ServiceCatalogue, ServicesFile
from bot.access.cedar import CedarAuthorizer
from bot.access.cedar_text import CedarText
from bot.access.config_file import ConfigFile, Entry, Slug, validated
from bot.access.directory import DirectoryFile, YamlDirectory
from bot.access.fault import ConfigFaults
from bot.access.roles import Roles, RolesFile
from domain.command import Effect
from domain.rate import UNLIMITED, Limits
from workflows import durations
from workflows.engine.retention import RUNS
from workflows.yaml_source import Fault, Source, YamlFault, read, read_text

_File = TypeVar("_File", bound=ConfigFile)


def _zone(name: str) -> str:
    """*name*, if the time zone database has it."""
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:  # what ZoneInfo raises for odd names
        raise ValueError("is no time zone; write one such as `Europe/Berlin`") from error
    return name


class LimitsEntry(Entry):
    """How much a connection may be used."""

    per_minute: Annotated[int, Field(ge=1, le=6000)] | None = None
    at_once: Annotated[int, Field(ge=1, le=100)] | None = None


class ConnectionEntry(BaseModel):
    """One connection: which connector, and its settings, which the connector checks itself."""

    model_config = ConfigDict(extra="allow", frozen=True)
    __pydantic_extra__: dict[str, JsonValue]

    connector: Slug
    limits: LimitsEntry = LimitsEntry()


_A_DAY = timedelta(days=1)
_FOR_EVER = "forever"


def _kept(text: str) -> str:
    """*text*, if it says how long runs can be kept."""
    if text != _FOR_EVER and durations.parse(text) < _A_DAY:
        raise ValueError("is less than a day; write such as `90d`, or `forever`")
    return text


class RetentionEntry(Entry):
    """How long what has ended is kept. The audit log is kept for ever."""

    runs: Annotated[str, AfterValidator(_kept)] | None = None

    @property
    def kept(self) -> timedelta | None:
        """How long runs are kept after their end; None: for ever."""
        if self.runs is None:
            return RUNS
        return None if self.runs == _FOR_EVER else durations.parse(self.runs)


class MainFile(ConfigFile):
    """What `signalbox.yaml` says."""

    name: Slug
    time_zone: Annotated[str, AfterValidator(_zone)]
    connections: dict[Slug, ConnectionEntry] = Field(default_factory=dict)
    retention: RetentionEntry = RetentionEntry()


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """A configured connector: what to build it from."""

    connector: str
    settings: Mapping[str, Any]
    limits: Limits = UNLIMITED


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """All that the folder says, but for the workflows."""

    name: str
    zone: ZoneInfo
    connections: Mapping[str, Connection]
    catalogue: ServiceCatalogue
    roles: Roles
    directory: YamlDirectory | None  #: None where people come from elsewhere
    policy: CedarText
    schema: CedarText
    cases: tuple[Case, ...]  #: the policy's decision table
    workflows: Path  #: the folder of workflow files; it need not exist
    keeps_runs: timedelta | None = RUNS  #: for how long after their end; None: for ever


def load(folder: Path) -> Config:
    """The config in *folder*.

    The policy itself is checked by `build_authorizer`: which actions there are depends on the
    commands, and those on the workflows in the same folder.

    Raises:
        ConfigFaults: all that is wrong with the files.
    """
    faults: list[Fault] = []
    main = _read(folder / "signalbox.yaml", MainFile, faults)
    services = _read(folder / "services.yaml", ServicesFile, faults)
    roles = _read(folder / "policy/roles.yaml", RolesFile, faults)
    people_path = folder / "directory.yaml"
    people = _read(people_path, DirectoryFile, faults) if people_path.exists() else None
    policy = _cedar(folder / "policy/policy.cedar", faults)
    schema = _cedar(folder / "policy/schema.cedarschema", faults)
    if faults or not (main and services and roles and policy and schema):
        raise ConfigFaults(faults)
    given = roles.held()
    directory = people.directory() if people else None
    return Config(
        name=main.name,
        zone=ZoneInfo(main.time_zone),
        connections={
            name: Connection(
                connector=entry.connector,
                settings=entry.__pydantic_extra__,
                limits=Limits(per_minute=entry.limits.per_minute, at_once=entry.limits.at_once),
            )
            for name, entry in main.connections.items()
        },
        catalogue=services.catalogue(),
        roles=given,
        directory=directory,
        policy=policy,
        schema=schema,
        cases=_cases(folder / "policy/cases.yaml", given, directory),
        workflows=folder / "workflows",
        keeps_runs=main.retention.kept,
    )


def build_authorizer(config: Config, commands: Mapping[str, Effect]) -> CedarAuthorizer:
    """The authorizer over *config*, where *commands*, workflows included, are the actions.

    Raises:
        ConfigFaults: the policy does not validate.
    """
    return CedarAuthorizer(
        policy=config.policy,
        schema=config.schema,
        roles=config.roles,
        catalogue=config.catalogue,
        commands=commands,
    )


def _read(path: Path, kind: type[_File], faults: list[Fault]) -> _File | None:
    """What the file at *path* says; None if that is nothing right, and *faults* tell why."""
    try:
        return validated(_source(path), kind)
    except ConfigFaults as error:
        faults += error.faults
        return None


def _cedar(path: Path, faults: list[Fault]) -> CedarText | None:
    try:
        return CedarText(str(path), read_text(path))
    except YamlFault as error:
        faults.append(error.fault)
        return None


def _source(path: Path) -> Source:
    """The YAML file at *path*.

    Raises:
        ConfigFaults: it is not there, or is no YAML as we take it.
    """
    try:
        return read(path)
    except YamlFault as error:
        raise ConfigFaults([error.fault]) from error


def _cases(path: Path, roles: Roles, directory: YamlDirectory | None) -> tuple[Case, ...]:
    """The decision table at *path*; empty where there is none.

    Raises:
        ConfigFaults: the table does not validate.
    """
    if not path.exists():
        return ()
    source = _source(path)
    table = validated(source, CasesFile)
    problems = [
        source.fault(*place, sentence=words)
        for place, words in table.unanswerable(roles, directory)
    ]
    if problems:
        raise ConfigFaults(problems)
    return tuple(
        case(
            entry,
            at=(source.file, *source.position("cases", index)),
            roles=roles,
            directory=directory,
        )
        for index, entry in enumerate(table.cases)
    )
