"""From settings to whom we believe, and to real tokens of a stand-in for Entra."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import jwt
import pytest

from bot.botframework.tokens import Tokens
from bot.botframework.trust import METADATA_URL, PRODUCTION_HOSTS, ChannelTrust
from bot.credentials import channel_trust, token_source
from bot.settings import DEMO_TENANT, BadSettings
from sandbox.entra import CHANNEL_ISSUER, Issuer
from tests.settings.environments import APP, DEMO, PASSWORD, PRODUCTION, TENANT, TEST


class StandingClock:
    """Stands still."""

    def now(self) -> datetime:
        return datetime(2026, 3, 2, 9, 30, tzinfo=UTC)


CLOCK = StandingClock()
OPENID = "http://127.0.0.1:4000/openid"


@pytest.fixture
async def entra() -> AsyncIterator[Issuer]:
    issuer = Issuer(CLOCK)
    issuer.add_client(APP, PASSWORD)
    await issuer.start()
    yield issuer
    await issuer.stop()


def test_production_believes_teams_alone(read):
    assert channel_trust(read(**PRODUCTION)) == ChannelTrust(
        app_id=APP,
        bot_id=f"28:{APP}",
        tenants=frozenset({TENANT}),
        hosts=PRODUCTION_HOSTS,
        metadata_url=METADATA_URL,
        requires_token=True,
        allows_plain_http=False,
    )


def test_a_test_with_its_own_issuer_believes_loopback_alone(read):
    variables = TEST | {"CHANNEL_OPENID_URL": OPENID, "CHANNEL_HOSTS": "127.0.0.1:5000"}

    assert channel_trust(read(**variables), ["127.0.0.1:6000"]) == ChannelTrust(
        app_id=APP,
        bot_id=f"28:{APP}",
        tenants=frozenset({DEMO_TENANT}),
        hosts=frozenset({"127.0.0.1:5000", "127.0.0.1:6000"}),
        metadata_url=OPENID,
        requires_token=True,
        allows_plain_http=True,
    )


def test_a_test_against_the_real_teams_believes_it(read):
    trust = channel_trust(read(**TEST, CHANNEL_HOSTS="127.0.0.1:5000"))

    assert trust.hosts == PRODUCTION_HOSTS | {"127.0.0.1:5000"}
    assert trust.requires_token


def test_the_demo_asks_for_no_token_and_believes_loopback_alone(read):
    trust = channel_trust(read(**DEMO), ["127.0.0.1:3979"])

    assert trust.bot_id == "28:00000000-0000-4000-8000-00000000b07a"
    assert trust.tenants == {DEMO_TENANT}
    assert trust.hosts == {"127.0.0.1:3979"}
    assert not trust.requires_token


@pytest.mark.parametrize(
    "variables",
    [
        DEMO,
        DEMO | {"APP_PASSWORD": PASSWORD},
        DEMO | {"APP_TYPE": "UserAssignedMSI"},
        TEST | {"CHANNEL_OPENID_URL": OPENID},
        TEST | {"CHANNEL_OPENID_URL": OPENID, "APP_PASSWORD": PASSWORD},
        TEST,
    ],
)
def test_a_stand_in_for_teams_needs_no_token_of_ours(read, variables):
    assert token_source(read(**variables), CLOCK) is None


@pytest.mark.parametrize(
    "variables", [PRODUCTION, PRODUCTION | {"APP_TYPE": "UserAssignedMSI", "APP_PASSWORD": None}]
)
def test_teams_itself_needs_one(read, variables):
    assert isinstance(token_source(read(**variables), CLOCK), Tokens)


@pytest.mark.parametrize("variables", [DEMO, TEST])
async def test_a_stand_in_for_entra_gives_tokens_for_a_password(read, entra: Issuer, variables):
    stand_in = {"LOGIN_URL": entra.url, "APP_ID": APP, "APP_PASSWORD": PASSWORD}

    source = token_source(read(**(variables | stand_in)), CLOCK)

    assert source is not None
    claims = jwt.decode(await source.token(), options={"verify_signature": False})
    assert (claims["aud"], claims["appid"]) == (CHANNEL_ISSUER, APP)
    assert claims["iss"] == f"https://login.microsoftonline.com/{DEMO_TENANT}/v2.0"


async def test_a_federated_token_is_read_when_it_is_needed(read, entra: Issuer, tmp_path: Path):
    file = tmp_path / "token"
    file.write_text("not yet")
    variables = {"LOGIN_URL": entra.url, "APP_FEDERATED_TOKEN_PATH": str(file)}
    source = token_source(read(**TEST, **variables), CLOCK)
    file.write_text(entra.sign("api://AzureADTokenExchange", "") + "\n")

    assert source is not None
    assert (await source.token()).count(".") == 2


def test_a_certificate_that_cannot_be_read_is_refused(read, tmp_path: Path):
    file = tmp_path / "certificate.pem"
    file.write_bytes(b"\xff")
    variables = PRODUCTION | {"APP_PASSWORD": None, "APP_CERTIFICATE_PATH": str(file)}

    with pytest.raises(BadSettings, match="SIGNALBOX_APP_CERTIFICATE_PATH points to cannot be"):
        token_source(read(**variables), CLOCK)
