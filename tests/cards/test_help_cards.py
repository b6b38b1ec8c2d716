"""The cards that teach: all commands, and one."""

from dataclasses import replace

import pytest

from cards.help import GateUsage, Listed, Usage, help_card, usage_card
from cards.limits import lint, size_bytes
from domain.policy import GateKind
from tests.cards.states import CARDS, DEPLOY_USAGE
from tests.cards.test_approved_cards import nodes
from tests.cards.test_run_card import texts

ONE = (("Look", (Listed(syntax="help", summary="Say it"),)),)


def many(count: int, groups: int = 2) -> list[tuple[str, list[Listed]]]:
    """*count* commands in each of so many groups."""
    return [
        (
            f"Group {group}",
            [
                Listed(
                    syntax=f"c{group}-{n} <service> <version> to <environment>",
                    summary="Does something that takes some twenty words or so to be told. " * 3,
                )
                for n in range(count)
            ],
        )
        for group in range(groups)
    ]


@pytest.mark.parametrize(
    ("hidden", "foot"),
    [
        (0, "Say it"),
        (1, "1 more command exists for other roles. Say **whoami** for yours."),
        (12, "12 more commands exist for other roles. Say **whoami** for yours."),
    ],
)
def test_help_says_how_much_it_does_not_show(hidden, foot):
    assert texts(help_card(ONE, hidden))[-1] == foot


def test_help_teaches_before_it_lists():
    assert texts(help_card(ONE, 0))[:5] == [
        "Help",
        "What you can say",
        "1 command",
        (
            "Say a command without its inputs and I ask for them. "
            "Say **help** and a command to see how it is used."
        ),
        "Look",
    ]


@pytest.mark.parametrize(
    ("count", "has_summaries", "has_syntax"),
    [(5, True, True), (40, False, True), (120, False, False)],
)
def test_a_long_list_is_shortened_and_still_names_every_command(count, has_summaries, has_syntax):
    card = help_card(many(count), 3)

    said = " ".join(texts(card))
    assert size_bytes(card) <= 40 * 1024
    assert lint(card) == []
    assert ("twenty words" in said) is has_summaries
    assert (r"\<version>" in said) is has_syntax
    assert all(f"c{group}-{n}" in said for group in range(2) for n in range(count))
    assert f"{2 * count} commands" in said


def test_a_list_without_end_says_how_many_are_left_out():
    card = help_card(many(9000, groups=1), 3)

    said = texts(card)
    assert size_bytes(card) <= 40 * 1024
    shown = sum(text.count("c0-") for text in said)
    assert shown > 1000
    assert said[-1].startswith(f"{9000 - shown} commands of yours did not fit.")
    assert said[2] == "9000 commands"


def test_a_command_is_shown_with_all_that_there_is_to_know_of_it():
    assert texts(usage_card(DEPLOY_USAGE)) == [
        "Help · Workflows",
        "deploy",
        "Puts a version of a service into an environment, and goes back if it is not well.",
        r"deploy \<service> \<version> to \<environment>",
        "Also: **ship**",
        "For example",
        "deploy shop v1.1.0 to staging",
        'deploy billing v1.1.0 to prod --reason "fixes the rounding"',
        "Inputs",
        "service",
        "What to deploy: one of shop, billing, search",
        "required",
        "version",
        "Which version, such as v1.1.0",
        "required",
        "environment",
        "Where to: staging or prod",
        "required",
        r"\--reason",
        "Why: text",
        "optional",
        "What it takes",
        "In staging: starts at once",
        "In prod: 2 approvals from prod-approvers, not by the requester, within 30 minutes",
        "What it does",
        "1 · Note what runs now",
        "2 · Switch the version",
        "3 · Check that it is well",
    ]


def test_what_a_command_does_not_have_has_no_heading():
    card = usage_card(Usage(name="whoami", group="About", summary="You.", syntax="whoami"))

    assert texts(card) == ["Help · About", "whoami", "You.", "whoami"]
    assert "actions" not in card


def test_a_gate_without_a_place_is_told_without_one():
    gate = GateUsage(place="", words="1 approval from owners", kind=GateKind.APPROVAL)

    assert texts(usage_card(replace(DEPLOY_USAGE, gates=(gate,), steps=())))[-1] == gate.words


def test_very_many_steps_and_places_are_counted():
    gates = tuple(
        GateUsage(place=f"e{n}", words="starts at once", kind=GateKind.NONE) for n in range(20)
    )
    steps = tuple(f"Step {n}" for n in range(100))
    card = usage_card(replace(DEPLOY_USAGE, gates=gates, steps=steps))

    said = texts(card)
    assert "and 8 more environments" in said
    assert said[-2:] == ["15 · Step 14", "and 85 more"]
    assert size_bytes(card) < 28 * 1024


@pytest.mark.parametrize("name", ["help", "help-deploy", "help-restart", "help-approve"])
def test_what_can_be_typed_is_monospaced(name):
    card = CARDS[name]()

    lines = [node["text"] for node in nodes(card) if node.get("fontType") == "monospace"]
    assert any(line.startswith(("deploy", "restart", "approve")) for line in lines)
    assert not any(line.startswith(("Also", "Say")) for line in lines)
