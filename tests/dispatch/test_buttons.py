"""Buttons are commands: who sees which, who may press them, and what a forged one gets."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from bot.card_tokens import Press
from domain.actor import TenantId
from domain.run import Run, RunState
from tests.dispatch.world import Bot, buttons, words

DEPLOY = "deploy shop v1.1.0 to prod"
CARD = "application/vnd.microsoft.card.adaptive"
WORDS = "application/vnd.microsoft.activity.message"


@pytest.fixture
async def run(bot: Bot) -> Run:
    """dev-1's deploy, waiting for two approvals."""
    return await bot.opened(await bot.asks_for("dev-1", DEPLOY))


@pytest.fixture
async def restart(bot: Bot) -> Run:
    """sre-1's restart, waiting for sre-1's own yes."""
    return await bot.opened(await bot.asks_for("sre-1", "restart shop in prod"))


@pytest.mark.parametrize(
    ("who", "expected"),
    [
        ("dev-1", {"cancel"}),  # asked for it
        ("sre-1", {"cancel"}),  # operators cancel anybody's
        ("approver-1", {"approve", "reject", "cancel"}),  # an operator, too
        ("approver-2", {"approve", "reject"}),
        ("viewer-1", set()),
        ("auditor-1", set()),
    ],
)
async def test_everybody_sees_the_buttons_that_they_could_press(bot: Bot, run: Run, who, expected):
    assert buttons(await bot.looks(who, run.id)).keys() == expected


async def test_only_the_requester_confirms(bot: Bot, restart: Run):
    assert buttons(await bot.looks("sre-1", restart.id)).keys() == {"confirm", "cancel"}
    assert buttons(await bot.looks("approver-1", restart.id)).keys() == {"cancel"}
    assert buttons(await bot.looks("viewer-1", restart.id)).keys() == set()


async def test_who_has_voted_can_take_it_back_and_nothing_else(bot: Bot, run: Run):
    await bot.says("approver-2", f"approve {run.id}")

    assert buttons(await bot.looks("approver-2", run.id)).keys() == {"withdraw"}
    assert buttons(await bot.looks("approver-1", run.id)).keys() == {
        *("approve", "reject", "cancel")
    }


async def test_the_shared_card_has_no_buttons_and_names_who_refreshes(bot: Bot, run: Run):
    message = await bot.installation.views.shared_message(run.id)

    assert message.card is not None
    assert buttons(message.card) == {}
    # dev-1 asked; approver-1 and approver-2 are the third and fourth of the directory
    assert message.card["refresh"]["userIds"] == ["29:0", "29:2", "29:3"]
    assert message.card["refresh"]["action"]["verb"] == "run"
    assert message.markdown.startswith("Deploy shop v1.1.0 to prod: waiting for approval")


async def test_a_shared_card_names_approvers_as_known_while_the_directory_is_silent(
    bot: Bot, run: Run
):
    await bot.installation.views.shared_message(run.id)
    bot.people.is_silent = True
    bot.clock.move(timedelta(minutes=2))

    message = await bot.installation.views.shared_message(run.id)

    assert message.card is not None
    assert message.card["refresh"]["userIds"] == ["29:0", "29:2", "29:3"]


async def test_where_the_roster_names_nobody_people_refresh_by_hand(bot: Bot, run: Run):
    views = bot.installation.views
    elsewhere = replace(run, id="elsewhrt", requester=replace(run.requester, id="nobody-met"))

    def another(unit):
        unit.runs.insert(elsewhere)
        return views.shared(unit, elsewhere.id)

    message = await bot.store.transaction(another)

    assert message.card is not None
    assert message.card["refresh"]["userIds"] == []


async def test_a_run_that_has_ended_refreshes_nobody(bot: Bot, run: Run):
    await bot.says("dev-1", f"cancel {run.id}")

    message = await bot.installation.views.shared_message(run.id)

    assert message.card is not None
    assert "refresh" not in message.card


async def test_a_refresh_leaves_no_trace(bot: Bot, run: Run):
    before = await bot.events()

    await bot.looks("approver-1", run.id)
    await bot.looks("viewer-1", run.id)

    assert await bot.events() == before


async def test_two_approvals_let_the_run_go_on(bot: Bot, run: Run):
    for who in ("approver-1", "approver-2"):
        token = buttons(await bot.looks(who, run.id))["approve"]
        said = await bot.presses(who, "approve", token)

    assert said["type"] == CARD
    assert f"You approved run {run.id}: 2 of 2; it goes on." in words(said["value"])
    assert await bot.state(run) is RunState.QUEUED
    assert await bot.votes(run) == ["approver-1", "approver-2"]


