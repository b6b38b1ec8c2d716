"""What is required hangs on what was given; of what nobody can tell, it is."""

import pytest

from domain.field import Field, FieldType
from workflows.needed import as_needed, is_missing, need_in_words

FIELDS = (
    Field(name="environment"),
    Field(name="count", type=FieldType.NUMBER, required=False),
    Field(name="urgent", type=FieldType.BOOLEAN, default="false", required=False),
)


def is_needed(condition: str, **values: str) -> bool:
    field = Field(name="ticket", required=False, required_if=condition)
    return as_needed((*FIELDS, field), values)[-1].required


@pytest.mark.parametrize(
    ("condition", "values", "needed"),
    [
        ('${ inputs.environment == "prod" }', {"environment": "prod"}, True),
        ('${ inputs.environment == "prod" }', {"environment": "staging"}, False),
        ('${ inputs.environment == "prod" }', {}, False),
        ('${ inputs.environment == "prod" }', {"environment": ""}, False),
        ("${ inputs.count > 3 }", {"count": "4"}, True),
        ("${ inputs.count > 3 }", {"count": "3"}, False),
        ("${ inputs.count > 3 }", {}, True),
        ("${ inputs.urgent }", {}, False),
        ("${ inputs.urgent }", {"urgent": "true"}, True),
        ("${ inputs.environment }", {"environment": "prod"}, True),
    ],
)
def test_it_hangs_on_the_other_inputs(condition, values, needed):
    assert is_needed(condition, **values) is needed


def test_fields_without_a_condition_stay_as_they_are():
    assert as_needed(FIELDS, {"environment": "prod"}) == FIELDS


@pytest.mark.parametrize(
    ("condition", "said"),
    [
        (None, ""),
        ('${ inputs.environment == "prod" }', "where the environment is prod"),
        ("${inputs.restart_all==true}", "where the restart all is true"),
        ('${ inputs.environment != "staging" }', "at times"),
    ],
)
def test_people_are_told_when(condition, said):
    field = Field(name="ticket", required=False, required_if=condition)

    assert need_in_words(field) == said
    assert is_missing(field) == "The ticket is missing." + (
        f" It is required {said}." * bool(said)
    )
