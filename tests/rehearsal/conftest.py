"""A workflow with every kind of step, actions that nobody contacts, and a place for tests."""

from collections.abc import Callable
from pathlib import Path

import pytest

from connectors.connector import Actions
from tests.engine.world import ShopConnector, Target
from workflows.definition import DefinitionFaults, Workflow
from workflows.definition_file import read_definition
from workflows.rehearsal.case_file import read_cases
from workflows.rehearsal.rehearse import Performed, rehearse, with_tests
from workflows.yaml_source import Fault

SWITCH = """\
name: go
title: Go
command: go <version> [note]
inputs:
  version: {type: version}
  note: {required: false}
lock: shop
steps:
  before:
    uses: shop.current@1
  switch:
    needs: [before]
    uses: shop.switch@1
    with: {version: "${ inputs.version }"}
    timeout: 1m
    retry: {attempts: 3, backoff: 1s}
    undo:
      uses: shop.switch@1
      with: {version: "${ steps.before.version }"}
  settle:
    needs: [switch]
    wait: 10m
  health:
    needs: [settle]
    uses: shop.health@1
"""

GIVEN = """\
inputs: {version: v1.1.0}
answers:
  before: {gives: {version: v1.0.0}}
"""

Performs = Callable[[str], list[Performed]]


@pytest.fixture
def actions() -> Actions:
    return Actions([ShopConnector(Target())])


@pytest.fixture
def definition(tmp_path: Path) -> Path:
    file = tmp_path / "go.yaml"
    file.write_text(SWITCH)
    return file


@pytest.fixture
def workflow(definition: Path, actions: Actions) -> Workflow:
    return read_definition(definition, actions=actions)


@pytest.fixture
def perform(definition: Path, actions: Actions) -> Performs:
    """Perform the cases of a text; what stands at its top may be left out."""

    def performed(cases: str) -> list[Performed]:
        file = definition.with_name("go.test.yaml")
        file.write_text(cases if cases.startswith(("inputs:", "answers:")) else GIVEN + cases)
        (one,) = rehearse(with_tests([file], actions), actions)
        return list(one.performed)

    return performed


@pytest.fixture
def faults_in(workflow: Workflow, tmp_path: Path) -> Callable[[str], list[str]]:
    """What is wrong with a text as a file of tests: `LINE:COLUMN: sentence`."""

    def faults(text: str) -> list[str]:
        file = tmp_path / "go.test.yaml"
        file.write_text(text)
        try:
            read_cases(file, workflow)
        except DefinitionFaults as error:
            return [placed(each) for each in error.faults]
        return []

    return faults


def placed(fault: Fault) -> str:
    """*fault* without its file."""
    return f"{fault.line}:{fault.column}: {fault.sentence}"
