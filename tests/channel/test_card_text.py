"""Cards in a terminal."""

import json
from pathlib import Path
from typing import Any

import pytest

from bot.card_form import Button, Entry, card_buttons
from bot.card_text import card_lines, plain_words
from tests.cards.states import CARDS
from tests.cards.test_card_injection import PAYLOADS, hostile_answers, hostile_run_card
from tests.channel.world import card

APPROVED = Path(__file__).parents[1] / "cards" / "approved"


def approved(name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((APPROVED / f"{name}.json").read_text())
    return loaded


def test_a_run_card_reads_as_lines() -> None:
    assert card_lines(approved("run-waiting-for-approval")) == [
        "Deploy · run k7f3q2ma  [prod]",
        "Deploy shop v1.1.0",
        "Requested by dev-1 · 14:02",
        "“Fixes the rounding of prices (SHOP-812).”",
        "",
        "⏳  Waiting for approval  1 of 2 approvals",
        "",
        "Who may approve: prod-approvers, not dev-1",
        "Until: 14:32 CET, in 12 min",
        "✅  approver-1 approved  14:11",
        "    “Checked the dashboards”",
        "",
        "What changes  plan a93f9a68",
        "shop in prod",
        "version: v1.0.0 → v1.1.0",
        "commit: 3c1d9a2 → 9f0b7e4",
        "Stays as it is: orders database, billing in prod",
        "Rollback: Switch shop in prod back to v1.0.0.",
        "Lock: shop/prod: one run at a time",
        "",
        "Steps  0 of 3 done",
        "▫️  Fetch the release  not started",
        "▫️  Switch the version  not started",
        "▫️  Check its health  not started",
        "✎ Comment (optional): Shown to dev-1 and kept in the audit log",
    ]


def test_buttons_come_with_what_is_to_be_filled_in() -> None:
    approve, reject, cancel, console = card_buttons(approved("run-waiting-for-approval"))

    assert [approve.title, *(each.id for each in approve.entries)] == ["Approve", "in.comment"]
    assert not approve.entries[0].is_required
    assert reject == Button(
        title="Reject run",
        action={"type": "Action.Execute", "verb": "reject", "data": {"t": "tok-reject"}},
        entries=(
            approve.entries[0],
            Entry(
                id="in.reason",
                label="Why?",
                value="",
                is_required=True,
                choices=(),
                is_multiline=True,
                longest=300,
                hint="Shown to dev-1 and kept in the audit log",
                error="Write a short reason: dev-1 will read it.",
            ),
        ),
        style="destructive",
    )
    assert reject.pressed({"in.reason": "no"})["data"] == {"t": "tok-reject", "in.reason": "no"}
    assert cancel.title == "Cancel"
    assert console.url == "https://signalbox.example.com/console/runs/k7f3q2ma"


def test_choices_and_toggles_are_choices() -> None:
    choice = {"title": "Production", "value": "prod"}
    form = card(
        "Where?",
        actions=[{"type": "Action.Submit", "title": "Go", "data": "no object"}],
    )
    form["body"] += [
        {"type": "Input.ChoiceSet", "id": "in.env", "label": "Environment", "choices": [choice]},
        {"type": "Input.Toggle", "id": "in.dry", "title": "Plan only", "value": "true"},
    ]

    (go,) = card_buttons(form)

    assert [entry.choices for entry in go.entries] == [
        (("Production", "prod"),),
        (("yes", "true"), ("no", "false")),
    ]
    assert go.pressed({"in.env": "prod"})["data"] == {"in.env": "prod"}


def test_every_card_of_ours_says_something() -> None:
    for name, build in CARDS.items():
        lines = card_lines(build())

        assert lines, name
        assert "" not in (lines[0], lines[-1]), name


@pytest.mark.parametrize(
    ("markdown", "lines"),
    [
        ("**bold** and __strong__", ["bold and strong"]),
        (r"\<service\> \[x\] \*", ["<service> [x] *"]),
        ("[docs](https://x.test/a) or [https://y.test](https://y.test)", None),
        ("one\ntwo", ["one", "two"]),
        (r"C:\temp", [r"C:\temp"]),
        ("\x1b[2J\x1b]0;title\x07red\x9b31m", ["red"]),
        ("a\u202eb\x08", ["ab"]),
    ],
)
def test_markdown_reads_as_words(markdown: str, lines: list[str] | None) -> None:
    expected = lines or ["docs (https://x.test/a) or https://y.test"]

    assert plain_words(markdown) == expected


@pytest.mark.parametrize("payload", PAYLOADS)
def test_hostile_words_never_steer_the_terminal(payload: str) -> None:
    for hostile in (hostile_run_card(payload), *hostile_answers(payload)):
        printed = "\n".join(
            [*card_lines(hostile), *(button.title for button in card_buttons(hostile))]
        )

        assert [char for char in printed if ord(char) < 32 and char != "\n"] == []
        assert not any(0x7F <= ord(char) < 0xA0 for char in printed)


ODD: list[Any] = [
    {},
    {"body": "text", "actions": 7},
    {"body": [None, "x", {"type": "TextBlock"}, {"type": "ColumnSet", "columns": [{}]}]},
    {
        "body": [
            {"type": "ProgressBar", "max": 0, "value": 1},
            {"type": "Chart", "fallback": "drop"},
        ]
    },
    {
        "body": [
            {"type": "RichTextBlock", "inlines": [3]},
            {"type": "TextBlock", "isVisible": False},
        ]
    },
    {"actions": [{"type": "Action.ShowCard"}, {"type": "Action.ToggleVisibility", "title": "x"}]},
]


@pytest.mark.parametrize("odd", ODD)
def test_what_is_no_card_is_no_reason_to_fall_over(odd: dict[str, Any]) -> None:
    assert (card_lines(odd), card_buttons(odd)) == ([], [])


def test_elements_beyond_ours_can_be_read() -> None:
    shown = card("")
    shown["body"] = [
        {"type": "FactSet", "facts": [{"title": "Owner", "value": "sre"}]},
        {
            "type": "Table",
            "rows": [
                {"cells": [{"items": [{"type": "TextBlock", "text": word}]} for word in "ab"]}
            ],
        },
        {"type": "RichTextBlock", "inlines": ["plain ", {"type": "TextRun", "text": "run"}]},
        {"type": "Image", "url": "https://x.test/i.png", "altText": "a chart"},
        {"type": "CodeBlock", "codeSnippet": "one\n  two"},
        {"type": "ProgressBar", "value": 5, "max": 10},
        {"type": "Chart.Donut", "fallback": {"type": "TextBlock", "text": "3 of 4"}},
    ]

    assert card_lines(shown) == [
        "Owner: sre",
        "a  b",
        "plain run",
        "a chart",
        "  one",
        "    two",
        "▰▰▰▰▰▰▰▰▰▰▱▱▱▱▱▱▱▱▱▱",
        "3 of 4",
    ]
