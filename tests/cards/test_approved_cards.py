"""Every card is the one that was approved, and one that Teams takes."""

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from cards.limits import lint, size_bytes
from tests.cards.approve import APPROVED, text
from tests.cards.builders import a_plan
from tests.cards.states import CARDS, RUN_CARDS
from tests.cards.strict import faults

EVERY_CARD = pytest.mark.parametrize("name", CARDS)
EVERY_RUN_CARD = pytest.mark.parametrize("name", RUN_CARDS)


def nodes(card: Any) -> Iterator[Mapping[str, Any]]:
    """Every typed node of *card*."""
    if isinstance(card, dict):
        if "type" in card:
            yield card
        for value in card.values():
            yield from nodes(value)
    elif isinstance(card, list):
        for value in card:
            yield from nodes(value)


@EVERY_CARD
def test_a_card_is_the_approved_one(name):
    assert text(CARDS[name]()) == (APPROVED / f"{name}.json").read_text()


def test_every_approved_file_belongs_to_a_card():
    assert {file.stem for file in APPROVED.glob("*.json")} == set(CARDS)


@EVERY_CARD
def test_a_card_keeps_our_rules(name):
    assert lint(CARDS[name]()) == []


@EVERY_CARD
def test_a_card_is_valid_by_microsofts_own_models(name):
    assert list(faults(CARDS[name]())) == []


@EVERY_CARD
def test_an_ordinary_card_is_far_from_teams_limit(name):
    assert size_bytes(CARDS[name]()) < 25 * 1024


def test_microsofts_models_find_a_typo():
    card = CARDS["run-running"]()
    card["body"][0]["itemz"] = []
    card["body"].append({"type": "Bagde"})

    assert set(faults(card)) == {
        "card.body[0]: Container has no itemz",
        f"card.body[{len(card['body']) - 1}]: there is no element Bagde",
    }


@EVERY_RUN_CARD
def test_a_run_card_tells_what_where_who_and_which_run(name):
    card = CARDS[name]()
    words = str(card["body"])

    assert "run k7f3q2ma" in words
    assert "Requested by " in words
    assert "Badge" in words
    assert card["speak"].endswith("(run k7f3q2ma).")


@EVERY_RUN_CARD
def test_a_state_is_shown_by_icon_and_word(name):
    for node in nodes(CARDS[name]()):
        columns = node.get("columns", [])
        if columns and columns[0]["items"][0]["type"] == "Icon":
            assert columns[1]["items"][0]["text"]
            assert columns[0]["items"][0]["fallback"]["text"]


def test_a_plan_is_known_by_the_first_eight_characters_of_its_digest():
    assert f"plan {a_plan().digest[:8]}" in str(CARDS["run-running"]())
