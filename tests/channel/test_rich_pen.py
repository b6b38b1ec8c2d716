"""Cards on a terminal: frames, colours, and nothing that steers it."""

import io
import json
from pathlib import Path
import re
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
import pytest
from rich.cells import cell_len
from rich.console import Console

from bot.card_rows import Row, Span, Tone
from bot.terminal.pen import Pen, PlainPen, Post
from bot.terminal.rich_pen import SIGNS, RichPen
from bot.terminal.screen import Screen
from cards import elements
from tests.cards.states import CARDS
from tests.cards.test_card_injection import PAYLOADS, hostile_answers, hostile_run_card

APPROVED = Path(__file__).parents[1] / "cards" / "approved"
COLOUR = re.compile(r"\x1b\[[0-9;]*m")
LINK = re.compile(r"\x1b\]8;(?:id=[0-9]+)?;(?P<url>(?:https?://[!-~]+)?)\x1b\\")


def message(*cards: Any, text: str = "", **fields: Any) -> dict[str, Any]:
    return {
        "id": "1",
        "root": "1",
        "senderName": "Signalbox",
        "text": text,
        "cards": list(cards),
        "isDeleted": False,
    } | fields


def written(*messages: Any, width: int = 80, colours: bool = False) -> str:
    """What a terminal of *width* columns gets to show *messages*."""
    out = io.StringIO()
    console = Console(
        file=out,
        width=width,
        force_terminal=True,
        color_system="standard" if colours else None,
        highlight=False,
        markup=False,
        emoji=False,
        _environ={},
    )
    screen = Screen(RichPen(console))
    for each in messages:
        screen.show(each)
    return out.getvalue()


