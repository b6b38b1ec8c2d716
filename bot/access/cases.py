"""Decision tables: what the policy is expected to say, row by row (`policy/cases.yaml`)."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
import re

from pydantic import Field

from bot.access.config_file import ConfigFile, Entry
from bot.access.directory import YamlDirectory
from bot.access.identity import actor_from, stranger
from bot.access.roles import Roles
from domain.actor import Actor, ObjectId, TenantId
from domain.policy import Decision, GateKind, Request
from domain.ports import Authorizer
from workflows.yaml_source import Fault, Place

_LINE = re.compile(r"(?P<action>\S+)(?:\s+(?P<service>\S+))??(?:\s+(?:in|to|on)\s+(?P<env>\S+))?")
_EXPECTED = re.compile(r"allow|deny|confirm|approval [1-9][0-9]* \S+")
_TENANT = TenantId("00000000-0000-0000-0000-000000000000")
_SOMEBODY = ObjectId("00000000-0000-0000-0000-000000000001")
_ANOTHER = ObjectId("00000000-0000-0000-0000-000000000002")


class CaseEntry(Entry):
    """One row, as the file has it."""

    who: str | tuple[str, ...] = Field(description="a role, several, a person, guest or stranger")
    says: str  #: a command and its target: `restart shop in prod`
    arguments: Mapping[str, str] = Field(default_factory=dict)
    own_run: bool | None = None  #: about a run: whether it was asked for by the same person
    expect: str
    rule: str | None = None  #: the rule that must decide


class CasesFile(ConfigFile):
    """What `cases.yaml` says."""

    cases: tuple[CaseEntry, ...]

    def unanswerable(
        self, roles: Roles, directory: YamlDirectory | None
    ) -> Iterator[tuple[Place, str]]:
        """Rows that ask nothing, or about nobody."""
        for index, case in enumerate(self.cases):
            place = ("cases", index)
            if not _LINE.fullmatch(case.says):
                sentence = (
                    f"`{case.says}` is no command with a target, as in `restart shop in prod`."
                )
                yield (*place, "says"), sentence
            if not _EXPECTED.fullmatch(case.expect):
                sentence = "Expect `allow`, `deny`, `confirm`, or `approval <count> <group>`."
                yield (*place, "expect"), sentence
            if actor_called(case.who, roles, directory) is None:
                yield (*place, "who"), f"`{case.who}` is no role, and nobody in directory.yaml."


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One question with the answer it should get."""

    file: str
    line: int
    column: int
    who: str  #: for the reader
    says: str
    request: Request
    expect: str
    rule: str | None = field(default=None)


def case(
    entry: CaseEntry, *, at: tuple[str, int, int], roles: Roles, directory: YamlDirectory | None
) -> Case:
    """The case in a row without problems; *at* is its file, line and column."""
    line = _LINE.fullmatch(entry.says)
    actor = actor_called(entry.who, roles, directory)
    if line is None or actor is None:
        raise ValueError(entry)
    requester = {None: "", True: actor.id, False: _ANOTHER}[entry.own_run]
    return Case(
        file=at[0],
        line=at[1],
        column=at[2],
        who=entry.who if isinstance(entry.who, str) else " + ".join(entry.who),
        says=entry.says,
        request=Request(
            actor=actor,
            action=line["action"],
            service=line["service"] or "",
            environment=line["env"] or "",
            requester=requester,
            attributes=entry.arguments,
        ),
        expect=entry.expect,
        rule=entry.rule,
    )


def run_cases(cases: Iterable[Case], authorizer: Authorizer) -> list[Fault]:
    """A fault for each of *cases* that gets another answer than it expects."""
    return [fault for case in cases if (fault := _failure(case, authorizer)) is not None]


def _failure(case: Case, authorizer: Authorizer) -> Fault | None:
    decision = authorizer.decide(case.request)
    answer = in_short(decision)
    expected = case.expect if case.rule is None else f"{case.expect} by {case.rule}"
    got = answer if case.rule is None else f"{answer} by {decision.rule or 'no rule'}"
    if expected == got:
        return None
    error = f" ({decision.error})" if decision.error else ""
    return Fault(
        file=case.file,
        line=case.line,
        column=case.column,
        sentence=f"{case.who} says `{case.says}`: expected {expected}, got {got}{error}.",
    )


def in_short(decision: Decision) -> str:
    """*decision* as a table writes it: `allow`, `deny`, `confirm`, `approval 2 prod-approvers`."""
    if not decision.allowed:
        return "deny"
    match decision.gate.kind:
        case GateKind.NONE:
            return "allow"
        case GateKind.CONFIRM:
            return "confirm"
        case GateKind.APPROVAL:
            return f"approval {decision.gate.count} {decision.gate.group}"


def actor_called(
    who: str | tuple[str, ...], roles: Roles, directory: YamlDirectory | None
) -> Actor | None:
    """Who a row speaks of; None for nobody we know."""
    if who == "guest":
        return Actor(tenant=_TENANT, id=_SOMEBODY, name=who, is_guest=True)
    if who == "stranger":
        return stranger(_TENANT, _SOMEBODY)
    names = (who,) if isinstance(who, str) else who
    if all(name in roles.closures for name in names):
        held = frozenset(role for name in names for role in roles.closures[name])
        return Actor(tenant=_TENANT, id=_SOMEBODY, name=" + ".join(names), roles=held)
    person = directory.named(who) if directory is not None and isinstance(who, str) else None
    return None if person is None else actor_from(person, _TENANT, roles.of)
