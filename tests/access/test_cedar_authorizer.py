"""What must hold for any policy: errors deny, the lightest gate counts, nobody is a role."""

from collections.abc import Mapping
from dataclasses import replace

import pytest

from bot.access.catalogue import ServicesFile
from bot.access.cedar import CedarAuthorizer
from bot.access.cedar_text import CedarText
from bot.access.roles import RolesFile
from bot.config import Config
from domain.actor import Actor, ActorKind, ObjectId, TenantId, system_actor
from domain.command import Effect
from domain.policy import Decision, GateKind, Request

ROLES = RolesFile.model_validate(
    {
        "groups": {"approvers": "00000000-0000-4000-8000-00000000aaa1"},
        "roles": {"developer": {"groups": ["approvers"]}, "lead": {"includes": ["developer"]}},
    }
).held()
CATALOGUE = ServicesFile.model_validate(
    {"services": [{"name": "shop", "owner": "team-shop", "environments": {"prod": {"tier": 1}}}]}
).catalogue()


def authorizer(
    config: Config, policy: str, commands: Mapping[str, Effect] | None = None
) -> CedarAuthorizer:
    return CedarAuthorizer(
        policy=CedarText("policy.cedar", policy),
        schema=config.schema,
        roles=ROLES,
        catalogue=CATALOGUE,
        commands=commands or {"deploy": Effect.WRITE},
    )


DEVELOPER = Actor(
    tenant=TenantId("00000000-0000-4000-8000-00000000aaaa"),
    id=ObjectId("00000000-0000-4000-8000-000000000001"),
    name="dev-1",
    roles=frozenset({"developer"}),
)
DEPLOY = Request(actor=DEVELOPER, action="deploy", service="shop", environment="prod")


ALL_MAY = """
@id("all-may") @reason("because")
permit (principal in Signalbox::Role::"developer", action, resource);
"""


def test_a_forbid_whose_evaluation_fails_denies(config: Config) -> None:
    """Cedar skips a failing policy, and would say yes."""
    policy = authorizer(
        config,
        ALL_MAY
        + """
        @id("overflows") @reason("it would say no")
        forbid (principal, action, resource)
        when { 9223372036854775807 + (if context.arguments.hasTag("x") then 1 else 0) > 0
               && context.arguments.hasTag("x") };
        """,
    )

    fine = policy.decide(DEPLOY)
    failed = policy.decide(replace(DEPLOY, attributes={"x": "1"}))

    assert fine == Decision(allowed=True, rule="all-may", reason="because")
    assert not failed.allowed
    assert failed.error.startswith("error while evaluating policy `overflows`: integer overflow")


def test_a_forbid_wins_and_is_named(config: Config) -> None:
    policy = authorizer(
        config,
        ALL_MAY
        + """
        @id("frozen") @reason("production is frozen")
        forbid (principal, action, resource) when { resource.tier == "1" };
        """,
    )

    assert policy.decide(DEPLOY) == Decision(
        allowed=False, rule="frozen", reason="production is frozen"
    )


def test_the_policy_sees_owner_tier_and_arguments(config: Config) -> None:
    policy = authorizer(
        config,
        """
        @id("own-releases") @reason("team-shop deploys what is released")
        permit (principal, action, resource)
        when { resource.owner == "team-shop" && resource.tier == "1" }
        when { context.arguments.hasTag("version") }
        when { context.arguments.getTag("version") like "v1.*" };
        """,
    )
    right = replace(DEPLOY, attributes={"version": "v1.2.1"})

    assert policy.decide(right).allowed
    assert not policy.decide(replace(right, attributes={"version": "v2.0.0"})).allowed
    assert not policy.decide(replace(right, attributes={})).allowed
    assert not policy.decide(replace(right, environment="")).allowed


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 0, 2)])
def test_the_lightest_gate_of_all_satisfied_permits_counts(
    config: Config, order: tuple[int, int, int]
) -> None:
    permits = [
        '@id("two") @reason("r") @gate("approval") @count("2") @group("approvers")',
        '@id("one") @reason("r") @gate("approval") @count("1") @group("approvers")',
        '@id("asked") @reason("r") @gate("confirm") @expires("2h")',
    ]
    anybody = "permit (principal, action, resource)"
    heavier = "\n".join(f"{permits[i]} {anybody};" for i in order if i < 2)
    lighter = f"{heavier}\n{permits[2]} {anybody} when {{ principal.kind == 'user' }};".replace(
        "'", '"'
    )

    person, agent = (
        replace(
            DEVELOPER,
        ),
        replace(DEVELOPER, kind=ActorKind.AGENT),
    )

    assert authorizer(config, lighter).decide(replace(DEPLOY, actor=person)).rule == "asked"
    assert (
        authorizer(config, lighter).decide(replace(DEPLOY, actor=person)).gate.kind
        is GateKind.CONFIRM
    )
    assert authorizer(config, lighter).decide(replace(DEPLOY, actor=agent)).rule == "one"


