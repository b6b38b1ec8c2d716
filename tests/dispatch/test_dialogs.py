"""Guided dialogs: what is missing is asked for, question by question, and then it is done."""

from datetime import timedelta
from typing import Any

import pytest

from bot.inbound import InboundKind
from dialogs.expiry import Expiry
from domain.dialog import PATIENCE, Dialog, DialogState, Style
from domain.run import RunState
from tests.dispatch.world import Bot, body, words


class Talk:
    """One person in their dialog."""

    def __init__(self, bot: Bot, name: str, dialog: Dialog) -> None:
        self.bot = bot
        self.name = name
        self.id = dialog.id

    async def now(self) -> Dialog:
        found = await self.bot.store.read(lambda unit: unit.dialogs.get(self.id))
        assert found is not None
        return found

    async def card(self) -> dict[str, Any]:
        return await self.bot.dialogs.card(self.id)

    async def press(self, title: str, *, by: str = "", card: Any = None, **inputs: str) -> Any:
        """The body of the answer to a press of the button *title* in *card*."""
        button = titled(card or await self.card())[title]
        data = {f"in.{name}": value for name, value in inputs.items()}
        return await self.bot.presses(
            by or self.name, button["verb"], button["data"]["t"], inputs=data
        )


def titled(card: Any) -> dict[str, Any]:
    return {each["title"]: each for each in card["actions"]}


def inputs(card: Any) -> dict[str, Any]:
    return {
        each["id"].removeprefix("in."): each
        for each in card["body"]
        if each["type"].startswith("Input.")
    }


def offered(card: Any, name: str) -> list[str]:
    return [each["value"] for each in inputs(card)[name]["choices"]]


async def begin(bot: Bot, name: str, line: str, **changes: Any) -> Talk:
    inbound = bot.inbound(name, text=line, **changes)
    assert await bot.dispatcher.handle(inbound) is None
    (dialog, *_) = await bot.store.read(
        lambda unit: unit.dialogs.open_of(inbound.conversation.id, bot.id_of(name))
    )
    return Talk(bot, name, dialog)


async def test_deploy_alone_leads_to_a_run_question_by_question(bot: Bot):
    talk = await begin(bot, "dev-1", "deploy")

    card = await talk.card()
    assert "Which service?" in words(card)
    assert offered(card, "service") == ["shop", "billing"]
    assert set(titled(card)) == {"Next", "Cancel", "Help", "All in one form"}
    answer = await talk.press("Next", service="shop")
    card = answer["value"]
    assert "Which version?" in words(card)
    assert offered(card, "version") == ["v1.2.1", "v1.2.0", "v1.1.0", "v1.0.0"]
    assert "Back" in titled(card)
    card = (await talk.press("Next", version="v1.1.0"))["value"]
    assert offered(card, "environment") == ["staging", "prod"]
    card = (await talk.press("Next", environment="prod"))["value"]
    assert "Why?" in words(card)
    assert "2 approvals from prod-approvers" in words(card)
    assert set(titled(card)) == {"Deploy", "Back", "Cancel", "Help", "All in one form"}
    done = (await talk.press("Deploy", reason="PAY-812 refund fix"))["value"]

    [run] = await bot.runs()
    assert f"run {run.id}" in words(done)
    assert run.inputs == {"service": "shop", "version": "v1.1.0", "environment": "prod"}
    assert (run.reason, run.state) == ("PAY-812 refund fix", RunState.PLANNING)
    assert run.requester.name == "dev-1"
    ended = await talk.now()
    assert (ended.state, ended.run_id) == (DialogState.DONE, run.id)
    kinds = [event["type"] for event in await bot.events()]
    assert kinds == ["form.opened", *["form.submitted"] * 4, "command.parsed"]


async def test_the_message_of_the_dialog_becomes_the_runs(bot: Bot):
    talk = await begin(bot, "dev-1", "restart shop")
    before = await bot.store.read(lambda unit: unit.cards.get(f"dialog/{talk.id}"))

    await talk.press("Restart", environment="staging")

    [run] = await bot.runs()
    after = await bot.store.read(lambda unit: unit.cards.get(run.id))
    assert before is not None
    assert after is not None
    assert after.id == before.id
    assert after.reply_to == before.reply_to
    assert await bot.store.read(lambda unit: unit.cards.get(f"dialog/{talk.id}")) is None


async def test_answers_may_be_typed(bot: Bot):
    talk = await begin(bot, "dev-1", "deploy")

    for line in ("Shop", "v1.1.0", "staging", "skip"):
        assert await bot.says("dev-1", line) is None

    [run] = await bot.runs()
    assert run.inputs == {"service": "shop", "version": "v1.1.0", "environment": "staging"}
    assert run.reason == ""
    assert (await talk.now()).run_id == run.id


