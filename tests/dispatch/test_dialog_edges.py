"""Dialogs at their edges: what is typed or sent that nobody had in mind, and what hangs."""

import asyncio
from dataclasses import replace
import itertools
from pathlib import Path
import sqlite3
import time
from typing import Any

import pytest

from bot.config import Config
from bot.inbound import InboundKind
from cards.limits import MAX_BYTES, lint, size_bytes
from dialogs.expiry import Expiry
from domain.dialog import PATIENCE, DialogState
from tests.dispatch.conftest import BotWith, a_bot
from tests.dispatch.test_dialogs import (
    Talk,
    begin,
    inputs,
    offered,
    opened_window,
    submit_window,
    titled,
)
from tests.dispatch.world import WORKFLOWS, Bot, body, words

SLOWEST = 2.15  #: seconds; Teams wants an answer within two, and this machine may be busy
SCALE = """\
name: scale
title: Scale
command: scale <count> in <environment>
inputs:
  count: {type: number, max: 9999999}
  environment: {type: environment}
"""
FIX = """\
name: fix
title: Fix
command: fix <how> <environment> <note> <more>
inputs:
  how: {type: choice, choices: [restart, help, back, none, two  words]}
  environment: {type: environment}
  note: {}
  more: {type: boolean}
"""
WIPE = """\
name: wipe
title: Wipe
command: wipe <what> in <environment>
inputs:
  what: {}
  environment: {type: environment}
"""


async def send(talk: Talk, title: str, **filled: Any) -> Any:
    """Press the button of that title with inputs as a client that is not Teams sends them."""
    button = titled(await talk.card())[title]
    data = {f"in.{name}": value for name, value in filled.items()}
    return (await talk.bot.presses(talk.name, button["verb"], button["data"]["t"], inputs=data))[
        "value"
    ]


# In time -----------------------------------------------------------------------------------------


async def test_a_wrong_answer_while_a_live_system_hangs_is_told_in_time(bot: Bot):
    talk = await begin(bot, "dev-1", "deploy")
    window = await opened_window(talk)
    bot.systems.hangs = True
    begun = time.monotonic()

    again = await submit_window(talk, window, service="shop", version="no", environment="staging")

    assert time.monotonic() - begun < SLOWEST
    assert "no is no version" in words(again.body["task"]["value"]["card"]["content"])


async def test_a_question_is_asked_again_in_time_while_directory_and_live_system_hang(bot: Bot):
    talk = await begin(bot, "dev-1", "deploy")
    bot.systems.hangs = True
    await talk.press("Next", service="shop")
    card = await talk.card()
    bot.people.hangs = True
    begun = time.monotonic()

    answer = await talk.press("Next", card=card, version="v1.1.0")

    assert time.monotonic() - begun < SLOWEST
    assert "I cannot check your groups right now" in words(answer["value"])


@pytest.mark.parametrize("how", ["card", "window"])
async def test_a_press_is_answered_while_the_database_is_locked_and_counts_later(
    bot: Bot, how: str
):
    talk = await begin(bot, "dev-1", "restart shop")
    card = await talk.card()
    window = await bot.dialogs.window(talk.id)
    other = sqlite3.connect(bot.store.url.removeprefix("sqlite:///"))
    other.execute("BEGIN IMMEDIATE")
    begun = time.monotonic()

    if how == "card":
        told = (await talk.press("Restart", card=card, environment="staging"))["value"]
    else:
        answer = await submit_window(talk, window, service="shop", environment="staging")
        told = answer.body["task"]["value"]

    assert time.monotonic() - begun < SLOWEST
    assert "longer than usual" in told
    other.rollback()
    await until_done(talk)
    assert len(await bot.runs()) == 1


async def until_done(talk: Talk) -> None:
    async with asyncio.timeout(10):
        while (await talk.now()).state is not DialogState.DONE:  # noqa: ASYNC110  # a thread writes
            await asyncio.sleep(0.02)


# What is filled in -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sent", "kept"),
    [(1234567, "1234567"), (7.0, "7"), (0.125, "0.125"), ("12", "12")],
)
async def test_a_number_is_taken_as_it_was_sent(bot_with: BotWith, sent: object, kept: str):
    talk = await begin(await bot_with(SCALE), "dev-1", "scale")

    await send(talk, "Scale", count=sent, environment="staging")

    [run] = await talk.bot.runs()
    assert run.inputs["count"] == kept


