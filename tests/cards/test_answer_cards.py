"""Identity, status, runs and lines as cards."""

import pytest

from cards.answers import StatusRow, lines_card, runs_card, status_card, whoami_card
from cards.limits import size_bytes
from domain.run import RunState
from tests.cards.builders import NOW, ZONE, a_run
from tests.cards.test_approved_cards import nodes
from tests.cards.test_run_card import texts


def test_whoever_has_no_role_is_told_so():
    card = whoami_card(name="guest-1", object_id="o", tenant="t", roles=(), groups=(), zone=ZONE)

    assert texts(card)[3:7] == ["Roles", "none", "Groups", "none"]


def test_status_without_services_says_so():
    card = status_card(())

    assert texts(card)[-1] == "No service is known."
    assert card["speak"] == "Status: no service is known."


def a_row(n: int, url: str = "", state: str = "healthy") -> StatusRow:
    return StatusRow(service=f"s{n}", environment="prod", version="v1", state=state, url=url)


def test_status_tells_what_is_wrong_first_to_who_listens():
    card = status_card((a_row(1), a_row(2, state="down"), a_row(3, state="puzzling")))

    assert card["speak"] == "Status: 1 of 3 healthy: s2 in prod is down, s3 in prod is puzzling."
    names = [node["name"] for node in nodes(card) if node["type"] == "Icon"]
    assert names == ["CheckmarkCircle", "DismissCircle", "QuestionCircle"]


def test_of_very_many_services_some_are_counted():
    assert texts(status_card([a_row(n) for n in range(42)]))[-1] == (
        "and 2 more. Say **status** and a service."
    )


@pytest.mark.parametrize(
    ("url", "text"),
    [
        ("https://x.test/(a) b", "[prod](https://x.test/%28a%29%20b) · v1"),
        ("javascript:alert(1)", "prod · v1"),
        ("", "prod · v1"),
    ],
)
def test_only_web_addresses_become_links(url, text):
    assert text in texts(status_card((a_row(1, url),)))


def test_no_runs_and_too_many_runs():
    assert texts(runs_card((), now=NOW, zone=ZONE))[-1] == "There are no runs yet."

    many = runs_card([a_run(RunState.RUNNING)] * 17, now=NOW, zone=ZONE)
    assert texts(many)[-1] == "2 older ones are not shown. Say **run** and the id to see one."


def test_runs_that_were_asked_for_are_named():
    none = runs_card((), now=NOW, zone=ZONE, about="of shop in prod", looked_at=300)
    one = runs_card((a_run(RunState.RUNNING),), now=NOW, zone=ZONE, about="of shop")

    assert texts(none)[2:] == [
        "of shop in prod",
        "There are no runs of shop in prod.",
        "I looked at the 300 newest runs.",
    ]
    assert none["speak"] == "There are no runs of shop in prod."
    assert one["speak"] == "1 run of shop."
    assert runs_card((), now=NOW, zone=ZONE)["speak"] == "There are no runs yet."


def test_a_run_that_is_nowhere_is_listed_without_a_place():
    card = runs_card([a_run(RunState.RUNNING, inputs={})], now=NOW, zone=ZONE)

    assert "Deploy" in texts(card)


def code(card) -> dict:
    (block,) = [node for node in nodes(card) if node["type"] == "CodeBlock"]
    return block


def test_lines_stand_in_the_card_as_they_are():
    block = code(lines_card("Logs", "", ["\ta *b*", "c"]))

    assert block["codeSnippet"] == "    a *b*\nc"
    assert block["fallback"]["items"][0]["text"] == "a \\*b\\*\n\nc"


def test_of_too_many_lines_the_last_ones_are_kept_and_the_card_says_so():
    card = lines_card("Logs", "last hour", [f"line {n}" for n in range(10_000)])

    kept = code(card)["codeSnippet"].split("\n")
    assert kept[-1] == "line 9999"
    assert texts(card)[2] == f"last hour · the last {len(kept)} of 10000 lines"
    assert 24 * 1024 < size_bytes(card) <= 25 * 1024
    assert code(card)["fallback"]["items"][0]["text"] == (
        f"{len(kept) - 15} lines before these are not shown here."
    )


def test_a_single_endless_line_is_cut():
    card = lines_card("Logs", "", ["x" * 1_000_000])

    assert len(code(card)["codeSnippet"]) == 500


def test_no_lines_are_no_fault():
    assert texts(lines_card("Logs", "last hour", []))[-2:] == ["last hour · 0 lines", "No lines."]