async def test_approve_pressed_sixteen_times_is_one_vote(bot: Bot, run: Run):
    token = buttons(await bot.looks("approver-1", run.id))["approve"]

    said = await asyncio.gather(*(bot.presses("approver-1", "approve", token) for _ in range(16)))

    assert await bot.votes(run) == ["approver-1"]
    assert {each["type"] for each in said} == {CARD}
    reasons = [e["reason"] for e in await bot.events() if e["type"] == "approval.denied"]
    assert reasons == ["duplicate"] * 15


async def test_a_comment_comes_along(bot: Bot, run: Run):
    token = buttons(await bot.looks("approver-2", run.id))["reject"]

    await bot.presses("approver-2", "reject", token, inputs={"in.comment": "Not on\na Friday. "})

    gate = await bot.store.read(lambda unit: unit.gates.latest(run.id))
    assert gate is not None
    assert gate.votes[0].comment == "Not on a Friday."
    assert await bot.state(run) is RunState.REJECTED


async def test_the_requester_cannot_approve(bot: Bot, run: Run):
    token = buttons(await bot.looks("approver-1", run.id))["approve"]

    said = await bot.presses("dev-1", "approve", token)

    assert "You requested this; four-eyes applies." in words(said["value"])
    assert await bot.last_event() == ("approval.denied", "dev-1", "self")
    assert await bot.votes(run) == []


async def test_an_approver_cannot_approve_a_deploy_of_their_own(bot: Bot):
    run = await bot.opened(await bot.asks_for("approver-1", DEPLOY))

    said = await bot.says("approver-1", f"approve {run.id}")

    assert said is not None
    assert said.markdown.startswith("You requested this; four-eyes applies.")
    assert await bot.last_event() == ("approval.denied", "approver-1", "self")


@pytest.mark.parametrize("verb", ["approve", "reject"])
async def test_a_viewer_with_somebody_elses_button_is_denied(bot: Bot, run: Run, verb: str):
    token = buttons(await bot.looks("approver-1", run.id))[verb]

    said = await bot.presses("viewer-1", verb, token)

    assert said["type"] == CARD
    assert f"viewer-1 may not {verb} shop in prod." in words(said["value"])
    assert buttons(said["value"]) == {}
    event = (await bot.events())[-1]
    assert (event["type"], event["actor"]["name"]) == ("authz.denied", "viewer-1")
    assert event["run_id"] == run.id
    assert event["conversation_id"] == "19:ops@thread.tacv2;messageid=1"
    assert await bot.votes(run) == []


@pytest.mark.parametrize("verb", ["confirm", "cancel"])
async def test_nobody_else_confirms_or_cancels(bot: Bot, restart: Run, verb: str):
    token = buttons(await bot.looks("sre-1", restart.id))[verb]

    await bot.presses("viewer-1", verb, token)

    assert (await bot.last_event())[:2] == ("authz.denied", "viewer-1")
    assert await bot.state(restart) is RunState.AWAITING_CONFIRMATION


async def test_a_guest_gets_no_card_of_a_run(bot: Bot, run: Run):
    token = buttons(await bot.looks("approver-1", run.id))["approve"]

    said = await bot.presses("guest-1", "approve", token)

    assert said == {"statusCode": 200, "type": WORDS, "value": "Guests have no access."}


async def test_a_guests_refresh_shows_nothing(bot: Bot, run: Run):
    token = bot.tokens.sign(Press(verb="run", run_id=run.id))

    said = await bot.presses("guest-1", "run", token, is_refresh=True)

    assert said["type"] == WORDS


async def test_the_requester_confirms_once(bot: Bot, restart: Run):
    token = buttons(await bot.looks("sre-1", restart.id))["confirm"]

    first = await bot.presses("sre-1", "confirm", token)
    second = await bot.presses("sre-1", "confirm", token)

    assert f"You confirmed run {restart.id}" in words(first["value"])
    assert f"Run {restart.id} was already started by sre-1 at 04:04." in words(second["value"])
    assert await bot.last_event() == ("approval.denied", "sre-1", "late")
    assert await bot.state(restart) is RunState.QUEUED


async def test_a_requester_cancels(bot: Bot, run: Run):
    token = buttons(await bot.looks("dev-1", run.id))["cancel"]

    said = await bot.presses("dev-1", "cancel", token)

    assert f"You cancelled run {run.id}." in words(said["value"])
    assert await bot.state(run) is RunState.CANCELLED


async def test_a_vote_that_comes_late_is_answered_with_the_card_as_it_is_now(bot: Bot, run: Run):
    token = buttons(await bot.looks("approver-1", run.id))["approve"]
    await bot.says("dev-1", f"cancel {run.id}")

    said = await bot.presses("approver-1", "approve", token)

    assert "is cancelled" in words(said["value"]).lower()
    assert buttons(said["value"]) == {}
    assert await bot.last_event() == ("approval.denied", "approver-1", "late")


async def test_a_vote_after_the_deadline_does_not_count(bot: Bot, run: Run):
    token = buttons(await bot.looks("approver-1", run.id))["approve"]
    bot.clock.move(timedelta(minutes=31))

    await bot.presses("approver-1", "approve", token)

    assert await bot.last_event() == ("approval.denied", "approver-1", "late")
    assert await bot.votes(run) == []
    assert buttons(await bot.looks("approver-2", run.id)) == {}


