"""Our own tokens: real MSAL against a real token service on loopback."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
import threading
from typing import Any

from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
import jwt
import pytest

from bot.botframework.entra import AppRegistration, ManagedIdentity, assertion, certificate
from bot.botframework.tokens import Tokens
from domain.errors import Unavailable
from domain.notice import Message
from sandbox.entra import CHANNEL_ISSUER, Issuer
from tests.ingress.world import APP, TENANT, FakeClock, world_of

SECRET = "made-up"


def registration(
    issuer: Issuer, credential: Any = SECRET, tenant: str = TENANT
) -> AppRegistration:
    return AppRegistration(app_id=APP, tenant=tenant, credential=credential, login_url=issuer.url)


@pytest.fixture
def tokens(issuer: Issuer, clock: FakeClock) -> Tokens:
    issuer.add_client(APP, SECRET)
    return Tokens(registration(issuer), clock)


async def test_five_messages_need_one_token(
    issuer: Issuer, clock: FakeClock, tokens: Tokens
) -> None:
    async with world_of(issuer, clock, tokens) as world:
        sends = (
            world.edge.transport.send(world.conversation(), Message(markdown=str(number)))
            for number in range(5)
        )
        await asyncio.gather(*sends)
        authorizations = {r.headers["Authorization"] for r in world.channel.requests}

    assert issuer.hits == {"discovery": 1, "token": 1}
    (authorization,) = authorizations
    claims = jwt.decode(authorization.removeprefix("Bearer "), options={"verify_signature": False})
    assert (claims["aud"], claims["appid"]) == (CHANNEL_ISSUER, APP)


async def test_our_own_token_does_not_get_anybody_in(
    issuer: Issuer, clock: FakeClock, tokens: Tokens
) -> None:
    async with world_of(issuer, clock, tokens) as world:
        assert await world.post(token=await tokens.token()) == (401, b"")

        assert world.turns == []


async def test_a_secret_that_is_wrong_is_said_without_saying_it(
    issuer: Issuer, clock: FakeClock, capsys: pytest.CaptureFixture[str]
) -> None:
    issuer.add_client(APP, SECRET)
    tokens = Tokens(registration(issuer, "wrong-one"), clock)

    with pytest.raises(Unavailable) as error:
        await tokens.token()

    assert str(error.value) == "Entra gives me no token for Teams (invalid_client)."
    assert "wrong-one" not in error.value.words + "".join(capsys.readouterr())


async def test_entra_that_is_away_is_unavailable(issuer: Issuer, clock: FakeClock) -> None:
    tokens = Tokens(registration(issuer), clock)
    await issuer.stop()

    with pytest.raises(Unavailable, match="Entra did not answer"):
        await tokens.token()


def self_signed(key: rsa.RSAPrivateKey) -> str:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "signalbox")])
    day = datetime(2026, 3, 2, tzinfo=UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(day)
        .not_valid_after(day + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return (private + signed.public_bytes(Encoding.PEM)).decode()


async def test_a_certificate_does_as_well(
    issuer: Issuer, clock: FakeClock, key: rsa.RSAPrivateKey
) -> None:
    issuer.add_client(APP, SECRET)
    tokens = Tokens(registration(issuer, certificate(self_signed(key))), clock)

    assert (await tokens.token()).count(".") == 2


async def test_another_issuers_token_does_as_well(issuer: Issuer, clock: FakeClock) -> None:
    issuer.add_client(APP, SECRET)
    asked = []

    def signed() -> str:
        asked.append(threading.current_thread())
        return issuer.sign("api://AzureADTokenExchange", "")

    tokens = Tokens(registration(issuer, assertion(signed)), clock)

    assert (await tokens.token()).count(".") == 2
    assert len(asked) == 1
    assert asked[0] is not threading.main_thread()  # it may block


async def test_the_machines_identity_does_as_well(
    clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Mapping[str, str]] = []

    async def endpoint(request: web.Request) -> web.Response:
        seen.append(request.query)
        if request.headers.get("X-IDENTITY-HEADER") != "header":
            return web.json_response({"statusCode": 401, "message": "no"}, status=401)
        moment = int(datetime.now(UTC).timestamp()) + 3600  # noqa: TID251  # MSAL reads the wall clock
        return web.json_response(
            {"access_token": "of-the-machine", "expires_on": str(moment), "resource": "r"}
        )

    app = web.Application()
    app.router.add_get("/msi/token", endpoint)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}/msi/token"
    monkeypatch.setenv("IDENTITY_ENDPOINT", url)
    monkeypatch.setenv("IDENTITY_HEADER", "header")

    tokens = Tokens(ManagedIdentity(app_id=APP), clock)
    assert await tokens.token() == "of-the-machine"
    assert await tokens.token() == "of-the-machine"

    (query,) = seen
    assert (query["resource"], query["client_id"]) == (CHANNEL_ISSUER, APP)
    await runner.cleanup()


class Script:
    """An `Issuing` that answers as written; the last answer for ever."""

    def __init__(self, *answers: Mapping[str, Any] | Exception) -> None:
        self.answers = list(answers)
        self.asked = 0
        self.forgotten = 0
        self.at_once = 0

    def acquire(self) -> Mapping[str, Any]:
        self.asked += 1
        self.at_once += 1
        assert self.at_once == 1
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        self.at_once -= 1
        if isinstance(answer, Exception):
            raise answer
        return answer

    def forget(self) -> None:
        self.forgotten += 1


def token(text: str, seconds: int = 3600) -> Mapping[str, Any]:
    return {"access_token": text, "expires_in": seconds}


async def test_a_token_is_renewed_five_minutes_before_it_expires(clock: FakeClock) -> None:
    script = Script(token("one"), token("two"))
    tokens = Tokens(script, clock)

    assert await tokens.token() == "one"
    clock.move(minutes=54, seconds=59)
    assert await tokens.token() == "one"
    clock.move(seconds=1)
    assert await asyncio.gather(*(tokens.token() for _ in range(20))) == ["two"] * 20

    assert script.asked == 2


async def test_a_token_is_used_to_its_end_where_there_is_no_other(clock: FakeClock) -> None:
    tokens = Tokens(Script(token("one"), Unavailable("Away.")), clock)
    assert await tokens.token() == "one"

    clock.move(minutes=59, seconds=59)
    assert await tokens.token() == "one"
    clock.move(seconds=1)
    with pytest.raises(Unavailable, match="Away"):
        await tokens.token()


async def test_a_refused_token_is_not_given_again(clock: FakeClock) -> None:
    script = Script(token("one"), token("two"))
    tokens = Tokens(script, clock)
    assert await tokens.token() == "one"

    tokens.forget("an older one")
    assert await tokens.token() == "one"
    tokens.forget("one")
    assert await tokens.token() == "two"

    assert (script.asked, script.forgotten) == (2, 1)


async def test_msal_is_made_to_forget_a_refused_token(
    issuer: Issuer, clock: FakeClock, tokens: Tokens
) -> None:
    first = await tokens.token()
    tokens.forget(first)

    assert await tokens.token() != first
    assert issuer.hits["token"] == 2


async def test_nothing_is_asked_before_a_token_is_needed(issuer: Issuer, tokens: Tokens) -> None:
    assert issuer.hits == {}
