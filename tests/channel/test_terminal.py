"""`signalbox chat` against the simulated Teams."""

import asyncio
from collections.abc import Iterable
from datetime import timedelta
import io
import socket
from typing import Any

import pytest

from bot.chat import Patience, converse
from bot.inbound import Inbound, InboundKind, InvokeAnswer
from domain.conversation import Conversation
from tests.channel.world import OPS, World, card, refreshing, shows
from tests.ingress.world import until

QUICK = Patience(
    first=timedelta(seconds=3),
    answer=timedelta(seconds=0.1),
    live=timedelta(seconds=0.6),
    ending=timedelta(seconds=0.1),
)
APPROVE = {"type": "Action.Execute", "title": "Approve", "verb": "approve", "data": {"t": "a"}}
WHY = {"type": "Input.Text", "id": "in.why", "label": "Why?", "isRequired": True}
REJECT = {
    "type": "Action.ShowCard",
    "title": "Reject",
    "card": {
        "type": "AdaptiveCard",
        "body": [WHY],
        "actions": [
            {"type": "Action.Execute", "title": "Reject run", "verb": "reject", "data": {"t": "r"}}
        ],
    },
}


class Script:
    """Somebody who types what was written down, and then ends the input."""

    def __init__(self, lines: Iterable[str] = ()) -> None:
        self.lines = list(lines)
        self.prompts: list[str] = []

    async def __call__(self, prompt: str) -> str | None:
        self.prompts.append(prompt)
        return self.lines.pop(0) if self.lines else None


async def shot(
    world: World, user: str, text: str, *typed: str, where: str = ""
) -> tuple[int, str]:
    out, err = io.StringIO(), io.StringIO()
    url = f"{world.teams.url}/?conversation={where}" if where else world.teams.url
    code = await converse(url, user, text, out, Script(typed), err=err, patience=QUICK)
    return code, out.getvalue() + err.getvalue()


async def test_one_shot_prints_the_answer(world: World) -> None:
    async def answer(arrived: Inbound) -> None:
        await world.bot.say(arrived.conversation, f"**You** are {arrived.sender_name}.")

    world.bot.turn = answer

    assert await shot(world, "dev-1", "whoami") == (0, "Signalbox:\n  You are dev-1.\n")
    assert world.bot.turns[0].text == "whoami"
    assert world.bot.turns[0].conversation.id.startswith(f"{OPS};messageid=")


class Shut(io.StringIO):
    """The reader of the output has gone: `signalbox chat help | head -1`."""

    def write(self, text: str) -> int:
        raise BrokenPipeError


async def test_who_has_read_enough_is_told_no_traceback(world: World) -> None:
    async def answer(arrived: Inbound) -> None:
        await world.bot.say(arrived.conversation, "Much to read.")

    world.bot.turn = answer

    with pytest.raises(BrokenPipeError):  # as itself, which ends every command in silence
        await converse(world.teams.url, "dev-1", "help", Shut(), Script(), patience=QUICK)


async def test_a_changed_card_is_told_by_its_changes(world: World) -> None:
    states = [
        card("Deploy shop", actions=[APPROVE]),
        card("Deploy shop", actions=[APPROVE]) | {"speak": "x"},
        card("Deploy shop"),
    ]
    states[1]["body"] = [*states[1]["body"], {"type": "TextBlock", "text": "Running"}]
    states[2]["body"] = [*states[2]["body"], {"type": "TextBlock", "text": "Done in 2 s"}]

    edits: list[asyncio.Task[None]] = []

    async def work(conversation: Conversation) -> None:
        sent = await world.bot.say(conversation, card=states[0])
        for state in states[1:]:
            await asyncio.sleep(0.4)  # longer than what is told together
            await world.bot.edit(conversation, sent, state)

    async def answer(arrived: Inbound) -> None:
        edits.append(asyncio.create_task(work(arrived.conversation)))

    world.bot.turn = answer

    code, printed = await shot(world, "dev-1", "deploy shop", where="chat")

    assert code == 0
    assert printed == (
        "Signalbox:\n  Deploy shop\n  [1] Approve\n"
        "Signalbox:\n  Running\n"
        "Signalbox:\n  Done in 2 s\n"
    )
    await edits[0]


async def test_a_number_presses_the_latest_cards_button(world: World) -> None:
    sent = await world.bot.say(
        world.conversation(OPS), card=card("Plan", actions=[APPROVE, REJECT])
    )

    async def answer(arrived: Inbound) -> InvokeAnswer:
        return shows(card(f"{arrived.verb}: {dict(arrived.data or {})}"))

    world.bot.turn = answer

    code, printed = await shot(world, "approver-1", ":2", "", "The freeze has begun")

    assert code == 0
    assert printed == (
        "Signalbox:\n  Plan\n  [1] Approve  [2] Reject run\n"
        "It is required.\n"
        "Signalbox:\n  reject: {'t': 'r', 'in.why': 'The freeze has begun'}\n"
    )
    assert world.bot.turns[0].reply_to == sent


