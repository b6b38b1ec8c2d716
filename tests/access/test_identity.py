"""Who somebody is rests on the directory alone."""

from dataclasses import dataclass, field, replace

import pytest

from bot.access.cedar import CedarAuthorizer
from bot.access.directory import DirectoryFile, NoDirectory, YamlDirectory
from bot.access.identity import Identity, readable
from bot.config import Config
from domain.actor import Actor, ObjectId, Person, TenantId
from domain.errors import Unavailable
from domain.policy import Decision
from domain.ports import Directory

TENANT = TenantId("00000000-0000-4000-8000-00000000aaaa")
DEV = ObjectId("00000000-0000-4000-8000-000000000001")
OPERATORS = "00000000-0000-4000-8000-000000000103"


@dataclass
class RecordingDirectory:
    """Knows one person, and remembers how it was asked."""

    known: Person
    asked: list[tuple[str, bool]] = field(default_factory=list)

    async def person(self, object_id: ObjectId, *, fresh: bool = False) -> Person | None:
        self.asked.append((object_id, fresh))
        return self.known if object_id == self.known.id else None

    async def members(self, group_id: str) -> tuple[Person, ...]:
        return (self.known,) if group_id in self.known.groups else ()


PERSON = Person(id=DEV, name="dev-1", groups=frozenset({OPERATORS}))


async def test_a_person_has_the_roles_of_the_groups_and_the_directorys_name(
    authorizer: CedarAuthorizer,
) -> None:
    actor = await Identity(RecordingDirectory(PERSON), authorizer).actor(TENANT, DEV)

    assert actor == Actor(
        tenant=TENANT,
        id=DEV,
        name="dev-1",
        roles=frozenset({"operator", "developer", "viewer"}),
        groups=frozenset({OPERATORS}),
    )


@pytest.mark.parametrize("change", [{"is_enabled": False}, {"id": "somebody else's"}])
async def test_a_disabled_account_is_as_unknown_as_a_stranger(
    authorizer: CedarAuthorizer, change: dict[str, object]
) -> None:
    directory = RecordingDirectory(replace(PERSON, **change))  # type: ignore[arg-type]  # by name

    actor = await Identity(directory, authorizer).actor(TENANT, DEV)

    assert actor == Actor(tenant=TENANT, id=DEV, name=f"a stranger ({DEV})", is_known=False)


async def test_a_guest_has_no_role_whatever_the_groups(authorizer: CedarAuthorizer) -> None:
    directory = RecordingDirectory(replace(PERSON, is_guest=True))

    actor = await Identity(directory, authorizer).actor(TENANT, DEV)

    assert actor == Actor(tenant=TENANT, id=DEV, name="dev-1", is_guest=True)


@pytest.mark.parametrize(
    "claimed",
    ["", "operator", "role:operator", "dev-1@example.com", f"['{DEV}']", f"{DEV} ", "0" * 5000],
)
async def test_what_is_no_object_id_is_nobody_and_the_directory_is_not_asked(
    authorizer: CedarAuthorizer, claimed: str
) -> None:
    directory = RecordingDirectory(PERSON)

    actor = await Identity(directory, authorizer).actor(TENANT, ObjectId(claimed))

    assert (actor.is_known, actor.roles, actor.groups) == (False, frozenset(), frozenset())
    assert len(actor.name) < 100
    assert directory.asked == []


async def test_freshness_is_passed_on_and_case_does_not_matter(
    authorizer: CedarAuthorizer,
) -> None:
    person = replace(PERSON, id=ObjectId("abcdefab-0000-4000-8000-000000000001"))
    directory = RecordingDirectory(person)

    actor = await Identity(directory, authorizer).actor(
        TENANT, ObjectId(person.id.upper()), fresh=True
    )

    assert directory.asked == [(person.id, True)]
    assert (actor.id, actor.is_known) == (person.id, True)


async def test_without_a_directory_nobody_is_anybody(authorizer: CedarAuthorizer) -> None:
    identity = Identity(NoDirectory(), authorizer)

    with pytest.raises(Unavailable, match="I cannot verify your roles"):
        await identity.actor(TENANT, DEV)
    with pytest.raises(Unavailable):
        await NoDirectory().members(OPERATORS)


async def test_helpers_hold_the_lightest_role_that_would_do(
    config: Config, authorizer: CedarAuthorizer
) -> None:
    assert config.directory is not None
    identity = Identity(config.directory, authorizer)

    async def helpers(*would_need: str) -> tuple[str, ...]:
        decision = Decision(allowed=False, would_need=would_need)
        return await identity.helpers(decision, config.roles)

    assert await helpers("operator") == ("sre-1", "approver-1", "commander-1")
    assert await helpers("developer", "operator") == (
        "dev-1",
        "sre-1",
        "approver-1",
        "commander-1",
    )
    assert await helpers() == ()


async def test_guests_and_disabled_accounts_help_nobody(
    config: Config, authorizer: CedarAuthorizer
) -> None:
    decision = Decision(allowed=False, would_need=("operator",))
    for person in (replace(PERSON, is_guest=True), replace(PERSON, is_enabled=False)):
        identity = Identity(RecordingDirectory(person), authorizer)

        assert await identity.helpers(decision, config.roles) == ()


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("Ada  Lovelace", "Ada Lovelace"),
        ("dev\u202e1-ved\u200b", "dev1-ved"),
        ("line\nbreak\x07\u2028", "line break"),
        ("\ud800x", "x"),
        ("M\u00fcller \u674e", "M\u00fcller \u674e"),
        ("x" * 500, "x" * 80),
        ("\u200f", ""),
    ],
)
def test_a_name_hides_nothing(given: str, shown: str) -> None:
    assert readable(given) == shown


def test_the_file_is_a_directory(config: Config) -> None:
    directory: Directory | None = config.directory

    assert isinstance(directory, YamlDirectory)


async def test_people_of_the_file_are_as_graph_would_describe_them() -> None:
    directory = DirectoryFile.model_validate(
        {
            "tenant": TENANT.upper(),
            "groups": {"operators": OPERATORS},
            "people": [
                {"id": DEV, "name": "dev-1", "groups": ["operators"], "accountEnabled": False},
                {"id": f"{DEV[:-1]}2", "name": "guest-1", "userType": "Guest"},
            ],
        }
    ).directory()

    assert directory.tenant == TENANT
    assert await directory.person(DEV, fresh=True) == Person(
        id=DEV, name="dev-1", groups=frozenset({OPERATORS}), is_enabled=False
    )
    assert await directory.members(OPERATORS) == (await directory.person(DEV),)
    guest = directory.named("guest-1")
    assert guest is not None
    assert guest.is_guest
    assert await directory.person(ObjectId("operators")) is None
