"""From an activity to an answer: what is done, once; what is recorded; and what is said."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from bot.inbound import InboundKind
from domain.conversation import ConversationKind
from domain.policy import GateKind
from domain.run import RunState
from tests.dispatch.world import Bot, body, buttons
from workflows.engine.durable import Kind

DEPLOY = 'deploy shop v1.1.0 to prod --reason "PAY-812"'


async def test_a_typed_workflow_becomes_a_run_and_its_card_is_the_only_answer(bot: Bot):
    assert await bot.says("dev-1", DEPLOY) is None

    [run] = await bot.runs()
    assert (run.workflow, dict(run.inputs), run.reason) == (
        "deploy",
        {"service": "shop", "version": "v1.1.0", "environment": "prod"},
        "PAY-812",
    )
    assert (run.requester.name, run.state) == ("dev-1", RunState.PLANNING)
    assert (run.gate_rule.kind, run.gate_rule.count) == (GateKind.APPROVAL, 2)
    card = await bot.store.read(lambda unit: unit.cards.get(run.id))
    assert card is not None
    assert (card.reply_to, card.conversation.id) == (
        "activity-1",
        "19:ops@thread.tacv2;messageid=1",
    )
    assert bot.queue.work == [(Kind.PLAN, f"{run.id}/1/plan")]


async def test_a_request_is_recorded_with_its_arguments_rule_and_run(bot: Bot):
    run = await bot.asks_for("dev-1", DEPLOY)

    [event] = await bot.events()
    assert (event["type"], event["subject"], event["outcome"]) == (
        "command.parsed",
        "command/deploy",
        "ok",
    )
    assert event["actor"]["id"] == bot.id_of("dev-1")
    assert event["arguments"]["reason"] == "PAY-812"
    assert (event["rule"], event["gate"], event["run_id"]) == (
        "deploy-to-prod",
        "approval",
        run.id,
    )
    assert event["conversation_id"] == "19:ops@thread.tacv2;messageid=1"


async def test_one_activity_five_times_at_once_is_one_run(bot: Bot):
    activity = bot.inbound("dev-1", text=DEPLOY)

    answers = await asyncio.gather(*(bot.dispatcher.handle(activity) for _ in range(5)))

    assert answers == [None] * 5
    assert len(await bot.runs()) == 1
    assert len(await bot.events()) == 1
    assert len(bot.queue.work) == 1


async def test_one_question_five_times_at_once_is_answered_once(bot: Bot):
    activity = bot.inbound("dev-1", text="whoami")

    await asyncio.gather(*(bot.dispatcher.handle(activity) for _ in range(5)))
    await asyncio.sleep(0)

    assert len(bot.outbound.sent) == 1


async def test_one_refusal_five_times_at_once_is_said_and_recorded_once(bot: Bot):
    activity = bot.inbound("viewer-1", text=DEPLOY)

    await asyncio.gather(*(bot.dispatcher.handle(activity) for _ in range(5)))
    await asyncio.sleep(0)

    assert len(bot.outbound.sent) == 1
    assert [event["type"] for event in await bot.events()] == ["authz.denied"]


async def test_an_answer_goes_into_the_thread_of_the_request(bot: Bot):
    said = await bot.says("dev-1", "whoami", activity_id="asked")

    conversation, _ = bot.outbound.sent[0]
    assert conversation.id == "19:ops@thread.tacv2;messageid=1"
    assert said is not None
    assert said.reply_to == "asked"


async def test_what_is_not_said_to_us_is_not_ours(bot: Bot):
    assert await bot.says("dev-1", DEPLOY, is_addressed=False) is None

    assert await bot.runs() == []
    assert await bot.events() == []


async def test_what_somebody_else_invokes_is_not_implemented(bot: Bot):
    invoke = bot.inbound("dev-1", kind=InboundKind.INVOKE, activity_type="invoke")

    answer = await bot.dispatcher.handle(invoke)

    assert answer is not None
    assert (answer.status, answer.body) == (501, None)


@pytest.mark.parametrize("text", ["DEPLOY shop v1.1.0 to prod", "Deploy Shop v1.1.0 to PROD"])
async def test_letters_may_be_large(bot: Bot, text: str):
    run = await bot.asks_for("dev-1", text)

    assert dict(run.inputs) == {"service": "shop", "version": "v1.1.0", "environment": "prod"}


async def test_an_unknown_command_is_answered_with_the_nearest(bot: Bot):
    said = await bot.says("dev-1", "depoly shop v1.1.0 to prod")

    assert said is not None
    assert said.markdown == (
        "I know no command `depoly`. Did you mean `deploy`? Say `help` for all of them."
    )
    assert await bot.last_event() == ("command.denied", "dev-1", "unknown_command")
    assert await bot.runs() == []


@pytest.mark.parametrize(
    "name", ["\uff44\uff45\uff50\uff4c\uff4f\uff59", "d\u0435ploy", "DEPLOY\u0130"]
)
async def test_letters_that_only_look_alike_are_no_command(bot: Bot, name: str):
    await bot.says("viewer-1", f"{name} shop v1.1.0 to prod")

    assert await bot.last_event() == ("command.denied", "viewer-1", "unknown_command")


async def test_a_missing_argument_is_asked_for(bot: Bot):
    assert await bot.says("dev-1", "deploy shop to prod") is None

    assert await bot.last_event() == ("form.opened", "dev-1", "")
    assert await bot.runs() == []


async def test_who_may_not_use_a_command_learns_that_and_not_its_syntax(bot: Bot):
    said = await bot.says("viewer-1", "deploy shop")

    assert said is not None
    assert said.markdown == (
        "viewer-1 may not use deploy. That needs the role developer;"
        " ask dev-1, sre-1, approver-1 or commander-1."
    )
    assert await bot.last_event() == ("authz.denied", "viewer-1", "no_permit")


async def test_a_denial_says_what_and_who_can_help_and_is_recorded(bot: Bot):
    said = await bot.says("dev-1", "restart shop in prod")

    assert said is not None
    assert said.markdown == (
        "dev-1 may not restart shop in prod. That needs the role operator;"
        " ask sre-1, approver-1 or commander-1."
    )
    [event] = await bot.events()
    assert (event["type"], event["outcome"]) == ("authz.denied", "denied")
    assert event["arguments"] == {"service": "shop", "environment": "prod"}
    assert await bot.runs() == []


CHANGES = [
    "deploy shop v1.1.0 to prod",
    "DEPLOY shop v1.1.0 to staging",
    "rollback shop in prod",
    "restart billing in staging",
    "logs shop in prod",
    "audit",
]


@pytest.mark.parametrize("text", CHANGES)
async def test_a_viewer_changes_nothing(bot: Bot, text: str):
    await bot.says("viewer-1", text)

    assert (await bot.last_event())[:2] == ("authz.denied", "viewer-1")
    assert await bot.runs() == []


@pytest.mark.parametrize("text", [*CHANGES, "help", "whoami", "nonsense", "deploy", ""])
@pytest.mark.parametrize(
    ("who", "says", "reason"),
    [
        ("guest-1", "Guests have no access.", "guest"),
        ("stranger", "I do not find you in the directory", "no_identity"),
    ],
)
async def test_who_does_not_belong_here_learns_nothing(bot: Bot, who, says, reason, text):
    said = await bot.says(who, text)

    assert said is not None
    assert said.markdown.startswith(says)
    event = (await bot.events())[-1]
    assert (event["type"], event["reason"]) == ("authz.denied", reason)


async def test_an_activity_without_a_sender_is_a_stranger(bot: Bot):
    await bot.says("dev-1", "whoami", sender="", sender_teams_id="")

    assert (await bot.last_event())[2] == "no_identity"


async def test_a_service_somebody_invented_is_not_widened(bot: Bot):
    for name in ("*", "../shop", "\uff53hop", "shop/prod"):
        await bot.says("sre-1", f'restart "{name}" in prod')
        assert await bot.last_event() == ("command.denied", "sre-1", "bad_arguments")

    assert await bot.runs() == []


async def test_what_was_typed_comes_back_as_letters(bot: Bot):
    said = await bot.says("dev-1", "deploy [Approve](https://evil.example) v1 to prod")

    assert said is not None
    assert "](https://evil.example)" not in said.markdown
    assert "\\[Approve\\]" in said.markdown


@pytest.mark.parametrize("text", ["deploy shop v1.1.0 to prod", "status", "runs", "nonsense"])
async def test_while_the_directory_is_silent_nothing_is_done(bot: Bot, text: str):
    bot.people.is_silent = True

    said = await bot.says("dev-1", text)

    assert said is not None
    assert said.markdown.startswith("I cannot check your groups right now")
    event = (await bot.events())[-1]
    assert (event["type"], event["actor"]["id"]) == (
        "identity.unavailable",
        bot.id_of("dev-1"),
    )
    assert await bot.runs() == []


async def test_help_is_answered_even_while_the_directory_is_silent(bot: Bot):
    bot.people.is_silent = True

    said = await bot.says("guest-1", "help")

    assert said is not None
    assert said.markdown.startswith("I cannot check your groups right now")
    assert "deploy" not in said.markdown


async def test_a_directory_that_hangs_is_not_waited_for(bot: Bot, monkeypatch):
    monkeypatch.setattr("bot.dispatch.PATIENCE", timedelta(milliseconds=20))
    bot.people.hangs = True

    said = await bot.says("dev-1", DEPLOY)

    assert said is not None
    assert said.markdown.startswith("I cannot check your groups right now")


async def test_a_change_rests_on_what_the_directory_says_now(bot: Bot):
    await bot.says("dev-1", "whoami")
    await bot.says("dev-1", DEPLOY)

    assert bot.people.fresh == [False, True]


async def test_how_teams_addresses_a_requester_is_kept_for_the_cards_refresh(bot: Bot):
    await bot.says("dev-1", DEPLOY)

    dev = bot.id_of("dev-1")
    known = await bot.store.read(
        lambda unit: unit.members.teams_ids(bot.actor("dev-1").tenant, [dev])
    )
    assert known == {dev: "29:dev-1"}


async def test_a_mistake_of_ours_undoes_everything_is_said_and_is_not_tried_again(bot: Bot):
    class Broken:
        def enqueue(self, *args: object, **named: object) -> None:
            raise RuntimeError("a bug")

    bot.installation.lifecycle._moves._queue = Broken()
    activity = bot.inbound("dev-1", text=DEPLOY)

    await bot.dispatcher.handle(activity)
    bot.installation.lifecycle._moves._queue = bot.queue
    await bot.dispatcher.handle(activity)
    await asyncio.sleep(0)

    assert await bot.runs() == []
    [(_, message)] = bot.outbound.sent
    [event] = await bot.events()
    mistake = event["reason"].removeprefix("mistake ")
    assert message.markdown == f"That was our mistake; it is logged as {mistake}."
    assert event["outcome"] == "failed"


async def test_in_a_personal_chat_no_mention_is_needed(bot: Bot):
    place = replace(
        bot.inbound("dev-1").conversation, kind=ConversationKind.PERSONAL, id="a:dev-1"
    )
    said = await bot.says("dev-1", "whoami", conversation=place)

    assert said is not None
    assert said.card is not None


async def test_an_invoke_seen_before_is_answered_with_the_card_as_it_is(bot: Bot):
    run = await bot.opened(await bot.asks_for("dev-1", DEPLOY))
    token = (await _buttons(bot, "approver-1", run.id))["approve"]
    press = bot.press("approver-1", "approve", token)

    answers = await asyncio.gather(*(bot.dispatcher.handle(press) for _ in range(5)))

    assert {body(each)["type"] for each in answers} == {"application/vnd.microsoft.card.adaptive"}
    assert await bot.votes(run) == ["approver-1"]
    assert [event["type"] for event in await bot.events()].count("approval.voted") == 1


async def _buttons(bot: Bot, who: str, run_id: str) -> dict[str, str]:
    return buttons(await bot.looks(who, run_id))
