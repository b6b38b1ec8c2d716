"""What a workflow's file says of schedules: read, or refused with the place."""

from datetime import timedelta

from jsonschema import Draft202012Validator
import pytest

from domain.schedule import MAY_BE_LATE
from tests.workflows.test_definition_file import RECYCLE
from tests.workflows.test_schema import SCHEMA
from workflows.definition import DefinitionFaults, from_pinned
from workflows.definition_file import read_definition
from workflows.definition_on import Scheduled
from workflows.yaml_source import read

ENTRY = """\
on:
  schedule:
    - cron: "30 7 * * 2"
      timezone: Europe/Berlin
      with: {service: shop, environment: staging}
      owner: 00000000-0000-4000-8000-000000000001
      channel: "19:ops@thread.tacv2"
      late: 30m
"""


def written(tmp_path, on):
    file = tmp_path / "recycle.yaml"
    file.write_text(RECYCLE + on)
    return file


def test_a_schedule_is_read(tmp_path):
    workflow = read_definition(written(tmp_path, ENTRY))

    assert workflow.schedules == (
        Scheduled(
            cron="30 7 * * 2",
            zone="Europe/Berlin",
            inputs={"service": "shop", "environment": "staging"},
            owner="00000000-0000-4000-8000-000000000001",
            channel="19:ops@thread.tacv2",
            may_be_late=timedelta(minutes=30),
        ),
    )
    without = read_definition(written(tmp_path, ""))
    assert workflow.pinned == without.pinned  # when it begins is not what it does
    assert from_pinned(workflow.pinned).schedules == ()


def test_what_may_be_left_out_has_its_usual_value(tmp_path):
    shorter = ENTRY.replace("      late: 30m\n", "").replace("      timezone: Europe/Berlin\n", "")

    [entry] = read_definition(written(tmp_path, shorter)).schedules

    assert (entry.zone, entry.may_be_late) == ("", MAY_BE_LATE)


@pytest.mark.parametrize(
    ("old", "new", "line", "sentence"),
    [
        (
            "schedule:\n",
            "schedulex:\n",
            18,
            "`schedulex` is no key here. Did you mean `schedule`?",
        ),
        ('cron: "30 7 * * 2"', 'cron: "30 7 * *"', 19, "A cron line has five fields"),
        ('cron: "30 7 * * 2"', 'cron: "99 7 * * 2"', 19, "minute makes no sense"),
        ('- cron: "30 7 * * 2"\n      timezone', "- timezone", 19, "A schedule says its `cron`."),
        ("Europe/Berlin", "Europe/Berln", 20, "Did you mean `Europe/Berlin`?"),
        ("service: shop, ", "", 21, "The service is missing: nobody will be there to be asked."),
        ("service: shop", "servicex: shop", 21, "The workflow has no input `servicex`."),
        ("service: shop", 'service: "not one"', 21, "is no service"),
        ("owner: 00000000-0000-4000-8000-000000000001", "owner: dev-1", 22, "object id in Entra"),
        ('      channel: "19:ops@thread.tacv2"\n', "", 19, "A schedule says its `channel`."),
        ("late: 30m", "late: soon", 24, "is no duration"),
        ("late: 30m", "late: 8d", 24, "within a week"),
        ("late: 30m", "later: 30m", 24, "`later` is no key here."),
    ],
)
def test_a_mistake_is_told_with_its_place(tmp_path, old, new, line, sentence):
    assert old in ENTRY
    file = written(tmp_path, ENTRY.replace(old, new, 1))

    with pytest.raises(DefinitionFaults) as refused:
        read_definition(file)

    told = [each for each in refused.value.faults if sentence in each.sentence]
    assert [each.line for each in told] == [line], refused.value


@pytest.mark.parametrize(
    "data", ["on: 3\n", "on: {schedule: daily}\n", "on: {schedule: [daily]}\n"]
)
def test_what_is_no_list_of_schedules_is_told(tmp_path, data):
    with pytest.raises(DefinitionFaults):
        read_definition(written(tmp_path, data))


@pytest.mark.parametrize(
    ("old", "new", "is_right"),
    [
        ("", "", True),
        ("schedule:\n", "schedulex:\n", False),
        ("owner: 00000000-0000-4000-8000-000000000001", "owner: dev-1", False),
        ('      channel: "19:ops@thread.tacv2"\n', "", False),
        ("late: 30m", "late: soon", False),
    ],
)
def test_the_schema_for_editors_knows_it(tmp_path, old, new, is_right):
    data = read(written(tmp_path, ENTRY.replace(old, new, 1))).data

    assert Draft202012Validator(SCHEMA).is_valid(data) is is_right
