"""Expressions give data, keep types, fail closed, and stop in time."""

from collections.abc import Mapping
import subprocess
import sys
import time
from types import MappingProxyType
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
import pytest

from workflows.expressions import (
    LARGEST_OUTPUT,
    ExpressionFault,
    check,
    evaluate,
    matches,
    references,
)

SCOPE: Mapping[str, Any] = {
    "inputs": {
        "service": "shop",
        "count": 3,
        "ratio": 1.5,
        "dry": False,
        "tags": ["v1", "v2", "x"],
        "note": None,
    },
    "steps": {"previous": {"version": "v1.0.0"}},
    "run": {"id": "k7f3q2ma"},
    "plan": {"switch": {"before": {"version": "v1.1.0"}}},
}


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("${ inputs.service }", "shop"),
        ("${ inputs.count }", 3),
        ("${ inputs.dry }", False),
        ("${ inputs.note }", None),
        ("${ inputs.tags }", ["v1", "v2", "x"]),
        ("${ inputs }", SCOPE["inputs"]),
        ("${ steps.previous.version }", "v1.0.0"),
        ('${ plan["switch"].before.version }', "v1.1.0"),
        ("${ inputs.count > 2 ? 'many' : 'few' }", "many"),
        ("${ {'a': [1, null]} }", {"a": [1, None]}),
        ("${ inputs.tags.filter(t, t.startsWith('v')) }", ["v1", "v2"]),
        ("${ inputs.tags.exists(t, t == 'x') }", True),
        ("${ has(inputs.missing) }", False),
        ("${ '}' + \"}\" }", "}}"),
        ("${ r'a\\d' + '''it's }''' }", "a\\dit's }"),
        ("no expression", "no expression"),
    ],
)
def test_a_text_that_is_one_expression_keeps_its_type(template: str, expected: object):
    result = evaluate(template, SCOPE)

    assert result == expected
    assert type(result) is type(expected)


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("${inputs.service}/${inputs.count}", "shop/3"),
        (" ${ inputs.service }", " shop"),
        ("at ${ inputs.ratio }", "at 1.5"),
        ("dry: ${ inputs.dry }", "dry: false"),
        ("price: $${ inputs.service }", "price: ${ inputs.service }"),
        ("$5 and {} and $", "$5 and {} and $"),
    ],
)
def test_results_are_written_into_a_text(template: str, expected: str):
    assert evaluate(template, SCOPE) == expected


def test_mappings_and_lists_are_filled_in_all_depths():
    template = {"a": ["${ inputs.count }", {"b": "v${ inputs.count }"}], "c": 7, "d": None}

    assert evaluate(template, SCOPE) == {"a": [3, {"b": "v3"}], "c": 7, "d": None}


def test_the_scope_may_be_any_mapping():
    scope = {"inputs": MappingProxyType({"l": (1, MappingProxyType({"k": "v"}))})}

    assert evaluate("${ inputs.l[1].k }", scope) == "v"


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("${ inputs.missing }", "`inputs.missing` has no value: Key not found in map: `missing`."),
        ("${ inputs.missing == 'x' }", "`inputs.missing == 'x'` has no value"),
        ("${ !(inputs.missing == 'x') }", "has no value"),
        ("${ [inputs.missing] }", "has no value"),
        ("${ 1 / 0 }", "`1 / 0` has no value: divide by zero."),
        ("${ inputs.tags[9] }", "has no value"),
        ("${ inputs.count + 'x' }", "has no value"),
        ("${ 9223372036854775807 + inputs.count }", "has no value"),
        ("${ 9007199254740993 }", "gives a number that is out of range"),
        ("${ 1.0 / 0.0 }", "gives a number that is out of range"),
        ("${ b'x' }", "gives a bytes; turn it into a text"),
        ("${ duration('1h') }", "gives a duration"),
        ("${ type(1) }", "gives a type"),
        ("${ {1: 2} }", "gives a map whose keys are no texts"),
        ("x${ inputs.note }", "`inputs.note` gives nothing to write in a text."),
        ("x${ inputs.tags }", "`inputs.tags` gives no single value to write in a text."),
        (
            "${ outputs.x }",
            "`outputs.x` uses `outputs`, but there are inputs, steps, run and plan",
        ),
        ("${ inptus.x }", "Did you mean `inputs`?"),
        ("${ 1 + }", "`1 +` cannot be read: mismatched input '<EOF>'."),
        ("${ inputs.service", "has a `${` that is not closed"),
        ("${ 'x }", "has a `${` that is not closed"),
        ("${ }", "There is nothing between `${` and `}`."),
        ("${ env('HOME') }", "uses `env`"),
        ("${ inputs.__class__ }", "has no value"),
    ],
)
def test_what_gives_no_value_is_an_error_and_never_true(template: str, expected: str):
    with pytest.raises(ExpressionFault) as caught:
        evaluate(template, SCOPE)

    assert expected in str(caught.value)
    assert caught.value.hint


