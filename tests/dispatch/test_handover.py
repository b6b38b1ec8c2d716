"""An approval is handed over: one who may decide asks another to, and stays free to."""

from datetime import timedelta

import pytest

from domain.notice import Notice, NoticeKind
from domain.run import Run
from tests.dispatch.test_dialogs import begin, inputs, offered
from tests.dispatch.world import Bot, words


@pytest.fixture
async def waiting(bot: Bot) -> Run:
    return await bot.opened(await bot.asks_for("dev-1", "deploy shop v1.1.0 to prod"))


async def handed_over(bot: Bot, run: Run) -> list[tuple[str, str, str]]:
    gate = await bot.store.read(lambda unit: unit.gates.latest(run.id))
    assert gate is not None
    return [(each.by, each.to, each.note) for each in gate.handed_over]


async def test_somebody_else_is_asked_and_the_card_says_so(bot: Bot, waiting: Run):
    said = await bot.says("approver-1", f'handover {waiting.id} to approver-2 --note "on holiday"')

    assert said is not None
    assert "You asked approver-2 to decide" in said.markdown.replace("\\", "")
    assert await handed_over(bot, waiting) == [("approver-1", "approver-2", "on holiday")]
    card = words(await bot.looks("viewer-1", waiting.id))
    assert "approver-1 asked approver-2 to decide" in card
    assert "on holiday" in card
    event = next(e for e in await bot.events() if e["type"] == "approval.handed_over")
    assert (event["to_name"], event["comment"]) == ("approver-2", "on holiday")
    items = await bot.store.transaction(
        lambda unit: unit.outbox.due(unit.now, "test", timedelta(seconds=9), 99)
    )
    [notice] = [each.message for each in items if isinstance(each.message, Notice)]
    assert notice == Notice(
        kind=NoticeKind.HANDED_OVER,
        run_id=waiting.id,
        by=("approver-1",),
        reason="on holiday",
        to=(bot.id_of("approver-2"), "approver-2"),
    )


async def test_who_handed_over_may_decide_all_the_same(bot: Bot, waiting: Run):
    await bot.says("approver-1", f"handover {waiting.id} to approver-2")

    await bot.says("approver-1", f"approve {waiting.id}")

    assert await bot.votes(waiting) == ["approver-1"]


async def test_without_a_name_it_asks_whom(bot: Bot, waiting: Run):
    talk = await begin(bot, "approver-1", f"handover {waiting.id}")

    asked = await talk.card()
    assert list(inputs(asked)) == ["person", "note"]
    assert offered(asked, "person") == ["approver-2"]
    answer = await talk.press("Handover", person="approver-2", note="please")
    assert "You asked approver-2 to decide" in words(answer["value"])
    assert await handed_over(bot, waiting) == [("approver-1", "approver-2", "please")]


@pytest.mark.parametrize(
    ("who", "to", "sentence"),
    [
        ("approver-1", "approver-1", "You have it already."),
        ("approver-1", "dev-1", "Nobody in prod-approvers is called"),
        ("approver-1", "nobody", "Nobody in prod-approvers is called"),
        ("sre-1", "approver-1", "sre-1 may not"),
        ("dev-1", "approver-1", "You requested this"),
    ],
)
async def test_what_cannot_be_handed_over(
    bot: Bot, waiting: Run, who: str, to: str, sentence: str
):
    said = await bot.says(who, f"handover {waiting.id} to {to}")

    assert said is not None
    assert sentence in said.markdown.replace("\\", "")
    assert await handed_over(bot, waiting) == []


async def test_who_has_voted_has_nothing_to_hand_over(bot: Bot, waiting: Run):
    await bot.says("approver-1", f"approve {waiting.id}")

    said = await bot.says("approver-1", f"handover {waiting.id} to approver-2")
    assert said is not None
    assert "You have voted on this already" in said.markdown
    said = await bot.says("approver-2", f"handover {waiting.id} to approver-1")
    assert said is not None
    assert "approver-1 has voted on this already" in said.markdown.replace("\\", "")


async def test_what_is_decided_is_not_handed_over(bot: Bot, waiting: Run):
    await bot.says("approver-2", f"reject {waiting.id}")

    said = await bot.says("approver-1", f"handover {waiting.id} to approver-2")

    assert said is not None
    assert "rejected" in said.markdown.lower()
