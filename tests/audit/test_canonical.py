"""Canonical JSON: the quick way writes what RFC 8785 says, byte for byte."""

from collections import OrderedDict
from enum import StrEnum

from hypothesis import example, given
from hypothesis import strategies as st
import pytest
import rfc8785

from domain.canonical import canonical, digest

texts = st.text() | st.text(alphabet='\x00\x08\x1f\x7f"\\/\u2028\ue000\ud800\U00010000é')
scalars = st.none() | st.booleans() | st.integers() | st.floats() | texts
values = st.recursive(
    scalars,
    lambda each: st.lists(each) | st.tuples(each, each) | st.dictionaries(texts, each),
    max_leaves=20,
)


class Colour(StrEnum):
    RED = "red"


@given(value=values)
@example(value={"\ue000": 1, "\U00010000": 2})  # in UTF-16 the second comes first
@example(value={"b": 1, "a": {"d": [], "c": {}}, "": "\x7f\u2028"})
@example(value=[2**53 - 1, -(2**53) + 1, 1e16, 1.0, -0.0, 1e-7, 5e-324])
@example(value=[2**53])
@example(value=["\ud800"])
@example(value=[float("nan")])
@example(value={1: 2})
def test_the_text_is_that_of_the_reference(value):
    try:
        expected = rfc8785.dumps(value)
    except ValueError as error:  # its own, or that half a surrogate pair is in a key
        with pytest.raises(type(error)):
            canonical(value)
    else:
        assert canonical(value).encode() == expected


@pytest.mark.parametrize("value", [Colour.RED, {Colour.RED: [Colour.RED]}, OrderedDict(b=1, a=2)])
def test_what_only_resembles_json_is_written_as_the_reference_does(value):
    assert canonical(value).encode() == rfc8785.dumps(value)


def test_equal_values_have_equal_digests():
    assert digest({"a": 1, "b": (1, 2)}) == digest({"b": [1, 2], "a": 1})
    assert digest({"a": 1}) != digest({"a": True})
