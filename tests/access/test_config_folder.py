"""The config folder is right as a whole, or not used; every fault has its place."""

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
import shutil
from zoneinfo import ZoneInfo

import pytest

from bot.access.cases import run_cases
from bot.access.cedar import CedarAuthorizer
from bot.config import Config, ConfigFaults, Connection, build_authorizer, load
from domain.command import Effect
from domain.ports import Authorizer, Catalogue
from domain.rate import Limits

WORLD = Path(__file__).parents[2] / "sandbox" / "world"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(WORLD, tmp_path / "config"))


def faults(folder: Path) -> list[str]:
    with pytest.raises(ConfigFaults) as raised:
        load(folder)
    return [str(fault).removeprefix(f"{folder}/") for fault in raised.value.faults]


def edit(folder: Path, file: str, old: str, new: str) -> None:
    path = folder / file
    text = path.read_text()
    assert text.count(old) >= 1
    path.write_text(text.replace(old, new, 1))


def test_the_demo_world_loads(config: Config, authorizer: CedarAuthorizer) -> None:
    catalogue: Catalogue = config.catalogue
    policy: Authorizer = authorizer

    assert (config.name, config.zone) == ("signalbox-demo", ZoneInfo("Europe/Berlin"))
    assert catalogue.services() == ("shop", "billing")
    assert catalogue.environments() == catalogue.environments("shop") == ("staging", "prod")
    assert catalogue.environments("moon") == ()
    assert catalogue.attributes("shop", "prod") == {"owner": "team-shop", "tier": "1"}
    assert catalogue.attributes("billing", "") == {"owner": "team-billing"}
    assert catalogue.attributes("shop", "moon") == catalogue.attributes("moon", "prod") == {}
    assert config.connections == {
        "supervisor": Connection(
            connector="supervisor", settings={"socket": "file://supervisor.path"}
        ),
        "releases": Connection(
            connector="releases", settings={"program": "file://release.program"}
        ),
    }
    assert config.workflows == WORLD / "workflows"
    assert policy.roles_of(frozenset()) == frozenset()


def test_the_demo_worlds_people_are_those_of_the_contract(config: Config) -> None:
    assert config.directory is not None
    roles = {
        (person.id[-2:], person.name): config.roles.in_order(config.roles.of(person.groups))
        for person in config.directory.people.values()
    }

    assert roles == {
        ("01", "dev-1"): ("viewer", "developer"),
        ("02", "sre-1"): ("viewer", "developer", "operator"),
        ("03", "approver-1"): ("viewer", "developer", "operator", "prod-approver"),
        ("04", "approver-2"): ("viewer", "prod-approver"),
        ("05", "viewer-1"): ("viewer",),
        ("06", "auditor-1"): ("viewer", "auditor", "admin"),
        ("07", "commander-1"): ("viewer", "developer", "operator", "commander"),
        ("08", "guest-1"): (),
    }
    assert config.directory.tenant == "00000000-0000-4000-8000-00000000aaaa"


def test_the_demo_worlds_decision_table_holds(config: Config, authorizer: CedarAuthorizer) -> None:
    assert len(config.cases) > 20
    assert run_cases(config.cases, authorizer) == []


def test_a_row_that_does_not_hold_is_told_with_its_place(
    folder: Path, commands: Mapping[str, Effect]
) -> None:
    (folder / "policy/cases.yaml").write_text(
        "cases:\n"
        "  - {who: dev-1, says: deploy shop to prod, expect: allow}\n"
        "  - {who: [viewer, auditor], says: audit, expect: allow, rule: viewers-look}\n"
        "  - {who: viewer, says: restart shop in prod, expect: allow, rule: viewers-look}\n"
        "  - {who: viewer, says: status shop, expect: allow}\n"
        '  - {who: viewer, says: status in prod, arguments: {x: "1"}, expect: allow}\n'
    )
    config = load(folder)

    found = run_cases(config.cases, build_authorizer(config, commands))

    assert [str(fault).removeprefix(f"{folder}/policy/") for fault in found] == [
        (
            "cases.yaml:2:5: dev-1 says `deploy shop to prod`: "
            "expected allow, got approval 2 prod-approvers."
        ),
        (
            "cases.yaml:3:5: viewer + auditor says `audit`: "
            "expected allow by viewers-look, got allow by auditors-audit."
        ),
        (
            "cases.yaml:4:5: viewer says `restart shop in prod`: "
            "expected allow by viewers-look, got deny by no rule."
        ),
    ]


