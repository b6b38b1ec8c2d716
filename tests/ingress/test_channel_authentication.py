"""Who is let in: every bad token, address, tenant and sender ends in 401, and in no turn."""

import base64
from collections.abc import Callable
from typing import Any

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
import jwt
import orjson
import pytest

from bot.botframework.trust import PRODUCTION_HOSTS, ChannelTrust
from domain.errors import Refused
from sandbox.entra import CHANNEL_ISSUER, Issuer
from tests.ingress.world import ABSENT, APP, BOT, DEV, FOREIGN, TENANT, FakeClock, World, world_of

MICROSOFT = "https://sts.windows.net/d6d49420-f39b-4df7-a1dc-d59a935871db/"


async def test_a_genuine_activity_starts_a_turn(world: World) -> None:
    assert await world.post() == (200, b"")

    (turn,) = world.turns
    assert (turn.sender, turn.tenant, turn.text) == (DEV, TENANT, "status shop")
    assert world.channel.requests == []


def hand_made(header: dict[str, Any], claims: Any, signature: bytes = b"x") -> str:
    """A token that no library would make."""
    parts = (orjson.dumps(header), orjson.dumps(claims), signature)
    return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts)


def claims(world: World) -> dict[str, Any]:
    now = int(world.clock.now().timestamp())
    return {"iss": CHANNEL_ISSUER, "aud": APP, "serviceurl": world.channel.url, "exp": now + 600}


def hs256(world: World, key: rsa.RSAPrivateKey) -> str:
    """Signed with the public key as if it were a shared secret; PyJWT itself refuses to."""
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    algorithm = jwt.algorithms.HMACAlgorithm(jwt.algorithms.HMACAlgorithm.SHA256)
    head = hand_made({"alg": "HS256", "kid": "key-1", "typ": "JWT"}, claims(world))
    signing_input = head.rpartition(".")[0]
    signature = algorithm.sign(signing_input.encode(), public)
    return f"{signing_input}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"


Bad = Callable[[World, rsa.RSAPrivateKey], Any]

BAD_TOKENS: dict[str, Bad] = {
    "none at all": lambda *_: ABSENT,
    "garbage": lambda *_: "garbage",
    "three letters": lambda *_: "a.b.c",
    "100 KB": lambda *_: "x" * 100 * 1024,
    "9 KB of a good shape": lambda *_: hand_made({"alg": "RS256", "kid": "k" * 6000}, {}),
    "deep header": lambda *_: (
        base64.urlsafe_b64encode(b"[" * 6000).rstrip(b"=").decode() + ".e30.eA"
    ),
    "header that is a list": lambda *_: hand_made([], {}),  # type: ignore[arg-type]
    "foreign key": lambda w, key: jwt.encode(
        claims(w), key, algorithm="RS256", headers={"kid": "key-1"}
    ),
    "RS384": lambda w, _: jwt.encode(
        claims(w), w.issuer._keys["key-1"], algorithm="RS384", headers={"kid": "key-1"}
    ),
    "no algorithm": lambda w, _: jwt.encode(
        claims(w), None, algorithm="none", headers={"kid": "key-1"}
    ),
    "HS256 with the public key": lambda w, _: hs256(w, w.issuer._keys["key-1"]),
    "critical header": lambda w, _: w.token(headers={"crit": ["x"], "x": 1}),
    "unknown key id": lambda w, _: w.token(headers={"kid": "../../key-1"}),
    "key id that is a number": lambda w, _: hand_made({"alg": "RS256", "kid": 1}, claims(w)),
    "no key id": lambda w, _: jwt.encode(claims(w), w.issuer._keys["key-1"], algorithm="RS256"),
    "other audience": lambda w, _: w.token(aud="00000000-0000-4000-8000-000000000bad"),
    "audience list with ours": lambda w, _: w.token(aud=[APP]),
    "audience list with ours and another": lambda w, _: w.token(aud=[APP, "x"]),
    "our own outbound token": lambda w, _: w.token(aud=CHANNEL_ISSUER),
    "no audience": lambda w, _: w.token(aud=None),
    "other issuer": lambda w, _: w.token(iss="https://evil.example"),
    "no issuer": lambda w, _: w.token(iss=None),
    "emulator": lambda w, _: w.token(iss=MICROSOFT, appid=APP, azp=APP, ver="1.0"),
    "skill": lambda w, _: w.token(iss=MICROSOFT, appid="another", ver="1.0"),
    "no expiry": lambda w, _: w.token(exp=None),
    "expiry that is text": lambda w, _: w.token(exp="never"),
    "expiry that is true": lambda w, _: w.token(exp=True),
    "expired 61 s ago": lambda w, _: w.token(exp=w.clock.now().timestamp() - 61),
    "valid in 10 minutes": lambda w, _: w.token(nbf=w.clock.now().timestamp() + 600),
    "no service URL": lambda w, _: w.token(serviceurl=None),
    "service URL that is a list": lambda w, _: w.token(serviceurl=[w.channel.url]),
    "other service URL": lambda w, _: w.token(serviceurl="https://smba.trafficmanager.net/"),
    "payload that is a list": lambda w, _: jwt.api_jws.encode(
        b"[]", w.issuer._keys["key-1"], algorithm="RS256", headers={"kid": "key-1"}
    ),
    "deep payload": lambda w, _: jwt.api_jws.encode(
        b"[" * 5000, w.issuer._keys["key-1"], algorithm="RS256", headers={"kid": "key-1"}
    ),
}