def test_a_root_that_is_not_in_the_scope_is_an_error():
    with pytest.raises(ExpressionFault, match="has no value"):
        evaluate("${ plan.switch.before.version }", {"inputs": {}})


def test_what_a_person_typed_is_data_and_never_an_expression():
    scope = {
        "inputs": {"service": "${ run.id }", "note": "' + run.id + '"},
        "run": {"id": "secret"},
    }

    assert evaluate("${ inputs.service }", scope) == "${ run.id }"
    assert (
        evaluate("a ${ inputs.service }${ inputs.note }", scope) == "a ${ run.id }' + run.id + '"
    )
    assert evaluate(["${ inputs.service }"], scope) == ["${ run.id }"]


@given(st.text(alphabet=st.characters(exclude_characters="\0", exclude_categories=["Cs"])))
def test_any_text_comes_through_unchanged(text: str):
    assert evaluate("${ inputs.x }", {"inputs": {"x": text}}) == text
    assert evaluate("<${ inputs.x }>", {"inputs": {"x": text}}) == f"<{text}>"


@given(st.text(alphabet="${}'\"\\ r.abinputs0+[]()", max_size=40))
def test_no_template_raises_anything_but_a_fault(template: str):
    faults = check(template)
    try:
        evaluate(template, {"inputs": {"a": "b"}})
    except ExpressionFault:
        return

    assert not faults


DIGITS = f"[{','.join(['0'] * 90)}]"
DOUBLED = "inputs.s"
for _ in range(6):
    DOUBLED = f"[{DOUBLED}].map(a, a+a+a+a+a+a+a+a)[0]"


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (f"{DIGITS}.all(a, {DIGITS}.all(b, true))", "one map, filter, all or exists cannot stand"),
        (f"{DIGITS}.all(a, inputs.s.matches('(x?){{300}}x{{300}}'))", "`matches` cannot stand"),
        ("inputs.s.matches(inputs.s)", "the pattern of `matches` must be written out"),
        (DOUBLED, r"`\+` cannot stand"),
        ("(" * 300 + "1" + ")" * 300, "recursion limit"),
        ("[" * 300 + "]" * 300, "recursion limit"),
        ("inputs" + ".x" * 300, "recursion depth"),
        (" || ".join(["false"] * 300), "longer than 2 KB"),
        ("+".join(["inputs.s"] * 100), "recursion depth"),
        (f"[{','.join(['inputs.s'] * 100)}]", "more than 64 KB"),
        (f"[{','.join(['inputs.l'] * 100)}]", "more than 64 KB"),
        (f"inputs.big.all(a, {'&&'.join(['inputs.s == inputs.s'] * 60)})", "budget exceeded"),
    ],
)
def test_a_bomb_stops_within_a_fifth_of_a_second(source: str, expected: str):
    scope = {"inputs": {"s": "x" * 1000, "l": [1] * 1000, "big": [1] * 20_000}}
    evaluate("${ inputs.s }", scope)  # the interpreter itself is up
    started = time.thread_time()

    with pytest.raises(ExpressionFault, match=expected):
        evaluate(f"${{ {source} }}", scope)

    assert time.thread_time() - started < 0.2


