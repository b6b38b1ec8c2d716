"""Keys roll over, their source hangs and fails: nobody else waits, and strangers do not decide."""

import asyncio
from collections.abc import Mapping
from typing import Any

from cryptography.hazmat.primitives.asymmetric import rsa
import jwt
from jwt.algorithms import RSAAlgorithm
import pytest

from bot.botframework.signing_keys import signing_keys
from tests.ingress.world import APP, World, until


async def test_a_new_key_is_good_with_the_next_refresh(
    world: World, other_key: rsa.RSAPrivateKey
) -> None:
    assert await world.post() == (200, b"")
    world.issuer.new_key("key-2", key=other_key)
    new = world.token(kid="key-2")

    assert await world.post(token=new) == (401, b"")
    world.clock.move(minutes=5)
    assert await world.post(token=new) == (200, b"")

    assert world.issuer.hits == {"metadata": 2, "jwks": 2}


async def test_a_thousand_unknown_keys_are_one_question(
    world: World, other_key: rsa.RSAPrivateKey
) -> None:
    def made_up(number: int) -> str:
        # Not verified before the key is found, so that no signature is needed.
        header = jwt.api_jws.base64url_encode(
            f'{{"alg":"RS256","kid":"unknown-{number}"}}'.encode()
        )
        return f"{header.decode()}.e30.eA"

    answers = await asyncio.gather(*(world.post(token=made_up(n)) for n in range(200)))
    for number in range(200, 1000, 100):
        answers += [await world.post(token=made_up(number))]

    assert set(answers) == {(401, b"")}
    assert world.issuer.hits == {"metadata": 1, "jwks": 1}
    assert world.turns == []


async def test_while_the_keys_hang_those_with_a_known_key_do_not_wait(
    world: World, other_key: rsa.RSAPrivateKey
) -> None:
    assert await world.post() == (200, b"")
    world.issuer.new_key("key-2", key=other_key)
    world.issuer.hang()
    world.clock.move(minutes=5)

    waiting = asyncio.create_task(world.post(token=world.token(kid="key-2")))
    await until(lambda: world.issuer.hits["metadata"] == 2)
    async with asyncio.timeout(1):
        for _ in range(20):
            assert await world.post() == (200, b"")
    assert not waiting.done()

    world.issuer.resume()
    assert await waiting == (200, b"")


async def test_a_fetch_that_takes_too_long_is_given_up(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.botframework.signing_keys.FETCH_TIMEOUT", asyncio_timeout := _Short())
    world.issuer.hang()

    assert await world.post() == (401, b"")
    assert asyncio_timeout.asked == 1

    world.issuer.resume()
    world.clock.move(seconds=4)
    assert await world.post() == (401, b"")
    world.clock.move(seconds=1)
    assert await world.post() == (200, b"")


class _Short:
    """A timeout for tests that do not want to wait."""

    asked = 0

    def total_seconds(self) -> float:
        self.asked += 1
        return 0.05


async def test_known_keys_stay_good_while_their_source_is_away(world: World) -> None:
    assert await world.post() == (200, b"")
    await world.issuer.stop()

    world.clock.move(days=4)
    assert await world.post() == (200, b"")
    world.clock.move(days=1, seconds=1)
    assert await world.post() == (401, b"")


async def test_old_keys_are_refreshed_and_nobody_waits_for_it(world: World) -> None:
    assert await world.post() == (200, b"")
    world.clock.move(days=1, seconds=1)
    world.issuer.hang()

    async with asyncio.timeout(1):
        assert await world.post() == (200, b"")

    await until(lambda: world.issuer.hits["metadata"] == 2)
    world.issuer.resume()
    await until(lambda: world.issuer.hits["jwks"] == 2)


def jwk(key: rsa.RSAPrivateKey, **fields: Any) -> Mapping[str, Any]:
    return RSAAlgorithm.to_jwk(key.public_key(), as_dict=True) | {"kid": "k"} | fields


def test_a_key_set_gives_its_usable_keys(key: rsa.RSAPrivateKey) -> None:
    small = rsa.generate_private_key(public_exponent=65537, key_size=1024)  # noqa: S505  # the point
    entries = [
        jwk(key, kid="good", endorsements=["msteams", 1]),
        jwk(key, kid="odd", endorsements="msteams"),
        jwk(key, kid="silent"),
        jwk(key, kid=7),
        jwk(key, kid="broken", n="!"),
        jwk(small, kid="small", endorsements=["msteams"]),
        RSAAlgorithm.to_jwk(key, as_dict=True) | {"kid": "private"},
        {"kid": "ec", "kty": "EC"},
        {"kid": "empty"},
        "text",
    ]

    keys = signing_keys({"keys": entries})

    assert {kid: found.endorsements for kid, found in keys.items()} == {
        "good": {"msteams"},
        "odd": frozenset(),
        "silent": frozenset(),
    }


@pytest.mark.parametrize("document", [{}, {"keys": []}, {"keys": "x"}, {"keys": [None]}])
def test_a_key_set_without_keys_is_an_error(document: Mapping[str, Any]) -> None:
    with pytest.raises(ValueError, match="no usable key"):
        signing_keys(document)


async def test_an_empty_key_set_does_not_take_the_old_keys_away(world: World) -> None:
    assert await world.post() == (200, b"")
    world.issuer._published.clear()
    world.clock.move(days=2)

    assert await world.post() == (200, b"")
    await until(lambda: world.issuer.hits["jwks"] == 2)
    assert await world.post(token=world.issuer.sign(APP, world.channel.url)) == (200, b"")