@pytest.mark.parametrize("name", BAD_TOKENS)
async def test_a_bad_token_starts_no_turn(
    world: World, other_key: rsa.RSAPrivateKey, name: str
) -> None:
    token = BAD_TOKENS[name](world, other_key)

    assert await world.post(token=token) == (401, b"")

    assert world.turns == []
    assert world.denied == []
    assert world.channel.requests == []
    assert await world.post() == (200, b"")


async def test_a_token_is_valid_for_a_minute_longer_for_clocks_that_differ(world: World) -> None:
    now = world.clock.now().timestamp()

    assert await world.post(token=world.token(exp=now - 59)) == (200, b"")
    assert await world.post(token=world.token(nbf=now + 59)) == (200, b"")


async def test_a_verified_token_is_remembered_until_it_expires(world: World) -> None:
    token = world.token()
    assert await world.post(token=token) == (200, b"")

    world.clock.move(minutes=60, seconds=60)
    assert await world.post(token=token) == (200, b"")
    world.clock.move(seconds=1)
    assert await world.post(token=token) == (401, b"")


async def test_a_remembered_token_does_not_vouch_for_what_the_next_activity_says(
    world: World,
) -> None:
    token = world.token()
    assert await world.post(token=token) == (200, b"")

    forged = world.activity(serviceUrl="https://smba.trafficmanager.net/")
    assert await world.post(forged, token=token) == (401, b"")
    foreign = world.activity(channelData={"tenant": {"id": FOREIGN}})
    assert await world.post(foreign, token=token) == (401, b"")

    assert len(world.turns) == 1


@pytest.mark.parametrize("scheme", ["Basic", "bearerx", "Token", ""])
async def test_another_scheme_is_refused(world: World, scheme: str) -> None:
    headers = {"Authorization": f"{scheme} {world.token()}"}

    assert await world.post(headers=headers) == (401, b"")


async def test_two_authorization_headers_are_refused(world: World) -> None:
    good = f"Bearer {world.token()}"
    body = orjson.dumps(world.activity())
    headers = [("Authorization", good), ("Authorization", good)]
    headers.append(("Content-Type", "application/json"))

    async with world.http.post(world.url, data=body, headers=headers) as response:
        assert response.status == 401

    assert world.turns == []


@pytest.mark.parametrize(
    ("endorsements", "status"),
    [
        (["msteams"], 200),
        (["webchat", "msteams"], 200),
        (["webchat"], 401),
        ([], 401),
        (None, 401),
    ],
)
async def test_the_key_must_speak_for_teams(
    world: World, other_key: rsa.RSAPrivateKey, endorsements: list[str] | None, status: int
) -> None:
    world.issuer.new_key("key-2", endorsements=endorsements, key=other_key)

    assert await world.post(token=world.token(kid="key-2")) == (status, b"")


async def test_a_key_that_is_not_published_is_refused(
    world: World, other_key: rsa.RSAPrivateKey
) -> None:
    world.issuer.new_key("key-2", publish=False, key=other_key)

    assert await world.post(token=world.token(kid="key-2")) == (401, b"")


