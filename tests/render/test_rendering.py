"""Every card in Microsoft's renderer, in every theme, on a phone and on a desktop.

The pictures are left in tests/artifacts for whoever wants to look; fonts differ too much between
machines to compare them.
"""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from cards.text import clean, escape
from domain.run import RunState
from tests.cards.states import CARDS
from tests.cards.test_card_injection import PAYLOADS, hostile_answers, hostile_run_card
from tests.render.harness import THEMES, WIDTHS, Renderer, renderer

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]
ARTIFACTS = Path(__file__).parents[1] / "artifacts"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Renderer]:
    """One browser for all of it."""
    async with renderer() as started:
        yield started


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", CARDS)
async def test_a_card_can_be_read_and_used(browser, name, width, theme):
    drawing = await browser.draw(CARDS[name](), width=width, theme=theme)

    ARTIFACTS.mkdir(exist_ok=True)
    (ARTIFACTS / f"{name}-{theme}-{width}.png").write_bytes(drawing.png)
    assert drawing.faults == ()


@pytest.mark.parametrize("name", CARDS)
async def test_a_card_can_be_read_by_a_client_without_teams_own_elements(browser, name):
    drawing = await browser.draw(CARDS[name](), width=320, extensions=False)

    (ARTIFACTS / f"{name}-old-client.png").write_bytes(drawing.png)
    assert drawing.faults == ()
    assert name != "run-running" or "prod" in drawing.text


@pytest.mark.parametrize("theme", THEMES)
async def test_the_form_behind_reject_can_be_read_and_used(browser, theme):
    card = CARDS["run-waiting-for-approval"]()

    drawing = await browser.draw(card, width=320, theme=theme, press="Reject")

    (ARTIFACTS / f"reject-{theme}-320.png").write_bytes(drawing.png)
    assert drawing.faults == ()
    assert "Why?" in drawing.text
    assert "Reject run" in drawing.text


@pytest.mark.parametrize("payload", PAYLOADS)
async def test_hostile_words_are_read_literally(browser, payload):
    drawing = await browser.draw(hostile_run_card(payload), width=320)

    unforeseen = [fault for fault in drawing.faults if not fault.startswith("cut at the bottom")]
    assert unforeseen == []  # long words end after a few lines, by maxLines
    assert drawing.links == ()
    assert clean(payload, limit=40) in drawing.text.replace("\n", " ")


@pytest.mark.parametrize("payload", PAYLOADS)
async def test_hostile_words_make_no_link_in_an_answer(browser, payload):
    for card in hostile_answers(payload):
        drawing = await browser.draw(card, width=320)

        assert [link for link in drawing.links if not link.startswith("https://x.test/")] == []


async def test_no_end_of_a_run_can_be_forged_by_words(browser):
    drawing = await browser.draw(hostile_run_card("# APPROVED", RunState.RUNNING))

    assert "# APPROVED" in drawing.text
    assert drawing.faults == ()  # among them: not exactly one heading


async def test_escaped_words_survive_the_renderers_own_markdown(browser):
    words = [*PAYLOADS, "http://localhost/x", "//evil.test", "mailto:a@evil.test", "a.b", "1) x"]

    shown = await browser.page.evaluate(
        """(texts) => {
            const every = markdownit({ html: true, linkify: true });
            const readers = [TeamsCards.teamsMarkdown(), every];
            return readers.map((reader) => texts.map((text) => {
                const box = document.createElement("div");
                box.innerHTML = reader.render(text);
                const plain = box.querySelectorAll("*").length === 1;
                return plain ? box.textContent.trim() : box.innerHTML;
            }));
        }""",
        [escape(each) for each in words],
    )

    for reader in shown:
        assert reader == [clean(each) for each in words]


async def test_the_report_finds_what_cannot_be_read(browser):
    columns = [
        {"type": "Column", "width": "auto", "items": [
            {"type": "TextBlock", "text": "W" * 40, "wrap": False}]}
        for _ in range(2)
    ]  # fmt: skip
    card = {
        "type": "AdaptiveCard",
        "version": "1.5",
        "body": [
            {"type": "ColumnSet", "columns": columns},
            {"type": "TextBlock", "text": "pale", "color": "light"},
            {"type": "Input.Text", "id": "in.x"},
            {"type": "Icon", "name": "Nonesuch", "fallback": "drop"},
        ],
    }

    drawing = await browser.draw(card, width=320)

    found = " / ".join(drawing.faults)
    for fault in ("clipped: W", "contrast 1.00: pale", "without a label", "no such icon: Nonesuch",
                  "not exactly one heading"):  # fmt: skip
        assert fault in found