async def test_several_answers_may_be_typed_at_once(bot: Bot):
    talk = await begin(bot, "dev-1", "deploy")
    await bot.says("dev-1", "shop v1.1.0")
    assert (await talk.now()).values == {"service": "shop", "version": "v1.1.0"}

    said = await bot.says("dev-1", "moon and back")
    assert said is not None
    assert (await talk.now()).values == {"service": "shop", "version": "v1.1.0"}
    await bot.says("dev-1", 'to staging --reason "two words"')

    [run] = await bot.runs()
    assert run.inputs == {"service": "shop", "version": "v1.1.0", "environment": "staging"}
    assert run.reason == "two words"


async def test_the_wrong_answer_is_told_and_nothing_is_lost(bot: Bot):
    talk = await begin(bot, "dev-1", "deploy shop")
    wrong = {"version": "v1.9.9", "environment": "prod", "reason": "because"}

    answer = await talk.press("Deploy", **wrong)

    card = answer["value"]
    assert "I know no version" in words(card)
    assert "v1.2.1, v1.2.0, v1.1.0, v1.0.0" in words(card)
    assert inputs(card)["environment"]["value"] == "prod"
    assert inputs(card)["reason"]["value"] == "because"
    assert (await talk.now()).values == {"service": "shop"}
    assert await bot.last_event() == ("command.denied", "dev-1", "bad_arguments")
    said = await bot.says("dev-1", "v1.9.9 to prod")
    assert said is not None
    assert "v1.9.9" in said.markdown
    await talk.press("Deploy", **{**wrong, "version": "v1.1.0"})
    assert len(await bot.runs()) == 1


async def test_back_keeps_what_was_answered_as_a_draft(bot: Bot):
    talk = await begin(bot, "dev-1", "deploy")
    await talk.press("Next", service="shop")
    await talk.press("Next", version="v1.1.0")

    card = (await talk.press("Back"))["value"]
    assert inputs(card)["version"]["value"] == "v1.1.0"
    card = (await talk.press("Back"))["value"]
    assert inputs(card)["service"]["value"] == "shop"
    assert "Back" not in titled(card)
    assert (await bot.says("dev-1", "back")) is None
    card = (await talk.press("Next", service="billing"))["value"]

    assert "Which version?" in words(card)
    assert (await talk.now()).values == {"service": "billing"}


@pytest.mark.parametrize("how", ["press", "type"])
async def test_cancel_ends_it_and_nothing_is_done(bot: Bot, how: str):
    talk = await begin(bot, "dev-1", "deploy")
    before = await talk.card()

    if how == "press":
        card = (await talk.press("Cancel"))["value"]
        assert "Nothing was done." in words(card)
    else:
        await bot.says("dev-1", "cancel")

    assert (await talk.now()).state is DialogState.CANCELLED
    assert "actions" not in await talk.card()
    late = await talk.press("Next", card=before, service="shop")
    assert "Nothing was done." in words(late["value"])
    assert (await talk.now()).state is DialogState.CANCELLED
    assert await bot.runs() == []
    assert "form.closed" in [event["type"] for event in await bot.events()]


@pytest.mark.parametrize("how", ["press", "type"])
async def test_help_says_what_is_asked(bot: Bot, how: str):
    talk = await begin(bot, "dev-1", "deploy")

    if how == "press":
        told = words((await talk.press("Help"))["value"])
    else:
        said = await bot.says("dev-1", "help")
        assert said is not None
        told = said.markdown

    assert "What to deploy" in told
    assert "In one line it is: deploy" in told
    assert "reply in this thread, mention me" in told
    assert "I understand cancel, too" in told, "there is no way back from the first question"
    assert (await talk.now()).values == {}


async def test_a_press_that_comes_again_answers_nothing_twice(bot: Bot):
    talk = await begin(bot, "dev-1", "deploy")
    first = await talk.card()
    await talk.press("Next", card=first, service="shop")

    again = await talk.press("Next", card=first, service="billing")

    assert "answered already" in words(again["value"])
    assert "Which version?" in words(again["value"])
    assert (await talk.now()).values == {"service": "shop"}
    back = titled(await talk.card())["Back"]
    for _ in range(2):
        await bot.presses("dev-1", "deploy", back["data"]["t"])
    assert (await talk.now()).values == {}


