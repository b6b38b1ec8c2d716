"""What the how-tos show is what works."""

from pathlib import Path
import re

import pytest

from connectors.connector import Actions
from connectors.registry import connect, offers
from domain.field import FieldType
from domain.notice import NoticeKind
from tests.connectors.test_action_contract import CONNECTIONS
from workflows.definition_file import read_definition
from workflows.rehearsal.answers import ANSWER_KEYS, CHANGE_KEYS, LOOK_KEYS
from workflows.rehearsal.asked import GATE_KEYS
from workflows.rehearsal.case import Failure, Verb
from workflows.rehearsal.case_file import CASE_KEYS, DEED_KEYS, FILE_KEYS
from workflows.rehearsal.expected import EXPECT_KEYS, NOTICE_KEYS
from workflows.rehearsal.rehearse import rehearse, with_tests
from workflows.rehearsal.report import told

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


def test_the_tests_that_are_shown_are_of_the_workflow_above_them(tmp_path):
    definition, tests, *_ = _YAML.findall((HOW_TO / "test-a-workflow.md").read_text())
    (tmp_path / "recycle.yaml").write_text(definition)
    (tmp_path / "recycle.test.yaml").write_text(tests)
    actions = Actions(connect(CONNECTIONS, tmp_path, offers()))

    (one,) = rehearse(with_tests([tmp_path / "recycle.yaml"], actions), actions)

    assert [each.faults for each in one.performed] == [()] * 3
    shown = (HOW_TO / "test-a-workflow.md").read_text().partition("ops-config/workflows\n")[2]
    told_now = [*told([one], 0.29)]
    assert shown.partition("\n```")[0].splitlines()[1:] == told_now[1:]


def test_every_key_of_a_file_with_tests_is_explained():
    page = (HOW_TO.parent / "reference" / "workflow-tests.md").read_text(encoding="utf-8")
    said = {row.split("`")[1] for row in page.splitlines() if row.startswith("| `")}
    words = set(re.findall(r"`(\w+)`", page))

    rows = {*FILE_KEYS, *CASE_KEYS, *GATE_KEYS, *ANSWER_KEYS, *LOOK_KEYS, *EXPECT_KEYS}
    verbs = {each.value for each in Verb}
    assert rows | set(DEED_KEYS) - verbs == said
    assert words >= {*verbs, *CHANGE_KEYS, *NOTICE_KEYS, *Failure, *NoticeKind}


def test_every_type_of_an_input_is_explained():
    page = (HOW_TO / "ask-for-inputs.md").read_text(encoding="utf-8")
    explained = {
        name
        for row in page.splitlines()
        if row.startswith("| `") and not row.startswith("| `type`")
        for name in re.findall(r"`(\w+)`", row.split("|")[1])
    }

    assert explained == {each.value for each in FieldType if each is not FieldType.REST}
