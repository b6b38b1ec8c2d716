"""Inputs of cards: what they are, what fits into them, and what is sent."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
import pytest

from bot.card_form import Entry, EntryKind, card_buttons, card_entries
from bot.card_text import card_lines
from bot.card_values import Fits, Misfit, chosen, value_of

CHOICES = [{"title": "Production", "value": "prod"}, {"title": "Staging, EU", "value": "stg"}]


def entry(**element: Any) -> Entry:
    """The entry of an input called `Name`."""
    element = {"type": "Input.Text", "id": "in.name", "label": "Name"} | element
    (found,) = card_entries({"body": [element]})
    return found


def choice(**element: Any) -> Entry:
    return entry(type="Input.ChoiceSet", choices=CHOICES, **element)


@pytest.mark.parametrize(
    ("field", "typed", "value"),
    [
        (entry(), " v1.1.0 ", "v1.1.0"),
        (entry(), "", ""),
        (entry(value="v1"), "", "v1"),
        (entry(value="v1"), "-", ""),
        (entry(value="v1", isRequired=True), "-", "-"),
        (entry(regex="^v[0-9]+"), "v1 or so", "v1 or so"),
        (entry(regex="(?<major>v)(?<!x)"), "v1", "v1"),
        (entry(regex="[[:alpha:"), "left to the server", "left to the server"),
        (entry(maxLength=3), "abc", "abc"),
        (entry(isMultiline=True, value="a\nb"), "", "a\nb"),
        (entry(type="Input.Number"), "3", "3"),
        (entry(type="Input.Number"), "3.0", "3"),
        (entry(type="Input.Number"), "-0.5", "-0.5"),
        (entry(type="Input.Number", value=2), "", "2"),
        (entry(type="Input.Number", min=1, max=10), "10", "10"),
        (entry(type="Input.Date"), "2026-03-02", "2026-03-02"),
        (entry(type="Input.Date", min="2026-03-02", max="2026-03-02"), "20260302", "2026-03-02"),
        (entry(type="Input.Time", min="09:00"), "9:30", "09:30"),
        (entry(type="Input.Toggle"), "", "false"),
        (entry(type="Input.Toggle"), "y", "true"),
        (entry(type="Input.Toggle", valueOn="an", valueOff="aus", value="an"), "", "an"),
        (entry(type="Input.Toggle", valueOn="an", valueOff="aus", value="an"), "no", "aus"),
        (choice(), "1", "prod"),
        (choice(), "production", "prod"),
        (choice(), "STG", "stg"),
        (choice(value="stg"), "", "stg"),
        (choice(value="gone"), "", ""),
        (choice(isMultiSelect=True), "2, production", "prod,stg"),
        (choice(isMultiSelect=True), "Staging, EU", "stg"),
        (choice(isMultiSelect=True, value="stg,gone"), "", "stg"),
        (choice(isMultiSelect=True, value="stg"), "-", ""),
    ],
)
def test_what_was_typed_becomes_what_the_renderer_would_send(
    field: Entry, typed: str, value: str
) -> None:
    assert value_of(field, typed) == Fits(value)


@pytest.mark.parametrize(
    ("field", "typed", "sentence"),
    [
        (entry(isRequired=True), " ", "It is required."),
        (entry(isRequired=True, errorMessage="Who?"), "", "Who?"),
        (entry(regex="^v[0-9]"), "1", "It has not the right form."),
        (entry(regex="^v[0-9]", errorMessage="Such as v1."), "1", "Such as v1."),
        (
            entry(regex=r"^\d+$"),
            "\N{ARABIC-INDIC DIGIT ONE}",
            "It has not the right form.",
        ),  # JavaScript's \d is ASCII
        (entry(maxLength=3), "abcde", "At most 3 characters; that is 2 too many."),
        (entry(value="abcd", maxLength=3), "", "At most 3 characters; that is 1 too many."),
        (entry(type="Input.Number"), "three", "Type a number."),
        (entry(type="Input.Number"), "1e999", "Type a number."),
        (entry(type="Input.Number"), "nan", "Type a number."),
        (entry(type="Input.Number", min=1.5), "1", "At least 1.5."),
        (entry(type="Input.Number", max=9), "10", "At most 9."),
        (entry(type="Input.Number", max=9, errorMessage="Too many."), "10", "Too many."),
        (entry(type="Input.Date"), "2026-02-30", "Type a date such as 2026-03-02."),
        (entry(type="Input.Date", min="2026-03-02"), "2026-03-01", "At least 2026-03-02."),
        (entry(type="Input.Time"), "24:00", "Type a time such as 14:30."),
        (entry(type="Input.Time", max="17:00"), "17:01", "At most 17:00."),
        (entry(type="Input.Toggle"), "perhaps", "Type yes or no."),
        (entry(type="Input.Toggle", isRequired=True), "no", "It is required."),
        (choice(), "3", "Choose one of them."),
        (choice(isRequired=True), "", "It is required."),
        (choice(isMultiSelect=True), "1, 3", "Choose of them, with commas between."),
    ],
)
def test_what_does_not_fit_is_told(field: Entry, typed: str, sentence: str) -> None:
    assert value_of(field, typed) == Misfit(sentence)


@given(st.text(max_size=40))
def test_a_number_is_a_number_whatever_is_typed(typed: str) -> None:
    read = value_of(entry(type="Input.Number"), typed)

    assert isinstance(read, Misfit) or read.value == "" or float(read.value) == float(typed)


@given(st.text(max_size=20), st.lists(st.sampled_from(["prod", "stg"]), unique=True))
def test_only_choices_are_chosen(typed: str, already: list[str]) -> None:
    read = value_of(choice(isMultiSelect=True, value=",".join(already)), typed)

    if isinstance(read, Fits):
        assert set(filter(None, read.value.split(","))) <= {"prod", "stg"}


def test_a_number_counts_before_a_value_of_the_same_letters_only_where_none_is() -> None:
    assert chosen([("Two", "2"), ("One", "1")], "1") == "1"
    assert chosen([("Two", "b"), ("One", "a")], "1") == "b"


def test_an_input_says_all_that_the_card_says() -> None:
    assert entry(
        type="Input.ChoiceSet",
        label="Service\x1b[2J",
        isRequired=True,
        isMultiSelect=True,
        errorMessage="Choose a service.",
        placeholder="Type a name",
        choices=[],
        **{
            "choices.data": {
                "type": "Data.Query",
                "dataset": "services",
                "associatedInputs": "auto",
            }
        },
    ) == Entry(
        id="in.name",
        label="Service",
        value="",
        is_required=True,
        choices=(),
        kind=EntryKind.CHOICE,
        takes_several=True,
        hint="Type a name",
        error="Choose a service.",
        dataset="services",
        sends_others=True,
    )


def test_what_is_behind_a_button_or_hidden_is_not_on_the_card() -> None:
    hidden = {"type": "Input.Text", "id": "in.secret", "value": "x", "isVisible": False}
    shown = {"type": "Input.Text", "id": "in.why"}
    show = {"type": "Action.ShowCard", "title": "No", "card": {"body": [shown]}}
    form = {"body": [hidden], "actions": [show, {"type": "Action.Submit", "title": "Go"}]}

    assert card_entries(form) == []
    (go,) = card_buttons(form)
    assert [(each.id, each.value, each.is_hidden) for each in go.entries] == [
        ("in.secret", "x", True)
    ]


def test_a_button_that_is_off_cannot_be_pressed() -> None:
    off = {"type": "Action.Submit", "title": "Go", "isEnabled": False}

    assert card_buttons({"actions": [off]}) == []


def test_a_form_can_be_read_before_it_is_filled_in() -> None:
    text = {"type": "Input.Text", "id": "in.v", "label": "Version", "placeholder": "v1.1.0"}
    many = [{"title": f"service-{n}", "value": str(n)} for n in range(14)]
    form = {
        "body": [
            text | {"isRequired": True},
            {"type": "Input.ChoiceSet", "id": "in.s", "label": "Service", "choices": many}
            | {"value": "3"},
            {"type": "Input.Toggle", "id": "in.d", "title": "Plan only"},
            {"type": "Input.Date", "label": "of no use without an id"},
        ]
    }

    named = " · ".join(f"service-{n}" for n in range(12))
    assert card_lines(form) == [
        "✎ Version *: v1.1.0",
        "✎ Service: service-3",
        f"  {named} · and 2 more",
        "✎ Plan only: no",
    ]
