"""Inputs that are required only with certain others: typed, in a dialog, and in a form."""

import pytest

from tests.dispatch.conftest import BotWith
from tests.dispatch.test_dialogs import Talk, begin, inputs, titled
from tests.dispatch.world import words

HEAD = """\
name: drain
title: Drain
command: drain <service> in <environment> [--window] [--ticket]
inputs:
  service: {type: service}
  environment: {type: environment}
  window: {type: duration, required: false, description: How long}
  ticket: {required_if: '${ inputs.environment == "prod" }', description: Which change}
"""

LONGER = HEAD + "  note: {required: false}\n  other: {required: false}\n"


async def asked(talk: Talk) -> set[str]:
    return set(inputs(await talk.card()))


async def test_where_it_is_not_required_the_command_is_whole(bot_with: BotWith):
    bot = await bot_with(HEAD)

    run = await bot.asks_for("sre-1", "drain shop in staging --window 90M")

    assert run.inputs == {"service": "shop", "environment": "staging", "window": "1h30m"}


async def test_where_it_is_required_it_is_asked_for(bot_with: BotWith):
    bot = await bot_with(HEAD)

    talk = await begin(bot, "sre-1", "drain shop in prod")

    card = await talk.card()
    assert inputs(card)["ticket"]["isRequired"] is True
    assert "isRequired" not in inputs(card)["window"]
    await talk.press("Drain", ticket="CHG-7")
    (run,) = await bot.runs()
    assert (run.inputs["ticket"], run.inputs["environment"]) == ("CHG-7", "prod")


async def test_a_form_that_makes_it_required_asks_once_more(bot_with: BotWith):
    bot = await bot_with(HEAD)
    talk = await begin(bot, "sre-1", "drain shop")

    await talk.press(next(iter(titled(await talk.card()))), environment="prod")

    assert "ticket" in await asked(talk)
    assert await bot.runs() == []


async def test_left_out_in_a_form_it_is_told_why_it_is_missing(bot_with: BotWith):
    bot = await bot_with(HEAD)
    talk = await begin(bot, "sre-1", "drain shop in prod")

    answer = await talk.press("Drain", ticket=" ")

    assert "The ticket is missing. It is required where the environment is prod." in words(answer)
    assert await bot.runs() == []


async def test_question_by_question_it_comes_with_the_required_ones(bot_with: BotWith):
    bot = await bot_with(LONGER)
    talk = await begin(bot, "sre-1", "drain")

    await talk.press("Next", service="shop")
    await talk.press("Next", environment="prod")
    assert await asked(talk) == {"ticket"}
    await talk.press("Back")
    assert await asked(talk) == {"environment"}
    await talk.press("Next", environment="staging")
    assert await asked(talk) == {"window", "ticket", "note", "other", "reason"}


@pytest.mark.parametrize("typed", ["soon", "0.5h", "400d"])
async def test_a_duration_is_one(bot_with: BotWith, typed: str):
    bot = await bot_with(HEAD)

    said = await bot.says("sre-1", f"drain shop in staging --window {typed}")

    assert said is not None
    assert "is no window, such as 30m." in said.markdown


async def test_help_says_when_it_is_required(bot_with: BotWith):
    bot = await bot_with(HEAD)

    said = await bot.says("sre-1", "help drain")

    assert said is not None
    assert "required where the environment is prod" in words(said.card)


async def test_a_calendar_ends_where_the_range_does(bot_with: BotWith):
    head = HEAD.replace(
        "window: {type: duration,", "window: {type: date, min: 2026-01-01, max: 2026-06-30,"
    )
    talk = await begin(await bot_with(head), "sre-1", "drain shop in prod")

    window = inputs(await talk.card())["window"]
    answer = await talk.press("Drain", ticket="CHG-7", window="2026-07-01")

    assert (window["min"], window["max"]) == ("2026-01-01", "2026-06-30")
    assert window["errorMessage"] == "From 2026-01-01 to 2026-06-30."
    assert "The window is from 2026-01-01 to 2026-06-30, not 2026-07-01." in words(answer)
