"""A policy's annotations: what it is called, why it stands there, which gate goes with its yes."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
import re

from cedarpy import pst

from bot.access.cedar_text import CedarText, Statement
from bot.access.roles import Roles
from domain.policy import NO_GATE, GateKind, GateRule
from workflows.nearest import did_you_mean
from workflows.yaml_source import Fault

_KEBAB = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_DURATION = re.compile(r"([1-9][0-9]{0,4})([smhd])")
_COUNT = re.compile(r"[1-9][0-9]?")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_LONGEST = timedelta(days=30)
_MOST_APPROVALS = 20

_ALWAYS = frozenset({"id", "reason"})
_FOR_A_GATE = frozenset({"gate", "expires"})
_FOR_APPROVAL = frozenset({"count", "group", "escalate", "escalate_after"})
_KNOWN = _ALWAYS | _FOR_A_GATE | _FOR_APPROVAL | {"assurance"}

_ARGUMENTS = "arguments"  #: what the context calls them

ASSURANCE = "directory"
"""The level of certainty we give about who somebody is: a verified activity, and the directory's
word at the moment of the decision. A policy that asks for more must not be accepted in silence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One policy, as far as its annotations tell."""

    id: str
    reason: str
    gate: GateRule = NO_GATE  #: for a permit
    is_permit: bool = True
    weighs_arguments: bool = False  #: whether it says yes or no may hang on what was given


@dataclass(frozen=True, slots=True)
class RuleReader:
    """Reads the annotations of a parsed policy, or says what is wrong with them."""

    source: CedarText
    roles: Roles

    def read(self, statement: Statement, policy: pst.Template) -> Rule | tuple[Fault, ...]:
        """The rule, or everything that keeps it from being one."""
        faults = tuple(
            self.source.fault(offset, sentence)
            for offset, sentence in self._complaints(statement, policy)
        )
        if faults:
            return faults
        notes = policy.annotations
        gate = _gate(notes) if policy.effect == "permit" else NO_GATE
        return Rule(
            id=notes["id"],
            reason=notes["reason"].strip(),
            gate=gate,
            is_permit=policy.effect == "permit",
            weighs_arguments=any(each.text.strip('"') == _ARGUMENTS for each in statement.tokens),
        )

    def _complaints(self, statement: Statement, policy: pst.Template) -> Iterator[tuple[int, str]]:
        notes = policy.annotations
        for name in notes.keys() - _KNOWN:
            hint = did_you_mean(name, _KNOWN, limit=1)
            yield statement.annotation(name), f"`@{name}` means nothing.{hint}"
        if "id" not in notes:
            yield statement.offset, 'The policy has no name: give it an `@id("…")`.'
        elif not _KEBAB.fullmatch(notes["id"]):
            sentence = "An `@id` is words in lower case, joined by hyphens."
            yield statement.annotation("id"), sentence
        if not notes.get("reason", "").strip():
            sentence = 'The policy gives no reason: say why in `@reason("…")`.'
            yield statement.annotation("reason"), sentence
        for note, sentence in _gate_complaints(notes, policy.effect, self.roles.groups):
            yield statement.annotation(note), sentence
        for uid in pst.entity_uids(policy):
            if uid.type.basename == "Role" and uid.id not in self.roles.closures:
                hint = did_you_mean(uid.id, self.roles.closures, limit=1)
                offset = statement.blamed(f'`Role::"{uid.id}"`')
                yield offset, f"roles.yaml has no role `{uid.id}`.{hint}"


def _gate_complaints(
    notes: Mapping[str, str], effect: str, groups: Mapping[str, str]
) -> Iterator[tuple[str, str]]:
    """What is wrong about the gate: the annotation to blame, and the sentence."""
    kind = notes.get("gate", "none")
    if effect == "forbid":
        for name in sorted(notes.keys() & (_KNOWN - _ALWAYS)):
            yield name, f"`@{name}` has no place on a `forbid`: that denies, gate or no gate."
    elif kind == GateKind.APPROVAL:
        yield from _approval_complaints(notes, groups)
        yield from _escalation_complaints(notes)
    elif kind in list(GateKind):
        for name in sorted(notes.keys() & _FOR_APPROVAL):
            yield name, f'`@{name}` belongs to `@gate("approval")`.'
    else:
        yield "gate", f"A gate is `none`, `confirm` or `approval`, not `{kind}`."
    if "expires" in notes and kind == GateKind.NONE:
        yield "expires", "`@expires` belongs to a gate, and there is none."
    elif "expires" in notes and _duration(notes["expires"]) is None:
        yield (
            "expires",
            "`@expires` is a time such as `90s`, `30m`, `4h` or `3d`, at most 30 days.",
        )
    if notes.get("assurance", ASSURANCE) != ASSURANCE:
        yield "assurance", f"Signalbox can give no other `@assurance` than `{ASSURANCE}`."


def _approval_complaints(
    notes: Mapping[str, str], groups: Mapping[str, str]
) -> Iterator[tuple[str, str]]:
    count = notes.get("count", "")
    if not (_COUNT.fullmatch(count) and int(count) <= _MOST_APPROVALS):
        sentence = f"`@count` says how many must approve, 1 to {_MOST_APPROVALS}."
        yield ("count" if "count" in notes else "gate"), sentence
    if "group" not in notes:
        yield "gate", "An approval needs a `@group`: who may approve."
    for name in sorted(notes.keys() & {"group", "escalate"}):
        if notes[name] not in groups:
            hint = did_you_mean(notes[name], groups, limit=1)
            yield name, f"roles.yaml names no group `{notes[name]}`.{hint}"


def _escalation_complaints(notes: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    if "escalate_after" not in notes:
        return
    after = _duration(notes["escalate_after"])
    expires = _duration(notes.get("expires", "")) or GateRule().expires
    if "escalate" not in notes:
        yield "escalate_after", "`@escalate_after` goes with `@escalate`: whom to call."
    elif after is None:
        yield "escalate_after", "`@escalate_after` is a time such as `90s`, `15m` or `4h`."
    elif after >= expires:
        sentence = (
            "`@escalate_after` must be shorter than `@expires`: else it is too late to call."
        )
        yield "escalate_after", sentence


def _gate(notes: Mapping[str, str]) -> GateRule:
    return GateRule(
        kind=GateKind(notes.get("gate", "none")),
        count=int(notes.get("count", "0")),
        group=notes.get("group", ""),
        expires=_duration(notes.get("expires", "")) or GateRule().expires,
        escalate=notes.get("escalate", ""),
        escalate_after=_duration(notes.get("escalate_after", "")),
    )


def _duration(text: str) -> timedelta | None:
    """The duration that *text* names; None where it names none, or one that is too long."""
    match = _DURATION.fullmatch(text)
    if match is None:
        return None
    length = timedelta(**{_UNITS[match[2]]: int(match[1])})
    return length if length <= _LONGEST else None
