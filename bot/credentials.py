"""Whom we believe, and how we prove to be ourselves, as the settings say it."""

from collections.abc import Iterable

from bot.botframework.entra import (
    LOGIN,
    AppRegistration,
    Credential,
    ManagedIdentity,
    assertion,
    certificate,
)
from bot.botframework.tokens import Tokens, TokenSource
from bot.botframework.trust import METADATA_URL, PRODUCTION_HOSTS, ChannelTrust
from bot.settings import AppType, BadSettings, Profile, Settings, variable
from domain.ports import Clock


def channel_trust(settings: Settings, extra_hosts: Iterable[str] = ()) -> ChannelTrust:
    """What activities are held against.

    *extra_hosts* are addresses `host:port` besides those of the settings: the simulated Teams'
    own. Where a stand-in signs the tokens, or nobody does, Teams' real addresses are not believed
    either.

    Raises:
        Refused: the settings would switch the checks off.
    """
    is_real = settings.profile is not Profile.DEMO and settings.channel_openid_url is None
    listed = frozenset(settings.channel_hosts) | frozenset(extra_hosts)
    return ChannelTrust(
        app_id=settings.bot_app_id,
        bot_id=settings.bot_id,
        tenants=settings.tenants,
        hosts=listed | PRODUCTION_HOSTS if is_real else listed,
        metadata_url=settings.channel_openid_url or METADATA_URL,
        requires_token=settings.profile is not Profile.DEMO,
        allows_plain_http=settings.profile is not Profile.PRODUCTION,
    )


def token_source(settings: Settings, clock: Clock) -> TokenSource | None:
    """Where our own tokens for the channel come from.

    None where the channel is a stand-in that asks for none: in the demo, and in a test with an
    issuer of its own, unless the settings name a stand-in for Entra as well.

    Raises:
        BadSettings: the certificate cannot be read.
    """
    is_real = settings.profile is not Profile.DEMO and settings.channel_openid_url is None
    if settings.login_url is None and not is_real:
        return None
    if settings.app_type is AppType.USER_ASSIGNED_MSI:
        return Tokens(ManagedIdentity(app_id=settings.bot_app_id), clock)
    credential = _credential(settings)
    if credential is None:  # only a test goes without: see `bot.profiles`
        return None
    registration = AppRegistration(
        app_id=settings.bot_app_id,
        tenant=settings.app_tenant_id or min(settings.tenants),
        credential=credential,
        login_url=settings.login_url or LOGIN,
    )
    return Tokens(registration, clock)


def _credential(settings: Settings) -> Credential | None:
    """What the app registration proves itself with; None where it has nothing."""
    if certificate_path := settings.app_certificate_path:
        try:
            return certificate(certificate_path.read_text(encoding="ascii"))
        except (OSError, UnicodeDecodeError) as error:
            name = variable("app_certificate_path")
            raise BadSettings(f"The file that {name} points to cannot be read.") from error
    if token_path := settings.app_federated_token_path:
        return assertion(lambda: token_path.read_text(encoding="ascii").strip())
    return settings.app_password.get_secret_value() if settings.app_password else None
