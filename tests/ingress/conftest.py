"""One bot for each test; the keys are made once, because that is slow."""

from collections.abc import AsyncIterator

from cryptography.hazmat.primitives.asymmetric import rsa
import pytest

from sandbox.entra import Issuer, new_private_key
from tests.ingress.world import FakeClock, World, world_of


@pytest.fixture(scope="session")
def key() -> rsa.RSAPrivateKey:
    return new_private_key()


@pytest.fixture(scope="session")
def other_key() -> rsa.RSAPrivateKey:
    return new_private_key()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
async def issuer(clock: FakeClock, key: rsa.RSAPrivateKey) -> AsyncIterator[Issuer]:
    issuer = Issuer(clock, key=key)
    await issuer.start()
    yield issuer
    await issuer.stop()


@pytest.fixture
async def world(issuer: Issuer, clock: FakeClock) -> AsyncIterator[World]:
    async with world_of(issuer, clock) as world:
        yield world
