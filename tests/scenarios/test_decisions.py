"""What people decide about a run, and who is told: through HTTP, as Teams would show it."""

import json
from pathlib import Path

import pytest

from tests.scenarios.bot_connector import teams_id
from tests.scenarios.product import ROOT, Product, buttons, mentioned, text_of
from tests.scenarios.stage import folder

pytestmark = [pytest.mark.scenario, pytest.mark.timeout(180)]

DEPLOY = "deploy shop v1.1.0 to prod"


@pytest.fixture
async def hasty(product: Product, tmp_path: Path) -> Product:
    """A product whose approvals call for help after three seconds, and expire after eight."""
    await product.stop()
    rule = (
        '@expires("30m")\n@escalate("incident-commanders")\n@escalate_after("15m")',
        '@expires("8s")\n@escalate("incident-commanders")\n@escalate_after("3s")',
    )
    product.settings = {
        "SIGNALBOX_CONFIG_DIR": str(folder(tmp_path, {"policy/policy.cedar": rule}))
    }
    await product.start()
    return product


async def test_nobody_decides_so_a_second_group_is_called_and_then_the_run_expires(hasty):
    thread = await hasty.say("dev-1", DEPLOY)
    card = await hasty.card_with(thread, "Waiting for approval")
    assert "Escalates" in text_of(card.card)

    called = await hasty.told(thread, "incident-commanders", seconds=7)
    assert "still waits for approval: 0 of 2 from prod-approvers" in called.text
    assert mentioned(called) == [teams_id("commander-1")]
    await hasty.card_with(thread, "to incident-commanders at", seconds=5)
    assert set(buttons(await hasty.view("commander-1", card))) <= {"Cancel"}

    expired = await hasty.told(thread, "expired: 0 of 2 approvals in time")
    assert mentioned(expired) == [teams_id("dev-1")]
    final = await hasty.card_with(thread, "Expired")
    assert [each.id for each in hasty.connector.said_in(thread)] == [
        *(final.id, called.id, expired.id)
    ]
    late = await hasty.say("approver-1", f"approve {run_id_of(final)}")
    answer = await hasty.answer_in(late)
    assert "has expired" in answer.text


async def test_a_vote_is_taken_back_and_given_again(product):
    thread = await product.say("dev-1", DEPLOY)
    card = await product.card_with(thread, "Waiting for approval")
    await product.press("approver-1", card, "Approve", comment="checked dashboards")
    await product.card_with(thread, "checked dashboards")
    assert set(buttons(await product.view("approver-1", card))) == {"Withdraw", "Cancel"}

    answer = await product.press("approver-1", card, "Withdraw")

    assert "0 of 2" in text_of(answer.card)
    shown = await product.card_with(thread, "0 of 2")
    assert "checked dashboards" not in text_of(shown.card)
    await product.press("approver-2", card, "Approve")
    await product.card_with(thread, "1 of 2")
    assert await product.version("shop", "prod") == ("ok", "v1.0.0")
    await product.press("approver-1", card, "Approve")
    await product.told(thread, "was approved by approver-2 and approver-1")


async def test_a_rejection_calls_the_requester_with_its_reason_and_nothing_happens(product):
    thread = await product.say("dev-1", DEPLOY)
    card = await product.card_with(thread, "Waiting for approval")

    await product.press("approver-2", card, "Reject", reason="Not during the sale.")

    notice = await product.told(thread, "was rejected by approver-2: Not during the sale")
    assert mentioned(notice) == [teams_id("dev-1")]
    await product.card_with(thread, "Not during the sale")
    assert [each.id for each in product.connector.said_in(thread)] == [card.id, notice.id]
    assert product.effects() == []


async def test_a_second_confirmation_learns_who_started_it(product):
    thread = await product.say("sre-1", "restart billing in prod")
    card = await product.card_with(thread, "Waiting for confirmation")
    button = buttons(await product.view("sre-1", card))["Confirm"]
    again = product.invoke("sre-1", card, button["verb"], button["data"])
    await product.press("sre-1", card, "Confirm")

    second = await product.post(again)

    assert "already started by sre-1" in text_of(second.card)
    await product.told(thread, "has ended: succeeded in")
    assert len(product.effects()) == 1


