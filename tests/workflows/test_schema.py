"""The schema for editors takes what the reader takes, and marks what it refuses."""

from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator
import pytest

from connectors.connector import Actions
from connectors.registry import connect, offers
from tests.connectors.test_action_contract import CONNECTIONS
from tests.workflows.test_definition_file import RECYCLE
from workflows.definition import CATALOG
from workflows.definition_folder import definitions_in
from workflows.schema import workflow_schema
from workflows.yaml_source import read

SCHEMA = workflow_schema(Actions(connect(CONNECTIONS, Path("/nowhere"), offers())))
VALIDATOR = Draft202012Validator(SCHEMA)


def loaded(text: str, folder: Path) -> Any:
    file = folder / "workflow.yaml"
    file.write_text(text)
    return read(file).data


def test_it_is_a_schema():
    Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("file", definitions_in(CATALOG), ids=lambda file: file.stem)
def test_what_ships_is_right(file):
    assert list(VALIDATOR.iter_errors(read(file).data)) == []


def test_the_example_of_the_contract_is_right(tmp_path):
    assert list(VALIDATOR.iter_errors(loaded(RECYCLE, tmp_path))) == []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("title:", "titlex:"),
        ("name: recycle", "name: Recycle"),
        ("command: recycle <service> in <environment>", "description: x"),
        ("type: service,", "type: serv,"),
        ("type: service,", "type: service, choicez: [a],"),
        ("type: service,", "type: rest,"),
        ("type: service,", "type: text, required: perhaps,"),
        ("supervisor.restart@1", "supervisor.restart@2"),
        ('with: {service: "${ inputs.service }", ', "with: {"),
        ('with: {service: "${ inputs.service }"', "with: {service: 3"),
        ("with: {service:", "with: {place: x, service:"),
        ("timeout: 1m", "timeout: soon"),
        ("attempts: 2", "attempts: 21"),
        ("wait: 1s", "title: Nothing"),
        ("wait: 1s", "wait: 1s\n    uses: supervisor.status@1"),
        ("  settle:", "  Settle-down:"),
        ("timeout: 1m", "undo: {uses: supervisor.status@1}"),
        ("lock:", "concurrency: {limit: 2}\nlock:"),
        ("lock:", "concurrency: {group: x, limit: 0}\nlock:"),
        ("lock:", "concurrency: {group: x, limits: 2}\nlock:"),
    ],
)
def test_a_mistake_is_marked(old, new, tmp_path):
    assert old in RECYCLE

    assert list(VALIDATOR.iter_errors(loaded(RECYCLE.replace(old, new, 1), tmp_path)))
