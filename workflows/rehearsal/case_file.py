"""From a workflow's test file to its cases, or to all that is wrong with the file.

What stands at the top counts for every case that does not say otherwise.
"""

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

from workflows.definition import DefinitionFaults, Workflow
from workflows.definition_reader import Reader
from workflows.nearest import did_you_mean
from workflows.rehearsal.answers import AnswersReader, unanswered
from workflows.rehearsal.asked import AskedReader
from workflows.rehearsal.case import Case, CaseFile, Deed, Verb
from workflows.rehearsal.expected import ExpectedReader
from workflows.rehearsal.nodes import path_of, steps_of
from workflows.yaml_source import Place, YamlFault, read

GIVEN_KEYS = ("inputs", "requester", "gate", "people", "answers", "plans")
FILE_KEYS = (*GIVEN_KEYS, "cases")
CASE_KEYS = (*GIVEN_KEYS, "story", "until", "expect")
DEED_KEYS = (
    *(each.value for each in Verb),
    *("after", "during", "step", "undo", "comment", "refused"),
)

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
        self._asked = AskedReader(reader, workflow)
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
        so_far = len(read.faults)
        answers = {
            **self._answers.answers(("answers",), shared.get("answers")),
            **self._answers.answers((*place, "answers"), entry.get("answers")),
        }
        if len(read.faults) == so_far:  # else what is missing may be what is misspelled
            for sentence in unanswered(self._workflow, answers):
                read.key_fault(*place, sentence=sentence)
        requester = entry.get("requester", shared.get("requester", _REQUESTER))
        until = read.duration((*place, "until"), entry.get("until"))
        return Case(
            name=name,
            inputs=self._asked.inputs(place, entry.get("inputs"), shared.get("inputs")),
            requester=read.text(self._where(place, "requester", entry), requester),
            gate=self._asked.gate(
                self._where(place, "gate", entry), entry.get("gate", shared.get("gate"))
            ),
            people={
                **self._asked.people(("people",), shared.get("people")),
                **self._asked.people((*place, "people"), entry.get("people")),
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
        step = self._step((*place, "step"), data.get("step"))
        if verb is Verb.SKIP and not step:
            read.fault(*place, sentence="Say which `step` is skipped.")
        if "undo" in data and verb is not Verb.CANCEL:
            read.key_fault(*place, "undo", sentence="Only a `cancel` may `undo` what was done.")
        refused = data.get("refused")
        return Deed(
            place=place,
            verb=verb,
            who=read.text((*place, verb.value), data[verb.value]),
            after=read.duration((*place, "after"), data.get("after")) or timedelta(),
            during=self._step((*place, "during"), data.get("during")),
            step=step,
            takes_back=read.truth((*place, "undo"), data.get("undo", False)),
            comment=read.optional_text((*place, "comment"), data.get("comment")),
            refused=None if refused is None else read.text((*place, "refused"), refused),
        )

    def _step(self, place: Place, value: Any) -> str:
        """The name of a step; empty where none is said."""
        name = self._reader.optional_text(place, value)
        steps = steps_of(self._workflow)
        if name and path_of(name) not in steps:
            sentence = f"There is no step `{name}`.{did_you_mean(name, steps)}"
            self._reader.fault(*place, sentence=sentence)
        return name
