"""Locks and the halt: through HTTP, as Teams would show it."""

import pytest

from tests.scenarios.product import Product, buttons, text_of

pytestmark = [pytest.mark.scenario, pytest.mark.timeout(180)]


async def reply(product: Product, name: str, text: str) -> str:
    message = await product.answer_in(await product.say(name, text))
    return message.text or text_of(message.card)


async def test_a_lock_a_halt_and_a_theft_keep_runs_waiting_and_let_them_go_on(product: Product):
    locked = await product.say("sre-1", 'lock shop in staging --reason "looking at the orders"')
    card = await product.card_with(locked, "You hold the lock of shop/staging")
    waits = await product.say("dev-1", "deploy shop v1.2.1 to staging")
    await product.card_with(waits, "sre-1 keeps shop/staging locked until")
    second = await product.say("dev-1", "deploy shop v1.1.0 to staging")
    await product.card_with(second, "2nd in line")
    assert "2nd in line" in await reply(product, "viewer-1", "runs shop in staging")
    refused = await reply(product, "dev-1", "unlock shop in staging")
    assert "dev-1 may not unlock shop/staging: sre-1 holds it" in refused

    halted = await product.say("commander-1", 'halt --reason "the wrong cluster"')
    switch = await product.card_with(halted, "Everything is halted")
    await product.card_with(waits, "Everything is halted by commander-1")
    pressed = await product.post(
        product.invoke("sre-1", card, "unlock", buttons(card.card)["Unlock"]["data"])
    )
    assert "You unlocked shop/staging" in text_of(pressed.card)
    assert "Everything is halted by commander-1" in await reply(
        product, "dev-1", "restart shop in staging"
    )
    assert product.effects() == []

    (product.state / "release.pause").write_text("3")
    await product.post(
        product.invoke("sre-1", switch, "unhalt", buttons(switch.card)["Go on"]["data"])
    )
    await product.card_with(waits, "Running")
    assert "(dev-1, deploy)" in text_of((await product.card_with(second, "1st in line")).card)
    taken = await reply(product, "sre-1", 'steal shop in staging --reason "an incident"')
    (product.state / "release.pause").unlink()

    assert "You took the lock of shop/staging" in taken
    assert "stops after the step under way" in taken
    await product.card_with(waits, "Cancelled by sre-1", seconds=60)
    assert {each["version"] for each in product.effects() if "version" in each} <= {"v1.2.1"}
    await product.card_with(second, "sre-1 keeps shop/staging locked until")
    await reply(product, "sre-1", "unlock shop in staging")
    await product.card_with(second, "Succeeded", seconds=60)
    assert "Nothing is locked" in await reply(product, "viewer-1", "locks")
    code, out, err = await product.signalbox("audit", "verify")
    assert code == 0, (out, err)
    code, out, _ = await product.signalbox("audit", "export")
    assert all(
        f"signalbox.{kind}" in out for kind in ("lock.stolen", "halt.started", "halt.ended")
    )
    assert product.slowest < 2.0
