"""A syntax line is taken apart, and one that could be read in two ways is none."""

import re

import pytest

from workflows.syntax import FILLERS, Placeholder, Syntax, parse


@pytest.mark.parametrize(
    ("line", "placeholders", "flags"),
    [
        ("runs", (), ()),
        ("run <id>", (Placeholder(name="id"),), ()),
        (
            "deploy <service> <version> to <environment>",
            (
                Placeholder(name="service"),
                Placeholder(name="version"),
                Placeholder(name="environment", filler="to"),
            ),
            (),
        ),
        (
            "status [service] [in <environment>]",
            (
                Placeholder(name="service", is_required=False),
                Placeholder(name="environment", filler="in", is_required=False),
            ),
            (),
        ),
        ("status in [place]", (Placeholder(name="place", filler="in", is_required=False),), ()),
        ("status [ <place> ]", (Placeholder(name="place", is_required=False),), ()),
        ("why <line…>", (Placeholder(name="line", takes_rest=True),), ()),
        ("why <line...>", (Placeholder(name="line", takes_rest=True),), ()),
        ("why [line…]", (Placeholder(name="line", is_required=False, takes_rest=True),), ()),
        ("go --now", (), ("now",)),
        ('go [--dry-run] [--reason "…"]', (), ("dry_run", "reason")),
        ('go --reason "…" [--for 2h]', (), ("reason", "for")),
        ("go --fast <what>", (Placeholder(name="what"),), ("fast",)),
    ],
)
def test_a_line_has_placeholders_and_flags(
    line: str, placeholders: tuple[Placeholder, ...], flags: tuple[str, ...]
):
    name = line.split(maxsplit=1)[0]

    assert parse(line) == Syntax(text=line, name=name, placeholders=placeholders, flags=flags)


def test_spaces_do_not_count():
    assert parse("  run \t <id>  ") == parse("run <id>")


def test_a_filler_announces_the_placeholder_behind_it():
    assert parse("copy <what> from <old> to <new>").marks == {"from": "old", "to": "new"}


@pytest.mark.parametrize("filler", FILLERS)
def test_every_filler_may_stand_inside_brackets_and_before_them(filler: str):
    inside, before = parse(f"go [{filler} <place>]"), parse(f"go {filler} [place]")

    assert inside.placeholders == before.placeholders
    assert inside.marks == {filler: "place"}


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("", "A command begins with its name."),
        ("<service>", "A command begins with its name."),
        ("Deploy", "A command begins with its name."),
        ("go to", "`to` stands before nothing."),
        ("go <place> in", "`in` stands before nothing."),
        ("go <a> <a>", "`a` stands there twice."),
        ("go <a> [--a]", "`a` stands there twice."),
        ("go to <a> to <b>", "`to` stands there twice."),
        ("go <a…> <b>", "`a` takes the rest of the line, so it comes last."),
        ("go [a] <b>", "`a` may be left out, so it comes after `b`."),
    ],
)
def test_what_is_no_syntax_is_told_in_a_sentence(line: str, sentence: str):
    with pytest.raises(ValueError, match=f"^{re.escape(sentence)}$"):
        parse(line)


@pytest.mark.parametrize(
    "token", ["now", "<A>", "<a-b>", "<a", "[]", "[a b]", "[at <a>]", "<>", "{a}", "--Now", "--"]
)
def test_what_is_no_part_of_a_line_is_named(token: str):
    with pytest.raises(ValueError, match="is not part of a syntax line: write <name>, "):
        parse(f"go {token}")


def test_two_fillers_in_a_row_are_none():
    with pytest.raises(ValueError, match=r"^`in` is not part of a syntax line: "):
        parse("go to in <a>")