def test_nobody_is_a_role_by_being_called_like_one(config: Config) -> None:
    policy = authorizer(config, ALL_MAY)

    for name in (
        "developer",
        'Signalbox::Role::"developer"',
        '"developer',
        "developer\n",
        "\ud800",
    ):
        actor = replace(DEVELOPER, id=ObjectId(name), roles=frozenset())
        assert not policy.decide(replace(DEPLOY, actor=actor)).allowed


@pytest.mark.parametrize(
    ("request_", "reason"),
    [
        (replace(DEPLOY, action="deplox"), "The policy knows no action `deplox`."),
        (replace(DEPLOY, service="shop "), "The catalogue has no service `shop `."),
        (
            replace(DEPLOY, environment="moon"),
            "The catalogue has no environment `moon` for that.",
        ),
    ],
)
def test_what_nobody_knows_is_denied(config: Config, request_: Request, reason: str) -> None:
    policy = authorizer(config, ALL_MAY)

    assert policy.decide(request_) == Decision(allowed=False, reason=reason)


def test_an_argument_that_is_no_text_denies_with_an_error(config: Config) -> None:
    decision = authorizer(config, ALL_MAY).decide(
        replace(DEPLOY, attributes={"version": "\ud800"})
    )

    assert (decision.allowed, decision.error) == (
        False,
        "The request does not fit the policy's schema.",
    )


def test_signalbox_itself_has_no_role_either(config: Config) -> None:
    actor = system_actor(TenantId("00000000-0000-4000-8000-00000000aaaa"))

    assert not authorizer(config, ALL_MAY).decide(replace(DEPLOY, actor=actor)).allowed


def test_an_empty_policy_denies_everything(config: Config) -> None:
    assert authorizer(config, "// nothing yet").decide(DEPLOY) == Decision(allowed=False)


@pytest.mark.parametrize("change", [{"is_guest": True}, {"is_known": False}])
def test_no_role_is_named_to_those_who_can_have_none(
    config: Config, change: dict[str, bool]
) -> None:
    actor = replace(DEVELOPER, roles=frozenset(), **change)  # type: ignore[arg-type]  # by name

    assert authorizer(config, ALL_MAY).decide(replace(DEPLOY, actor=actor)) == Decision(
        allowed=False
    )


def test_a_role_under_which_the_policy_fails_would_not_do(config: Config) -> None:
    policy = authorizer(
        config,
        """
        @id("leads-may") @reason("r")
        permit (principal in Signalbox::Role::"lead", action, resource);
        @id("overflows") @reason("r")
        forbid (principal in Signalbox::Role::"lead", action, resource)
        when { 9223372036854775807 + (if resource.service == "shop" then 1 else 0) == 0 };
        """,
    )

    assert policy.decide(DEPLOY) == Decision(allowed=False)
    assert policy.decide(replace(DEPLOY, service="", environment="")).would_need == ("lead",)


def test_where_there_is_no_requester_nobody_is_the_requester(config: Config) -> None:
    policy = authorizer(
        config,
        '@id("own") @reason("r") permit (principal, action, resource) '
        "when { context.is_requester };",
    )
    nameless = replace(DEVELOPER, id=ObjectId(""))

    assert not policy.decide(replace(DEPLOY, actor=nameless, requester="")).allowed