async def test_a_button_that_is_not_there_is_said_not_to_be(world: World) -> None:
    assert await shot(world, "approver-1", "7") == (1, "There is no button 7.\n")


async def test_who_gives_up_on_a_form_has_not_pressed(world: World) -> None:
    await world.bot.say(world.conversation(OPS), card=card("Plan", actions=[REJECT]))

    code, printed = await shot(world, "approver-1", "1")

    assert (code, printed.splitlines()[-1]) == (1, "Reject run: not pressed.")
    assert world.bot.turns == []


async def test_a_script_need_not_fill_in_what_is_optional(world: World) -> None:
    field = {"type": "Input.Text", "id": "in.comment", "label": "Comment (optional)"}
    taking = {k: v for k, v in APPROVE.items() if k != "associatedInputs"}
    plan = card("Plan", actions=[taking])
    await world.bot.say(world.conversation(OPS), card={**plan, "body": [*plan["body"], field]})

    async def answer(arrived: Inbound) -> InvokeAnswer:
        return shows(card(f"{arrived.verb}: {dict(arrived.data or {})}"))

    world.bot.turn = answer

    code, printed = await shot(world, "approver-1", "1")

    assert code == 0
    assert "approve: {'t': 'a'}" in printed


async def test_one_sees_ones_own_view(world: World) -> None:
    await world.bot.say(world.conversation(OPS), card=refreshing("Plan", "29:approver-1"))

    async def answer(arrived: Inbound) -> InvokeAnswer:
        kind = "application/vnd.microsoft.activity.message"
        noted = {"statusCode": 200, "type": kind, "value": "Noted."}
        return (
            shows(card("Yours to approve", actions=[APPROVE]))
            if arrived.is_refresh
            else InvokeAnswer(body=noted)
        )

    world.bot.turn = answer

    code, printed = await shot(world, "approver-1", "1")

    assert (code, printed) == (0, "Signalbox:\n  Yours to approve\n  [1] Approve\nNoted.\n")
    assert [turn.is_refresh for turn in world.bot.turns] == [True, False]


async def test_a_bot_that_did_not_take_it_is_named(world: World) -> None:
    await world.bot.stop()

    code, printed = await shot(world, "dev-1", "help")

    assert code == 1
    assert (
        printed == f"Signalbox cannot be reached at {world.teams.line.bot_url}. Is it running?\n"
    )
    await world.bot.start(world.teams.address)


async def test_where_nobody_listens_it_ends_with_a_sentence() -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{nobody.getsockname()[1]}"
        err = io.StringIO()

        code = await converse(url, "dev-1", "help", io.StringIO(), Script(), err=err)

    assert code == 2
    assert err.getvalue() == f"Nobody answers at {url}. Start the demo with `signalbox demo`.\n"


async def test_what_is_no_demo_is_said_to_be_none(world: World) -> None:
    err = io.StringIO()

    code = await converse(world.bot.url, "dev-1", "help", io.StringIO(), Script(), err=err)

    assert (code, err.getvalue()) == (
        2,
        f"What listens at {world.bot.url} is not the demo's chat.\n",
    )


async def test_a_stranger_and_a_place_that_is_none_are_named(world: World) -> None:
    code, printed = await shot(world, "mallory", "help")
    assert code == 2
    assert printed.startswith("Nobody in the demo is called mallory. There are dev-1, ")

    code, printed = await shot(world, "dev-1", "help", where="other")
    assert (code, printed) == (
        2,
        "There is no conversation other. There are general, ops, chat.\n",
    )


async def test_the_prompt_prints_what_others_say_and_presses_by_number(world: World) -> None:
    await world.bot.say(world.conversation(OPS), card=card("Plan", actions=[APPROVE]))

    async def answer(arrived: Inbound) -> Any:
        if arrived.kind is InboundKind.ACTION:
            return shows(card("Approved"))
        await world.bot.say(arrived.conversation, "Here is help")
        return None

    class Listening(Script):
        async def __call__(self, prompt: str) -> str | None:
            if len(self.prompts) == 1:
                await until(lambda: "Here is help" in out.getvalue())
            if len(self.prompts) == 2:
                await world.says("viewer-1", "good luck")
                await until(lambda: "good luck" in out.getvalue())
                await until(lambda: "Approved" in out.getvalue())
            return await super().__call__(prompt)

    world.bot.turn = answer
    out, ask = io.StringIO(), Listening(["help", ":1"])

    code = await converse(world.teams.url, "approver-1", None, out, ask)

    printed = out.getvalue()
    assert code == 0
    assert printed.startswith(
        "You are approver-1, in #ops. A number presses a button.\n"
        "Signalbox:\n  Plan\n  [1] Approve\n"
    )
    assert "viewer-1:\n  good luck\n" in printed
    assert "approver-1:" not in printed  # one knows what one has typed
    assert ask.prompts == ["approver-1> "] * 3
