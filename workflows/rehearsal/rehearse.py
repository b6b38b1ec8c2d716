"""All tests of some workflow files, performed one after the other."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from connectors.connector import Actions
from workflows.definition import DefinitionFaults, Workflow
from workflows.definition_file import load_files, read_definition
from workflows.definition_folder import case_files_of, definition_of, is_test
from workflows.rehearsal.case import Case, CaseFile
from workflows.rehearsal.case_file import read_cases
from workflows.rehearsal.coverage import Coverage, coverage
from workflows.rehearsal.played import Played
from workflows.rehearsal.stage import Theatre
from workflows.rehearsal.verdict import faults_of
from workflows.yaml_source import Fault


@dataclass(frozen=True, slots=True, kw_only=True)
class Tested:
    """A workflow with its tests, before any is performed."""

    definition: Path
    workflow: Workflow
    files: tuple[CaseFile, ...]  #: none: it has no tests


@dataclass(frozen=True, slots=True, kw_only=True)
class Performed:
    """A case, what came of it, and what of that was not expected."""

    case: Case
    played: Played
    faults: tuple[Fault, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rehearsed:
    """A workflow's tests, performed."""

    tested: Tested
    performed: tuple[Performed, ...]
    coverage: Coverage

    @property
    def is_fine(self) -> bool:
        """Whether everything is as expected."""
        return not any(each.faults for each in self.performed)


def with_tests(
    files: Iterable[Path], actions: Actions, *, around: Iterable[Path] = ()
) -> tuple[Tested, ...]:
    """The workflows of *files*, each a workflow or a file with tests, with all their tests.

    *around* are the workflow files that they may run others of.

    Raises:
        DefinitionFaults: a file does not validate; all faults of all files at once.
    """
    faults: list[Fault] = []
    found = []
    paired = _paired(files)
    others = _Others([*paired, *around], actions)
    for definition, tests in paired.items():
        if tests and not definition.is_file():
            sentence = f"There is no workflow {definition.name} beside these tests."
            faults += [Fault(file=str(t), line=1, column=1, sentence=sentence) for t in tests]
            continue
        try:
            workflow = others.linked(definition)
        except DefinitionFaults as error:
            faults += error.faults
            continue
        read = []
        for test in tests:
            try:
                read.append(read_cases(test, workflow))
            except DefinitionFaults as error:
                faults += error.faults
        found.append(Tested(definition=definition, workflow=workflow, files=tuple(read)))
    if faults:
        raise DefinitionFaults(faults)
    return tuple(found)


class _Others:
    """Workflow files that may run each other; what is not run by any is not looked at."""

    def __init__(self, files: Iterable[Path], actions: Actions) -> None:
        self._files = tuple(dict.fromkeys(files))
        self._actions = actions

    def linked(self, definition: Path) -> Workflow:
        """The workflow of the file *definition*, with those that it runs.

        Raises:
            DefinitionFaults: it does not validate, or one that it runs does not.
        """
        workflow = read_definition(definition, actions=self._actions)
        if not any(step.run for step in workflow.steps):
            return workflow
        wanted, needed = [workflow], {definition: None}
        while wanted:
            names = {step.run.name for step in wanted.pop().steps if step.run}
            for file, other in self._known.items():
                if other.name in names and file not in needed:
                    needed[file] = None
                    wanted.append(other)
        return load_files(needed, self._actions)[workflow.name]

    @cached_property
    def _known(self) -> Mapping[Path, Workflow]:
        """Those that can be read, faults or not: whoever needs one with faults is told them."""
        known = {}
        for file in self._files:
            try:
                known[file] = read_definition(file, actions=self._actions)
            except DefinitionFaults:
                continue
        return known


def faults_of_tests(
    files: Iterable[Path], actions: Actions, *, around: Iterable[Path] = ()
) -> tuple[Fault, ...]:
    """What is wrong with *files* and their tests, without performing any; see `with_tests`."""
    try:
        with_tests(files, actions, around=around)
    except DefinitionFaults as error:
        return error.faults
    return ()


def rehearse(tested: Iterable[Tested], actions: Actions) -> tuple[Rehearsed, ...]:
    """The tests of *tested*, performed one after the other."""
    with Theatre.opened(actions) as theatre:
        return tuple(_rehearsed(theatre, each) for each in tested)


def _paired(files: Iterable[Path]) -> dict[Path, list[Path]]:
    """The workflow files that *files* speak of, each with its tests."""
    found: dict[Path, list[Path]] = {}
    for file in files:
        if is_test(file):
            tests = found.setdefault(definition_of(file), [])
            if file not in tests:
                tests.append(file)
        else:
            found[file] = case_files_of(file)
    return found


def _rehearsed(theatre: Theatre, tested: Tested) -> Rehearsed:
    performed = []
    for file in tested.files:
        for case in file.cases:
            played = theatre.play(tested.workflow, case)
            faults = faults_of(case, played, file.source)
            performed.append(Performed(case=case, played=played, faults=faults))
    return Rehearsed(
        tested=tested,
        performed=tuple(performed),
        coverage=coverage(tested.workflow, [(each.case, each.played) for each in performed]),
    )
