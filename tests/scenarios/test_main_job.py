"""The main job, end to end: from a message in a channel to a proven run."""

import asyncio
import json
import shutil
import sqlite3

import pytest

from tests.scenarios.bot_connector import teams_id
from tests.scenarios.product import buttons, mentioned, text_of

pytestmark = [pytest.mark.scenario, pytest.mark.timeout(180)]


async def test_dev_1_deploys_to_prod_with_two_approvals(product):
    thread = await product.say("dev-1", 'deploy shop v1.1.0 to prod --reason "PAY-812 refund fix"')
    card = await product.card_with(thread, "Waiting for approval")

    shown = text_of(card.card)
    for words in ("dev-1", "v1.0.0", "v1.1.0", "prod-approvers", "PAY-812 refund fix"):
        assert words in shown
    assert len(card.card["refresh"]["userIds"]) == 3
    assert buttons(card.card) == {}
    assert buttons(await product.view("viewer-1", card)) == {}
    assert set(buttons(await product.view("dev-1", card))) == {"Cancel"}
    assert set(buttons(await product.view("approver-2", card))) == {"Approve", "Reject"}
    assert await product.version("shop", "prod") == ("ok", "v1.0.0")

    first = await product.press("approver-1", card, "Approve")
    assert first.status == 200
    assert "1 of 2" in text_of(first.card)
    assert await product.version("shop", "prod") == ("ok", "v1.0.0")
    await product.press("approver-2", card, "Approve")

    done = await product.card_with(thread, "Succeeded")
    assert done.id == card.id, "one message lives through it all"
    assert await product.version("shop", "prod") == ("ok", "v1.1.0")
    assert buttons(done.card) == {}
    approved = await product.told(thread, "was approved by approver-1 and approver-2")
    ended = await product.told(thread, "has ended: succeeded in")
    assert mentioned(approved) == mentioned(ended) == [teams_id("dev-1")]
    said = product.connector.said_in(thread)
    assert [each.id for each in said] == [card.id, approved.id, ended.id], "one card, two notices"
    switches = [e for e in product.effects() if e["action"] == "switch"]
    assert [(e["service"], e["environment"], e["version"]) for e in switches] == [
        ("shop", "prod", "v1.1.0")
    ]


async def test_a_broken_version_rolls_back_and_says_why(product):
    thread = await product.say("dev-1", "deploy shop v1.2.0 to staging")

    card = await product.card_with(thread, "Rolled back", seconds=60)

    assert "503" in text_of(card.card)
    assert "v1.1.0 again" in text_of(card.card)
    notice = await product.told(thread, "has ended: rolled back")
    assert mentioned(notice) == [teams_id("dev-1")]
    assert [each.id for each in product.connector.said_in(thread)] == [card.id, notice.id]
    assert await product.version("shop", "staging") == ("ok", "v1.1.0")


async def test_one_activity_posted_five_times_at_once_is_one_run(product):
    activity = product.message("dev-1", "deploy billing v1.2.1 to staging")

    answers = await asyncio.gather(*(product.post(activity) for _ in range(5)))

    assert {each.status for each in answers} <= {200, 201, 202}
    await product.card_with(activity["conversation"]["id"], "Succeeded", seconds=60)
    again = await product.post(activity)
    assert again.status in {200, 201, 202}
    thread = await product.say("dev-1", "runs")
    runs = await product.answer_in(thread)
    assert text_of(runs.card).count("billing v1.2.1") == 1
    assert len([e for e in product.effects() if e["action"] == "switch"]) == 1


async def test_approve_pressed_sixteen_times_is_one_vote(product):
    thread = await product.say("dev-1", "deploy shop v1.1.0 to prod")
    card = await product.card_with(thread, "Waiting for approval")
    button = buttons(await product.view("approver-1", card))["Approve"]

    answers = await asyncio.gather(
        *(
            product.post(product.invoke("approver-1", card, button["verb"], button["data"]))
            for _ in range(16)
        )
    )

    assert {each.status for each in answers} == {200}
    assert all("1 of 2" in text_of(each.card) for each in answers)
    code, out, _ = await product.signalbox("audit", "export", "--format", "jsonl")
    types = [json.loads(line)["type"] for line in out.splitlines()]
    assert code == 0
    assert types.count("signalbox.approval.voted") == 1


async def test_forged_and_misused_buttons_change_nothing_and_are_audited(product):
    thread = await product.say("dev-1", "deploy shop v1.1.0 to prod")
    card = await product.card_with(thread, "Waiting for approval")
    approve = buttons(await product.view("approver-1", card))["Approve"]
    token = approve["data"]["t"]
    flipped = token[:-2] + ("AA" if token[-2:] != "AA" else "BB")

    forged = [
        ("dev-1", "approve", {"t": token}),
        ("viewer-1", "approve", {"t": token}),
        ("guest-1", "approve", {"t": token}),
        ("approver-1", "approve", {"t": flipped}),
        ("approver-1", "reject", {"t": token}),
        ("approver-1", "approve", {"run": "k7f3q2ma", "decision": "approve"}),
        ("approver-1", "deploy", {"service": "shop", "version": "v1.2.1"}),
        ("approver-1", "approve", {"t": {"a": 1}, "__proto__": {}}),
    ]
    for name, verb, data in forged:
        answer = await product.post(product.invoke(name, card, verb, data))
        assert answer.status == 200, (name, verb, answer)

    await product.card_with(thread, "0 of 2")
    assert await product.version("shop", "prod") == ("ok", "v1.0.0")
    _, out, _ = await product.signalbox("audit", "export", "--format", "jsonl")
    events = [json.loads(line) for line in out.splitlines()]
    refused = [e for e in events if e["data"].get("outcome") == "denied"]
    assert len(refused) >= len(forged)
    assert not [e for e in events if e["type"] == "signalbox.approval.voted"]


