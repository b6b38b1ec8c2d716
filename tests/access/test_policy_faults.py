"""A policy that is not right is not loaded, and the operator is told where to look."""

from pathlib import Path

import pytest

from bot.access.cedar import CedarAuthorizer
from bot.access.cedar_text import CedarText
from bot.access.fault import ConfigFaults
from bot.config import Config
from domain.command import Effect

SCHEMA = (Path(__file__).parents[2] / "sandbox/world/policy/schema.cedarschema").read_text()
GOOD = '@id("good") @reason("r") permit (principal, action, resource);'


def faults(config: Config, policy: str, schema: str = SCHEMA, command: str = "deploy") -> str:
    """What loading says, with the name of the file cut off."""
    with pytest.raises(ConfigFaults) as raised:
        CedarAuthorizer(
            policy=CedarText("p", policy),
            schema=CedarText("s", schema),
            roles=config.roles,
            catalogue=config.catalogue,
            commands={command: Effect.WRITE, "restart": Effect.WRITE},
        )
    return str(raised.value)


def annotated(notes: str, effect: str = "permit") -> str:
    return f'@id("a-rule")\n@reason("r")\n{notes}\n{effect} (principal, action, resource);'


APPROVAL = '@gate("approval") @count("2") @group("prod-approvers")'


@pytest.mark.parametrize(
    ("notes", "expected"),
    [
        ('@gaet("none")', "p:3:1: `@gaet` means nothing. Did you mean `gate`?"),
        ('@gate("maybe")', "p:3:1: A gate is `none`, `confirm` or `approval`, not `maybe`."),
        ("@gate", "p:3:1: A gate is `none`, `confirm` or `approval`, not ``."),
        (
            '@gate("approval") @group("prod-approvers")',
            "p:3:1: `@count` says how many must approve, 1 to 20.",
        ),
        (
            '@gate("approval") @count("0") @group("prod-approvers")',
            "p:3:19: `@count` says how many must approve, 1 to 20.",
        ),
        (
            '@gate("approval") @count("\u0662") @group("prod-approvers")',
            "p:3:19: `@count` says how many must approve, 1 to 20.",
        ),
        (
            '@gate("approval") @count("2")',
            "p:3:1: An approval needs a `@group`: who may approve.",
        ),
        (
            '@gate("approval") @count("2") @group("prod-aprovers")',
            "p:3:31: roles.yaml names no group `prod-aprovers`. Did you mean `prod-approvers`?",
        ),
        (
            f'{APPROVAL} @escalate("cab")',
            "p:3:56: roles.yaml names no group `cab`.",
        ),
        (
            f'{APPROVAL} @expires("30 m")',
            "p:3:56: `@expires` is a time such as `90s`, `30m`, `4h` or `3d`, at most 30 days.",
        ),
        (
            f'{APPROVAL} @expires("31d")',
            "p:3:56: `@expires` is a time such as `90s`, `30m`, `4h` or `3d`, at most 30 days.",
        ),
        (
            f'{APPROVAL} @escalate_after("15m")',
            "p:3:56: `@escalate_after` goes with `@escalate`: whom to call.",
        ),
        (
            f'{APPROVAL} @escalate_after("soon") @escalate("incident-commanders")',
            "p:3:56: `@escalate_after` is a time such as `90s`, `15m` or `4h`.",
        ),
        (
            f'{APPROVAL} @escalate_after("30m") @escalate("incident-commanders")',
            (
                "p:3:56: `@escalate_after` must be shorter than `@expires`: else it is too late"
                " to call."
            ),
        ),
        (
            '@gate("confirm") @escalate_after("15m")',
            'p:3:18: `@escalate_after` belongs to `@gate("approval")`.',
        ),
        ('@expires("30m")', "p:3:1: `@expires` belongs to a gate, and there is none."),
        (
            '@gate("confirm") @count("2")',
            'p:3:18: `@count` belongs to `@gate("approval")`.',
        ),
        (
            f'{APPROVAL} @assurance("step-up")',
            "p:3:56: Signalbox can give no other `@assurance` than `directory`.",
        ),
    ],
)
def test_an_annotation_that_does_not_fit(config: Config, notes: str, expected: str) -> None:
    assert faults(config, annotated(notes)) == expected


def test_a_forbid_has_no_gate(config: Config) -> None:
    assert faults(config, annotated('@gate("confirm")', "forbid")) == (
        "p:3:1: `@gate` has no place on a `forbid`: that denies, gate or no gate."
    )


