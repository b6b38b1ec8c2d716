"""Whom we believe: the channel's addresses, our own ids, the tenants we serve."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
import re

from domain.errors import Refused

ISSUER = "https://api.botframework.com"
"""Who signs the channel's tokens, and whom our own are for.
https://learn.microsoft.com/azure/bot-service/rest-api/bot-framework-rest-connector-authentication"""

METADATA_URL = "https://login.botframework.com/v1/.well-known/openidconfiguration"

PRODUCTION_HOSTS = frozenset(
    {
        "smba.trafficmanager.net",
        "smba.onyx.prod.teams.trafficmanager.net",
        "smba.infra.gcc.teams.microsoft.com",
        "smba.infra.gov.teams.microsoft.us",
        "smba.infra.dod.teams.microsoft.us",
        "frontend.botapi.msg.infra.teams.microsoftonline.cn",
    }
)
"""Microsoft's own list. No wildcards: anybody can register a name under trafficmanager.net."""

OnDenied = Callable[[str, Mapping[str, str]], Awaitable[None]]
"""Told of a genuine activity from a tenant we do not serve: the reason, and what it says of itself
(`tenant`, `sender`, `conversation`, `activity`, `type`)."""

_LONGEST_URL = 512
_SERVICE_URL = re.compile(
    r"(?P<scheme>https?)://(?P<host>[a-z0-9.-]+|\[[0-9a-f:]+\])(?::(?P<port>[0-9]{1,5}))?"
    r"(?:/[A-Za-z0-9._~/-]*)?",
    re.ASCII,
)
_DEFAULT_PORT = {"http": "80", "https": "443"}


class Untrusted(Refused):
    """The activity does not come from Teams, or not to us: no word about it to its sender."""


class ForeignTenant(Untrusted):
    """It does come from Teams, but from a tenant that we do not serve."""

    def __init__(self, sentence: str, facts: Mapping[str, str]) -> None:
        super().__init__(sentence)
        self.facts = facts


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelTrust:
    """What an activity and a service URL are held against."""

    app_id: str  #: the audience of the channel's tokens
    bot_id: str  #: `28:<app id>`, as the channel addresses us
    tenants: frozenset[str]  #: lower-case GUIDs
    hosts: frozenset[str]  #: `host` for the default port, else `host:port`; lower case
    metadata_url: str = METADATA_URL
    requires_token: bool = True  #: False: loopback peers are believed without one
    allows_plain_http: bool = False  #: for hosts that are listed with their port

    def __post_init__(self) -> None:
        """Refuse what would switch the checks off.

        Raises:
            Refused: an empty app id, no tenant, no host, or keys over plain HTTP.
        """
        if self.requires_token and not self.app_id.strip():
            raise Refused("Without an app id anybody could talk to me.", hint="Set the app id.")
        if not (self.bot_id.strip() and self.tenants and self.hosts):
            raise Refused("I need to know who I am, and whom to serve.", hint="Set the tenants.")
        if not self.allows_plain_http and not self.metadata_url.startswith("https://"):
            raise Refused("Signing keys come over HTTPS only.", hint="Check the metadata URL.")

    def allows(self, service_url: str) -> bool:
        """Whether *service_url* is an address of the channel, to which our token may go."""
        if len(service_url) > _LONGEST_URL:
            return False
        url = _SERVICE_URL.fullmatch(service_url)
        if url is None:  # user info, a query, an escape, upper case: Teams has none of it
            return False
        scheme, host, port = (
            url["scheme"],
            url["host"],
            url["port"] or _DEFAULT_PORT[url["scheme"]],
        )
        if scheme == "http":
            return self.allows_plain_http and f"{host}:{port}" in self.hosts
        return f"{host}:{port}" in self.hosts or (port == "443" and host in self.hosts)
