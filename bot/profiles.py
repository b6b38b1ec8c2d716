"""What each profile asks for and refuses, before a process starts that serves.

Production refuses whatever would let somebody else speak for Teams, for Entra, or for the log.
"""

from collections.abc import Iterable, Iterator
from enum import StrEnum
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

from bot.settings import AppType, BadSettings, Profile, Settings, is_guid, variable

_SHORTEST_KEY = 32  #: characters, in production
_ENDPOINTS = ("channel_openid_url", "channel_hosts", "login_url", "graph_url")
_CREDENTIALS = ("app_password", "app_certificate_path", "app_federated_token_path")


class Process(StrEnum):
    """What is about to start, by its command."""

    SERVE = "serve"
    SERVE_ALONE = "serve --no-worker"
    WORKER = "worker"
    DEMO = "demo"


def check(settings: Settings, process: Process) -> None:
    """Refuse what *process* must not start with.

    Raises:
        BadSettings: the first fault, in one sentence; of what is missing, all.
    """
    if process is Process.DEMO and settings.profile is Profile.PRODUCTION:
        profile = variable("profile")
        raise BadSettings(f"`signalbox demo` is no production; {profile} must not say it is.")
    if missing := list(_missing(settings)):
        raise BadSettings(f"The {settings.profile} profile needs {_and(missing)}.")
    rules = {
        Profile.PRODUCTION: _production_faults,
        Profile.TEST: _test_faults,
        Profile.DEMO: _demo_faults,
    }
    for fault in (*rules[settings.profile](settings, process), *_credential_faults(settings)):
        raise BadSettings(fault)


def _missing(settings: Settings) -> Iterator[str]:
    """The variables that the profile cannot do without."""
    if settings.profile is Profile.DEMO:
        return
    if not settings.app_id:
        yield variable("app_id")
    if settings.profile is Profile.TEST:
        return
    if not settings.tenants:
        yield variable("allowed_tenants")
    if settings.app_type is AppType.SINGLE_TENANT:
        if not settings.app_tenant_id:
            yield variable("app_tenant_id")
        if not _credentials(settings):
            yield variable("app_password")
    for field in ("config_dir", "audit_key", "secret_keys"):
        if getattr(settings, field) is None:
            yield variable(field)


def _production_faults(settings: Settings, process: Process) -> Iterator[str]:
    for field in _ENDPOINTS:
        if getattr(settings, field):
            yield f"{variable(field)} is for tests only; production goes to Microsoft's endpoints."
    if settings.public_url and not settings.public_url.startswith("https://"):
        yield f"{variable('public_url')} must be an https URL in production."
    if not is_guid(settings.bot_app_id):
        yield f"{variable('app_id')} is no GUID, as the app ids of Entra ID are."
    if not _is_long(settings.audit_key.get_secret_value() if settings.audit_key else ""):
        yield f"{variable('audit_key')} must have at least {_SHORTEST_KEY} characters."
    if not settings.ring or not all(map(_is_long, settings.ring)):
        ring = variable("secret_keys")
        yield f"Each key of {ring} must have at least {_SHORTEST_KEY} characters."
    if settings.is_on_sqlite and process in {Process.WORKER, Process.SERVE_ALONE}:
        yield (
            f"`{process}` shares its database with other processes, which SQLite is not for; "
            f"set {variable('database_url')} to postgresql://…"
        )


def _test_faults(settings: Settings, _: Process) -> Iterator[str]:
    for field in ("channel_openid_url", "login_url", "graph_url"):
        url = getattr(settings, field)
        if url and not is_loopback(urlsplit(url).hostname or ""):
            yield f"{variable(field)} must be an address on loopback."
    if not all(is_loopback(_name_of(host)) for host in settings.channel_hosts):
        yield f"{variable('channel_hosts')} must be addresses on loopback."


def _demo_faults(settings: Settings, process: Process) -> Iterator[str]:
    for field in ("host", "admin_host"):
        if not is_loopback(getattr(settings, field)):
            yield (
                f"The demo believes everybody, so {variable(field)} must be a loopback address, "
                "such as 127.0.0.1."
            )
    yield from _test_faults(settings, process)


def _credential_faults(settings: Settings) -> Iterator[str]:
    credentials = _credentials(settings)
    if settings.app_type is AppType.USER_ASSIGNED_MSI and credentials:
        yield f"A managed identity needs no credential, but {_and(credentials)} is set."
    if len(credentials) > 1:
        yield f"Only one of {_and(credentials)} may be set."
    if settings.login_url and settings.app_type is AppType.SINGLE_TENANT and not credentials:
        yield f"{variable('login_url')} is of no use without {variable('app_password')}."
    for field in ("app_certificate_path", "app_federated_token_path"):
        path: Path | None = getattr(settings, field)
        if path and not path.is_file():
            yield f"There is no file where {variable(field)} points to."


def _credentials(settings: Settings) -> list[str]:
    """The variables that are set of those with which an app registration proves itself."""
    return [variable(field) for field in _CREDENTIALS if getattr(settings, field)]


def is_loopback(host: str) -> bool:
    """Whether *host*, a name or an address, is this machine and nobody else's to reach."""
    if host == "localhost":
        return True
    try:
        return ip_address(host.removeprefix("[").removesuffix("]")).is_loopback
    except ValueError:
        return False


def _name_of(host_and_port: str) -> str:
    return SplitResult("", host_and_port, "", "", "").hostname or ""


def _is_long(key: str) -> bool:
    return len(key) >= _SHORTEST_KEY


def _and(names: Iterable[str]) -> str:
    *others, last = names
    return f"{', '.join(others)} and {last}" if others else last
