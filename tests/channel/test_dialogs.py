"""Teams dialogs, typeahead, and the buttons that speak for whoever presses them."""

from collections.abc import Mapping
from typing import Any

import pytest

from bot.inbound import Inbound, InboundKind, InvokeAnswer
from tests.channel.world import OPS, World, card

FORM = card("Which service?", actions=[{"type": "Action.Submit", "title": "Go", "data": {}}])
FETCH = {"msteams": {"type": "task/fetch"}, "t": "x"}


def opens(title: str, content: Mapping[str, Any] = FORM, **sizes: Any) -> InvokeAnswer:
    """The answer that opens a dialog, or puts another card into it."""
    attachment = {"contentType": "application/vnd.microsoft.card.adaptive", "content": content}
    value = {"title": title, "card": attachment, **sizes}
    return InvokeAnswer(body={"task": {"type": "continue", "value": value}})


async def posted(world: World) -> str:
    return await world.bot.say(world.conversation("a:dev-1"), card=card("Deploy what?"))


def answering(world: World, *answers: InvokeAnswer) -> None:
    left = list(answers)

    async def turn(_: Inbound) -> InvokeAnswer:
        return left.pop(0)

    world.bot.turn = turn


async def fills_in(world: World, message: str, **data: Any) -> Any:
    action = {"type": "Action.Submit", "data": data}
    return await world.post("/chat/dialogs", person="dev-1", message=message, action=action)


async def test_a_button_opens_a_dialog_as_teams_would(world: World) -> None:
    message = await posted(world)
    answering(world, opens("Deploy", width=480, height="large"))

    became = await world.presses(
        "dev-1", message, type="Action.Submit", data={**FETCH, "in.service": "shop"}
    )

    assert became == {
        "kind": "dialog",
        "text": "",
        "dialog": {"title": "Deploy", "width": 480, "height": "large", "card": FORM},
    }
    (turn,) = world.bot.turns
    assert (turn.kind, turn.invoke_name) == (InboundKind.FETCH, "task/fetch")
    assert (turn.reply_to, turn.sender_name) == (message, "dev-1")
    assert turn.data == {**FETCH, "in.service": "shop"}
    assert world.teams.deliveries[-1].activity["value"]["context"] == {"theme": "default"}
    assert len(await world.sees("dev-1", "a:dev-1")) == 1  # nothing of it is said


async def test_a_dialog_is_filled_in_until_the_bot_is_content(world: World) -> None:
    message = await posted(world)
    closed, noted = InvokeAnswer(), {"task": {"type": "message", "value": "Noted."}}
    answering(world, opens("Again"), InvokeAnswer(body=noted), closed)

    became = [await fills_in(world, message, service=name) for name in ("shp", "shop", "billing")]

    assert [each["kind"] for each in became] == ["dialog", "notice", "nothing"]
    assert became[0]["dialog"]["title"] == "Again"
    assert became[1]["text"] == "Noted."
    assert {turn.invoke_name for turn in world.bot.turns} == {"task/submit"}
    assert world.bot.turns[0].data == {"service": "shp"}


NO_DIALOGS: list[InvokeAnswer] = [
    InvokeAnswer(status=500),
    InvokeAnswer(body={"task": {"type": "continue", "value": {"title": "x", "url": "https://x"}}}),
    InvokeAnswer(body={"task": {"type": "continue", "value": {"card": {"content": FORM}}}}),
    InvokeAnswer(body={"task": "continue"}),
]


@pytest.mark.parametrize("answer", NO_DIALOGS)
async def test_what_is_no_dialog_is_a_failure(world: World, answer: InvokeAnswer) -> None:
    message = await posted(world)
    answering(world, answer)

    became = await world.presses("dev-1", message, type="Action.Submit", data=FETCH)

    assert became["kind"] == "failure"
    assert became["text"].endswith(".")


async def test_the_bot_is_told_how_a_dialog_will_look(world: World) -> None:
    message = await posted(world)
    answering(world, opens("Deploy"))
    action = {"type": "Action.Submit", "data": FETCH}
    body = {"person": "dev-1", "message": message, "action": action}

    await world.post("/chat/actions", **body, theme="contrast")
    refused = await world.post("/chat/actions", **body, theme="pink")

    assert world.teams.deliveries[0].activity["value"]["context"] == {"theme": "contrast"}
    assert refused["error"]["message"] == "There are the themes default, dark, contrast."