@pytest.mark.parametrize(
    "source",
    [
        f"{DIGITS}.all(a, {'&&'.join(['inputs.s.contains(inputs.p)==false'] * 45)})",
        "inputs.s.matches('(x?){300}x{300}y')",
        "inputs.s.matches('^(x+)+$')",
    ],
)
def test_the_dearest_expression_is_still_quick(source: str):
    scope = {"inputs": {"s": "x" * 1000, "p": "x" * 500 + "y"}}
    started = time.thread_time()

    evaluate(f"${{ {source} }}", scope)

    assert time.thread_time() - started < 0.2


def test_the_output_is_limited_over_all_expressions():
    scope = {"inputs": {"s": "x" * (LARGEST_OUTPUT // 4)}}

    evaluate(["${ inputs.s }"] * 3, scope)
    with pytest.raises(ExpressionFault, match="more than 64 KB"):
        evaluate(["${ inputs.s }"] * 5, scope)


@pytest.mark.parametrize("text", ["a\0b", "\ud800"])
def test_a_text_that_the_interpreter_would_cut_is_refused(text: str):
    with pytest.raises(ExpressionFault):
        evaluate("${ inputs.x }", {"inputs": {"x": text}})
    with pytest.raises(ExpressionFault):
        evaluate("${ inputs }", {"inputs": {text: "x"}})


def test_a_scope_that_refers_to_itself_is_refused():
    scope: dict[str, Any] = {}
    scope["inputs"] = scope

    with pytest.raises(ExpressionFault, match="nested too deeply"):
        evaluate("${ inputs }", scope)


def test_nulls_do_not_wear_the_interpreter_out():
    """cel-expr-python gives back a None too many; Python 3.11 dies of some thousand."""
    program = (
        "from workflows.expressions import evaluate\n"
        "for _ in range(20_000):\n"
        "    evaluate('${ {\"a\": [inputs.n, null]} }', {'inputs': {'n': None}})\n"
        "    evaluate('${ null }', {})\n"
        "print('alive')\n"
    )

    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )

    assert (done.stdout, done.returncode) == ("alive\n", 0)


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("${ inputs.a.b + steps['x'].y }", ["inputs.a.b", "steps.x.y"]),
        ("${ inputs.a }-${ inputs.b }-${ inputs.a }", ["inputs.a", "inputs.b"]),
        ("${ steps[inputs.x].y }", ["steps", "inputs.x"]),
        ("${ has(steps.x.y) ? steps.x.y : 'none' }", ["steps.x.y"]),
        ("${ inputs.l.map(steps, steps.x) }", ["inputs.l"]),
        ("${ inputs.l.filter(a, a.b == run.id) }", ["inputs.l", "run.id"]),
        ("${ {'k': plan.s.before}['k'] }", ["plan.s.before"]),
        ("${ inputs.l.map(a, a > 1, size(inputs.m)) }", ["inputs.l", "inputs.m"]),
        ("text", []),
    ],
)
def test_an_expression_tells_what_it_refers_to(template: str, expected: list[str]):
    assert [str(each) for each in references(template)] == expected


def test_check_names_the_roots_that_may_be_used():
    assert check("${ inputs.a + run.id }", ["inputs", "run"]) == ()
    assert check("${ plan.a.before }", ["inputs", "run"]) == (
        "`plan.a.before` cannot be used here; there are inputs and run.",
    )
    assert check("${ 1 + }") == ("`1 +` cannot be read: mismatched input '<EOF>'.",)


@pytest.mark.parametrize(
    ("pattern", "text", "expected"),
    [
        ("v[0-9]+", "v12", True),
        ("v[0-9]+", "v12 ", False),
        ("v[0-9]+", "xv12", False),
        ("v[0-9]+", "v12\n", False),
        ("a|b", "b", True),
        ("a|b", "bc", False),
        ("(a+)+$", "a" * 5000 + "!", False),
    ],
)
def test_a_pattern_matches_the_whole_text_in_linear_time(
    pattern: str, text: str, *, expected: bool
):
    assert matches(pattern, text) is expected


@pytest.mark.parametrize("pattern", ["(", "(?=x)", "x{2000}", r"(a)\1"])
def test_a_pattern_that_is_none_is_a_fault(pattern: str):
    with pytest.raises(ExpressionFault, match="is no regular expression"):
        matches(pattern, "x")
