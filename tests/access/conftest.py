"""The demo world's policy, and a way to ask it."""

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from bot.access.cedar import CedarAuthorizer
from bot.access.identity import actor_from, stranger
from bot.config import Config, build_authorizer, load
from domain.actor import Actor, ObjectId, TenantId
from domain.command import Effect

WORLD = Path(__file__).parents[2] / "sandbox" / "world"
TENANT = TenantId("00000000-0000-4000-8000-00000000aaaa")
NOBODY = ObjectId("00000000-0000-4000-8000-000000000099")


@pytest.fixture(scope="session")
def commands() -> Mapping[str, Effect]:
    """Every command of the demo, and a workflow that no file of the policy mentions."""
    reads = ["help", "whoami", "status", "logs", "runs", "run", "can", "why", "audit", "locks"]
    writes = ["deploy", "rollback", "restart", "approve", "reject", "confirm", "cancel", "recycle"]
    writes += ["schedule", "schedules", "remind", "reminders"]
    writes += ["lock", "unlock", "steal", "halt", "unhalt"]
    effects = dict.fromkeys(reads, Effect.READ) | dict.fromkeys(writes, Effect.WRITE)
    return effects | {"wipe": Effect.DESTRUCTIVE, "diagnose": Effect.READ}


@pytest.fixture(scope="session")
def config() -> Config:
    return load(WORLD)


@pytest.fixture(scope="session")
def authorizer(config: Config, commands: Mapping[str, Effect]) -> CedarAuthorizer:
    return build_authorizer(config, commands)


@pytest.fixture(scope="session")
def somebody(config: Config) -> Callable[[str], Actor]:
    """A person of the demo by name; `stranger` is in no directory."""

    def actor(name: str) -> Actor:
        assert config.directory is not None
        person = config.directory.named(name)
        if person is None:
            assert name == "stranger"
            return stranger(TENANT, NOBODY)
        return actor_from(person, TENANT, config.roles.of)

    return actor