@pytest.mark.parametrize("sent", [[1], {"a": "1"}, True, "1" * 100_000, "12\u202e", 1e20])
async def test_what_is_no_number_is_told_and_does_nothing(bot_with: BotWith, sent: object):
    talk = await begin(await bot_with(SCALE), "dev-1", "scale")

    card = await send(talk, "Scale", count=sent, environment="staging")

    assert await talk.bot.runs() == []
    assert (await talk.now()).state is DialogState.OPEN
    assert size_bytes(card) < MAX_BYTES
    assert await talk.bot.last_event() == ("command.denied", "dev-1", "bad_arguments")


async def test_a_number_with_a_fraction_is_kept_in_the_form(bot_with: BotWith):
    talk = await begin(await bot_with(SCALE), "dev-1", "scale")

    card = await send(talk, "Scale", count="2.5", environment="nowhere")

    assert inputs(card)["count"]["value"] == 2.5
    assert inputs(card)["count"]["errorMessage"] == "A number, 9999999 or less."


async def test_what_may_be_a_secret_is_not_sent_back(bot_with: BotWith):
    head = SCALE.replace("count: {type: number, max: 9999999}", "count: {type: secret}")
    talk = await begin(await bot_with(head), "dev-1", "scale")

    card = await send(talk, "Scale", count="S3cret!", environment="staging")

    assert "never the secret itself" in words(card)
    assert "S3cret!" not in words(card)


# A command or an answer --------------------------------------------------------------------------


@pytest.mark.parametrize("line", ["deploy", "deploy billing"])
async def test_a_form_takes_no_other_command_for_an_answer(bot: Bot, line: str):
    talk = await begin(bot, "dev-1", "restart shop")

    assert await bot.says("dev-1", line) is None

    assert (await talk.now()).state is DialogState.REPLACED


@pytest.mark.parametrize("line", ["deploy", "deploy billing", "restart shop"])
async def test_who_begins_anew_does_not_start_what_they_were_asked_about(bot: Bot, line: str):
    talk = await begin(bot, "dev-1", "deploy")
    for each in ("shop", "v1.1.0", "staging"):
        await bot.says("dev-1", each)
    assert list(inputs(await talk.card())) == ["reason"]

    assert await bot.says("dev-1", line) is None

    assert await bot.runs() == []
    assert (await talk.now()).state is DialogState.REPLACED


async def test_what_is_asked_for_may_be_a_command(bot: Bot):
    talk = await begin(bot, "dev-1", "why")

    await bot.says("dev-1", "status")

    ended = await talk.now()
    assert (ended.state, ended.values) == (DialogState.DONE, {"command": "status"})


async def test_who_forgot_the_question_is_reminded_of_it(bot: Bot):
    await begin(bot, "dev-1", "deploy")

    said = await bot.says("dev-1", "tune shop")

    assert said is not None
    assert "I am asking you about `deploy` here; `cancel` leaves it." in said.markdown


@pytest.mark.parametrize("line", ["restart", "Help", "back", "none"])
async def test_a_choice_may_be_called_like_a_command(bot_with: BotWith, line: str):
    talk = await begin(await bot_with(FIX), "dev-1", "fix")

    assert await talk.bot.says("dev-1", line) is None

    assert (await talk.now()).values == {"how": line.lower()}


async def test_a_choice_is_taken_as_it_is_listed(bot_with: BotWith):
    talk = await begin(await bot_with(FIX), "dev-1", "fix")

    await talk.press("Next", how="two  words")

    assert (await talk.now()).values == {"how": "two  words"}


async def test_what_is_typed_into_a_form_is_kept_and_the_rest_asked_for(bot: Bot):
    talk = await begin(bot, "dev-1", "deploy shop")

    assert await bot.says("dev-1", "v1.1.0") is None
    assert (await talk.now()).values == {"service": "shop", "version": "v1.1.0"}
    assert list(inputs(await talk.card())) == ["environment", "reason"]
    assert await bot.says("dev-1", 'staging --reason "it is time"') is None

    [run] = await bot.runs()
    assert (run.inputs["version"], run.reason) == ("v1.1.0", "it is time")


# More than a card takes --------------------------------------------------------------------------