def test_a_table_that_asks_nothing_is_refused(folder: Path) -> None:
    (folder / "policy/cases.yaml").write_text(
        "cases:\n"
        "  - {who: nobody-1, says: audit, expect: allow}\n"
        "  - {who: viewer, says: deploy shop v1 of prod, expect: allow}\n"
        "  - {who: viewer, says: audit, expect: approval of two}\n"
    )

    assert faults(folder) == [
        "policy/cases.yaml:2:11: `nobody-1` is no role, and nobody in directory.yaml.",
        (
            "policy/cases.yaml:3:25: "
            "`deploy shop v1 of prod` is no command with a target, as in `restart shop in prod`."
        ),
        (
            "policy/cases.yaml:4:40: "
            "Expect `allow`, `deny`, `confirm`, or `approval <count> <group>`."
        ),
    ]


def test_without_a_directory_file_people_come_from_elsewhere(folder: Path) -> None:
    (folder / "directory.yaml").unlink()
    (folder / "policy/cases.yaml").unlink()

    config = load(folder)

    assert (config.directory, config.cases) == (None, ())


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("", timedelta(days=366)),
        ("retention: {}\n", timedelta(days=366)),
        ("retention: {runs: 90d}\n", timedelta(days=90)),
        ("retention: {runs: forever}\n", None),
    ],
)
def test_the_operator_says_how_long_runs_are_kept(
    folder: Path, said: str, kept: timedelta | None
) -> None:
    edit(folder, "signalbox.yaml", "connections:", f"{said}connections:")

    assert load(folder).keeps_runs == kept


@pytest.mark.parametrize(
    ("file", "old", "new", "expected"),
    [
        (
            "signalbox.yaml",
            "Europe/Berlin",
            "Middle/Earth",
            "3:12: `time_zone`: is no time zone; write one such as `Europe/Berlin`.",
        ),
        (
            "signalbox.yaml",
            "Europe/Berlin",
            "Europe",
            "3:12: `time_zone`: is no time zone; write one such as `Europe/Berlin`.",
        ),
        (
            "signalbox.yaml",
            "time_zone",
            "timezone",
            "2:1: `time_zone` is missing.",
        ),
        (
            "signalbox.yaml",
            "connections:",
            "connectionz:",
            "5:1: `connectionz` is no setting I know. Did you mean `connections`?",
        ),
        ("signalbox.yaml", "    connector: releases\n", "", "9:3: `connector` is missing."),
        (
            "signalbox.yaml",
            "    connector: releases\n",
            "    connector: releases\n    limits: {per_minute: 0}\n",
            "11:26: `per_minute`: Input should be greater than or equal to 1",
        ),
        (
            "signalbox.yaml",
            "    connector: releases\n",
            "    connector: releases\n    limits: {per_hour: 3}\n",
            "11:24: `per_hour` is no setting I know.",
        ),
        (
            "signalbox.yaml",
            "connections:",
            "retention: {runs: 12h}\nconnections:",
            "5:19: `runs`: is less than a day; write such as `90d`, or `forever`.",
        ),
        (
            "signalbox.yaml",
            "connections:",
            "retention: {runs: a year}\nconnections:",
            "5:19: `runs`: `a year` is no duration; write 500ms, 30s, 10m, 4h or 3d.",
        ),
        ("services.yaml", "tier: 1", "tier: one", "7:20: `tier`: Input should be a valid integer"),
        ("services.yaml", "owner: team-billing", "owner: ''", "10:12: `owner`: String should"),
        ("services.yaml", "name: billing", "name: shop", "9:11: There is a service `shop`"),
        ("services.yaml", "name: billing", "name: Bill ing", "9:11: `name`: String should match"),
        ("services.yaml", "services:", "services: []\nservices:", "3:1: The key `services` is g"),
        (
            "policy/roles.yaml",
            "groups: [developers]",
            "groups: [devs]",
            "14:24: `devs` is no group of this file.",
        ),
        (
            "policy/roles.yaml",
            "includes: [viewer]",
            "includes: [viewr]",
            "14:48: `viewr` is no role. Did you mean `viewer`?",
        ),
        (
            "policy/roles.yaml",
            "viewer: {groups: [viewers]}",
            "viewer: {groups: [viewers], includes: [operator]}",
            "13:42: The role `viewer` includes itself by way of `operator`.",
        ),
        (
            "policy/roles.yaml",
            "viewers: 00000000-0000-4000-8000-000000000101",
            "viewers: All Viewers",
            "3:12: `viewers`: String should match pattern",
        ),
        (
            "policy/roles.yaml",
            "  viewers: ",
            "  All Viewers: ",
            "3:16: `All Viewers`: String should",
        ),
        (
            "directory.yaml",
            "groups: [developers]",
            "groups: [developer]",
            "16:14: `developer` is no group of this file. Did you mean `developers`?",
        ),
        (
            "directory.yaml",
            "000000000002",
            "000000000001",
            "17:9: dev-1 has this id already.",
        ),
        ("directory.yaml", "name: sre-1", "name: dev-1", "18:11: There is a dev-1 already."),
        ("directory.yaml", "userType: Guest", "userType: guest", "37:15: `userType`: Input sho"),
    ],
)
def test_a_file_that_is_not_right(
    folder: Path, file: str, old: str, new: str, expected: str
) -> None:
    edit(folder, file, old, new)

    assert any(fault.startswith(f"{file}:{expected}") for fault in faults(folder)), faults(folder)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("name: a\nname: b", "2:1: The key `name` is given twice."),
        ("name: !ruby/object x", "1:7: Tags such as `!ruby/object` are not allowed."),
        ("name: !!map [x]", "1:7: Tags such as `tag:yaml.org,2002:map` are not allowed."),
        ("<<: {name: x}", "1:1: Merge keys (`<<`) are not supported."),
        ("1: x", "1:1: A key is a text; put `1` in quotes."),
        ("[a]: x", "1:1: A key is a text, not a mapping or a list."),
        ("name: 010", "1:7: `010` can be read in two ways; put it in quotes."),
        ("name: .inf", "1:7: `.inf` can be read in two ways; put it in quotes."),
        ("a: 1\n---\nb: 2", "2:1: A file holds one document; this is a second one."),
        ("a: [", "1:5: This is no YAML: expected the node content, but found '<stream end>'."),
        ("a: *b", "1:4: `*b` stands for nothing that ended before it."),
        ("a: \x01", "1:4: There is a control character here."),
        ("a: &a [*a]", "1:8: `*a` stands for nothing that ended before it."),
        ("[" * 3000, "1:41: This is nested more than 40 levels deep."),
        ("#" * 1_000_001, "1:1: It is larger than 1 MB."),
        ("- a", "1:1: Input should be a valid dictionary"),
        ("", "1:1: `name` is missing."),
    ],
)
def test_yaml_that_is_not_plain(folder: Path, text: str, expected: str) -> None:
    (folder / "signalbox.yaml").write_text(text)

    assert faults(folder)[0].startswith(f"signalbox.yaml:{expected}")


