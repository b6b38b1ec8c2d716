"""Mistakes that people make, planted into a workflow one by one: each is told where it is.

What is wrong stands on one line with one column, and the sentence helps: it says what is meant,
what there is, or what to write instead.
"""

from pathlib import Path
from typing import Any

import pytest

from connectors.connector import Actions
from connectors.registry import connect, offers
from tests.connectors.test_action_contract import CONNECTIONS
from workflows.lint import lint

WORKFLOW = """\
name: promote
title: Promote a version
command: promote <service> <version> to <environment> [--window] [--ticket]
inputs:
  service: {type: service, description: What to promote}
  version: {type: version, pattern: 'v[0-9.]+', description: Which version}
  environment: {type: environment, description: Where to}
  window: {type: duration, default: 30m, description: How long it is watched}
  ticket: {required_if: '${ inputs.environment == "prod" }', description: Which change}
lock: ${ inputs.service + "/" + inputs.environment }
steps:
  before:
    uses: releases.current@1
    with: {service: "${ inputs.service }", environment: "${ inputs.environment }"}
  sign_off:
    if: ${ inputs.environment == "prod" }
    needs: [before]
    approve: {by: prod-approvers, count: 2, expires: 4h}
  switch:
    needs: [before, sign_off]
    uses: releases.switch@1
    with:
      service: ${ inputs.service }
      environment: ${ inputs.environment }
      version: ${ inputs.version }
    timeout: 2m
    retry: {attempts: 3, backoff: 5s}
    undo:
      uses: releases.switch@1
      with:
        service: ${ inputs.service }
        environment: ${ inputs.environment }
        version: ${ steps.before.version }
  watched:
    needs: [switch]
    wait: 10m
  told:
    always: true
    notify: {message: "It is ${ steps.switch.state }.", to: owners}
"""

BOMB = "a: &a [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{name}: &{name} [{', '.join([f'*{before}'] * 10)}]\n"
    for before, name in zip("abcde", "bcdef", strict=True)
)

FILE = Path(__file__).parent / "planted.txt"


def mistakes() -> list[Any]:
    """The blocks of planted.txt: a name, what is replaced by what, and what is told where."""
    found = []
    for block in FILE.read_text(encoding="utf-8").split("\n\n")[1:]:
        name, change, told = block.strip("\n").split("\n")
        old, _, new = change.replace("\\n", "\n").replace("\\t", "\t").partition("  ->  ")
        found.append(pytest.param(old, new, told, id=name))
    return found


@pytest.fixture(scope="module")
def actions() -> Actions:
    return Actions(connect(CONNECTIONS, Path("/nowhere"), offers()))


def faults_of(tmp_path: Path, actions: Actions, text: str) -> list[str]:
    file = tmp_path / "promote.yaml"
    file.write_text(text)
    return [str(fault).removeprefix(f"{file}:") for fault in lint([file], actions)]


def test_without_a_mistake_nothing_is_wrong(tmp_path, actions):
    assert faults_of(tmp_path, actions, WORKFLOW) == []


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        *mistakes(),
        pytest.param("name: ", f"{BOMB}name: ", "5:8: more than 20000 values", id="a bomb"),
        pytest.param("name: ", f"#{'x' * 10**6}\nname: ", "1:1: larger than 1 MB", id="size"),
        pytest.param(WORKFLOW, "- promote\n", "1:1: A workflow is a mapping", id="a list"),
    ],
)
def test_a_mistake_is_told_where_it_is(tmp_path, actions, old, new, told):
    assert old in WORKFLOW
    place, _, words = told.partition(": ")

    faults = faults_of(tmp_path, actions, WORKFLOW.replace(old, new, 1))

    assert any(each.startswith(f"{place}: ") and words in each for each in faults), faults
    assert len(faults) <= 2, "what follows from it is not told over and over"
    assert all(each[-1] in ".?" for each in faults)


def test_there_are_more_than_enough_of_them():
    assert len({each.id for each in mistakes()}) == len(mistakes()) >= 25
