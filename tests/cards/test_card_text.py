"""What comes from outside is letters in a card, and no more."""

from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
import pytest

from cards.text import clean, clean_line, escape, plain

SIGNS = st.text("ab1 .,:;!?/\\\"'`*_{}[]()<>#+-=~|&@$^%\n\t\u202e\u200b") | st.text()
FRAGMENTS = st.lists(
    st.sampled_from(
        [
            *("[x](http://evil.test)", "<at>Boss</at>", "{{DATE(2026-01-01T00:00:00Z)}}", "${x}"),
            *("**b**", "_i_", "~~s~~", "`c`", "# h", "- l", "1. l", "> q", "&lt;", "&#91;", "\\"),
            *("http://evil.test", "www.evil.test", "a@evil.test", "//evil.test", "![i](u)", "<b>"),
            *(" ", "\n", "\n\n", "---", "| a | b |", "\x1b[31m", "v1.2.0", "    code", "word"),
        ]
    )
).map("".join)
COMMON_MARK = MarkdownIt("commonmark", {"html": True})
EVERYTHING = MarkdownIt("gfm-like", {"html": True, "linkify": False})


def read(markdown: str, reader: MarkdownIt) -> str:
    """What a reader sees of *markdown*, given that it is one paragraph of letters."""
    tokens = reader.parse(markdown)
    if not tokens:
        return ""
    assert [token.type for token in tokens] == ["paragraph_open", "inline", "paragraph_close"]
    assert {child.type for child in tokens[1].children or ()} <= {"text", "text_special"}
    return "".join(child.content for child in tokens[1].children or ())


@given(SIGNS | FRAGMENTS)
def test_escaped_text_reads_as_it_was_written(untrusted):
    for reader in (COMMON_MARK, EVERYTHING):
        assert read(escape(untrusted, limit=2000), reader) == clean(untrusted, limit=2000)


@given(SIGNS | FRAGMENTS, st.integers(min_value=2, max_value=40))
def test_escaped_text_that_is_cut_reads_as_its_beginning(untrusted, limit):
    escaped = escape(untrusted, limit=limit)
    shown = read(escaped, COMMON_MARK)

    assert len(escaped) <= limit
    whole = clean(untrusted, limit=2000)
    assert shown == whole or (shown[-1] == "…" and whole.startswith(shown[:-1].rstrip("…")))


@given(FRAGMENTS)
def test_escaped_text_does_so_in_the_middle_of_ours(untrusted):
    ours = f"**Rejected** by {escape(untrusted, limit=2000)}"
    tokens = COMMON_MARK.parse(ours)[1].children or []
    expected = f"Rejected by {clean(untrusted, limit=2000)}"

    assert "".join(token.content for token in tokens) == expected.rstrip()


@given(SIGNS | FRAGMENTS)
def test_no_macro_mention_or_invisible_character_is_left(untrusted):
    for made in (escape(untrusted), plain(untrusted)):
        assert "{{" not in made
        assert "<at>" not in made.replace("\\<", "")
        assert not set(made) & set("\x00\x1b\x9b\u202e\u2066\u200b\u200f\ufeff\u00ad\n\t")
        made.encode("utf-16")  # no lone surrogate


@given(st.text(min_size=301))
def test_a_long_text_is_cut(untrusted):
    assert len(clean(untrusted)) <= 300
    assert len(clean_line(untrusted, limit=10)) <= 10


def test_a_text_of_a_megabyte_costs_no_more_than_its_beginning():
    assert clean("x" * 1_000_000, limit=5) == "xxxx…"


@pytest.mark.parametrize(
    ("untrusted", "markdown"),
    [
        ("Deploy shop v1.1.0 (SHOP-812), now!", "Deploy shop v1.1.0 (SHOP-812), now!"),
        ("dev-1", "dev-1"),
        ("[Approve](https://evil.test)", r"\[Approve\](https:\//evil\.test)"),
        ("<at>Boss</at>", r"\<at>Boss\</at>"),
        ("{{DATE(2026-01-01T00:00:00Z)}}", r"\{\{DATE(2026-01-01T00:00:00Z)\}\}"),
        ("${x}", r"$\{x\}"),
        ("# APPROVED", r"\# APPROVED"),
        ("1. first", r"1\. first"),
        ("12) second", r"12\) second"),
        ("1.2.0", "1.2.0"),
        ("- item", r"\- item"),
        ("-5", "-5"),
        ("> quote", r"\> quote"),
        ("a\nb\r\n\tc\u2028d", "a b c d"),
        ("\x1b[31mred\x1b[0m \x9b1mbold", "red bold"),
        ("\x1b]8;;http://evil.test\x07link\x1b]8;;\x1b\\", "link"),
        ("\x1b]unfinished, and more", "]unfinished, and more".replace("]", r"\]")),
        ("dev\u202e1-orp\u200b\u3164", "dev1-orp"),
        ("mail a@evil.test", r"mail a\@evil\.test"),
        ("\udc80", ""),
        ("AT&amp;T", r"AT\&amp;T"),
    ],
)
def test_escape_leaves_what_is_harmless(untrusted, markdown):
    assert escape(untrusted) == markdown


def test_plain_text_begins_no_tag_and_no_macro():
    assert plain("<speak>{{TIME(x)}}</speak>") == "\u2039speak\u203a{ {TIME(x)}}\u2039/speak\u203a"


def test_a_line_of_a_log_keeps_its_indentation():
    assert clean_line("\t  at main()\x1b[0m  ") == "      at main()"