def test_aliases_that_multiply_are_stopped(folder: Path) -> None:
    """Nine levels of nine aliases: 387 million values in 400 bytes."""
    levels = ["a0: &a0 x"] + [
        f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 10)
    ]
    (folder / "signalbox.yaml").write_text("\n".join(levels))

    assert faults(folder)[0].endswith("there are more than 20000 values.")


def test_values_are_those_of_yaml_1_2(folder: Path) -> None:
    (folder / "signalbox.yaml").write_text(
        "name: demo\ntime_zone: UTC\nconnections:\n  x:\n    connector: x\n"
        "    a: no\n    b: 31\n    c: -1.5\n    d: ~\n    e: 2026-01-02\n    f: [true, 15]\n"
    )

    settings = load(folder).connections["x"].settings

    assert settings == {
        "a": "no",
        "b": 31,
        "c": -1.5,
        "d": None,
        "e": "2026-01-02",
        "f": [True, 15],
    }


def test_a_connections_limits_are_not_among_its_own_settings(folder: Path) -> None:
    edit(
        folder,
        "signalbox.yaml",
        "    connector: releases\n",
        "    connector: releases\n    limits: {per_minute: 30, at_once: 4}\n",
    )

    known = load(folder).connections

    assert known["releases"].limits == Limits(per_minute=30, at_once=4)
    assert "limits" not in known["releases"].settings
    assert known["supervisor"].limits == Limits()


def test_text_that_is_not_utf8(folder: Path) -> None:
    (folder / "services.yaml").write_bytes(b"services:\n  - name: sh\xf6p\n")

    assert faults(folder) == ["services.yaml:2:13: This is not UTF-8."]


def test_everything_that_is_missing_is_told_at_once(tmp_path: Path) -> None:
    assert faults(tmp_path) == [
        f"{name}:1:1: It cannot be read: No such file or directory."
        for name in (
            "policy/policy.cedar",
            "policy/roles.yaml",
            "policy/schema.cedarschema",
            "services.yaml",
            "signalbox.yaml",
        )
    ]


def test_a_policy_fault_names_the_file_in_the_folder(
    folder: Path, commands: Mapping[str, Effect]
) -> None:
    edit(folder, "policy/policy.cedar", 'Action::"deploy"', 'Action::"deplox"')
    config = load(folder)

    with pytest.raises(ConfigFaults) as raised:
        build_authorizer(config, commands)

    [fault] = raised.value.faults
    assert str(fault) == (
        f"{folder}/policy/policy.cedar:{fault.line}:{fault.column}: Unrecognized action "
        '`Signalbox::Action::"deplox"`. Did you mean `deploy`?'
    )
    line = (folder / "policy/policy.cedar").read_text().splitlines()[fault.line - 1]
    assert line[fault.column - 1 :].startswith('"deplox"')
