"""What the how-tos show is what works."""

from pathlib import Path
import re

import pytest

from connectors.connector import Actions
from connectors.registry import connect, offers
from domain.field import FieldType
from tests.connectors.test_action_contract import CONNECTIONS
from workflows.definition_file import read_definition

HOW_TO = Path(__file__).parents[2] / "docs" / "how-to"
_YAML = re.compile(r"```yaml\n(.*?)```", re.DOTALL)
WORKFLOWS = [
    pytest.param(block, id=f"{page.stem}-{number}")
    for page in sorted(HOW_TO.glob("*.md"))
    for number, block in enumerate(_YAML.findall(page.read_text(encoding="utf-8")))
    if block.startswith("name: ") and "steps:" in block
]


@pytest.mark.parametrize("text", WORKFLOWS)
def test_a_workflow_that_is_shown_is_one(text, tmp_path):
    file = tmp_path / "shown.yaml"
    file.write_text(text)
    actions = Actions(connect(CONNECTIONS, tmp_path, offers()))

    assert read_definition(file, actions=actions).steps


def test_every_type_of_an_input_is_explained():
    page = (HOW_TO / "ask-for-inputs.md").read_text(encoding="utf-8")
    explained = {
        name
        for row in page.splitlines()
        if row.startswith("| `") and not row.startswith("| `type`")
        for name in re.findall(r"`(\w+)`", row.split("|")[1])
    }

    assert explained == {each.value for each in FieldType if each is not FieldType.REST}