async def test_who_cancels_a_run_of_somebody_else_has_them_told_and_ones_own_has_not(product):
    theirs = await product.say("dev-1", DEPLOY)
    card = await product.card_with(theirs, "Waiting for approval")
    await product.say("sre-1", f"cancel {run_id_of(card)}")

    notice = await product.told(theirs, "has ended: cancelled by sre-1")
    assert mentioned(notice) == [teams_id("dev-1")]

    own = await product.say("dev-1", DEPLOY)
    card = await product.card_with(own, "Waiting for approval")
    await product.press("dev-1", card, "Cancel")
    await product.card_with(own, "Cancelled")
    assert [each.id for each in product.connector.said_in(own)] == [card.id]


async def test_a_workflow_that_wants_comments_gets_them(product, tmp_path):
    await product.stop()
    config = folder(tmp_path, {})
    catalog = (ROOT / "workflows" / "catalog" / "restart.yaml").read_text()
    text = catalog.replace("name: restart", "name: recycle").replace(
        "command: restart", "command: recycle"
    )
    text = text.replace("aliases: [bounce]\n", "")
    (config / "workflows" / "recycle.yaml").write_text(
        text.replace("steps:", "approval: {comment: required}\nsteps:", 1)
    )
    folder(
        tmp_path,
        {
            "policy/policy.cedar": (
                'action == Signalbox::Action::"deploy",',
                'action in [Signalbox::Action::"deploy", Signalbox::Action::"recycle"],',
            )
        },
    )
    product.settings = {"SIGNALBOX_CONFIG_DIR": str(config)}
    await product.start()
    thread = await product.say("dev-1", "recycle shop in prod")
    card = await product.card_with(thread, "Waiting for approval")
    assert "required with each vote" in text_of(card.card)

    refused = await product.press("approver-1", card, "Approve")
    assert "Say why you approve" in text_of(refused.card)
    assert "0 of 2" in text_of(refused.card)
    taken = await product.press("approver-1", card, "Approve", comment="it hangs")

    assert "1 of 2" in text_of(taken.card)
    assert "it hangs" in text_of(taken.card)


async def test_who_has_left_the_approvers_before_the_start_has_approved_nothing(product, tmp_path):
    await product.stop()
    config = folder(tmp_path, {})
    product.settings = {"SIGNALBOX_CONFIG_DIR": str(config)}
    await product.start()
    (product.state / "release.pause").write_text("6")
    first = await product.say("sre-1", "deploy shop v1.2.0 to prod")  # goes back to what was
    second = await product.say("dev-1", DEPLOY)
    cards = [await product.card_with(each, "Waiting for approval") for each in (first, second)]
    for card, thread in zip(cards, (first, second), strict=True):
        await product.press("approver-1", card, "Approve")
        await product.press("approver-2", card, "Approve")
        if thread is first:
            await product.card_with(first, "Running")
    await product.card_with(second, "Waiting for its turn")

    await product.stop()
    (product.state / "release.pause").unlink()
    folder(
        tmp_path,
        {"directory.yaml": ("name: approver-2\n    groups: [prod-approvers]", "name: approver-2")},
    )
    await product.start()

    await product.card_with(first, "Rolled back", seconds=60)
    back = await product.told(second, "has to be approved again", seconds=60)
    assert "approver-2 is not of prod-approvers any more" in back.text
    assert mentioned(back) == [teams_id("dev-1")]
    card = await product.card_with(second, "1 of 2 approvals")
    assert "approver-2 is not of prod-approvers any more" in text_of(card.card)
    assert await product.version("shop", "prod") == ("ok", "v1.0.0")
    _, out, _ = await product.signalbox("audit", "export", "--format", "jsonl")
    events = [json.loads(line)["type"] for line in out.splitlines()]
    assert events.count("signalbox.approval.vote_voided") == 1


def run_id_of(card) -> str:
    return next(w for w in text_of(card.card).split() if len(w) == 8 and w.isalnum())
