"""What was filled in: the values that are right, and a sentence for each that is not."""

import pytest

from dialogs.form import Checked, answered, checked, is_free, is_whole, said
from domain.field import ChoicesFrom, Field, FieldType

SERVICE = Field(name="service", type=FieldType.SERVICE)
REPLICAS = Field(name="replica_count", type=FieldType.NUMBER, minimum=1, maximum=9)
REASON = Field(name="reason", required=False)


def test_what_is_right_is_kept_and_what_is_wrong_is_told():
    given = {"service": "shop", "replica_count": "12", "reason": "  two \n words "}

    assert checked((SERVICE, REPLICAS, REASON), given, {"service": ("shop",)}) == Checked(
        values={"service": "shop", "reason": "two words"},
        errors={"replica_count": "The replica count is from 1 to 9, not 12."},
    )


def test_nothing_is_an_answer_only_where_it_may_be_left_out():
    assert checked((SERVICE, REASON), {"service": " "}, {}) == Checked(
        values={"reason": ""}, errors={"service": "The service is missing."}
    )


def test_only_what_is_known_is_taken_where_that_is_known():
    assert checked((SERVICE,), {"service": "store"}, {"service": ("shop",)}).errors
    assert not checked((SERVICE,), {"service": "store"}, {"service": None}).errors


@pytest.mark.parametrize("text", ["skip", "None", " - "])
def test_what_may_be_left_out_can_be_skipped(text):
    assert said((REASON,), text) == {"reason": ""}
    assert said((SERVICE,), text) == {"service": text}


def test_no_is_an_answer_where_it_says_something():
    dry = Field(name="dry", type=FieldType.BOOLEAN, required=False, default="true")
    what = Field(name="what", type=FieldType.CHOICE, choices=("all", "none"), required=False)

    assert said((dry,), "no") == {"dry": "no"}
    assert said((what,), "None") == {"what": "None"}
    assert said((dry,), "skip") == {"dry": ""}


def test_what_is_typed_answers_all_where_nothing_needed_is_missing():
    fields = (SERVICE, REPLICAS, REASON)

    assert answered(fields, {"service": "shop", "replica_count": "3"}) == fields
    assert answered(fields, {"service": "shop"}) == (SERVICE,)
    assert answered(fields, {}) == fields


def test_any_text_is_an_answer_to_some_questions():
    listed = ChoicesFrom(uses="a.b@1", arguments={}, list="all")

    assert is_free(REASON)
    assert not is_free(SERVICE)
    assert not is_free(Field(name="x", pattern="a+"))
    assert not is_free(Field(name="x", choices_from=listed))


def test_several_words_may_be_one_answer():
    window = Field(name="window", type=FieldType.CHOICE, choices=("Now", "not now"))

    assert is_whole(window, "Not now")
    assert not is_whole(window, "now please")
    assert is_whole(REASON, "it hangs")
    assert is_whole(Field(name="who", type=FieldType.PERSON), "Ada Lovelace")
    assert not is_whole(SERVICE, "shop v1.1.0")
    several = Field(name="x", type=FieldType.MULTI_CHOICE, choices=("a", "b"))
    assert is_whole(several, "a, b")