def approved(name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((APPROVED / f"{name}.json").read_text())
    return loaded


def test_a_run_that_waits_on_forty_columns() -> None:
    shown = approved("run-waiting-for-approval")
    shown["actions"][-1]["url"] = "https://signalbox.example.com/runs/k7f3q2ma"

    assert written(message(shown), width=40) == (
        "╭─ Signalbox ──────────────────────────╮\n"
        "│ Deploy · run k7f3q2ma         [prod] │\n"
        "│ Deploy shop v1.1.0                   │\n"
        "│ Requested by dev-1 · 14:02           │\n"
        "│ “Fixes the rounding of prices        │\n"
        "│ (SHOP-812).”                         │\n"
        "│                                      │\n"
        "│ ◷ Waiting for       1 of 2 approvals │\n"
        "│   approval                           │\n"
        "│                                      │\n"
        "│ Who may approve: prod-approvers, not │\n"
        "│ dev-1                                │\n"
        "│ Until: 14:32 CET, in 12 min          │\n"
        "│ ✓ approver-1 approved          14:11 │\n"
        "│   “Checked the dashboards”           │\n"
        "│                                      │\n"
        "│ │ What changes         plan a93f9a68 │\n"
        "│ │ shop in prod                       │\n"
        "│ │ version: v1.0.0 → v1.1.0           │\n"
        "│ │ commit: 3c1d9a2 → 9f0b7e4          │\n"
        "│ │ Stays as it is: orders database,   │\n"
        "│ │ billing in prod                    │\n"
        "│ │ Rollback: Switch shop in prod back │\n"
        "│ │ to v1.0.0.                         │\n"
        "│ │ Lock: shop/prod: one run at a time │\n"
        "│                                      │\n"
        "│ Steps                    0 of 3 done │\n"
        "│ ○ Fetch the release      not started │\n"
        "│ ○ Switch the version     not started │\n"
        "│ ○ Check its health       not started │\n"
        "│ ✎ Comment (optional): Shown to dev-1 │\n"
        "│ and kept in the audit log            │\n"
        "│                                      │\n"
        "│ Open in console:                     │\n"
        "│ https://signalbox.example.com/runs/k │\n"
        "│ 7f3q2ma                              │\n"
        "│ [1] Approve  [2] Reject run  [3]     │\n"
        "│ Cancel                               │\n"
        "╰──────────────────────────────────────╯\n"
    )


def test_a_card_that_changes_is_told_by_its_changes() -> None:
    first, last = approved("run-running"), approved("run-succeeded")

    told = written(message(first), message(last)).removeprefix(written(message(first)))

    assert told.startswith("Signalbox · Deploy shop v1.1.0\n│ ✓ Succeeded in ")
    assert "Requested by" not in told


def test_what_people_say_is_no_card() -> None:
    said = message(text="good luck", senderName="viewer-1")

    assert written(said) == f"viewer-1\n│ good luck{' ' * 69}\n"


@pytest.mark.parametrize("width", [20, 40, 80, 200])
def test_every_card_of_ours_fits_the_terminal(width: int) -> None:
    for name, build in CARDS.items():
        lines = written(message(build()), width=width).splitlines()

        assert {cell_len(line) for line in lines} == {min(width, 88)}, name


def test_colours_are_those_of_the_terminals_theme() -> None:
    shown = "".join(written(message(build()), colours=True) for build in CARDS.values())

    codes = {code for found in COLOUR.findall(shown) for code in found[2:-1].split(";")}
    # bold, dim and underlined; red, green, yellow and cyan: no black, no white, no grounds
    assert codes <= {"", "0", "1", "2", "4", "31", "32", "33", "36"}
    assert codes >= {"1", "2", "31", "32", "33", "36"}


def test_every_icon_of_ours_is_a_letter_of_one_column() -> None:
    glyphs = [each for each in vars(elements).values() if isinstance(each, elements.Glyph)]

    assert {each.name for each in glyphs} == set(SIGNS)
    assert {cell_len(sign) for sign in SIGNS.values()} == {1}


def test_an_icon_of_others_is_a_dot_where_its_width_is_a_matter_of_taste() -> None:
    icon = {"type": "Icon", "name": "Rocket", "fallback": {"type": "TextBlock", "text": "🚀"}}
    columns = [{"items": [icon]}, {"items": [{"type": "TextBlock", "text": "Launched"}]}]

    assert "│ • Launched " in written(
        message({"body": [{"type": "ColumnSet", "columns": columns}]})
    )


@pytest.mark.parametrize(
    ("url", "link"),
    [
        ("https://signalbox.example.com/run", "https://signalbox.example.com/run"),
        ("http://127.0.0.1:28770", "http://127.0.0.1:28770"),
        ("https://x.test/\x1b]8;;https://evil.test\x1b\\", "https://x.test/"),
        ("file:///etc/passwd", ""),
        ("javascript:alert(1)", ""),
        ("https://x.test/ü", ""),
    ],
)
def test_only_addresses_of_the_web_are_links_and_all_can_be_read(url: str, link: str) -> None:
    opens = {"type": "Action.OpenUrl", "title": "Open", "url": url}

    shown = written(message({"body": [], "actions": [opens]}), colours=True)

    assert {found["url"] for found in LINK.finditer(shown)} - {""} == {link} - {""}
    assert f"Open: {link or url}" in LINK.sub("", COLOUR.sub("", shown))


def test_what_looks_like_markup_is_letters() -> None:
    words = "[red]x[/red] [link=https://evil.test]y[/link] :smile: [/]"
    shown = {"type": "TextBlock", "text": words.replace("[", r"\[")}

    for each in (message({"body": [shown]}), message(text=shown["text"])):
        plain = written(each, colours=True, width=100)

        assert words in COLOUR.sub("", plain)
        assert LINK.search(plain) is None


def everywhere(words: str) -> Any:
    """A message with *words* wherever a card can have some."""
    block = {"type": "TextBlock", "text": words}
    return message(
        {
            "body": [
                block,
                block | {"style": "heading"},
                {"type": "RichTextBlock", "inlines": [words, {"type": "TextRun", "text": words}]},
                {"type": "FactSet", "facts": [{"title": words, "value": words}]},
                {"type": "Badge", "text": words},
                {"type": "CodeBlock", "codeSnippet": words},
                {"type": "Image", "altText": words},
                {"type": "Icon", "name": words, "fallback": block},
                {"type": "Container", "style": "emphasis", "items": [block]},
                {
                    "type": "ColumnSet",
                    "columns": [{"items": [block]}, {"width": "auto", "items": [block]}],
                },
                {"type": "Input.Text", "id": "i", "label": words, "value": words},
                {"type": "Input.Text", "id": words, "isMultiline": True, "value": words},
                {"type": "Input.Text", "id": "p", "placeholder": words},
                {
                    "type": "Input.ChoiceSet",
                    "id": "c",
                    "value": "1",
                    "choices": [{"title": words, "value": "1"}],
                },
            ],
            "actions": [
                {"type": "Action.Execute", "title": words},
                {"type": "Action.OpenUrl", "title": words, "url": f"https://x.test/{words}"},
            ],
        },
        text=words,
        senderName=words,
    )


PIECES = (
    "\x1b [31m ]8;;http://e.test \x07 \x9b \x1b\\ [/] [red] \r \n \x08 "
    "\u202e ** [x](http://e.test) \\ \x00 🚀 \x84"
)
NASTY = st.one_of(
    st.text(max_size=30),
    st.lists(st.sampled_from([*PIECES.split(" "), " a "]), max_size=8).map("".join),
)


def steering(text: str) -> list[str]:
    return [char for char in text if (ord(char) < 32 and char != "\n") or 0x7F <= ord(char) < 0xA0]


@settings(deadline=None)  # a first drawing takes its time
@given(NASTY, st.integers(20, 90))
def test_words_of_a_card_never_steer_the_terminal(words: str, width: int) -> None:
    changed = everywhere(f"{words} and more")

    without_colours = written(everywhere(words), changed, width=width)
    with_colours = written(everywhere(words), changed, width=width, colours=True)

    assert steering(without_colours) == []
    assert steering(LINK.sub("", COLOUR.sub("", with_colours))) == []
    # What is ours is no more than without those words.
    assert LINK.sub("", COLOUR.sub("", with_colours)) == without_colours


@pytest.mark.parametrize("payload", PAYLOADS)
def test_hostile_words_never_steer_the_terminal(payload: str) -> None:
    for hostile in (hostile_run_card(payload), *hostile_answers(payload)):
        assert steering(written(message(hostile, text=payload))) == []


def test_lines_of_our_own_are_letters_too() -> None:
    out = io.StringIO()
    pens: list[Pen] = [
        PlainPen(out),
        RichPen(Console(file=out, force_terminal=True, color_system=None, width=80, _environ={})),
    ]

    for pen in pens:
        pen.line("a\x1b[31mred\x1b]0;title\x07 [bold]word[/bold]")
        pen.post(Post(sender="x\x1b[2J", rows=[Row(cells=((Span("y\x9b2J", Tone.CODE),),))]))

    assert steering(out.getvalue()) == []
    assert out.getvalue().count("ared [bold]word[/bold]") == 2