async def test_the_last_answer_sent_twice_makes_one_run(bot: Bot):
    talk = await begin(bot, "dev-1", "restart shop")
    last = await talk.card()
    await talk.press("Restart", card=last, environment="staging")

    again = await talk.press("Restart", card=last, environment="staging")

    [run] = await bot.runs()
    assert f"run {run.id}" in words(again["value"])


async def test_nobody_answers_for_somebody_else(bot: Bot):
    talk = await begin(bot, "dev-1", "deploy")

    answer = await talk.press("Next", by="sre-1", service="billing")

    assert "This question is for dev-1" in words(answer["value"])
    assert (await talk.now()).values == {}
    assert await bot.last_event() == ("authz.denied", "sre-1", "not_asked")
    await bot.says("sre-1", "billing")
    assert (await talk.now()).values == {}


async def test_a_command_of_its_own_is_no_answer(bot: Bot):
    talk = await begin(bot, "dev-1", "deploy")

    said = await bot.says("dev-1", "whoami")

    assert said is not None
    assert said.card is not None
    assert (await talk.now()).values == {}
    assert (await talk.now()).state is DialogState.OPEN


async def test_a_reason_may_begin_like_a_command(bot: Bot):
    talk = await begin(bot, "dev-1", "deploy")
    for line in ("shop", "v1.1.0", "staging"):
        await bot.says("dev-1", line)

    await bot.says("dev-1", "restart did not help")

    [run] = await bot.runs()
    assert run.reason == "restart did not help"
    assert (await talk.now()).state is DialogState.DONE


async def test_another_one_begun_here_takes_its_place(bot: Bot):
    first = await begin(bot, "dev-1", "deploy")

    second = await begin(bot, "dev-1", "restart")

    assert (await first.now()).state is DialogState.REPLACED
    assert (await second.now()).state is DialogState.OPEN
    assert "Another one was begun here" in words(await first.card())


async def test_it_expires(bot: Bot):
    talk = await begin(bot, "dev-1", "deploy")
    before = await talk.card()
    await talk.press("Next", service="shop")
    bot.clock.move(PATIENCE - timedelta(seconds=1))
    await Expiry(bot.store, bot.clock).sweep()
    assert (await talk.now()).state is DialogState.OPEN
    bot.clock.move(timedelta(seconds=1))

    late = await talk.press("Next", card=await talk.card(), version="v1.1.0")
    assert "time for answering this is over" in words(late["value"])
    await Expiry(bot.store, bot.clock).sweep()

    assert (await talk.now()).state is DialogState.EXPIRED
    assert (await bot.events())[-1]["type"] == "form.closed"
    late = await talk.press("Next", card=before, service="billing")
    assert "Nobody answered in time" in words(late["value"])
    said = await bot.says("dev-1", "v1.1.0")
    assert said is not None
    assert "I know no command" in said.markdown


async def test_a_place_that_the_policy_denies_is_told_at_once(bot: Bot):
    talk = await begin(bot, "dev-1", "restart shop")
    assert offered(await talk.card(), "environment") == ["staging"]

    answer = await talk.press("Restart", environment="prod")

    assert "dev-1 may not restart shop in prod" in words(answer["value"])
    assert await bot.runs() == []
    assert (await talk.now()).state is DialogState.OPEN


async def test_who_may_do_it_nowhere_is_not_asked(bot: Bot):
    said = await bot.says("viewer-1", "deploy")

    assert said is not None
    assert "needs the role developer" in said.markdown
    found = await bot.store.read(
        lambda unit: unit.dialogs.open_of(
            bot.inbound("viewer-1").conversation.id, bot.id_of("viewer-1")
        )
    )
    assert found == ()


async def test_who_lost_the_right_meanwhile_is_refused_at_the_end(bot: Bot):
    talk = await begin(bot, "dev-1", "restart shop")
    card = await talk.card()
    bot.people.demote("dev-1")

    answer = await talk.press("Restart", card=card, environment="staging")

    assert "dev-1 may not" in words(answer["value"])
    assert await bot.runs() == []


async def test_versions_that_cannot_be_listed_are_typed(bot: Bot):
    bot.systems.down.add("shop")
    talk = await begin(bot, "dev-1", "deploy shop to staging")

    card = await talk.card()
    assert inputs(card)["version"]["type"] == "Input.Text"
    assert "cannot be listed" in words(card)
    await talk.press("Deploy", version="v1.1.0")

    assert len(await bot.runs()) == 1


async def test_a_read_is_answered_in_the_dialogs_message(bot: Bot):
    talk = await begin(bot, "dev-1", "logs")
    assert (await talk.now()).style is Style.FORM
    assert inputs(await talk.card())["lines"]["value"] == 30

    answer = await talk.press("Logs", service="shop", environment="staging", lines="3")

    assert "line 7" in words(answer["value"])
    assert await talk.card() == answer["value"]
    assert (await talk.now()).state is DialogState.DONE