EVIL_URLS = [
    "https://evil.trafficmanager.net/",
    "https://smba.trafficmanager.net.evil.example/",
    "https://smba.trafficmanager.net@evil.example/",
    "https://evil.example#smba.trafficmanager.net/",
    "https://evil.example/smba.trafficmanager.net/",
    "https://evil.example\\.smba.trafficmanager.net/",
    "https://smba.trafficmanager.net%2eevil.example/",
    "https://smba.trafficmanager.net:444/",
    "https://smba.trafficmanager.net./",
    "https://SMBA.trafficmanager.net/",
    "https://smba.trafficmanager.net/?x=y",
    "https://smba.trafficmanager.net/\r\nX: y",
    "https://smba.trafficmanager.net/a b",
    "http://smba.trafficmanager.net/",
    "http://smba.trafficmanager.net:443/",
    "http://127.0.0.1/",
    "http://127.0.0.1:1/",
    "http://169.254.169.254/",
    "ftp://smba.trafficmanager.net/",
    "//smba.trafficmanager.net/",
    "smba.trafficmanager.net",
    "https://smba.trafficmanager.net/" + "a" * 600,
    "",
]


@pytest.mark.parametrize("url", EVIL_URLS)
async def test_a_token_for_a_foreign_address_is_refused(world: World, url: str) -> None:
    token = world.issuer.sign(APP, url)

    assert await world.post(world.activity(serviceUrl=url), token=token) == (401, b"")

    assert world.turns == []
    assert world.channel.requests == []


@pytest.mark.parametrize(
    "url",
    [
        "https://smba.trafficmanager.net/",
        "https://smba.trafficmanager.net",
        "https://smba.trafficmanager.net:443/emea/",
        f"https://smba.trafficmanager.net/amer/{TENANT}/",
        "https://smba.infra.gcc.teams.microsoft.com/gcc/",
    ],
)
def test_the_addresses_of_teams_are_trusted(url: str) -> None:
    trust = ChannelTrust(
        app_id=APP, bot_id=BOT, tenants=frozenset({TENANT}), hosts=PRODUCTION_HOSTS
    )

    assert trust.allows(url)
    assert not trust.allows(url.replace("https:", "http:"))


@pytest.mark.parametrize(
    "fields",
    [
        {"app_id": ""},
        {"app_id": "  "},
        {"bot_id": ""},
        {"tenants": frozenset()},
        {"hosts": frozenset()},
        {"metadata_url": "http://login.example/"},
    ],
)
def test_trust_that_would_check_nothing_is_refused(fields: dict[str, Any]) -> None:
    good: dict[str, Any] = {
        "app_id": APP,
        "bot_id": BOT,
        "tenants": frozenset({TENANT}),
        "hosts": PRODUCTION_HOSTS,
    }
    ChannelTrust(**good)

    with pytest.raises(Refused):
        ChannelTrust(**(good | fields))


SENDER = {"id": "29:dev-1", "name": "dev-1", "aadObjectId": DEV}

UNTRUSTED: dict[str, dict[str, Any]] = {
    "no service URL": {"serviceUrl": ABSENT},
    "null service URL": {"serviceUrl": None},
    "service URL as a list": {"serviceUrl": ["https://smba.trafficmanager.net/"]},
    "no channel": {"channelId": ABSENT},
    "directline": {"channelId": "directline"},
    "webchat": {"channelId": "webchat"},
    "emulator": {"channelId": "emulator"},
    "MSTeams": {"channelId": "MSTeams"},
    "channel as a list": {"channelId": ["msteams"]},
    "no recipient": {"recipient": ABSENT},
    "another recipient": {"recipient": {"id": "28:another"}},
    "recipient as text": {"recipient": BOT},
    "no sender": {"from": ABSENT},
    "sender as text": {"from": "x"},
    "sender as a list": {"from": [SENDER]},
    "no object id": {"from": {"id": "29:dev-1", "name": "dev-1"}},
    "object id as a list": {"from": SENDER | {"aadObjectId": [DEV]}},
    "object id as an object": {"from": SENDER | {"aadObjectId": {"id": DEV}}},
    "object id as a number": {"from": SENDER | {"aadObjectId": 1}},
    "long object id": {"from": SENDER | {"aadObjectId": DEV + "0" * 5000}},
    "object id with a newline": {"from": SENDER | {"aadObjectId": DEV + "\n"}},
    "a mail address": {"from": SENDER | {"aadObjectId": "dev-1@example.org"}},
    "a role": {"from": SENDER | {"aadObjectId": "role:operator"}},
    "a bot": {"from": SENDER | {"role": "bot"}},
    "a skill": {"from": SENDER | {"role": "skill"}},
    "a role that is a list": {"from": SENDER | {"role": ["user"]}},
}


