"""Live choices: what a reading action lists for what was answered before."""

from collections.abc import Mapping
from typing import Any

import pytest

from connectors.connector import Action, Actions, Inputs
from domain.command import Effect
from domain.errors import BadArguments, Bug, Unavailable
from domain.field import ChoicesFrom, Field, FieldType
from workflows.choices import MOST, depends_on, listed


class Of(Inputs):
    service: str


class Tags:
    """Has as many tags as it is told to."""

    def __init__(self, answer: Mapping[str, Any], effect: Effect = Effect.READ) -> None:
        self.answer = answer
        self.effect = effect

    async def tags(self, of: Of, key: str) -> Mapping[str, Any]:
        return {key: [each.format(of.service) for each in v] for key, v in self.answer.items()}

    async def close(self) -> None:
        """Nothing is open."""

    def actions(self) -> list[Action[Any]]:
        return [
            Action(
                name="tags.list",
                major=1,
                summary="Lists.",
                effect=self.effect,
                inputs=Of,
                apply=self.tags,
                plan=self.tags,  # type: ignore[arg-type]
                reconcile=self.tags,
            )
        ]


SERVICE = Field(name="service", type=FieldType.SERVICE)
SOURCE = ChoicesFrom(
    uses="tags.list@1", arguments={"service": "${ inputs.service }"}, list="versions"
)
VERSION = Field(name="version", type=FieldType.VERSION, choices_from=SOURCE)
FIELDS = (SERVICE, VERSION)


async def test_what_nobody_could_answer_is_not_offered():
    odd = ["v1", "", "  ", "v\x07", "v\u202e2", "x" * 1001, " v3 "]

    found = await listed(SOURCE, FIELDS, {"service": "shop"}, Actions([Tags({"versions": odd})]))

    assert found == ("v1", "v3")


async def test_what_is_listed_depends_on_what_was_answered():
    actions = Actions([Tags({"versions": ["{}-2", "{}-1", "{}-2"]})])

    assert await listed(SOURCE, FIELDS, {"service": "shop"}, actions) == ("shop-2", "shop-1")


async def test_of_a_long_list_there_is_a_part():
    actions = Actions([Tags({"versions": [str(number) for number in range(MOST + 5)]})])

    assert len(await listed(SOURCE, FIELDS, {"service": "shop"}, actions)) == MOST


async def test_an_answer_without_the_list_is_no_answer():
    with pytest.raises(Unavailable, match="no list of versions"):
        await listed(SOURCE, FIELDS, {"service": "shop"}, Actions([Tags({"tags": []})]))


async def test_an_answer_that_is_missing_is_refused():
    with pytest.raises(BadArguments):
        await listed(SOURCE, FIELDS, {}, Actions([Tags({"versions": []})]))


async def test_nothing_that_writes_is_asked_for_choices():
    actions = Actions([Tags({"versions": []}, Effect.WRITE)])
    with pytest.raises(Bug):
        await listed(SOURCE, FIELDS, {"service": "shop"}, actions)


def test_what_must_be_answered_before():
    environment = Field(name="environment", type=FieldType.ENVIRONMENT)

    assert depends_on(VERSION, FIELDS) == {"service"}
    assert depends_on(environment, FIELDS) == {"service"}
    assert depends_on(environment, (environment,)) == frozenset()
    assert depends_on(SERVICE, FIELDS) == frozenset()
