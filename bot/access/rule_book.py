"""The policy as it is loaded: parsed, validated against its schema, each rule with its name.

Policies are found by their place in the file: Cedar calls the first one `policy0`.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
import re

import cedarpy

from bot.access.cedar_text import CedarText, Statement, declared_actions
from bot.access.fault import ConfigFaults
from bot.access.roles import Roles
from bot.access.rule import Rule, RuleReader
from domain.command import Effect
from domain.errors import Bug
from workflows.nearest import did_you_mean
from workflows.yaml_source import Fault

_ABOUT = re.compile(r"for policy `policy\d+`, ")
_ACTION = re.compile(r'`Signalbox::Action::"([^"]*)"`')
_ECHO = "unable to find an applicable action"  # follows an unrecognized action, adds nothing
_GROUPS = {Effect.READ: "read", Effect.WRITE: "change", Effect.DESTRUCTIVE: "change"}


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleBook:
    """All that a decision needs of the files."""

    policies: cedarpy.PolicySet
    schema: cedarpy.Schema
    rules: tuple[Rule, ...]  #: in the order of the file
    actions: frozenset[str]
    declared: frozenset[str]  #: those of *actions* that the operator's schema names


def read_rule_book(
    *, policy: CedarText, schema: CedarText, roles: Roles, commands: Mapping[str, Effect]
) -> RuleBook:
    """The rule book; *commands* become actions where the schema does not declare them.

    Raises:
        ConfigFaults: all that is wrong with the schema or, if that is right, with the policies.
    """
    parsed = _schema(schema, commands)
    actions = declared_actions(str(parsed))
    rules = _rules(policy, parsed, actions, roles)
    policies = cedarpy.PolicySet.from_str(policy.text)
    declared = declared_actions(str(cedarpy.Schema.from_str(schema.text)))
    return RuleBook(
        policies=policies,
        schema=parsed,
        rules=rules,
        actions=actions,
        declared=frozenset(declared),
    )


def place_of(policy_id: str) -> int:
    """The place in the file of the policy that Cedar calls *policy_id*."""
    return int(policy_id.removeprefix("policy"))


def _schema(schema: CedarText, commands: Mapping[str, Effect]) -> cedarpy.Schema:
    """The operator's schema, with an action for each command it does not declare.

    Raises:
        ConfigFaults: it does not parse, or lacks what ours stand on.
    """

    def parses(text: str) -> bool:
        try:
            cedarpy.Schema.from_str(text)
        except ValueError as error:
            return not str(error).startswith("error parsing schema")
        return True

    try:
        declared = declared_actions(str(cedarpy.Schema.from_str(schema.text)))
    except ValueError as error:
        said = str(error)
        if parses(schema.text):
            offset = schema.first(said.rpartition(" ")[2])
        else:
            offset = schema.first_bad_declaration(parses)
        raise ConfigFaults([schema.fault(offset, _sentence(said))]) from error
    taken = sorted(commands.keys() & {"read", "change"})
    if taken:
        sentence = f"`{taken[0]}` is a group of actions: no command can be called that."
        raise ConfigFaults([schema.fault(0, sentence)])
    missing = sorted({"read", "change"} - declared)
    if missing:
        sentence = f"The namespace Signalbox declares no action `{missing[0]}`, a group we need."
        raise ConfigFaults([schema.fault(0, sentence)])
    groups = {name: _GROUPS[commands[name]] for name in sorted(commands.keys() - declared)}
    try:
        return cedarpy.Schema.from_str(schema.with_actions(groups))
    except ValueError as error:
        sentence = f"Commands cannot be added to it: {error}."
        raise ConfigFaults([schema.fault(0, sentence)]) from error


def _rules(
    source: CedarText, schema: cedarpy.Schema, actions: frozenset[str], roles: Roles
) -> tuple[Rule, ...]:
    """The rules, in the order of the file: Cedar's `policy0` is the first.

    Raises:
        ConfigFaults: all that is wrong with the policies.
    """
    statements = source.statements()
    _raise(_syntax_faults(source, statements))
    policies = cedarpy.policies_to_pst(source.text).static_policies
    if len(policies) != len(statements):
        raise Bug("The policies were counted differently by Cedar and by us.")
    rules: list[Rule] = []
    faults = list(_validation_faults(source, statements, schema, actions))
    reader = RuleReader(source, roles)
    for index, statement in enumerate(statements):
        read = reader.read(statement, policies[f"policy{index}"])
        if not isinstance(read, Rule):
            faults += read
        elif any(rule.id == read.id for rule in rules):
            offset = statement.annotation("id")
            faults.append(source.fault(offset, f"There is a policy `{read.id}` already."))
        else:
            rules.append(read)
    _raise(faults)
    return tuple(rules)


def _syntax_faults(source: CedarText, statements: Iterable[Statement]) -> Iterator[Fault]:
    for statement in statements:
        try:
            parsed = cedarpy.policies_to_pst(statement.text)
        except ValueError as error:
            yield source.fault(statement.blamed(str(error)), _sentence(str(error)))
        else:
            if parsed.templates:
                sentence = "This is a template (`?principal`, `?resource`): it would do nothing."
                yield source.fault(statement.offset, sentence)


def _validation_faults(
    source: CedarText,
    statements: tuple[Statement, ...],
    schema: cedarpy.Schema,
    actions: frozenset[str],
) -> Iterator[Fault]:
    errors = cedarpy.validate_policies(source.text, schema).errors
    told = Counter(error.policy_id for error in errors)
    for error in errors:
        if _ECHO in error.error and told[error.policy_id] > 1:
            continue
        statement = statements[place_of(error.policy_id)]
        action = _ACTION.search(error.error)
        hint = did_you_mean(action[1], actions, limit=1) if action else ""
        sentence = _sentence(_ABOUT.sub("", error.error)) + hint
        yield source.fault(statement.blamed(error.error), sentence)


def _sentence(words: str) -> str:
    """Cedar's *words* as a sentence."""
    first, *rest = words.strip().rstrip(".").splitlines()
    said = " ".join([first, *(line.strip() for line in rest)])
    return f"{said[:1].upper()}{said[1:]}."


def _raise(faults: Iterable[Fault]) -> None:
    found = tuple(faults)
    if found:
        raise ConfigFaults(found)
