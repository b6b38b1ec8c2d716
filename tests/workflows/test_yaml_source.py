"""YAML is read strictly, and everything knows its place."""

from pathlib import Path
import time

import pytest

from workflows.yaml_source import Fault, YamlFault, parse, read


def fault_of(text: str) -> str:
    with pytest.raises(YamlFault) as caught:
        parse(text, "w.yaml")
    return str(caught.value)


def test_plain_values_come_out_as_yaml_1_2_says():
    text = """
a: no
b: 2026-01-02
c: 12
d: 1.5
e: ~
f: true
g: "12"
h: |
  two
  lines
i: [1, x, {k: v}]
j:
k: -3
l: 1e3
"""
    assert parse(text, "w.yaml").data == {
        "a": "no",
        "b": "2026-01-02",
        "c": 12,
        "d": 1.5,
        "e": None,
        "f": True,
        "g": "12",
        "h": "two\nlines\n",
        "i": [1, "x", {"k": "v"}],
        "j": None,
        "k": -3,
        "l": 1000.0,
    }


def test_an_empty_file_says_nothing():
    assert parse("# only a comment\n", "w.yaml").data is None


def test_everything_knows_its_place():
    source = parse("a: 1\nsteps:\n  one:\n    uses: x\n    needs: [a, b]\n", "w.yaml")

    assert source.position("a") == (1, 4)
    assert source.position("steps", "one") == (3, 3)
    assert source.position("steps", "one", "uses") == (4, 11)
    assert source.key_position("steps", "one", "uses") == (4, 5)
    assert source.position("steps", "one", "needs", 1) == (5, 16)
    assert source.position("steps", "one", "missing") == (3, 3)
    assert source.position("nothing", "at", "all") == (1, 1)


def test_a_fault_prints_as_file_line_column_sentence():
    fault = Fault(file="w.yaml", line=3, column=7, sentence="No.")

    assert str(fault) == "w.yaml:3:7: No."


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a: 1\na: 2\n", "w.yaml:2:1: The key `a` is given twice."),
        ("a:\n\tb: 1\n", "w.yaml:2:1: This is no YAML: found character '\\t' that cannot start"),
        ("a: !!python/object:os.system x", "w.yaml:1:4: Tags such as"),
        ("a: !secret x", "w.yaml:1:4: Tags such as `!secret` are not allowed."),
        ("a: 1\n---\nb: 2\n", "w.yaml:2:1: A file holds one document"),
        ("a: &x {b: 1}\nc:\n  <<: *x\n", "w.yaml:3:3: Merge keys"),
        ("a: &x [*x]", "w.yaml:1:8: `*x` stands for nothing"),
        ("a: *x", "w.yaml:1:4: `*x` stands for nothing"),
        ("1: a", "w.yaml:1:1: A key is a text; put `1` in quotes."),
        ("[a]: b", "w.yaml:1:1: A key is a text"),
        ("a: 010", "w.yaml:1:4: `010` can be read in two ways"),
        ("a: 1_000", "w.yaml:1:4: `1_000` can be read in two ways"),
        ("a: 0x1F", "w.yaml:1:4: `0x1F` can be read in two ways"),
        ("a: .nan", "w.yaml:1:4: `.nan` can be read in two ways"),
        ("a: 1e999", "w.yaml:1:4: `1e999` can be read in two ways"),
        ("a: 9007199254740993", "w.yaml:1:4: `9007199254740993` can be read in two ways"),
        ("a: x\x01", "w.yaml:1:5: There is a control character here."),
        ("a: [1", "w.yaml:1:6: This is no YAML"),
        ("a: b: c", "w.yaml:1:5: This is no YAML"),
    ],
)
def test_what_is_unclear_is_refused_where_it_stands(text: str, expected: str):
    assert fault_of(text).startswith(expected)


def test_an_alias_stands_for_its_anchor():
    assert parse("a: &x [1]\nb: *x\n", "w.yaml").data == {"a": [1], "b": [1]}


BILLION_LAUGHS = "a: &a [lol, lol, lol, lol, lol, lol, lol, lol, lol]\n" + "".join(
    f"{new}: &{new} [{', '.join([f'*{old}'] * 9)}]\n"
    for old, new in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.mark.parametrize(
    "text",
    [
        BILLION_LAUGHS,
        "[" * 100_000,
        "- " * 3_000 + "x",
        "{a: " * 50_000,
        "- a\n" * 200_000,
        "x" * 1_000_001,
    ],
    ids=["billion laughs", "brackets", "dashes", "braces", "items", "size"],
)
def test_what_grows_is_refused_fast(text: str):
    started = time.monotonic()

    fault_of(text)

    assert time.monotonic() - started < 3


def test_a_file_is_read_with_its_name(tmp_path: Path):
    path = tmp_path / "w.yaml"
    path.write_bytes(b"\xef\xbb\xbfa: \xc3\xa4\n")

    assert read(path).data == {"a": "ä"}
    assert read(path).file == str(path)


def test_a_file_that_is_no_utf_8_is_refused_with_the_place(tmp_path: Path):
    path = tmp_path / "w.yaml"
    path.write_bytes(b"a: 1\nb: \xff\n")

    with pytest.raises(YamlFault, match=r":2:4: This is not UTF-8\."):
        read(path)


def test_a_file_that_is_not_there_is_a_fault(tmp_path: Path):
    with pytest.raises(YamlFault, match="It cannot be read: No such file"):
        read(tmp_path / "w.yaml")


def test_a_file_that_is_too_large_is_a_fault(tmp_path: Path):
    path = tmp_path / "w.yaml"
    path.write_bytes(b"#" * 1_000_001)

    with pytest.raises(YamlFault, match="larger than 1 MB"):
        read(path)