def test_a_declared_action_keeps_the_group_of_the_schema(config: Config) -> None:
    """`approve` writes, yet whoever may change must not approve."""
    policy = authorizer(
        config,
        '@id("changes") @reason("r") '
        'permit (principal, action in Signalbox::Action::"change", resource);',
        {"deploy": Effect.WRITE, "approve": Effect.WRITE},
    )
    approve = Request(actor=DEVELOPER, action="approve")

    assert policy.decide(DEPLOY).allowed
    assert not policy.decide(approve).allowed


def test_only_the_requester_may_is_said_so(config: Config) -> None:
    policy = authorizer(
        config,
        '@id("own") @reason("whoever asked confirms") '
        "permit (principal, action, resource) when { context.is_requester };",
    )

    assert policy.decide(replace(DEPLOY, requester="somebody else")) == Decision(
        allowed=False, reason="whoever asked confirms"
    )
    assert not policy.decide(DEPLOY).allowed
    assert policy.decide(replace(DEPLOY, requester=DEVELOPER.id)).allowed


@pytest.mark.parametrize("declares", [True, False])
def test_who_may_approve_may_take_it_back_also_where_the_schema_does_not_say_so(
    config: Config, *, declares: bool
) -> None:
    old = config.schema.text.replace('"reject", "withdraw",', '"reject",')
    assert old != config.schema.text
    named = ', Signalbox::Action::"withdraw"' if declares else ""
    policy = f"""
    @id("decide") @reason("r")
    permit (
      principal in Signalbox::Role::"developer",
      action in [Signalbox::Action::"approve"{named}],
      resource
    );
    """
    made = CedarAuthorizer(
        policy=CedarText("policy.cedar", policy),
        schema=config.schema if declares else replace(config.schema, text=old),
        roles=ROLES,
        catalogue=CATALOGUE,
        commands=dict.fromkeys(["approve", "withdraw", "reject"], Effect.WRITE),
    )

    def may(action: str, actor: Actor = DEVELOPER) -> bool:
        return made.decide(replace(DEPLOY, action=action, actor=actor)).allowed

    assert (may("approve"), may("withdraw"), may("reject")) == (True, True, False)
    assert not may("withdraw", replace(DEVELOPER, roles=frozenset()))


def test_a_schema_that_names_withdraw_is_taken_at_its_word(config: Config) -> None:
    policy = """
    @id("decide") @reason("r")
    permit (
      principal in Signalbox::Role::"developer",
      action == Signalbox::Action::"approve",
      resource
    );
    """
    made = authorizer(config, policy, dict.fromkeys(["approve", "withdraw"], Effect.WRITE))

    assert made.decide(replace(DEPLOY, action="approve")).allowed
    assert not made.decide(replace(DEPLOY, action="withdraw")).allowed


PROD_NEEDS_A_REASON = """
@id("no-prod-without-a-reason") @reason("production needs a reason")
forbid (principal, action, resource)
when { resource.environment == "prod" }
unless { context.arguments.hasTag("reason") };
"""
ONLY_WITH_A_REASON = """
@id("with-a-reason") @reason("who says why may")
permit (principal in Signalbox::Role::"developer", action, resource)
when { context.arguments.hasTag("reason") };
"""


@pytest.mark.parametrize(
    ("rules", "hangs"),
    [
        (ALL_MAY + PROD_NEEDS_A_REASON, True),
        (ONLY_WITH_A_REASON, True),
        (
            '@id("a") @reason("b") forbid (principal, action, resource);' + ONLY_WITH_A_REASON,
            False,
        ),
    ],
)
def test_a_no_that_further_arguments_may_turn_says_so(
    config: Config, rules: str, hangs: bool
) -> None:
    decision = authorizer(config, rules).decide(DEPLOY)

    assert (decision.allowed, decision.hangs_on_arguments) == (False, hangs)
    assert decision.may_be_allowed == hangs


def test_a_no_of_rules_that_look_at_no_argument_is_final(config: Config) -> None:
    nobody = replace(DEVELOPER, roles=frozenset())

    decision = authorizer(config, ALL_MAY).decide(replace(DEPLOY, actor=nobody))

    assert not decision.may_be_allowed