@pytest.mark.parametrize("kind", ["message", "invoke"])
@pytest.mark.parametrize("name", UNTRUSTED)
async def test_an_activity_of_doubtful_origin_starts_no_turn(
    world: World, name: str, kind: str
) -> None:
    activity = world.activity(type=kind, **UNTRUSTED[name])

    assert await world.post(activity) == (401, b"")

    assert world.turns == []
    assert world.denied == []


def conversation(**fields: Any) -> dict[str, Any]:
    return {"id": "a:dm", "conversationType": "personal"} | fields


TENANTS: dict[str, tuple[Any, Any, str | None, str]] = {
    # conversation, channelData -> why it is denied, and what the audit is told
    "both": (conversation(tenantId=TENANT), {"tenant": {"id": TENANT}}, None, ""),
    "upper case": (conversation(tenantId=TENANT.upper()), {"tenant": {"id": TENANT}}, None, ""),
    "conversation": (conversation(tenantId=TENANT), ABSENT, None, ""),
    "channel data": (conversation(), {"tenant": {"id": TENANT}}, None, ""),
    "foreign": (
        conversation(tenantId=FOREIGN),
        {"tenant": {"id": FOREIGN}},
        "foreign tenant",
        FOREIGN,
    ),
    "disagree": (
        conversation(tenantId=TENANT),
        {"tenant": {"id": FOREIGN}},
        "tenants disagree",
        f"{TENANT}, {FOREIGN}",
    ),
    "disagree the other way": (
        conversation(tenantId=FOREIGN),
        {"tenant": {"id": TENANT}},
        "tenants disagree",
        f"{TENANT}, {FOREIGN}",
    ),
    "absent": (conversation(), ABSENT, "no tenant", ""),
    "null": (conversation(tenantId=None), {"tenant": {"id": None}}, "no tenant", ""),
    "another case of the key": (
        conversation(TenantID=TENANT, tenantID=TENANT),
        {"Tenant": {"id": TENANT}},
        "no tenant",
        "",
    ),
    "a list": (conversation(tenantId=[TENANT]), ABSENT, "foreign tenant", "(list)"),
    "empty": (conversation(tenantId=""), ABSENT, "foreign tenant", ""),
}


@pytest.mark.parametrize("name", TENANTS)
async def test_only_our_tenants_are_served(world: World, name: str) -> None:
    account, channel_data, reason, tenant = TENANTS[name]

    activity = world.activity(conversation=account, channelData=channel_data)
    status, body = await world.post(activity)

    if reason is None:
        assert (status, world.denied) == (200, [])
        assert [turn.tenant for turn in world.turns] == [TENANT]
    else:
        assert (status, body, world.turns) == (401, b"", [])
        facts = {
            "tenant": tenant.lower(),
            "sender": DEV,
            "conversation": "a:dm",
            "activity": "1700000000001",
            "type": "message",
        }
        assert world.denied == [(reason, facts)]


async def test_an_installation_in_a_foreign_tenant_is_denied(world: World) -> None:
    activity = world.activity(
        type="installationUpdate",
        action="add",
        conversation=conversation(tenantId=FOREIGN),
        channelData={"tenant": {"id": FOREIGN}},
    )

    assert await world.post(activity) == (401, b"")

    assert (world.turns, len(world.denied)) == ([], 1)


@pytest.fixture
def demo(issuer: Issuer, clock: FakeClock) -> Any:
    return world_of(issuer, clock, requires_token=False, app_id="")


async def test_the_demo_believes_its_own_machine(demo: Any) -> None:
    async with demo as world:
        assert await world.post(token=ABSENT) == (200, b"")
        assert await world.post(token="garbage") == (200, b"")

        assert len(world.turns) == 2
        assert world.issuer.hits == {}


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Forwarded-For": "203.0.113.7"},
        {"Forwarded": "for=203.0.113.7"},
        {"X-Forwarded-Host": "bot.example"},
        {"Host": "rebound.example"},
        {"Host": "rebound.example:3978"},
    ],
)
async def test_the_demo_believes_no_tunnel_and_no_rebound_name(
    demo: Any, headers: dict[str, str]
) -> None:
    async with demo as world:
        assert await world.post(token=ABSENT, headers=headers) == (401, b"")

        assert world.turns == []


@pytest.mark.parametrize("name", [*UNTRUSTED, "foreign host"])
async def test_the_demo_checks_everything_else(demo: Any, name: str) -> None:
    fields = UNTRUSTED.get(name, {"serviceUrl": "https://evil.trafficmanager.net/"})
    async with demo as world:
        assert await world.post(world.activity(**fields), token=ABSENT) == (401, b"")

        assert world.turns == []
