"""The whole matrix of the demo world: person by command by environment."""

from collections.abc import Callable

import pytest

from bot.access.cases import in_short
from bot.access.cedar import CedarAuthorizer
from bot.config import Config
from domain.actor import Actor
from domain.policy import Request

PEOPLE = [
    "dev-1",
    "sre-1",
    "approver-1",
    "approver-2",
    "viewer-1",
    "auditor-1",
    "commander-1",
    "guest-1",
    "stranger",
]
ANSWERS = {"+": "allow", "-": "deny", "c": "confirm", "2": "approval 2 prod-approvers"}

#                              dev sre ap1 ap2 vwr aud com gue str
MATRIX = """
help                           +   +   +   +   +   +   +   -   -
whoami                         +   +   +   +   +   +   +   -   -
runs                           +   +   +   +   +   +   +   -   -
run                            +   +   +   +   +   +   +   -   -
why                            +   +   +   +   +   +   +   -   -
can                            +   +   +   +   +   +   +   -   -
status                         +   +   +   +   +   +   +   -   -
status shop                    +   +   +   +   +   +   +   -   -
status shop staging            +   +   +   +   +   +   +   -   -
status billing prod            +   +   +   +   +   +   +   -   -
logs shop staging              +   +   +   -   -   -   +   -   -
logs shop prod                 +   +   +   -   -   -   +   -   -
audit                          -   -   -   -   -   +   -   -   -
deploy shop staging            +   +   +   -   -   -   +   -   -
rollback shop staging          +   +   +   -   -   -   +   -   -
restart billing staging        +   +   +   -   -   -   +   -   -
deploy shop prod               2   2   2   -   -   -   2   -   -
deploy billing prod            2   2   2   -   -   -   2   -   -
rollback shop prod             -   c   c   -   -   -   c   -   -
restart shop prod              -   c   c   -   -   -   c   -   -
restart billing prod           -   c   c   -   -   -   c   -   -
deploy                         -   -   -   -   -   -   -   -   -
deploy shop                    -   -   -   -   -   -   -   -   -
locks                          +   +   +   +   +   +   +   -   -
lock shop staging              +   +   +   -   -   -   +   -   -
lock shop prod                 -   +   +   -   -   -   +   -   -
unlock shop staging            +   +   +   -   -   -   +   -   -
unlock billing prod            -   +   +   -   -   -   +   -   -
steal shop prod                -   +   +   -   -   -   +   -   -
halt                           -   +   +   -   -   -   +   -   -
unhalt                         -   +   +   -   -   -   +   -   -
approve                        -   -   +   +   -   -   -   -   -
reject                         -   -   +   +   -   -   -   -   -
approve shop prod              -   -   +   +   -   -   -   -   -
approve shop staging           -   -   +   +   -   -   -   -   -
confirm own                    +   +   +   +   +   +   +   -   -
confirm another                -   -   -   -   -   -   -   -   -
cancel own                     +   +   +   +   +   +   +   -   -
cancel another                 -   +   +   -   -   -   +   -   -
recycle shop staging           +   +   +   -   -   -   +   -   -
recycle shop prod              -   c   c   -   -   -   c   -   -
wipe shop staging              +   +   +   -   -   -   +   -   -
wipe shop prod                 -   c   c   -   -   -   c   -   -
diagnose shop prod             +   +   +   -   -   -   +   -   -
deploy sh\u00f6p staging       -   -   -   -   -   -   -   -   -
deploy shop Staging            -   -   -   -   -   -   -   -   -
deploy * staging               -   -   -   -   -   -   -   -   -
deploy shop/staging prod       -   -   -   -   -   -   -   -   -
nuke shop staging              -   -   -   -   -   -   -   -   -
read                           +   +   +   -   -   -   +   -   -
change shop staging            +   +   +   -   -   -   +   -   -
"""
ROWS = [line.split() for line in MATRIX.strip().splitlines()]
CASES = [
    (person, " ".join(row[:-9]), ANSWERS[answer])
    for row in ROWS
    for person, answer in zip(PEOPLE, row[-9:], strict=True)
]


def request(actor: Actor, words: str) -> Request:
    action, *target = words.split()
    if target in (["own"], ["another"]):
        requester = actor.id if target == ["own"] else "00000000-0000-4000-8000-0000000000ff"
        return Request(actor=actor, action=action, requester=requester)
    service, environment = (*target, "", "")[:2]
    return Request(actor=actor, action=action, service=service, environment=environment)


@pytest.mark.parametrize(("person", "words", "expected"), CASES)
def test_the_matrix(
    person: str,
    words: str,
    expected: str,
    authorizer: CedarAuthorizer,
    somebody: Callable[[str], Actor],
) -> None:
    decision = authorizer.decide(request(somebody(person), words))

    assert (in_short(decision), decision.error) == (expected, "")


def test_a_deploy_to_prod_waits_half_an_hour_for_the_group_that_roles_yaml_names(
    authorizer: CedarAuthorizer, somebody: Callable[[str], Actor], config: Config
) -> None:
    gate = authorizer.decide(request(somebody("sre-1"), "deploy shop prod")).gate

    assert (gate.count, gate.group, gate.expires.total_seconds()) == (2, "prod-approvers", 1800)
    group = authorizer.group_id(gate.group)
    assert group == config.roles.groups["prod-approvers"]
    assert [p for p in PEOPLE if group in somebody(p).groups] == ["approver-1", "approver-2"]
    assert authorizer.group_id("operators-of-elsewhere") == ""


def test_a_denial_names_the_roles_that_would_do_lightest_first(
    authorizer: CedarAuthorizer, somebody: Callable[[str], Actor]
) -> None:
    def needed(person: str, words: str) -> tuple[str, ...]:
        return authorizer.decide(request(somebody(person), words)).would_need

    assert needed("dev-1", "restart shop prod") == ("operator",)
    assert needed("viewer-1", "restart shop staging") == ("developer", "operator")
    assert needed("viewer-1", "audit") == ("auditor",)
    assert needed("viewer-1", "confirm another") == ()
    assert needed("guest-1", "help") == ()
    assert needed("stranger", "help") == ()
