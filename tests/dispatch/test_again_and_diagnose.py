"""`again` says once more what was said; `diagnose` looks, finds and offers."""

from typing import Any

from tests.dispatch.test_dialogs import begin, inputs, titled
from tests.dispatch.world import Bot, words

PLACE = "shop in staging"


async def test_again_asks_for_the_same_run_anew(bot: Bot):
    first = await bot.asks_for("dev-1", 'restart shop in staging --reason "it hangs"')

    second = await bot.asks_for("dev-1", "again")

    assert second.id != first.id
    assert (second.workflow, second.inputs, second.reason) == (
        first.workflow,
        first.inputs,
        "it hangs",
    )
    third = await bot.asks_for("dev-1", "again")
    assert third.inputs == first.inputs


async def test_again_is_one_persons_in_one_place(bot: Bot):
    await bot.asks_for("dev-1", "restart shop in staging")

    said = await bot.says("sre-1", "again")
    assert said is not None
    assert "nothing here yet" in said.markdown
    elsewhere = bot.inbound("dev-1").conversation
    other = type(elsewhere)(
        tenant=elsewhere.tenant,
        service_url=elsewhere.service_url,
        id="19:other@thread.tacv2;messageid=9",
        kind=elsewhere.kind,
        bot_id=elsewhere.bot_id,
    )
    said = await bot.says("dev-1", "again", conversation=other)
    assert said is not None
    assert "nothing here yet" in said.markdown


async def test_again_is_permitted_anew(bot: Bot):
    await bot.asks_for("dev-1", "restart shop in staging")
    bot.people.demote("dev-1")

    said = await bot.says("dev-1", "again")

    assert said is not None
    assert "dev-1 may not" in said.markdown
    assert len(await bot.runs()) == 1


async def test_what_was_answered_in_a_dialog_is_said_again(bot: Bot):
    talk = await begin(bot, "dev-1", "restart shop")
    await talk.press("Restart", environment="staging", reason="it hangs")

    again = await bot.asks_for("dev-1", "again")

    assert again.inputs == {"service": "shop", "environment": "staging"}
    assert again.reason == "it hangs"


async def diagnosis(bot: Bot, who: str = "dev-1", line: str = f"diagnose {PLACE}") -> Any:
    said = await bot.says(who, line)
    assert said is not None
    assert said.card is not None
    return said.card


async def test_a_healthy_service_is_told_to_be(bot: Bot):
    card = await diagnosis(bot)

    assert "4 looks: 4 fine." in words(card)
    assert "actions" not in card


async def test_an_ill_one_is_told_with_what_may_help(bot: Bot):
    bot.systems.probe = {"fault": "does not answer"}
    bot.systems.last_lines = ["all is well", "ERROR: no <b>database</b>"]

    card = await diagnosis(bot)

    said = words(card)
    assert "4 looks: 2 fine, 2 not fine." in said
    assert "It does not answer." in said
    assert "1 of its last 2 lines speak of errors" in said
    assert set(titled(card)) == {"Restart", "Rollback", "Logs"}
    assert "prod" not in said


async def test_what_does_not_answer_is_not_known(bot: Bot):
    bot.systems.down.add("staging")

    assert "1 not known" in words(await diagnosis(bot))


async def test_symptoms_choose_the_looks(bot: Bot):
    talk = await begin(bot, "dev-1", "diagnose")
    card = await talk.card()
    assert inputs(card)["symptoms"]["isMultiSelect"] is True

    answer = await talk.press(
        "Diagnose", service="shop", environment="staging", symptoms="slow,version"
    )

    said = words(answer["value"])
    assert "it is slow and it runs the wrong version" in said
    assert "Health check" in said
    assert "**Log" not in said


async def test_an_offered_remedy_is_asked_about_before_it_is_done(bot: Bot):
    bot.systems.probe = {"is_good": False, "http_status": 503, "status": "failing", "version": "x"}
    card = await diagnosis(bot)
    press = titled(card)["Restart"]

    await bot.presses("dev-1", press["verb"], press["data"]["t"])

    assert await bot.runs() == []
    conversation = bot.inbound("dev-1").conversation.id
    (dialog,) = await bot.store.read(
        lambda unit: unit.dialogs.open_of(conversation, bot.id_of("dev-1"))
    )
    assert dialog.values == {"service": "shop", "environment": "staging"}
    asked = await bot.dialogs.card(dialog.id)
    assert "starts at once" in words(asked)
    restart = titled(asked)["Restart"]
    await bot.presses("dev-1", "restart", restart["data"]["t"])
    [run] = await bot.runs()
    assert run.inputs == {"service": "shop", "environment": "staging"}


async def test_what_one_may_not_do_is_not_offered(bot: Bot):
    bot.systems.probe = {"fault": "does not answer"}

    card = await diagnosis(bot, "dev-1", "diagnose shop in prod")
    assert set(titled(card)) == {"Logs"}
    card = await diagnosis(bot, "sre-1", "diagnose shop in prod")
    assert set(titled(card)) == {"Restart", "Rollback", "Logs"}