@pytest.mark.parametrize("expires", ["90s", "30m", "4h", "3d"])
def test_every_annotation_has_its_place(config: Config, expires: str) -> None:
    notes = (
        f'{APPROVAL} @expires("{expires}") @escalate("incident-commanders")'
        '\n@escalate_after("80s")'
        '\n@assurance("directory")'
    )

    CedarAuthorizer(
        policy=CedarText("p", annotated(notes)),
        schema=CedarText("s", SCHEMA),
        roles=config.roles,
        catalogue=config.catalogue,
        commands={},
    )


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        (
            "// one\n\npermit (principal, action, resource);",
            (
                'p:3:1: The policy gives no reason: say why in `@reason("…")`.\n'
                'p:3:1: The policy has no name: give it an `@id("…")`.'
            ),
        ),
        (
            '@id("Not Kebab") @reason(" ") permit (principal, action, resource);',
            (
                "p:1:1: An `@id` is words in lower case, joined by hyphens.\n"
                'p:1:18: The policy gives no reason: say why in `@reason("…")`.'
            ),
        ),
        (f"{GOOD}\n  {GOOD}", "p:2:3: There is a policy `good` already."),
        (
            (
                f"{GOOD} // ; not the end\n"
                '@id("typo") @reason("say \\"no;\\" // no comment")\n'
                "permit (principal,\n"
                '        action == Signalbox::Action::"deplox", resource);'
            ),
            'p:4:38: Unrecognized action `Signalbox::Action::"deplox"`. Did you mean `deploy`?',
        ),
        (
            (
                '@id("a") @reason("r") permit (principal, action, resource)\n'
                'when { resource.teir == "1" };'
            ),
            "p:2:17: Attribute `teir` on entity type `Signalbox::Target` not found.",
        ),
        (
            (
                '@id("a") @reason("r") permit (principal, action, resource)\n'
                'when { context.arguments.getTag("version") == "v1" };'
            ),
            'p:2:33: Unable to guarantee safety of access to tag `"version"`',
        ),
        (
            (
                '@id("a") @reason("r")\n'
                'permit (principal in Signalbox::Role::"operatox", action, resource);'
            ),
            "p:2:39: roles.yaml has no role `operatox`. Did you mean `operator`?",
        ),
        (
            '@id("a") @reason("r") permit (principal is Signalbox::Role, action, resource);',
            "p:1:1: Unable to find an applicable action given the policy scope constraints.",
        ),
        (f"{GOOD}\n{GOOD[:-1]}", "p:2:1: Unexpected end of input."),
        (f"{GOOD}\npermit (principal action, resource);", "p:2:19: Unexpected token `action`."),
        (
            f"{GOOD}\npermit (principal == ?principal, action, resource);",
            "p:2:1: This is a template (`?principal`, `?resource`): it would do nothing.",
        ),
        (
            (
                '@id("a") @reason("r")\n'
                "permit (principal, action, resource) when { resource.tier == 1 };"
            ),
            "p:1:1: The types Long and String are not compatible.",
        ),
    ],
)
def test_a_policy_that_is_not_right(config: Config, policy: str, expected: str) -> None:
    assert faults(config, policy).startswith(expected)


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ("", "s:1:1: The namespace Signalbox declares no action `change`, a group we need."),
        (
            "namespace Signalbox {\n  entity Role;\n  entity User in [Role]\n  = { x: };\n}",
            "s:3:3: Error parsing schema: unexpected token `}`.",
        ),
        (
            "namespace Signalbox {\n  entity Role;\n\n  type Kind = \n}",
            "s:4:3: Error parsing schema: unexpected token `}`.",
        ),
        (
            "namespace Signalbox {\n  entity Role;\n",
            "s:1:1: Error parsing schema: unexpected end of input.",
        ),
        ("entity Role", "s:1:1: Error parsing schema: unexpected end of input."),
        (
            SCHEMA.replace("namespace Signalbox", "namespace Signalpost"),
            (
                "s:1:1: Signalbox cannot ask about the action `approve`: "
                "error during entity deserialization: "
                'entity `Signalbox::User::"00000000-0000-0000-0000-000000000000"` '
                "has type `Signalbox::User` which is not declared in the schema."
            ),
        ),
        (
            SCHEMA.replace("entity Role;", "entity Roles;"),
            "s:7:19: Failed to resolve type: Role.",
        ),
        (
            SCHEMA.replace('"guest": Bool,', '"guest": Bool, "team": String,'),
            (
                "s:1:1: Signalbox cannot ask about the action `approve`: "
                "entity does not conform to the schema: "
                'expected entity `Signalbox::User::"00000000-0000-0000-0000-000000000000"` '
                "to have attribute `team`, but it does not."
            ),
        ),
        (
            SCHEMA.replace("type Context", "type Surroundings").replace(
                "context: Context", "context: Surroundings"
            ),
            "s:1:1: Commands cannot be added to it: failed to resolve types: Context, Context.",
        ),
    ],
)
def test_a_schema_that_is_not_right(config: Config, schema: str, expected: str) -> None:
    assert faults(config, GOOD, schema) == expected


def test_a_command_cannot_be_a_group_of_actions(config: Config) -> None:
    """A workflow called `read` would be allowed to all who may read."""
    assert faults(config, GOOD, command="read") == (
        "s:1:1: `read` is a group of actions: no command can be called that."
    )


def test_all_faults_are_told_at_once_in_the_order_of_the_file(config: Config) -> None:
    policy = annotated('@gate("maybe")') + "\n" + annotated('@expires("1m")').replace("a-", "b-")

    assert [line.partition(": ")[0] for line in faults(config, policy).splitlines()] == [
        "p:3:1",
        "p:7:1",
    ]
