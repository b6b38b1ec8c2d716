"""What is asked for in a case, by whom, and under which gate, as a test file says it."""

from collections.abc import Mapping
import re
from typing import Any

from domain.errors import BadArguments
from domain.field import Field
from domain.policy import NO_GATE, GateKind, GateRule
from workflows.definition import Workflow
from workflows.definition_reader import Reader
from workflows.nearest import did_you_mean
from workflows.needed import as_needed, is_missing
from workflows.values import SEPARATOR, accepted
from workflows.yaml_source import Place

GATE_KEYS = ("ask", "expires", "escalate", "escalate_after")

_ASK = re.compile(r"(?P<kind>none|confirm)|approval (?P<count>[1-9][0-9]?) (?P<group>\S+)")


class AskedReader:
    """Reads what is asked for in one file about *workflow*."""

    def __init__(self, reader: Reader, workflow: Workflow) -> None:
        self._reader = reader
        self._fields = {each.name: each for each in workflow.fields}

    def inputs(self, place: Place, own: Any, shared: Any) -> Mapping[str, str]:
        """The inputs of the case at *place*: those at the top, and its *own*, accepted.

        One that is null is not given, whatever the top says.
        """
        so_far = len(self._reader.faults)
        given = {
            name: (at, value)
            for where, data in ((("inputs",), shared), ((*place, "inputs"), own))
            for name, value in self._reader.mapping(where, data).items()
            for at in [(*where, name)]
        }
        values: dict[str, str] = {}
        for name, (at, value) in given.items():
            if name not in self._fields:
                guess = did_you_mean(name, self._fields)
                self._reader.key_fault(*at, sentence=f"There is no input `{name}`.{guess}")
            elif value is not None:
                values[name] = self._value(at, self._fields[name], value)
        if len(self._reader.faults) > so_far:
            return values  # what is missing may be what is misspelled
        defaults = {
            name: each.default for name, each in self._fields.items() if each.default is not None
        }
        values = {**defaults, **values}
        for field in as_needed(self._fields.values(), values):
            if field.required and field.name not in values:
                self._reader.key_fault(*place, sentence=is_missing(field))
        return values

    def _value(self, place: Place, field: Field, value: Any) -> str:
        """*value* as somebody would type it, in its usual form."""
        match value:
            case bool():
                text = str(value).lower()
            case str() | int() | float():
                text = str(value)
            case list():
                text = SEPARATOR.join(map(str, value))
            case _:
                self._reader.fault(*place, sentence="An input is one value.")
                return ""
        try:
            return accepted(field, text)
        except BadArguments as error:
            self._reader.fault(*place, sentence=str(error))
            return ""

    def gate(self, place: Place, data: Any) -> GateRule:
        """The gate that the policy would ask for."""
        if data is None:
            return NO_GATE
        read = self._reader
        entry = {"ask": data} if isinstance(data, str) else read.mapping(place, data)
        read.known_keys(place, entry, GATE_KEYS)
        asked = _ASK.fullmatch(str(entry.get("ask", "")))
        if asked is None:
            sentence = "A gate is `none`, `confirm`, or `approval <count> <group>`."
            read.fault(*place, "ask", sentence=sentence)
            return NO_GATE
        expires = read.duration((*place, "expires"), entry.get("expires"))
        rule = GateRule(
            kind=GateKind(asked["kind"] or "approval"),
            count=int(asked["count"] or 0),
            group=asked["group"] or "",
            expires=NO_GATE.expires if expires is None else expires,
            escalate=read.optional_text((*place, "escalate"), entry.get("escalate")),
            escalate_after=read.duration((*place, "escalate_after"), entry.get("escalate_after")),
        )
        if rule.calls_after is not None and rule.calls_after >= rule.expires:
            sentence = "That is not before it expires: nobody would be called."
            read.fault(*place, "escalate_after", sentence=sentence)
        return rule

    def people(self, place: Place, data: Any) -> Mapping[str, frozenset[str]]:
        """Who is in which groups."""
        return {
            name: frozenset(self._reader.texts((*place, name), groups))
            for name, groups in self._reader.mapping(place, data).items()
        }
