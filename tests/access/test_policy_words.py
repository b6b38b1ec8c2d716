"""A denial tells what, why and who can help."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from bot.access.cedar import CedarAuthorizer
from bot.access.identity import Identity
from bot.access.words import deed, denial, duration_in_words, explanation, gate_in_words
from bot.config import Config
from domain.actor import Actor
from domain.policy import NO_GATE, Decision, GateKind, GateRule, Request

Somebody = Callable[[str], Actor]


@pytest.mark.parametrize(
    ("person", "request_", "words", "reason"),
    [
        (
            "dev-1",
            {"action": "restart", "service": "shop", "environment": "prod"},
            (
                "dev-1 may not restart shop in prod. "
                "That needs the role operator; ask sre-1, approver-1 or commander-1."
            ),
            "no_permit",
        ),
        (
            "sre-1",
            {"action": "audit"},
            "sre-1 may not read the audit log. That needs the role auditor; ask auditor-1.",
            "no_permit",
        ),
        (
            "approver-2",
            {"action": "logs", "service": "shop", "environment": "staging"},
            (
                "approver-2 may not read the logs of shop in staging. "
                "That needs the role developer; ask dev-1, sre-1, approver-1 or commander-1."
            ),
            "no_permit",
        ),
        (
            "dev-1",
            {"action": "cancel", "requester": "another"},
            (
                "dev-1 may not cancel this run. "
                "That needs the role operator; ask sre-1, approver-1 or commander-1."
            ),
            "no_permit",
        ),
        (
            "sre-1",
            {"action": "confirm", "requester": "another"},
            "sre-1 may not confirm this run: whoever asked for a run confirms it, or cancels it.",
            "not_requester",
        ),
        (
            "dev-1",
            {"action": "deploy", "service": "shop"},
            "dev-1 may not deploy shop. No role allows that.",
            "no_permit",
        ),
        (
            "dev-1",
            {"action": "deploy", "service": "shop", "environment": "moon"},
            "dev-1 may not deploy shop in moon: The catalogue has no environment `moon` for that.",
            "unknown",
        ),
        ("guest-1", {"action": "help"}, "Guests have no access.", "guest"),
        (
            "stranger",
            {"action": "help"},
            (
                "I do not find you in the directory, so I can do nothing for you. "
                "Ask whoever runs Signalbox."
            ),
            "no_identity",
        ),
    ],
)
async def test_a_denial(
    *,
    person: str,
    request_: dict[str, str],
    words: str,
    reason: str,
    config: Config,
    authorizer: CedarAuthorizer,
    somebody: Somebody,
) -> None:
    assert config.directory is not None
    request = Request(actor=somebody(person), **request_)  # type: ignore[arg-type]  # by name
    decision = authorizer.decide(request)
    helpers = await Identity(config.directory, authorizer).helpers(decision, config.roles)

    refusal = denial(request, decision, helpers)

    assert (refusal.words, refusal.reason, refusal.rule) == (words, reason, decision.rule)


def test_a_forbid_speaks_for_itself(somebody: Somebody) -> None:
    request = Request(actor=somebody("sre-1"), action="deploy", service="shop", environment="prod")
    decision = Decision(allowed=False, rule="freeze", reason="production is frozen until Monday.")

    refusal = denial(request, decision)

    assert refusal.words == (
        "sre-1 may not deploy shop in prod: production is frozen until Monday."
    )
    assert (refusal.rule, refusal.reason) == ("freeze", "forbidden")


@pytest.mark.parametrize(
    ("request_", "words"),
    [
        ({"action": "freeze", "environment": "prod"}, "use freeze in prod"),
        ({"action": "help"}, "use help"),
        ({"action": "status", "service": "shop"}, "see the status of shop"),
        ({"action": "runs"}, "see the runs"),
        ({"action": "restart", "service": "shop"}, "restart shop"),
        ({"action": "cancel", "service": "shop", "requester": "x"}, "cancel shop"),
    ],
)
def test_a_deed(request_: dict[str, str], words: str, somebody: Somebody) -> None:
    request = Request(actor=somebody("dev-1"), **request_)  # type: ignore[arg-type]  # by name

    assert deed(request) == words


def test_an_error_says_nothing_of_its_inside(somebody: Somebody) -> None:
    request = Request(actor=somebody("sre-1"), action="deploy")

    refusal = denial(request, Decision(allowed=False, error="overflow in policy `x`"))

    assert refusal.words == (
        "The policy could not be evaluated, so the answer is no. Tell whoever owns the policy."
    )
    assert refusal.reason == "policy_error"


def test_a_long_list_of_helpers_is_cut(somebody: Somebody) -> None:
    request = Request(actor=somebody("dev-1"), action="audit")
    decision = Decision(allowed=False, would_need=("auditor",))

    def hint(count: int) -> str:
        return denial(request, decision, [f"sre-{n}" for n in range(1, count + 1)]).hint

    assert hint(0) == "That needs the role auditor."
    assert hint(2) == "That needs the role auditor; ask sre-1 or sre-2."
    assert hint(6) == (
        "That needs the role auditor; ask sre-1, sre-2, sre-3, sre-4, sre-5 or others who have it."
    )


@pytest.mark.parametrize(
    ("gate", "words"),
    [
        (NO_GATE, "no gate"),
        (
            GateRule(kind=GateKind.CONFIRM, expires=timedelta(hours=1)),
            "confirmation by the requester within 1 hour",
        ),
        (
            GateRule(kind=GateKind.APPROVAL, count=2, group="prod-approvers"),
            "2 approvals from prod-approvers, not by the requester, within 30 minutes",
        ),
        (
            GateRule(kind=GateKind.APPROVAL, count=1, group="cab", expires=timedelta(minutes=90)),
            "1 approval from cab, not by the requester, within 1 hour 30 minutes",
        ),
        (
            GateRule(kind=GateKind.APPROVAL, count=2, group="cab", escalate="on-call"),
            (
                "2 approvals from cab, not by the requester, within 30 minutes;"
                " on-call are called after 15 minutes"
            ),
        ),
    ],
)
def test_a_gate(gate: GateRule, words: str) -> None:
    assert gate_in_words(gate) == words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0 seconds"),
        (1, "1 second"),
        (90, "1 minute 30 seconds"),
        (1800, "30 minutes"),
        (3 * 86400, "3 days"),
        (86400 + 3600 + 60, "1 day 1 hour"),
    ],
)
def test_a_duration(seconds: int, words: str) -> None:
    assert duration_in_words(timedelta(seconds=seconds)) == words


def test_why(config: Config, authorizer: CedarAuthorizer, somebody: Somebody) -> None:
    def why(person: str, action: str, environment: str) -> str:
        request = Request(
            actor=somebody(person), action=action, service="shop", environment=environment
        )
        return explanation(request, authorizer.decide(request), config.roles)

    assert why("sre-1", "deploy", "prod") == (
        "sre-1 may deploy shop in prod, after 2 approvals from prod-approvers, "
        "not by the requester, within 30 minutes; "
        "incident-commanders are called after 15 minutes.\n"
        "Rule: deploy-to-prod (a deploy to production takes two approvals, whoever asks).\n"
        "Roles of sre-1: viewer, developer, operator."
    )
    assert why("dev-1", "restart", "staging") == (
        "dev-1 may restart shop in staging.\n"
        "Rule: developers-change-staging (developers change staging as they like).\n"
        "Roles of dev-1: viewer, developer."
    )
    assert why("viewer-1", "restart", "staging") == (
        "viewer-1 may not restart shop in staging. That needs the role developer.\n"
        "Rule: none allows it, and what no rule allows is denied.\n"
        "Roles of viewer-1: viewer.\n"
        "Roles that would do: developer, operator."
    )
    assert why("guest-1", "restart", "staging") == (
        "Guests have no access.\nRule: no-guests (guests have no access).\nRoles of guest-1: none."
    )