async def test_the_run_to_decide_on_is_chosen(bot: Bot):
    run = await bot.opened(await bot.asks_for("dev-1", "deploy shop v1.1.0 to prod"))
    talk = await begin(bot, "approver-1", "approve")
    card = await talk.card()
    assert offered(card, "id") == [run.id]

    answer = await talk.press("Approve", id=run.id, comment="looks fine")

    assert f"You approved run {run.id}" in words(answer["value"]).replace("\\\\", "")
    assert await bot.votes(run) == ["approver-1"]
    assert await bot.store.read(lambda unit: unit.cards.get(run.id)) is not None


# As a Teams dialog -------------------------------------------------------------------------------


async def opened_window(talk: Talk) -> dict[str, Any]:
    window = titled(await talk.card())["All in one form"]
    assert window["data"]["msteams"] == {"type": "task/fetch"}
    fetch = talk.bot.inbound(
        talk.name, kind=InboundKind.FETCH, activity_type="invoke", data=window["data"]
    )
    answer = await talk.bot.dispatcher.handle(fetch)
    assert answer is not None
    assert answer.body is not None
    task = answer.body["task"]
    assert task["type"] == "continue"
    assert task["value"]["title"] == "Deploy"
    return dict(task["value"]["card"]["content"])


async def submit_window(talk: Talk, card: Any, **filled: str) -> Any:
    (submit,) = card["actions"]
    assert submit["type"] == "Action.Submit"
    data = {**submit["data"], **{f"in.{name}": value for name, value in filled.items()}}
    answer = await talk.bot.dispatcher.handle(
        talk.bot.inbound(talk.name, kind=InboundKind.FORM, activity_type="invoke", data=data)
    )
    assert answer is not None
    return answer


async def test_the_same_form_as_a_teams_dialog(bot: Bot):
    talk = await begin(bot, "dev-1", "deploy")
    await talk.press("Next", service="shop")

    card = await opened_window(talk)
    fields = inputs(card)
    assert list(fields) == ["service", "version", "environment", "reason"]
    assert fields["service"]["value"] == "shop"
    assert fields["version"]["choices.data"]["type"] == "Data.Query"
    filled = {"service": "shop", "version": "v9", "environment": "staging", "reason": "why not"}
    again = await submit_window(talk, card, **filled)
    content = again.body["task"]["value"]["card"]["content"]
    assert "I know no version" in words(content)
    assert inputs(content)["reason"]["value"] == "why not"
    closed = await submit_window(talk, content, **{**filled, "version": "v1.1.0"})

    assert (closed.status, closed.body) == (200, None)
    [run] = await bot.runs()
    assert run.inputs["version"] == "v1.1.0"
    late = await submit_window(talk, content, **filled)
    assert late.body["task"]["type"] == "message"
    assert len(await bot.runs()) == 1


async def test_versions_are_searched_for_while_somebody_types(bot: Bot):
    talk = await begin(bot, "dev-1", "deploy")
    card = await opened_window(talk)
    dataset = inputs(card)["version"]["choices.data"]["dataset"]

    async def search(name: str, text: str, **others: str) -> list[str]:
        value = {"queryText": text, "dataset": dataset, "data": others}
        inbound = bot.inbound(name, kind=InboundKind.SEARCH, activity_type="invoke", data=value)
        answer = body(await bot.dispatcher.handle(inbound))
        assert answer["type"] == "application/vnd.microsoft.search.searchResponse"
        return [each["value"] for each in answer["value"]["results"]]

    assert await search("dev-1", "1.2", **{"in.service": "shop"}) == ["v1.2.1", "v1.2.0"]
    assert await search("dev-1", "1.2") == []
    assert await search("sre-1", "1.2", **{"in.service": "shop"}) == []
    dataset = dataset[:-2] + ("AA" if dataset[-2:] != "AA" else "BB")
    assert await search("dev-1", "1.2", **{"in.service": "shop"}) == []


async def test_a_window_opens_for_nobody_else(bot: Bot):
    talk = await begin(bot, "dev-1", "deploy")
    window = titled(await talk.card())["All in one form"]
    fetch = bot.inbound(
        "sre-1", kind=InboundKind.FETCH, activity_type="invoke", data=window["data"]
    )

    answer = await bot.dispatcher.handle(fetch)

    assert answer is not None
    assert answer.body is not None
    assert answer.body["task"]["type"] == "message"
    assert "for dev-1" in answer.body["task"]["value"]
