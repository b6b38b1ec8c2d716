"""Two people in two dialogs in one conversation, their moves interleaved at random."""

from collections.abc import Mapping
from dataclasses import replace
import itertools
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
import pytest

from bot.inbound import InboundKind
from dialogs.flow import asked
from domain.conversation import Conversation
from domain.dialog import Dialog, DialogState
from domain.run import Run
from tests.dispatch.test_dialogs import titled
from tests.dispatch.world import Bot

ANSWERS: Mapping[str, Mapping[str, str]] = {
    "dev-1": {
        "service": "shop",
        "version": "v1.1.0",
        "environment": "staging",
        "reason": "for dev-1",
    },
    "sre-1": {
        "service": "billing",
        "version": "v1.0.0",
        "environment": "prod",
        "reason": "for sre-1",
    },
}
OTHER = {"dev-1": "sre-1", "sre-1": "dev-1"}
MOVES = st.lists(
    st.tuples(
        st.sampled_from(sorted(ANSWERS)),
        st.sampled_from(["press", "type", "back", "help", "wrong", "foreign", "stale"]),
    ),
    max_size=12,
)
_NUMBERS = itertools.count(1)


class Pair:
    """Two dialogs in one conversation."""

    def __init__(self, bot: Bot) -> None:
        self.bot = bot
        place = bot.inbound("dev-1").conversation
        self.place: Conversation = replace(place, id=f"19:x{next(_NUMBERS)}@thread.tacv2")
        self.ids: dict[str, str] = {}
        self.earlier: dict[str, Any] = {}

    async def say(self, name: str, text: str) -> None:
        inbound = self.bot.inbound(name, text=text, conversation=self.place)
        await self.bot.dispatcher.handle(inbound)

    async def begin(self, name: str) -> None:
        await self.say(name, "deploy")
        (dialog,) = await self.bot.store.read(
            lambda unit: unit.dialogs.open_of(self.place.id, self.bot.id_of(name))
        )
        self.ids[name] = dialog.id

    async def dialog(self, name: str) -> Dialog:
        found = await self.bot.store.read(lambda unit: unit.dialogs.get(self.ids[name]))
        assert found is not None
        return found

    async def press(self, name: str, button: Any, answers: Mapping[str, str]) -> None:
        data = {**button["data"], **{f"in.{key}": text for key, text in answers.items()}}
        inbound = self.bot.inbound(
            name,
            kind=InboundKind.ACTION,
            activity_type="invoke",
            verb=button["verb"],
            data=data,
            conversation=self.place,
        )
        await self.bot.dispatcher.handle(inbound)

    async def move(self, name: str, how: str) -> None:
        dialog = await self.dialog(name)
        if dialog.state is not DialogState.OPEN:
            return
        command = self.bot.installation.commands.find("deploy")
        names = [each.name for each in asked(dialog, command.fields)]
        mine = {key: ANSWERS[name][key] for key in names}
        buttons = titled(await self.bot.dialogs.card(dialog.id))
        onward = buttons.get("Next") or buttons["Deploy"]
        match how:
            case "press":
                self.earlier[name] = (onward, mine)
                await self.press(name, onward, mine)
            case "type":
                await self.say(name, mine[names[0]])
            case "back":
                await self.say(name, "back")
            case "help":
                await self.press(name, buttons["Help"], {})
            case "wrong" if "reason" not in names:  # any words are a reason
                await self.press(name, onward, dict.fromkeys(names, "nonesuch"))
            case "foreign":  # with one's own answers, into the other's form
                other = await self.dialog(OTHER[name])
                if other.state is DialogState.OPEN:
                    theirs = titled(await self.bot.dialogs.card(other.id))
                    await self.press(name, theirs.get("Next") or theirs["Deploy"], ANSWERS[name])
            case "stale" if name in self.earlier:
                await self.press(name, *self.earlier[name])
            case _:
                pass


async def run_of(bot: Bot, dialog: Dialog) -> Run:
    run = await bot.store.read(lambda unit: unit.runs.get(dialog.run_id))
    assert run is not None
    return run


@pytest.mark.timeout(400)
@settings(
    max_examples=500,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(MOVES)
async def test_nobody_gets_somebody_elses_answers(bot: Bot, moves: list[tuple[str, str]]):
    pair = Pair(bot)
    for name in ANSWERS:
        await pair.begin(name)

    for name, how in moves:
        await pair.move(name, how)
        for each, answers in ANSWERS.items():
            found = await pair.dialog(each)
            assert found.values.items() <= answers.items()
    for name in ANSWERS:
        for _ in range(8):  # four questions; a busy machine may not list the versions in time
            await pair.move(name, "press")

    for name, answers in ANSWERS.items():
        dialog = await pair.dialog(name)
        assert dialog.state is DialogState.DONE
        run = await run_of(bot, dialog)
        assert run.requester.name == name
        assert {**run.inputs, "reason": run.reason} == answers
