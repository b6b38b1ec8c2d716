"""From a workflow's test file to its cases, or to all that is wrong with the file.

What stands at the top counts for every case that does not say otherwise.
"""

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
import re
from typing import Any

from domain.errors import BadArguments
from domain.policy import NO_GATE, GateKind, GateRule
from workflows.definition import DefinitionFaults, Workflow
from workflows.definition_reader import Reader
from workflows.nearest import did_you_mean
from workflows.rehearsal.answers import AnswersReader, unanswered
from workflows.rehearsal.case import Case, CaseFile, Deed, Verb
from workflows.rehearsal.expected import ExpectedReader
from workflows.values import accepted, words
from workflows.yaml_source import Place, YamlFault, read

GIVEN_KEYS = ("inputs", "requester", "gate", "people", "answers", "plans")
FILE_KEYS = (*GIVEN_KEYS, "cases")
CASE_KEYS = (*GIVEN_KEYS, "story", "until", "expect")
GATE_KEYS = ("ask", "expires", "escalate", "escalate_after")
DEED_KEYS = (*(each.value for each in Verb), "after", "during", "comment", "refused")

_ASK = re.compile(r"(?P<kind>none|confirm)|approval (?P<count>[1-9][0-9]?) (?P<group>\S+)")
_REQUESTER = "dev-1"
_MOST_CASES = 200


def read_cases(path: Path, workflow: Workflow) -> CaseFile:
    """The tests of *workflow* in the file at *path*.

    Raises:
        DefinitionFaults: it does not validate; all faults at once.
    """
    try:
        source = read(path)
    except YamlFault as error:
        raise DefinitionFaults([error.fault]) from error
    reader = Reader(source)
    cases = _Cases(reader, workflow).read()
    if reader.faults:
        raise DefinitionFaults(dict.fromkeys(reader.faults))
    return CaseFile(path=path, source=source, workflow=workflow, cases=cases)