async def test_an_operator_confirms_a_restart_in_prod(product):
    thread = await product.say("sre-1", "restart billing in prod")
    card = await product.card_with(thread, "Waiting for confirmation")

    assert set(buttons(await product.view("sre-1", card))) == {"Confirm", "Cancel"}
    await product.press("sre-1", card, "Confirm")

    await product.card_with(thread, "Succeeded")
    assert [e["action"] for e in product.effects()] == ["restart"]


async def test_everything_can_be_typed_as_well(product):
    thread = await product.say("dev-1", "deploy shop v1.1.0 to prod")
    card = await product.card_with(thread, "Waiting for approval")
    run_id = next(w for w in text_of(card.card).split() if len(w) == 8 and w.isalnum())

    await product.say("approver-1", f"approve {run_id}")
    await product.card_with(thread, "1 of 2")
    rejection = await product.say("approver-2", f'reject {run_id} --comment "not on a Friday"')

    final = await product.card_with(thread, "Rejected")
    assert "not on a Friday" in text_of(final.card)
    assert product.effects() == []
    assert rejection != thread


async def test_whoever_knows_nothing_is_told(product):
    async def reply(name, text):
        message = await product.answer_in(await product.say(name, text))
        return message.text or text_of(message.card)

    assert "deploy" in await reply("dev-1", "depoly shop v1.1.0 to prod")
    assert "version" in await reply("dev-1", "deploy shop to prod")
    assert "developer" in await reply("viewer-1", "deploy shop v1.1.0 to staging")
    assert "Guests have no access" in await reply("guest-1", "status")
    assert "deploy <service>" not in await reply("viewer-1", "help")
    assert "deploy <service>" in await reply("dev-1", "help")
    assert "developer" in await reply("dev-1", "whoami")
    assert "v1.0.0" in await reply("viewer-1", "status shop prod")
    assert "Logs of shop in staging" in await reply("dev-1", "logs shop in staging")


async def test_a_run_waits_for_its_lock_and_its_card_names_the_holder(product):
    (product.state / "release.pause").write_text("4")
    first = await product.say("dev-1", "deploy shop v1.2.1 to staging")
    await product.card_with(first, "Running")
    second = await product.say("sre-1", "deploy shop v1.1.0 to staging")

    waiting = await product.card_with(second, "Waiting for its turn")
    assert "dev-1" in text_of(waiting.card)
    (product.state / "release.pause").unlink()

    await product.card_with(first, "Succeeded", seconds=60)
    await product.card_with(second, "Succeeded", seconds=60)
    assert await product.version("shop", "staging") == ("ok", "v1.1.0")


async def test_when_the_world_has_moved_there_is_a_new_plan_and_the_votes_are_void(product):
    slow = await product.say("dev-1", "deploy shop v1.1.0 to prod")
    fast = await product.say("sre-1", "deploy shop v1.2.1 to prod")
    cards = [await product.card_with(t, "Waiting for approval") for t in (slow, fast)]
    for card in reversed(cards):
        await product.press("approver-1", card, "Approve")
    await product.press("approver-2", cards[1], "Approve")
    await product.card_with(fast, "Succeeded")

    await product.press("approver-2", cards[0], "Approve")

    card = await product.card_with(slow, "earlier votes are void")
    shown = text_of(card.card)
    assert "version of shop in prod is v1.2.1 now, not v1.0.0" in shown
    assert "0 of 2 approvals" in shown
    assert await product.version("shop", "prod") == ("ok", "v1.2.1")
    for name in ("approver-1", "approver-2"):
        await product.press(name, card, "Approve")
    await product.card_with(slow, "Succeeded")
    assert await product.version("shop", "prod") == ("ok", "v1.1.0")


async def test_the_audit_log_proves_it_and_finds_one_changed_byte(product, tmp_path):
    thread = await product.say("dev-1", "deploy shop v1.1.0 to prod")
    card = await product.card_with(thread, "Waiting for approval")
    for name in ("approver-1", "approver-2"):
        await product.press(name, card, "Approve")
    await product.card_with(thread, "Succeeded")

    assert (await product.signalbox("audit", "verify"))[0] == 0
    await product.stop()
    code, out, err = await product.signalbox("audit", "verify")
    assert (code, err) == (0, "")
    assert out

    copy = tmp_path / "copy"
    shutil.copytree(product.state, copy, ignore=shutil.ignore_patterns("*.sock"))
    database = sqlite3.connect(copy / "signalbox.db")
    database.executescript(
        "DROP TRIGGER IF EXISTS audit_events_no_update;"
        "UPDATE audit_events SET text = replace(text, 'v1.1.0', 'v1.1.1') WHERE seq = 2;"
    )
    database.commit()
    database.close()
    code, _, err = await product.signalbox("audit", "verify", SIGNALBOX_STATE_DIR=str(copy))
    assert code == 1
    assert "2" in err
