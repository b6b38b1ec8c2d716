"""Every setting, read from the environment.

What is wrong by itself is refused here, for every command: a name that nobody knows, a value that
says nothing. What fits together, and fits the profile, is `bot.profiles`' to say. Whatever is
refused is said in one sentence that quotes no value: it may be a secret.
"""

from collections.abc import Mapping
from enum import StrEnum
import os
from pathlib import Path
import re
from typing import Annotated, Any
from urllib.parse import unquote, urlsplit

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    SecretStr,
    ValidationError,
    model_validator,
)
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from domain.errors import Refused
from workflows.nearest import nearest

PREFIX = "SIGNALBOX_"

DEMO_APP_ID = "00000000-0000-4000-8000-00000000b07a"
DEMO_TENANT = "00000000-0000-4000-8000-00000000aaaa"
DEMO_WORLD = Path(__file__).parents[1] / "sandbox" / "world"

_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_HOST = re.compile(r"(?P<host>[a-z0-9.-]+|\[[0-9a-f:]+\]):(?P<port>[1-9][0-9]{0,4})")
_DATABASES = {"sqlite", "postgresql"}
_LAST_PORT = 65_535


class Profile(StrEnum):
    """How much of the world is real."""

    PRODUCTION = "production"
    TEST = "test"  #: tokens are required; the endpoints may be stand-ins on loopback
    DEMO = "demo"  #: all of it is on this machine, and believed without tokens


class AppType(StrEnum):
    """How the bot proves to be itself."""

    SINGLE_TENANT = "SingleTenant"  #: an app registration of one tenant
    USER_ASSIGNED_MSI = "UserAssignedMSI"  #: the machine's identity