class _Cases:
    """Reads one file."""

    def __init__(self, reader: Reader, workflow: Workflow) -> None:
        self._reader = reader
        self._workflow = workflow
        self._answers = AnswersReader(reader, workflow)
        self._expected = ExpectedReader(reader, workflow)

    def read(self) -> tuple[Case, ...]:
        """All cases; where there are faults, as much of them as could be read."""
        data = self._reader.data
        if not isinstance(data, dict):
            self._reader.fault(sentence="A file with tests is a mapping with `cases:` in it.")
            return ()
        self._reader.known_keys((), data, FILE_KEYS)
        entries = self._reader.mapping(("cases",), data.get("cases"))
        if not entries:
            self._reader.key_fault("cases", sentence="There is no case: write `cases:`.")
        if len(entries) > _MOST_CASES:
            self._reader.fault("cases", sentence=f"A file has at most {_MOST_CASES} cases.")
        return tuple(
            self._case(("cases", name), name, self._reader.mapping(("cases", name), entry), data)
            for name, entry in entries.items()
        )

    def _case(
        self, place: Place, name: str, entry: Mapping[str, Any], shared: Mapping[str, Any]
    ) -> Case:
        read = self._reader
        read.known_keys(place, entry, CASE_KEYS)
        if not entry.get("expect"):
            read.key_fault(*place, sentence="A case says what it expects: `expect: {state: …}`.")
        story = self._story((*place, "story"), entry.get("story"))
        answers = {
            **self._answers.answers(("answers",), shared.get("answers")),
            **self._answers.answers((*place, "answers"), entry.get("answers")),
        }
        for sentence in unanswered(self._workflow, answers):
            read.key_fault(*place, sentence=sentence)
        requester = entry.get("requester", shared.get("requester", _REQUESTER))
        until = read.duration((*place, "until"), entry.get("until"))
        return Case(
            name=name,
            inputs=self._inputs(place, entry.get("inputs"), shared.get("inputs")),
            requester=read.text(self._where(place, "requester", entry), requester),
            gate=self._gate(
                self._where(place, "gate", entry), entry.get("gate", shared.get("gate"))
            ),
            people={
                **self._people(("people",), shared.get("people")),
                **self._people((*place, "people"), entry.get("people")),
            },
            answers=answers,
            plans={
                **self._answers.looks(("plans",), shared.get("plans")),
                **self._answers.looks((*place, "plans"), entry.get("plans")),
            },
            story=story,
            until=until,
            expect=self._expected.read(
                (*place, "expect"), entry.get("expect"), is_end=until is None
            ),
        )

    def _where(self, place: Place, key: str, entry: Mapping[str, Any]) -> Place:
        """Where *key* is said: in the case at *place*, or at the top of the file."""
        return (*place, key) if key in entry else (key,)

    # -- what is asked for ----------------------------------------------------------------

    def _inputs(self, place: Place, own: Any, shared: Any) -> Mapping[str, str]:
        given = {
            **self._texts(("inputs",), shared),
            **self._texts((*place, "inputs"), own),
        }
        fields = {each.name: each for each in self._workflow.fields}
        values: dict[str, str] = {}
        for name, (at, text) in given.items():
            if name not in fields:
                guess = did_you_mean(name, fields)
                self._reader.key_fault(*at, sentence=f"There is no input `{name}`.{guess}")
                continue
            try:
                values[name] = accepted(fields[name], text)
            except BadArguments as error:
                self._reader.fault(*at, sentence=str(error))
        for field in fields.values():
            if field.default is not None:
                values.setdefault(field.name, field.default)
            elif field.required and field.name not in given:
                self._reader.key_fault(*place, sentence=f"The {words(field)} is missing.")
        return values

    def _texts(self, place: Place, data: Any) -> dict[str, tuple[Place, str]]:
        """The inputs in *data* as people would type them, each with its place."""
        found = {}
        for name, value in self._reader.mapping(place, data).items():
            match value:
                case None:
                    continue
                case bool():
                    text = str(value).lower()
                case str() | int() | float():
                    text = str(value)
                case list():
                    text = ",".join(map(str, value))
                case _:
                    self._reader.fault(*place, name, sentence="An input is one value.")
                    continue
            found[name] = ((*place, name), text)
        return found

    def _gate(self, place: Place, data: Any) -> GateRule:
        if data is None:
            return NO_GATE
        entry = {"ask": data} if isinstance(data, str) else self._reader.mapping(place, data)
        self._reader.known_keys(place, entry, GATE_KEYS)
        at = place if isinstance(data, str) else (*place, "ask")
        asked = _ASK.fullmatch(str(entry.get("ask", "")))
        if asked is None:
            sentence = "A gate is `none`, `confirm`, or `approval <count> <group>`."
            self._reader.fault(*at, sentence=sentence)
            return NO_GATE
        expires = self._reader.duration((*place, "expires"), entry.get("expires"))
        after = self._reader.duration((*place, "escalate_after"), entry.get("escalate_after"))
        rule = GateRule(
            kind=GateKind(asked["kind"] or "approval"),
            count=int(asked["count"] or 0),
            group=asked["group"] or "",
            expires=NO_GATE.expires if expires is None else expires,
            escalate=self._reader.optional_text((*place, "escalate"), entry.get("escalate")),
            escalate_after=after,
        )
        if after is not None and after >= rule.expires:
            sentence = "That is not before it expires: nobody would be called."
            self._reader.fault(*place, "escalate_after", sentence=sentence)
        return rule

    # -- who does what --------------------------------------------------------------------

    def _people(self, place: Place, data: Any) -> Mapping[str, frozenset[str]]:
        return {
            name: frozenset(self._reader.texts((*place, name), groups))
            for name, groups in self._reader.mapping(place, data).items()
        }

    def _story(self, place: Place, data: Any) -> tuple[Deed, ...]:
        if data is None:
            return ()
        if not isinstance(data, list):
            sentence = "`story` is a list: `- {after: 2h, approve: approver-1}`."
            self._reader.fault(*place, sentence=sentence)
            return ()
        deeds = (self._deed((*place, index), each) for index, each in enumerate(data))
        return tuple(each for each in deeds if each is not None)

    def _deed(self, place: Place, data: Any) -> Deed | None:
        read = self._reader
        if not isinstance(data, dict):
            read.fault(*place, sentence="Write who does what: `{after: 2h, approve: approver-1}`.")
            return None
        read.known_keys(place, data, DEED_KEYS)
        verbs = [each for each in Verb if each in data]
        if len(verbs) != 1:
            listed = ", ".join(f"`{each.value}`" for each in Verb)
            read.fault(*place, sentence=f"Write one of {listed}, and who does it.")
            return None
        verb = verbs[0]
        during = read.optional_text((*place, "during"), data.get("during"))
        steps = [each.name for each in self._workflow.steps]
        if during and during not in steps:
            sentence = f"There is no step `{during}`.{did_you_mean(during, steps)}"
            read.fault(*place, "during", sentence=sentence)
        refused = data.get("refused")
        return Deed(
            place=place,
            verb=verb,
            who=read.text((*place, verb.value), data[verb.value]),
            after=read.duration((*place, "after"), data.get("after")) or timedelta(),
            during=during,
            comment=read.optional_text((*place, "comment"), data.get("comment")),
            refused=None if refused is None else read.text((*place, "refused"), refused),
        )
