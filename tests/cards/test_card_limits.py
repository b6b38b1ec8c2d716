"""The lint finds what it is for: each fault planted in a card that has none."""

from collections.abc import Callable
from typing import Any

import pytest

from cards.limits import lint, size_bytes
from tests.cards.states import CARDS

Card = dict[str, Any]


def good() -> Card:
    """A card without a fault."""
    return CARDS["run-waiting-for-approval"]()


def add(node: Card) -> Callable[[Card], None]:
    return lambda card: card["body"].append(node)


def put(**values: Any) -> Callable[[Card], None]:
    return lambda card: card.update(values)


def press(**values: Any) -> Callable[[Card], None]:
    return lambda card: card["actions"][0].update(values)


FIELD = {"type": "Input.Text", "id": "in.x", "label": "X"}


@pytest.mark.parametrize(
    ("plant", "fault"),
    [
        (put(version="1.6"), "the version is not 1.5"),
        (put(speak=""), "there is no speak"),
        (put(fallbackText="x" * 50_000), "bytes are more than 81920"),
        (add({"type": "TextBlock", "text": "x", "style": "heading"}), "there are 2 headings"),
        (put(refresh={"userIds": ["x"] * 61}), "more than 60 people refresh"),
        (add({**FIELD, "id": "in.comment"}), "the id in.comment is taken by card.body[6]"),
        (add({**FIELD, "id": "comment"}), "the id does not start with in."),
        (add({"type": "Input.Text", "id": "in.x"}), "there is no label"),
        (add({**FIELD, "isRequired": True}), "no errorMessage says how"),
        (add({"type": "TextBlock", "text": "x" * 41, "wrap": False}), "a long text does not wrap"),
        (add({"type": "TextBlock", "text": "x", "color": "good"}), "less than 2.5:1"),
        (add({"type": "TextBlock", "text": "x", "size": "medium"}), "there are three sizes"),
        (add({"type": "Badge", "text": "x"}), "has no fallback"),
        (add({"type": "ColumnSet", "columns": [{}] * 4}), "more than 3 columns"),
        (press(title="x" * 21), "the title is cut on phones"),
        (press(iconUrl="icon:Add"), "icons on actions"),
        (press(data={"t": "tok", "actor": "me"}), "the data is not the token alone"),
        (press(fallback={"type": "Action.Submit", "data": {}}), "no Action.Submit with the same"),
        (lambda card: card["actions"].extend(card["actions"] * 2), "primary actions, Teams shows"),
        (lambda card: card["actions"].append(card["actions"][0]), "more than one positive"),
    ],
)
def test_a_planted_fault_is_found(plant, fault):
    card = good()
    assert lint(card) == []

    plant(card)

    assert [found for found in lint(card) if fault in found]


def test_a_card_is_measured_in_utf_16():
    # {"a":"é"} has 9 characters of two bytes each; an emoji takes four
    assert size_bytes({"a": "é"}) == 18
    assert size_bytes({"a": "😀"}) == 20
