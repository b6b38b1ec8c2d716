"""The prompt of `signalbox chat`: who one is, where a line goes, and what others say meanwhile."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
import io
from typing import Any

from bot.chat import Patience, converse
from bot.inbound import Inbound, InboundKind, InvokeAnswer
from tests.channel.test_terminal import Script, shot
from tests.channel.world import OPS, World, card, shows
from tests.ingress.world import until

ASKS = {"type": "Input.Text", "id": "in.service", "label": "Service"}
PRESS = {"type": "Action.Execute", "title": "Approve", "verb": "approve", "data": {"t": "a"}}


def question(words: str, **fields: Any) -> dict[str, Any]:
    asked = card(words, **fields)
    return asked | {"body": [*asked["body"], ASKS]}


async def talked(
    world: World, user: str, *lines: str, where: str = "ops", patience: float = 2
) -> tuple[list[str], str]:
    """The prompts that *user* was shown, and all that was printed, when these lines were typed."""
    out, ask = io.StringIO(), Script(lines)
    url = f"{world.teams.url}/?conversation={where}"
    waits = Patience(prompt=timedelta(seconds=patience))
    assert await converse(url, user, None, out, ask, patience=waits) == 0
    return ask.prompts, out.getvalue()


def guided(world: World) -> Callable[[Inbound], Awaitable[InvokeAnswer | None]]:
    """A bot that asks which service, says what it will do, and takes everything else as new."""

    async def answer(arrived: Inbound) -> InvokeAnswer | None:
        if arrived.kind is InboundKind.ACTION:
            return shows(card("Approved"))
        if arrived.text == "deploy":
            await world.bot.say(arrived.conversation, card=question("Which service?"))
        else:
            await world.bot.say(arrived.conversation, card=card(f"Got {arrived.text}"))
        return None

    return answer


async def test_an_answer_goes_where_the_question_was(world: World) -> None:
    world.bot.turn = guided(world)

    prompts, printed = await talked(world, "dev-1", "deploy", "shop", "status")

    first, second, third = world.bot.turns
    assert [turn.text for turn in world.bot.turns] == ["deploy", "shop", "status"]
    assert second.conversation.id == first.conversation.id
    assert third.conversation.id != first.conversation.id
    assert prompts == ["dev-1> ", "dev-1, in “deploy”> ", "dev-1> ", "dev-1> "]
    assert "Signalbox:\n  Which service?\n  ✎ Service: …\nSignalbox:\n  Got shop\n" in printed


async def test_a_thread_can_be_left_and_gone_back_to(world: World) -> None:
    world.bot.turn = guided(world)

    prompts, _ = await talked(
        world, "dev-1", "deploy", ":new", "status", "deploy", ":new runs", "> x"
    )

    threads = [turn.conversation.id for turn in world.bot.turns]
    assert [turn.text for turn in world.bot.turns] == ["deploy", "status", "deploy", "runs", "x"]
    assert len(set(threads)) == 4
    assert threads[4] == threads[3]
    assert [prompts[2], prompts[4]] == ["dev-1> ", "dev-1, in “deploy”> "]


async def test_an_answer_may_be_said_in_the_thread_of_somebody_else(world: World) -> None:
    world.bot.turn = guided(world)
    asked = await world.says("approver-1", "@Signalbox deploy")

    await talked(world, "dev-1", "> shop")

    assert world.bot.turns[-1].text == "shop"
    assert world.bot.turns[-1].conversation.id.endswith(f";messageid={asked['message']['id']}")


async def test_a_question_that_comes_while_one_types_is_told(world: World) -> None:
    root = (await world.says("dev-1", "@Signalbox deploy"))["message"]["id"]
    conversation = world.conversation(f"{OPS};messageid={root}")
    out, asked = io.StringIO(), []

    class Typist(Script):
        async def __call__(self, prompt: str) -> str | None:
            if not self.prompts:
                asked.append(await world.bot.say(conversation, card=question("Which service?")))
                await until(lambda: "The next line is said" in out.getvalue())
            else:
                await world.bot.edit(conversation, asked[0], card("Too late"))
                await until(lambda: "The next line begins" in out.getvalue())
            return await super().__call__(prompt)

    ask = Typist([""])
    assert await converse(world.teams.url, "dev-1", None, out, ask) == 0

    told = "The next line is said in “deploy”; :new begins a new post.\n"
    assert f"  Which service?\n  ✎ Service: …\n{told}" in out.getvalue()
    assert out.getvalue().endswith("  Too late\nThe next line begins a new post.\n")
    assert ask.prompts == ["dev-1> ", "dev-1, in “deploy”> "]


async def test_a_number_answers_a_question_and_presses_no_older_button(world: World) -> None:
    await world.bot.say(world.conversation(OPS), card=card("Plan", actions=[PRESS]))

    async def answer(arrived: Inbound) -> InvokeAnswer | None:
        if arrived.kind is InboundKind.ACTION:
            return shows(card("Pressed"))
        more = {"actions": [PRESS | {"title": "Two"}]} if arrived.text == "scale" else {}
        await world.bot.say(arrived.conversation, card=question("How many?", **more))
        return None

    world.bot.turn = answer

    await talked(world, "dev-1", "scale", "1", "2", ":1")

    kinds = [(turn.kind, turn.text) for turn in world.bot.turns]
    assert kinds[:3] == [
        (InboundKind.MESSAGE, "scale"),
        (InboundKind.MESSAGE, "1"),  # the button 1 is the plan's
        (InboundKind.MESSAGE, "2"),  # and the button 2 was that of the question before
    ]
    assert (kinds[3][0], world.bot.turns[3].verb) == (InboundKind.ACTION, "approve")


async def test_in_a_chat_a_line_is_an_answer_as_it_is(world: World) -> None:
    world.bot.turn = guided(world)

    prompts, printed = await talked(world, "dev-1", "deploy", "shop", where="chat")

    assert printed.startswith("You are dev-1, in your chat. A number presses a button.\n")
    assert [turn.text for turn in world.bot.turns] == ["deploy", "shop"]
    assert prompts == ["dev-1> "] * 3


async def test_one_can_be_somebody_else_somewhere_else(world: World) -> None:
    world.bot.turn = guided(world)

    prompts, printed = await talked(
        world, "dev-1", ":as viewer-1", "help", ":in chat", "runs", ":quit", "never"
    )

    assert [(turn.sender_name, turn.text) for turn in world.bot.turns] == [
        ("viewer-1", "help"),
        ("viewer-1", "runs"),
    ]
    assert ";messageid=" not in world.bot.turns[1].conversation.id
    assert prompts == ["dev-1> ", *["viewer-1> "] * 4]
    assert "You are viewer-1, in #ops. " in printed
    assert "You are viewer-1, in your chat. " in printed


async def test_who_and_where_are_nobody_and_nowhere_stays(world: World) -> None:
    prompts, printed = await talked(
        world, "dev-1", ":as mallory", ":in nowhere", ":as", ":in", ":help", ":foo"
    )

    assert prompts == ["dev-1> "] * 7
    assert "Nobody in the demo is called mallory. There are dev-1, " in printed
    assert "There is no conversation nowhere. There are general, ops, chat.\n" in printed
    assert "Say who: dev-1, approver-1, approver-2, viewer-1, guest-1.\n" in printed
    assert "Say where: General, ops, chat.\n" in printed
    assert "\n> a line          is said in the thread of the latest card\n" in printed
    assert printed.endswith("There is no :foo here; :help tells what there is.\n")


async def test_the_prompt_comes_back_though_the_bot_is_silent(world: World) -> None:
    prompts, _ = await talked(world, "dev-1", "hello", patience=0.05)

    assert len(prompts) == 2


async def test_one_shot_answers_in_the_latest_thread(world: World) -> None:
    world.bot.turn = guided(world)
    await shot(world, "dev-1", "deploy")
    await world.says("approver-1", "@Signalbox status")

    code, printed = await shot(world, "dev-1", "> shop")

    assert (code, printed) == (0, "Signalbox:\n  Got shop\n")
    assert world.bot.turns[-1].conversation == world.bot.turns[0].conversation


async def test_one_shot_shows_the_card_that_was_edited_into_the_next_question(
    world: World,
) -> None:
    sent: list[str] = []

    async def answer(arrived: Inbound) -> None:
        if not sent:
            asked = question("Which service?")
            sent.append(await world.bot.say(arrived.conversation, card=asked))
        else:
            await world.bot.edit(arrived.conversation, sent[0], question("Which version?"))

    world.bot.turn = answer
    for where in ("ops", "chat"):
        sent.clear()
        await shot(world, "dev-1", "deploy", where=where)

        _, printed = await shot(world, "dev-1", "> shop", where=where)

        assert printed == "Signalbox:\n  Which version?\n  ✎ Service: …\n"


async def test_what_the_bot_posts_after_a_press_is_printed(world: World) -> None:
    await world.bot.say(world.conversation(OPS), card=card("Old", actions=[PRESS]))
    thread = (await world.says("dev-1", "hello"))["message"]["id"]
    conversation = world.conversation(f"{OPS};messageid={thread}")
    await world.bot.say(conversation, card=card("Plan", actions=[PRESS]))

    async def answer(arrived: Inbound) -> InvokeAnswer:
        await world.bot.say(world.conversation(OPS), "Something else")
        await world.bot.say(arrived.conversation, "dev-1, it is approved.")
        return shows(card("Approved"))

    world.bot.turn = answer

    _, printed = await shot(world, "approver-1", ":1")

    assert "  dev-1, it is approved.\n" in printed
    assert "  Approved\n" in printed
    assert "Something else" not in printed
