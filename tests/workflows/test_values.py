"""What a field takes is put in its usual form; what it does not take is refused in words."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st
import pytest

from domain.errors import BadArguments
from domain.field import Field, FieldType
from workflows.values import LONGEST_REST, LONGEST_VALUE, accepted, example, shown, typed, words

COLOUR = Field(name="colour", type=FieldType.CHOICE, choices=("Red", "blue"))


def field(kind: FieldType, pattern: str | None = None) -> Field:
    choices = COLOUR.choices if kind is FieldType.CHOICE else ()
    return Field(name="size", type=kind, choices=choices, pattern=pattern)


def ranged(kind: FieldType, low: str | None, high: str | None) -> Field:
    return replace(field(kind), least=low, most=high)


def sentence(one: Field, text: str, choices: tuple[str, ...] | None = None) -> str:
    with pytest.raises(BadArguments) as refused:
        accepted(one, text, choices=choices)
    return str(refused.value)


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        (FieldType.TEXT, "two words", "two words"),
        (FieldType.TEXT, "a family: 👨‍👩‍👧", "a family: 👨‍👩‍👧"),
        (FieldType.REST, "deploy shop --now", "deploy shop --now"),
        (FieldType.NUMBER, "-12.50", "-12.50"),
        (FieldType.BOOLEAN, "Yes", "true"),
        (FieldType.BOOLEAN, "on", "true"),
        (FieldType.BOOLEAN, "0", "false"),
        (FieldType.BOOLEAN, "FALSE", "false"),
        (FieldType.CHOICE, "Red", "Red"),
        (FieldType.CHOICE, "red", "Red"),  # as it is listed
        (FieldType.SERVICE, "shop-2.eu_west", "shop-2.eu_west"),
        (FieldType.ENVIRONMENT, "prod", "prod"),
        (FieldType.VERSION, "v1.2.0", "v1.2.0"),
        (FieldType.VERSION, "2026.1-rc.1+build.5", "2026.1-rc.1+build.5"),
        (FieldType.RUN, "K7F3Q2MA", "k7f3q2ma"),
        (FieldType.DATE, "2028-02-29", "2028-02-29"),
        (FieldType.TIME, "07:05", "07:05"),
        (FieldType.DURATION, "90m", "1h30m"),
        (FieldType.DURATION, "500MS", "500ms"),
        (FieldType.PERSON, "approver-1", "approver-1"),
        (FieldType.SECRET, "shop/api-key", "shop/api-key"),
        (FieldType.MULTI_CHOICE, " slow , errors,slow,", "slow,errors"),
    ],
)
def test_a_value_has_its_usual_form(kind: FieldType, text: str, value: str):
    assert accepted(field(kind), text) == value


@pytest.mark.parametrize(
    ("kind", "text", "told"),
    [
        (FieldType.TEXT, "", "The size is empty."),
        (FieldType.TEXT, "x" * (LONGEST_VALUE + 1), "longer than 1000 characters."),
        (FieldType.REST, "x" * (LONGEST_REST + 1), "longer than 4000 characters."),
        (FieldType.TEXT, "a\x00b", "has a control character in it: `a·b`."),
        (FieldType.TEXT, "prod\u202e", "has a control character in it: `prod·`."),
        (FieldType.DATE, "2026-02-29", "`2026-02-29` is no size, such as 2026-11-25."),
        (FieldType.DATE, "20260228", "is no size"),
        (FieldType.TIME, "24:00", "is no size"),
        (FieldType.TIME, "7:05", "is no size"),
        (FieldType.MULTI_CHOICE, " , ", "The size is empty."),
        (FieldType.NUMBER, "1e9", "`1e9` is no size, such as 3."),
        (FieldType.NUMBER, "٣", "`٣` is no size, such as 3."),
        (FieldType.NUMBER, "1.", "is no size"),
        (FieldType.DURATION, "soon", "`soon` is no size, such as 30m."),
        (FieldType.DURATION, "10", "`10` is no size, such as 30m."),
        (FieldType.BOOLEAN, "maybe", "`maybe` says neither yes nor no for size."),
        (FieldType.CHOICE, "blu", "I know no size `blu`. Known: Red, blue. Did you mean"),
        (FieldType.SERVICE, "../shop", "`../shop` is no size, such as shop."),
        (FieldType.SERVICE, "x" * 64, "is no size, such as shop."),
        (FieldType.ENVIRONMENT, "-prod", "`-prod` is no size, such as staging."),
        (FieldType.VERSION, "latest", "`latest` is no size, such as v1.2.3."),
        (FieldType.VERSION, "1;reboot", "is no size, such as v1.2.3."),
        (FieldType.VERSION, "1" * 65, "is no size, such as v1.2.3."),
        (FieldType.RUN, "k7f3q2m", "`k7f3q2m` is no size, such as k7f3q2ma."),
        (FieldType.RUN, "\u212a7f3q2ma", "is no size"),  # KELVIN SIGN, whose lower case is k
    ],
)
def test_what_is_no_value_is_told(kind: FieldType, text: str, told: str):
    assert told in sentence(field(kind), text)


def test_a_pattern_is_for_the_whole_value():
    ticket = field(FieldType.TEXT, pattern="[A-Z]+-[0-9]+")

    assert accepted(ticket, "PAY-812") == "PAY-812"
    assert sentence(ticket, "PAY-812 now") == (
        "`PAY-812 now` is no size: it must match [A-Z]+-[0-9]+."
    )


def test_what_there_is_to_choose_from_may_come_from_elsewhere():
    service = Field(name="service", type=FieldType.SERVICE)

    assert accepted(service, "Shop", choices=("shop", "billing")) == "shop"
    assert sentence(service, "shpo", ("shop", "billing")) == (
        "I know no service `shpo`. Known: shop, billing. Did you mean `shop`?"
    )
    assert sentence(service, "shop", ()) == "I know no service `shop`. Known: none."


def test_of_many_choices_the_first_are_listed():
    many = tuple(f"s{number:02}" for number in range(12))

    assert f"Known: {', '.join(many[:10])} and 2 more." in sentence(COLOUR, "?", many)


def test_a_letter_that_only_looks_alike_is_another():
    assert "I know no colour" in sentence(COLOUR, "\u017fhop", ("shop",))  # LONG S, upper case S


def test_two_choices_that_differ_in_case_alone_are_not_guessed_between():
    assert accepted(COLOUR, "red", choices=("Red", "red")) == "red"
    assert "I know no colour" in sentence(COLOUR, "RED", ("Red", "red"))


@pytest.mark.parametrize("kind", FieldType)
def test_an_example_is_a_value(kind: FieldType):
    text = example(field(kind)).strip('"')

    assert accepted(field(kind), text)


@given(kind=st.sampled_from(FieldType), text=st.text(max_size=20))
def test_a_value_in_its_usual_form_stays_as_it_is(kind: FieldType, text: str):
    try:
        value = accepted(field(kind), text)
    except BadArguments:
        return

    assert accepted(field(kind), value) == value


def test_expressions_see_numbers_and_truth_values():
    fields = (
        Field(name="size", type=FieldType.NUMBER),
        Field(name="ratio", type=FieldType.NUMBER),
        Field(name="dry", type=FieldType.BOOLEAN),
        Field(name="wet", type=FieldType.BOOLEAN),
        Field(name="service", type=FieldType.SERVICE),
    )
    given_texts = {"size": "3", "ratio": "1.50", "dry": "true", "wet": "false", "service": "3"}

    seen = typed(fields, given_texts)

    assert seen == {"size": 3, "ratio": 1.5, "dry": True, "wet": False, "service": "3"}
    assert [type(each) for each in seen.values()] == [int, float, bool, bool, str]


def test_what_was_not_given_is_its_default_or_nothing():
    fields = (
        Field(name="size", type=FieldType.NUMBER, required=False, default="2"),
        Field(name="note", required=False),
    )

    assert typed(fields, {"stranger": "x"}) == {"size": 2, "note": None}


def test_a_text_is_repeated_short_and_visible():
    assert shown("a\nb\u200b") == "`a·b·`"
    assert shown("x" * 41) == f"`{'x' * 40}…`"
    assert words(Field(name="dry_run")) == "dry run"


@pytest.mark.parametrize(
    ("one", "inside", "outside", "told"),
    [
        (ranged(FieldType.DATE, "2026-01-01", "2026-12-31"), "2026-12-31", "2027-01-01", "from"),
        (
            ranged(FieldType.DATE, "2026-01-01", None),
            "2026-01-01",
            "2025-12-31",
            "2026-01-01 or later",
        ),
        (ranged(FieldType.TIME, None, "17:30"), "17:30", "17:31", "17:30 or earlier"),
        (ranged(FieldType.DURATION, "10m", "4h"), "90m", "5h", "from 10m to 4h, not 5h."),
        (ranged(FieldType.DURATION, "10m", None), "1d", "9m59s", "10m or more, not 9m59s."),
        (ranged(FieldType.DURATION, None, "1h"), "60m", "61m", "1h or less, not 1h1m."),
    ],
)
def test_a_moment_or_a_duration_is_in_its_range(one, inside, outside, told):
    assert accepted(one, inside)

    assert told in sentence(one, outside)


def test_a_number_is_in_its_range():
    size = replace(field(FieldType.NUMBER), minimum=1, maximum=200)

    assert accepted(size, "200") == "200"
    assert sentence(size, "0") == "The size is from 1 to 200, not 0."
    assert sentence(replace(size, maximum=None), "0") == "The size is 1 or more, not 0."
    assert sentence(replace(size, minimum=None), "201") == "The size is 200 or less, not 201."


def test_each_of_several_choices_is_one_of_those_listed():
    signs = Field(name="signs", type=FieldType.MULTI_CHOICE, choices=("Slow", "errors"))

    assert accepted(signs, "slow,errors") == "Slow,errors"
    assert "`quick`" in sentence(signs, "slow,quick")
    assert typed([signs], {"signs": "Slow,errors"}) == {"signs": ["Slow", "errors"]}
    assert typed([signs], {}) == {"signs": None}


def test_what_is_no_name_of_a_secret_is_not_said_again():
    said = sentence(field(FieldType.SECRET), "S3cr3t=value")

    assert "S3cr3t" not in said
    assert "never the secret itself" in said
