"""The authorizer: Cedar decides, deny by default, and an error is a no.

Three facts about Cedar shape this module (https://docs.cedarpolicy.com/auth/authorization.html):
a policy whose evaluation fails is *skipped*, so a `forbid` that fails would let the permits win;
the determining policies of a yes are all satisfied permits, which is how the lightest gate is
found; and a denial by default names no policy, so what would help is found by asking again.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
import json
import re
from typing import Any

import cedarpy

from bot.access.cedar_text import CedarText
from bot.access.fault import ConfigFaults
from bot.access.roles import Roles
from bot.access.rule_book import place_of, read_rule_book
from domain.actor import Actor, ObjectId, TenantId
from domain.canonical import digest
from domain.command import Effect
from domain.policy import Decision, Request
from domain.ports import Catalogue

_POLICY = re.compile(r"`policy(\d+)`")

_ASKED_AS = {
    "withdraw": "approve",
    "handover": "approve",
    "pause": "cancel",
    "resume": "cancel",
    "retry": "cancel",
}
"""Who may approve may take it back, and hand it on; who may cancel may have a run stand still, and
try it again: where a schema does not name these, that is asked."""

_NAMED_OR_NOT = frozenset({"skip"})
"""Nobody may do this where a schema does not name it: no other question stands for it."""

_REMEMBERED = 4096
"""Answers that are kept. The person's roles and all else that counts is part of the question, so
what is kept is never stale; it is for `help`, which asks about everything, and for every turn."""


@dataclass(frozen=True, slots=True)
class _Answer:
    """What Cedar said: satisfied rules by their place in the file, or why it could not tell."""

    allowed: bool
    rules: tuple[int, ...]
    error: str


class CedarAuthorizer:
    """Implements `domain.ports.Authorizer`."""

    def __init__(
        self,
        *,
        policy: CedarText,
        schema: CedarText,
        roles: Roles,
        catalogue: Catalogue,
        commands: Mapping[str, Effect],
    ) -> None:
        """Read and check everything; *commands* are the actions that the schema need not declare.

        Raises:
            ConfigFaults: the policy or its schema does not validate.
        """
        self._roles = roles
        self._catalogue = catalogue
        self._book = read_rule_book(policy=policy, schema=schema, roles=roles, commands=commands)
        self._digest = digest(
            {
                "policy": policy.text,
                "schema": schema.text,
                "groups": dict(roles.groups),
                "given_by": {role: sorted(ids) for role, ids in roles.given_by.items()},
                "closures": {role: sorted(all_) for role, all_ in roles.closures.items()},
            }
        )
        self._try_out(schema)
        self._answer = lru_cache(maxsize=_REMEMBERED)(self._evaluate)

    @property
    def digest(self) -> str:
        """Which policy it is: SHA-256 over rules, schema and roles; 64 hex digits."""
        return self._digest

    def decide(self, request: Request) -> Decision:
        """Whether the policy allows *request*, and under which gate. Deny by default."""
        if request.action in _ASKED_AS.keys() - self._book.declared:
            request = replace(request, action=_ASKED_AS[request.action])
        unknown = self._unknown(request)
        if request.action in _NAMED_OR_NOT - self._book.declared:
            unknown = f"the policy's schema does not know {request.action}"
        if unknown:
            return Decision(allowed=False, reason=unknown)
        answer = self._ask(request)
        if answer.error:
            return Decision(allowed=False, error=answer.error)
        rules = [self._book.rules[index] for index in answer.rules]
        if answer.allowed:
            lightest = min(rules, key=lambda rule: rule.gate.weight)
            return Decision(
                allowed=True, gate=lightest.gate, rule=lightest.id, reason=lightest.reason
            )
        if rules:
            return Decision(
                allowed=False,
                rule=rules[0].id,
                reason=rules[0].reason,
                hangs_on_arguments=all(rule.weighs_arguments for rule in rules),
            )
        return Decision(
            allowed=False,
            reason=self._for_the_requester(request),
            would_need=tuple(self._roles_that_would_do(request)),
            hangs_on_arguments=any(
                rule.is_permit and rule.weighs_arguments for rule in self._book.rules
            ),
        )

    def group_id(self, name: str) -> str:
        """The object id of the group that the policy calls *name*; empty where it names none."""
        return self._roles.groups.get(name, "")

    def roles_of(self, groups: frozenset[str]) -> frozenset[str]:
        """The roles that membership in *groups* (object ids) gives, included roles and all."""
        return self._roles.of(groups)

    def _unknown(self, request: Request) -> str:
        """What of the question has no place in this installation; empty where all has."""
        if request.action not in self._book.actions:
            return f"The policy knows no action `{request.action}`."
        if request.service and request.service not in self._catalogue.services():
            return f"The catalogue has no service `{request.service}`."
        environments = self._catalogue.environments(request.service or None)
        if request.environment and request.environment not in environments:
            return f"The catalogue has no environment `{request.environment}` for that."
        return ""

    def _ask(self, request: Request) -> _Answer:
        question, entities = _in_cedar(request, self._catalogue)
        return self._answer(json.dumps(question), json.dumps(entities))

    def _evaluate(self, question: str, entities: str) -> _Answer:
        """What the policy says to *question* about *entities*; nothing else plays a part."""
        try:
            result = cedarpy.is_authorized(
                json.loads(question),
                self._book.policies,
                json.loads(entities),
                self._book.schema,
            )
        except ValueError:  # text that is no Unicode, such as half a surrogate pair
            return _Answer(False, (), "The request cannot be put to the policy.")
        errors = result.diagnostics.errors
        if result.decision is cedarpy.Decision.NoDecision:
            # Cedar's words would quote the person's entity in full.
            return _Answer(False, (), "The request does not fit the policy's schema.")
        satisfied = tuple(sorted(map(place_of, result.diagnostics.reasons)))
        return _Answer(result.allowed, satisfied, "; ".join(map(self._named, errors)))

    def _named(self, error: str) -> str:
        return _POLICY.sub(lambda match: f"`{self._book.rules[int(match[1])].id}`", error)

    def _roles_that_would_do(self, request: Request) -> Iterator[str]:
        if not request.actor.is_known or request.actor.is_guest:
            return
        for role, closure in self._roles.closures.items():
            if role not in request.actor.roles:
                actor = replace(request.actor, roles=request.actor.roles | closure)
                answer = self._ask(replace(request, actor=actor))
                if answer.allowed and not answer.error:
                    yield role

    def _for_the_requester(self, request: Request) -> str:
        """The reason of the rule that allows it to whoever asked for the run, if one does."""
        if request.requester in {"", request.actor.id}:
            return ""
        answer = self._ask(replace(request, requester=request.actor.id))
        if answer.error or not answer.allowed:
            return ""
        return self._book.rules[answer.rules[0]].reason

    def _try_out(self, schema: CedarText) -> None:
        """Ask one question for each action, so that a schema we cannot serve is found now.

        Raises:
            ConfigFaults: the schema asks for something we do not give.
        """
        nobody = Actor(
            tenant=TenantId("00000000-0000-0000-0000-000000000000"),
            id=ObjectId("00000000-0000-0000-0000-000000000000"),
            name="nobody",
        )
        for action in sorted(self._book.actions):
            request = Request(actor=nobody, action=action, attributes={"an": "argument"})
            question, entities = _in_cedar(request, self._catalogue)
            result = cedarpy.is_authorized(
                question, self._book.policies, entities, self._book.schema
            )
            if result.decision is cedarpy.Decision.NoDecision:
                why = result.diagnostics.errors[0].rpartition("]: ")[2]
                sentence = f"Signalbox cannot ask about the action `{action}`: {why}."
                raise ConfigFaults([schema.fault(0, sentence)])


def _uid(kind: str, name: str) -> dict[str, str]:
    return {"type": f"Signalbox::{kind}", "id": name}


def _in_cedar(
    request: Request, catalogue: Catalogue
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The question, and the entities it is about.

    A person's id and a role's name are of different types: a user who is called like a role is
    not in it. Ids are given as JSON, never as Cedar text, so no id can say more than its name.
    """
    actor = request.actor
    known = catalogue.attributes(request.service, request.environment)
    target = f"{request.service}/{request.environment}"
    entities: list[dict[str, Any]] = [
        {
            "uid": _uid("User", actor.id),
            "attrs": {
                "guest": actor.is_guest,
                "known": actor.is_known,
                "kind": actor.kind.value,
            },
            "parents": [_uid("Role", role) for role in sorted(actor.roles)],
        },
        {
            "uid": _uid("Target", target),
            "attrs": {
                "service": request.service,
                "environment": request.environment,
                "owner": known.get("owner", ""),
                "tier": known.get("tier", ""),
            },
            "parents": [],
        },
        {
            "uid": _uid("Arguments", "given"),
            "attrs": {},
            "parents": [],
            "tags": dict(request.attributes),
        },
    ]
    question = {
        "principal": _uid("User", actor.id),
        "action": _uid("Action", request.action),
        "resource": _uid("Target", target),
        "context": {
            "is_requester": bool(request.requester) and request.requester == actor.id,
            "arguments": {"__entity": _uid("Arguments", "given")},
        },
    }
    return question, entities