async def test_of_many_choices_all_can_be_found(bot: Bot):
    bot.systems.versions = tuple(f"v1.{minor}.0" for minor in range(500))
    talk = await begin(bot, "dev-1", "deploy")
    await talk.press("Next", service="shop")

    card = await talk.card()
    assert len(offered(card, "version")) == 60
    dataset = inputs(card)["version"]["choices.data"]["dataset"]
    asked = {"queryText": "1.499", "dataset": dataset, "data": {}}
    search = bot.inbound("dev-1", kind=InboundKind.SEARCH, activity_type="invoke", data=asked)
    found = body(await bot.dispatcher.handle(search))["value"]["results"]

    assert [each["value"] for each in found] == ["v1.499.0"]


async def test_many_fields_of_many_choices_fit_into_a_card(bot_with: BotWith):
    many = ", ".join(f"{'x' * 60}-{number:03}" for number in range(500))
    choice = f"{{type: choice, required: false, choices: [{many}]}}"
    head = SCALE.replace("scale", "many").replace("Scale", "Many")
    twelve = "".join(f"  zone_{number:02}: {choice}\n" for number in range(12))
    talk = await begin(await bot_with(head + twelve), "dev-1", "many 3")
    card = (await talk.press("Next", environment="staging"))["value"]

    wrong = await send(talk, "Many", **{f"zone_{number:02}": "y" * 9000 for number in range(12)})

    for each in (card, wrong, await opened_window_of(talk)):
        assert lint(each) == []
    assert "choices.data" in inputs(card)["zone_11"]


async def opened_window_of(talk: Talk) -> dict[str, Any]:
    data = titled(await talk.card())["All in one form"]["data"]
    fetch = talk.bot.inbound(talk.name, kind=InboundKind.FETCH, activity_type="invoke", data=data)
    answer = await talk.bot.dispatcher.handle(fetch)
    assert answer is not None
    assert answer.body is not None
    return dict(answer.body["task"]["value"]["card"]["content"])


# What has changed meanwhile ----------------------------------------------------------------------


async def test_a_dialog_whose_command_is_gone_still_ends(bot_with: BotWith, bot: Bot):
    talk = await begin(await bot_with(SCALE), "dev-1", "scale 3")
    before = await talk.card()
    talk.bot = started_later(bot)

    pressed = await bot.presses("dev-1", "scale", titled(before)["Scale"]["data"]["t"])
    assert "I know no command" in pressed["value"]
    bot.clock.move(PATIENCE)
    await Expiry(bot.store, bot.clock).sweep()

    assert "Nobody answered in time" in words(await talk.card())


def started_later(bot: Bot) -> Bot:
    """*bot*, which goes on with the database of another one: its ids are others."""
    bot.ids.counter = itertools.count(1000)
    return bot


@pytest.mark.parametrize(("name", "line"), [("dev-1", "cancel"), ("dev-1", "logs")])
async def test_a_form_promises_no_plan_where_there_is_none(bot: Bot, name: str, line: str):
    talk = await begin(bot, name, line)

    assert "plan" not in words(await talk.card())


# The policy --------------------------------------------------------------------------------------


async def test_nobody_is_asked_for_what_the_policy_denies_anyway(bot_with: BotWith):
    bot = await bot_with(WIPE)

    said = await bot.says("dev-1", "wipe --environment prod")

    assert said is not None
    assert "may not use wipe in prod. That needs the role operator" in said.markdown


async def test_a_dialog_goes_on_to_what_the_policy_wants_to_know(config: Config, tmp_path: Path):
    needs_a_reason = (
        config.policy.text
        + """
        @id("no-prod-without-a-reason") @reason("production needs a reason")
        forbid (principal, action == Signalbox::Action::"deploy", resource)
        when { resource.environment == "prod" }
        unless { context.arguments.hasTag("reason") };
    """
    )
    strict = replace(config, policy=replace(config.policy, text=needs_a_reason))
    async with a_bot(strict, tmp_path, WORKFLOWS) as bot:
        talk = await begin(bot, "dev-1", "deploy shop to prod")
        assert "once all is answered" in words(await talk.card())

        refused = await talk.press("Deploy", version="v1.1.0")
        assert "production needs a reason" in words(refused["value"])
        await talk.press("Deploy", version="v1.1.0", reason="PAY-812")

        assert [run.reason for run in await bot.runs()] == ["PAY-812"]