class Level(StrEnum):
    """From where on the log speaks."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class BadSettings(Refused):
    """The environment does not say what is needed, or says what must not be."""


def is_guid(text: str) -> bool:
    """Whether *text* is a GUID in lower case."""
    return _GUID.fullmatch(text) is not None


def _guid(text: str) -> str:
    if not is_guid(text.lower()):
        raise ValueError("is no GUID, such as 00000000-0000-4000-8000-00000000b07a")
    return text.lower()


def _word(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9._-]{1,80}", text):
        raise ValueError("is no app id")
    return text.lower()


def _url(text: str) -> str:
    """*text* without the slash at its end."""
    try:
        url = urlsplit(text)
        complete = url.scheme in {"http", "https"} and url.hostname and url.port != 0
    except ValueError:
        complete = False
    if not complete or url.username or url.query or url.fragment or " " in text:
        raise ValueError("is no http(s) URL")
    return text.rstrip("/")


def _host(text: str) -> str:
    """*text* as a service URL has it: lower case, with the port."""
    match = _HOST.fullmatch(text.lower())
    if match is None or int(match["port"]) > _LAST_PORT:
        raise ValueError("must be a list of host:port, separated by commas")
    return text.lower()


def _parts(value: Any) -> Any:
    """The parts of a list that is written with commas."""
    if not isinstance(value, str):
        return value
    return tuple(part.strip() for part in value.split(",") if part.strip())


def _folder(path: Path) -> Path:
    return path.expanduser().absolute()


def _database(url: SecretStr) -> SecretStr:
    try:
        is_known = urlsplit(url.get_secret_value()).scheme.partition("+")[0] in _DATABASES
    except ValueError:
        is_known = False
    if not is_known:
        raise ValueError("must be sqlite:///<file> or postgresql://…")
    return url


AnyUrl = Annotated[str, AfterValidator(_url)]
Guid = Annotated[str, AfterValidator(_guid)]
HostAndPort = Annotated[str, AfterValidator(_host)]
Folder = Annotated[Path, AfterValidator(_folder)]
Port = Annotated[int, Field(ge=0, le=_LAST_PORT)]
Commas = BeforeValidator(_parts)


class Settings(BaseSettings):
    """What the environment says; `SIGNALBOX_` stands before each name, in capitals."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, extra="forbid", frozen=True, hide_input_in_errors=True
    )

    profile: Profile = Field(
        default=Profile.PRODUCTION,
        description="How much of the world is real: `production`, `test` or `demo`.",
    )
    app_id: Annotated[str, AfterValidator(_word)] | None = Field(
        default=None,
        description="The bot's app id in Entra ID: the audience of Teams' tokens. "
        f"Without it, the demo is `{DEMO_APP_ID}`.",
    )
    app_type: AppType = Field(
        default=AppType.SINGLE_TENANT,
        description="How the bot proves to be itself: `SingleTenant` (an app registration) or "
        "`UserAssignedMSI` (the machine's managed identity).",
    )
    app_tenant_id: Guid | None = Field(
        default=None, description="The tenant of the app registration."
    )
    app_password: SecretStr | None = Field(
        default=None, description="The app registration's client secret."
    )
    app_certificate_path: Folder | None = Field(
        default=None,
        description="Instead of the secret: a PEM file with the certificate and its private key.",
    )
    app_federated_token_path: Folder | None = Field(
        default=None,
        description="Instead of the secret: a file with another issuer's token, such as the one "
        "that a Kubernetes workload identity keeps fresh. It is read for each new token.",
    )
    allowed_tenants: Annotated[tuple[Guid, ...], NoDecode, Commas] = Field(
        default=(),
        description="The tenants that are served, separated by commas; others are refused. "
        "Without it, the app's own tenant; without that, in demo and test, the demo's tenant.",
    )
    public_url: AnyUrl | None = Field(
        default=None, description="Where people and other systems reach the public listener."
    )
    config_dir: Folder | None = Field(
        default=None,
        description="The config folder: services, policy, workflows. "
        "Without it, demo and test use the demo's.",
    )
    state_dir: Folder = Field(
        default=Path(".signalbox"),
        validate_default=True,
        description="What must outlive a restart on this machine: the SQLite database, audit "
        "checkpoints and, in demo and test, the generated keys.",
    )
    database_url: Annotated[SecretStr, AfterValidator(_database)] | None = Field(
        default=None,
        description="`postgresql://…` for more than one machine, or `sqlite:///<file>`. "
        "Without it, `sqlite:///<state>/signalbox.db`.",
    )
    audit_key: SecretStr | None = Field(
        default=None,
        description="The MAC key of the audit log, at least 32 characters in production. "
        "In demo and test one is generated into the state folder.",
    )
    secret_keys: SecretStr | None = Field(
        default=None,
        description="The key ring for card tokens and sealing, newest first, separated by "
        "commas: each at least 32 characters in production. "
        "In demo and test one key is generated into the state folder.",
    )
    host: str = Field(
        default="127.0.0.1", description="The address of the public listener (`/api/messages`)."
    )
    port: Port = Field(default=3978, description="The port of the public listener; 0: a free one.")
    admin_host: str = Field(
        default="127.0.0.1",
        description="The address of the admin listener (`/healthz`, `/readyz`, `/metrics`).",
    )
    admin_port: Port | None = Field(
        default=None,
        description="The port of the admin listener. Without it, 3980; the demo takes a free one.",
    )
    log_level: Level = Field(
        default=Level.INFO,
        description="From where on the log speaks: `debug`, `info`, `warning` or `error`.",
    )
    channel_openid_url: AnyUrl | None = Field(
        default=None,
        description="Only in test and demo: the OpenID metadata of who signs the channel's "
        "tokens. Without it, Bot Framework's.",
    )
    channel_hosts: Annotated[tuple[HostAndPort, ...], NoDecode, Commas] = Field(
        default=(),
        description="Only in test and demo: addresses `host:port` on loopback that a service URL "
        "may have, separated by commas, besides the simulated Teams' own.",
    )
    login_url: AnyUrl | None = Field(
        default=None,
        description="Only in test and demo: where requests for Entra's token service go instead.",
    )
    graph_url: AnyUrl | None = Field(
        default=None,
        description="Only in test and demo: where requests for Microsoft Graph go instead. "
        "Without it, people come from `directory.yaml`.",
    )

    @model_validator(mode="before")
    @classmethod
    def _without_blanks(cls, values: dict[str, Any]) -> dict[str, Any]:
        """What is blank is not set."""
        stripped = {
            name: value.strip() if isinstance(value, str) else value
            for name, value in values.items()
        }
        return {name: value for name, value in stripped.items() if value != ""}

    @property
    def bot_app_id(self) -> str:
        """The app id; the demo's where there is none, as only the demo may be without."""
        return self.app_id or DEMO_APP_ID

    @property
    def bot_id(self) -> str:
        """How the channel addresses the bot."""
        return f"28:{self.bot_app_id}"

    @property
    def tenants(self) -> frozenset[str]:
        """The tenants that are served; empty where production was told none."""
        if self.allowed_tenants:
            return frozenset(self.allowed_tenants)
        if self.app_tenant_id:
            return frozenset({self.app_tenant_id})
        return frozenset() if self.profile is Profile.PRODUCTION else frozenset({DEMO_TENANT})

    @property
    def database(self) -> str:
        """The URL of the database. It may hold a password: not for people, not for logs."""
        if self.database_url:
            return self.database_url.get_secret_value()
        return f"sqlite:///{self.state_dir / 'signalbox.db'}"

    @property
    def is_on_sqlite(self) -> bool:
        """Whether the database is a file, which one process can work on."""
        return urlsplit(self.database).scheme.partition("+")[0] == "sqlite"

    @property
    def checkpoints(self) -> Path:
        """The folder of the audit log's signed checkpoints."""
        return self.state_dir / "audit"

    @property
    def config(self) -> Path:
        """The config folder.

        Raises:
            BadSettings: production was told none.
        """
        if self.config_dir:
            return self.config_dir
        if self.profile is Profile.PRODUCTION:
            raise BadSettings("SIGNALBOX_CONFIG_DIR does not say where the config folder is.")
        return DEMO_WORLD

    @property
    def admin(self) -> int:
        """The port of the admin listener; 0: a free one."""
        if self.admin_port is not None:
            return self.admin_port
        return 0 if self.profile is Profile.DEMO else 3980

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must never be shown: the log looks out for it."""
        given = (self.app_password, self.audit_key, self.database_url, self.secret_keys)
        texts = [secret.get_secret_value() for secret in given if secret]
        password = urlsplit(self.database).password or ""
        return (*texts, *self.ring, password, unquote(password))

    @property
    def ring(self) -> tuple[str, ...]:
        """The keys of `secret_keys`, newest first; empty where none are set."""
        return _parts(self.secret_keys.get_secret_value()) if self.secret_keys else ()


def variable(field: str) -> str:
    """The environment variable of a field of `Settings`."""
    return f"{PREFIX}{field.upper()}"


VARIABLES: Mapping[str, str] = {variable(field): field for field in Settings.model_fields}
"""Every environment variable we know, and its field."""


def read_settings(**overrides: Any) -> Settings:
    """The settings in this process's environment; *overrides* are from the command line.

    Raises:
        BadSettings: a name is unknown, or a value says nothing.
    """
    given = {name: value for name, value in overrides.items() if value is not None}
    for name in sorted(os.environ):
        if name.upper().startswith(PREFIX) and name not in VARIABLES:
            raise BadSettings(_unknown(name))
    try:
        return Settings(**given)
    except ValidationError as error:
        (first, *_) = error.errors(include_input=False, include_url=False)
        raise BadSettings(_sentence(first)) from None  # its words would quote the value


def _unknown(name: str) -> str:
    close = nearest(name[len(PREFIX) :].lower(), Settings.model_fields, limit=1)
    guess = f"; did you mean {variable(close[0])}?" if close else "."
    return f"{name} is no setting I know{guess}"


def _sentence(detail: Mapping[str, Any]) -> str:
    """What pydantic found, in our words.

    https://docs.pydantic.dev/latest/errors/validation_errors/
    """
    name = variable(str(detail["loc"][0]))
    words = str(detail["msg"])
    if detail["type"] == "value_error":
        return f"{name} {words.removeprefix('Value error, ')}."
    wanted = words.removeprefix("Input should be ").partition(", unable")[0]
    return f"{name} must be {wanted}."