async def test_a_button_of_an_earlier_plan_does_not_count(bot: Bot, run: Run):
    token = buttons(await bot.looks("approver-1", run.id))["approve"]
    await bot.opened(run, rev=2)

    said = await bot.presses("approver-1", "approve", token)

    assert "This button belongs to an earlier plan." in words(said["value"])
    assert await bot.votes(run) == []


async def test_a_button_is_good_for_its_own_verb_only(bot: Bot, run: Run):
    token = buttons(await bot.looks("approver-1", run.id))["reject"]

    said = await bot.presses("approver-1", "approve", token)

    assert said["type"] == WORDS
    assert await bot.last_event() == ("command.denied", "approver-1", "bad_token")
    assert await bot.votes(run) == []


@pytest.mark.parametrize("token", [None, "", "x.y", 7, ["a"], {"b": 1}])
async def test_a_forged_button_is_refused_and_recorded(bot: Bot, run: Run, token: object):
    said = await bot.presses("approver-1", "approve", token)

    assert said["type"] == WORDS
    assert said["value"].startswith("I did not make this button")
    assert await bot.last_event() == ("command.denied", "approver-1", "bad_token")
    assert await bot.votes(run) == []


async def test_a_forged_refresh_is_refused_and_recorded(bot: Bot, run: Run):
    token = buttons(await bot.looks("approver-1", run.id))["approve"]

    said = await bot.presses("approver-1", "approve", token, is_refresh=True)

    assert said["type"] == WORDS
    assert await bot.last_event() == ("command.denied", "approver-1", "bad_token")
    assert await bot.votes(run) == []


async def test_edited_data_changes_nothing(bot: Bot, run: Run):
    other = await bot.opened(await bot.asks_for("dev-1", DEPLOY))
    token = buttons(await bot.looks("approver-1", run.id))["approve"]

    await bot.presses(
        "approver-1",
        "approve",
        token,
        inputs={
            "in.id": other.id,
            "run": other.id,
            "approver": bot.id_of("approver-2"),
            "in.gate_id": "another",
            "__proto__": {"verb": "reject"},
        },
    )

    assert await bot.votes(run) == ["approver-1"]
    assert await bot.votes(other) == []


async def test_an_input_that_is_no_text_is_refused(bot: Bot, run: Run):
    token = buttons(await bot.looks("approver-1", run.id))["approve"]

    await bot.presses("approver-1", "approve", token, inputs={"in.comment": {"a": 1}})

    assert await bot.last_event() == ("command.denied", "approver-1", "bad_arguments")
    assert await bot.votes(run) == []


async def test_old_clients_send_a_message_and_are_answered_with_one(bot: Bot, run: Run):
    token = buttons(await bot.looks("approver-1", run.id))["approve"]
    submitted = replace(
        bot.press("approver-1", "", token), activity_type="message", is_submit=True, invoke_name=""
    )

    assert await bot.dispatcher.handle(submitted) is None
    await asyncio.sleep(0)

    assert await bot.votes(run) == ["approver-1"]
    assert bot.outbound.sent[-1][1].markdown == f"You approved run {run.id}: 1 of 2."


async def test_refresh_card_pressed_by_hand_is_a_look(bot: Bot, run: Run):
    token = bot.tokens.sign(Press(verb="run", run_id=run.id))
    before = await bot.events()

    said = await bot.presses("approver-1", "run", token)

    assert buttons(said["value"]).keys() == {"approve", "reject", "cancel"}
    assert await bot.events() == before


async def test_while_the_directory_is_silent_no_vote_counts(bot: Bot, run: Run):
    token = buttons(await bot.looks("approver-1", run.id))["approve"]
    bot.people.is_silent = True

    said = await bot.presses("approver-1", "approve", token)

    assert "I cannot check your groups right now" in words(said)
    assert (await bot.last_event())[0] == "identity.unavailable"
    assert await bot.votes(run) == []


async def test_a_run_of_another_tenant_is_no_run(bot: Bot, run: Run):
    async def foreign() -> None:
        stranger = replace(run.requester, tenant=TenantId("00000000-0000-4000-8000-00000000bbbb"))
        await bot.store.transaction(lambda unit: unit.runs.save(replace(run, requester=stranger)))

    token = buttons(await bot.looks("approver-1", run.id))["approve"]
    await foreign()

    said = await bot.presses("approver-1", "approve", token)
    typed = await bot.says("approver-1", f"run {run.id}")

    assert said["value"].startswith(f"I know no run {run.id}.")
    assert typed is not None
    assert typed.markdown.startswith(f"I know no run {run.id}.")
    assert await bot.last_event() == ("command.denied", "approver-1", "unknown_run")