async def test_a_dialog_is_for_who_sees_the_message(world: World) -> None:
    message = await posted(world)
    action = {"type": "Action.Submit", "data": {}}

    answer = await world.post("/chat/dialogs", person="viewer-1", message=message, action=action)

    assert answer["error"]["code"] == "ActivityNotFoundInConversation"
    assert world.bot.turns == []


def results(*choices: tuple[str, Any]) -> InvokeAnswer:
    listed = [{"title": title, "value": value} for title, value in choices]
    kind = "application/vnd.microsoft.search.searchResponse"
    return InvokeAnswer(body={"statusCode": 200, "type": kind, "value": {"results": listed}})


async def searches(world: World, message: str, text: str, **fields: Any) -> Any:
    body = {"person": "dev-1", "message": message, "dataset": "services", "text": text}
    return await world.post("/chat/search", **body, **fields)


async def test_what_is_typed_is_searched_for_by_the_bot(world: World) -> None:
    message = await posted(world)
    answering(world, results(("shop (prod)", "shop"), ("", "billing"), ("none", None)))

    found = await searches(world, message, "sh", data={"in.environment": "prod"})

    assert found == {
        "choices": [
            {"title": "shop (prod)", "value": "shop"},
            {"title": "billing", "value": "billing"},
        ],
        "failure": "",
    }
    (turn,) = world.bot.turns
    assert (turn.invoke_name, turn.reply_to) == ("application/search", message)
    assert turn.data == {
        "queryText": "sh",
        "queryOptions": {"skip": 0, "top": 15},
        "dataset": "services",
        "data": {"in.environment": "prod"},
    }


async def test_other_inputs_go_with_a_search_only_where_the_card_says_so(world: World) -> None:
    message = await posted(world)
    answering(world, results())

    assert await searches(world, message, "") == {"choices": [], "failure": ""}
    assert world.bot.turns[0].data is not None
    assert "data" not in world.bot.turns[0].data


async def test_a_search_that_fails_says_so(world: World) -> None:
    message = await posted(world)
    error = {"code": "BadRequest", "message": "There is no dataset services."}
    kind = "application/vnd.microsoft.error"
    answering(
        world,
        InvokeAnswer(body={"statusCode": 400, "type": kind, "value": error}),
        InvokeAnswer(body={"statusCode": 204}),
        InvokeAnswer(status=501),
    )

    found = [await searches(world, message, "x") for _ in range(3)]

    assert [each["failure"] for each in found] == [
        "There is no dataset services.",
        "",
        "Signalbox did not take it: it answered 501.",
    ]


async def test_a_button_can_speak_for_whoever_presses_it(world: World) -> None:
    message = await posted(world)
    said = {"msteams": {"type": "imBack", "value": "status shop"}}

    became = await world.presses("dev-1", message, type="Action.Submit", data=said)

    assert became == {"kind": "nothing", "text": ""}
    shown = (await world.sees("dev-1", "a:dev-1"))[-1]
    assert (shown["senderName"], shown["text"]) == ("dev-1", "status shop")
    (turn,) = world.bot.turns
    assert (turn.kind, turn.text, turn.is_addressed) == (InboundKind.MESSAGE, "status shop", True)
    assert turn.activity_id == shown["id"]


async def test_a_button_can_say_one_thing_and_send_another(world: World) -> None:
    message = await posted(world)
    back = {
        "type": "messageBack",
        "text": "cancel",
        "displayText": "Never mind",
        "value": {"n": 1},
    }

    await world.presses("dev-1", message, type="Action.Submit", data={"msteams": back})

    assert (await world.sees("dev-1", "a:dev-1"))[-1]["text"] == "Never mind"
    assert world.bot.turns[0].text == "cancel"
    assert world.teams.deliveries[-1].activity["value"] == {"n": 1}


async def test_a_button_that_speaks_in_a_thread_stays_in_it(world: World) -> None:
    root = (await world.says("viewer-1", "who deploys?"))["message"]["id"]
    thread = world.conversation(f"{OPS};messageid={root}")
    message = await world.bot.say(thread, card=card("Deploy what?"))
    said = {"msteams": {"type": "imBack", "value": "@Signalbox runs"}}

    await world.presses("dev-1", message, type="Action.Submit", data=said)

    assert (await world.sees("viewer-1"))[-1]["root"] == root
    assert world.bot.turns[0].conversation == thread
