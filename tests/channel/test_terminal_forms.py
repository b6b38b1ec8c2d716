"""Forms, typeahead and Teams dialogs in a terminal, against a stand-in for the chat API."""

from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, field
import io
from typing import Any

from aiohttp import web
import pytest

from bot.chat_client import Talk, connected
from bot.listener import listen
from bot.terminal.desk import Desk
from bot.terminal.pen import PlainPen
from bot.terminal.pressing import press
from bot.terminal.screen import Screen
from bot.terminal.threads import Threads

PLACE = {"id": "19:ops@thread.tacv2", "name": "ops", "kind": "channel", "needsMention": True}
SERVICES = [
    {"title": "billing", "value": "b"},
    {"title": "shop", "value": "s"},
    {"title": "shop-search", "value": "ss"},
]
SEARCHED: dict[str, Any] = {
    "type": "Input.ChoiceSet",
    "id": "in.service",
    "label": "Service",
    "style": "filtered",
    "isRequired": True,
    "choices": [],
    "choices.data": {"type": "Data.Query", "dataset": "services"},
}
VERSION = {"type": "Input.Text", "id": "in.version", "label": "Version", "regex": "^v"}


@dataclass
class FakeTeams:
    """Answers what it was told to, one answer after the other, and keeps what it was asked."""

    answers: list[dict[str, Any]] = field(default_factory=list)
    asked: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    def app(self) -> web.Application:
        app = web.Application()
        app.router.add_get("/chat/people", self._people)
        app.router.add_get("/chat/conversations", self._conversations)
        app.router.add_post("/chat/actions", self._answer)
        app.router.add_post("/chat/dialogs", self._answer)
        app.router.add_post("/chat/search", self._search)
        return app

    async def _people(self, _: web.Request) -> web.Response:
        return web.json_response({"people": [{"name": "dev-1"}], "bot": {"name": "Signalbox"}})

    async def _conversations(self, _: web.Request) -> web.Response:
        return web.json_response({"channels": [PLACE], "chats": [PLACE | {"kind": "personal"}]})

    async def _answer(self, request: web.Request) -> web.Response:
        self.asked.append((request.path, await request.json()))
        return web.json_response(self.answers.pop(0))

    async def _search(self, request: web.Request) -> web.Response:
        body = await request.json()
        self.asked.append((request.path, body))
        if body["text"] == "!":
            error = {"error": {"message": "The bot did not find time."}}
            return web.json_response(error, status=502)
        found = [each for each in SERVICES if each["title"].startswith(body["text"].lower())]
        failure = "The bot did not search." if body["text"] == "?" else ""
        return web.json_response({"choices": found, "failure": failure})


@dataclass
class Table:
    """A person at a terminal, with what they will type written down."""

    teams: FakeTeams
    talk: Talk
    out: io.StringIO = field(default_factory=io.StringIO)
    prompts: list[str] = field(default_factory=list)

    async def press(self, card: dict[str, Any], *typed: str, is_script: bool = False) -> str:
        """Show *card* and press its button; the id of the message, or nothing."""
        lines = list(typed)

        async def ask(prompt: str) -> str | None:
            self.prompts.append(prompt)
            return lines.pop(0) if lines else None

        screen = Screen(PlainPen(self.out))
        screen.show(
            {
                "id": "7",
                "root": "6",
                "senderName": "Signalbox",
                "text": "",
                "cards": [card],
                "isDeleted": False,
            }
        )
        self.out.truncate(0)
        self.out.seek(0)
        desk = Desk(
            talk=self.talk,
            screen=screen,
            ask=ask,
            threads=Threads("dev-1", "Signalbox"),
            may_be_silent=is_script,
        )
        pressed = await press(desk, 1)
        assert lines == []
        return pressed

    @property
    def printed(self) -> list[str]:
        return self.out.getvalue().splitlines()


@pytest.fixture
async def table() -> AsyncIterator[Table]:
    teams = FakeTeams()
    listener = await listen(teams.app(), "127.0.0.1", 0)
    try:
        async with connected(f"http://127.0.0.1:{listener.port}", "dev-1") as talk:
            yield Table(teams, talk)
    finally:
        await listener.stop()


def form(*inputs: dict[str, Any], **action: Any) -> dict[str, Any]:
    go = {"type": "Action.Execute", "title": "Go", "verb": "deploy", "data": {"t": "x"}} | action
    return {"type": "AdaptiveCard", "body": list(inputs), "actions": [go]}


def data(asked: tuple[str, dict[str, Any]]) -> Any:
    return asked[1]["action"]["data"]


async def test_all_kinds_of_inputs_are_sent_as_the_renderer_sends_them(table: Table) -> None:
    choices = [{"title": title, "value": title[0]} for title in ("alpha", "beta", "gamma")]
    table.teams.answers = [{"kind": "nothing", "text": ""}]

    pressed = await table.press(
        form(
            VERSION,
            {"type": "Input.Text", "id": "in.why", "label": "Why?", "isMultiline": True},
            {"type": "Input.Number", "id": "in.n", "label": "Replicas", "min": 1, "value": 2},
            {"type": "Input.Date", "id": "in.day", "label": "Day"},
            {"type": "Input.Time", "id": "in.at", "label": "At"},
            {"type": "Input.Toggle", "id": "in.dry", "title": "Plan only", "valueOn": "dry"},
            {"type": "Input.ChoiceSet", "id": "in.one", "label": "One", "choices": choices},
            {"type": "Input.ChoiceSet", "id": "in.some", "label": "Some", "choices": choices}
            | {"isMultiSelect": True, "value": "b"},
            {"type": "Input.Text", "id": "in.empty", "label": "Note"},
        ),
        "1.1.0",
        "v1.1.0",
        "first\\",
        "second",
        "",
        "2026-03-02",
        "9:05",
        "yes",
        "gamma",
        "1, 3",
        "",
    )

    assert pressed == "7"
    assert data(table.teams.asked[0]) == {
        "t": "x",
        "in.version": "v1.1.0",
        "in.why": "first\nsecond",
        "in.n": "2",
        "in.day": "2026-03-02",
        "in.at": "09:05",
        "in.dry": "dry",
        "in.one": "g",
        "in.some": "a,g",
    }
    assert table.prompts == [
        "Version: ",
        "Version: ",
        "Why?: ",
        "… ",
        "Replicas [2]: ",
        "Day (YYYY-MM-DD): ",
        "At (HH:MM): ",
        "Plan only (yes/no) [no]: ",
        "One: ",
        "Some (several with commas between) [beta]: ",
        "Note: ",
    ]
    assert table.printed == [
        "It has not the right form.",
        *["  1. alpha", "  2. beta", "  3. gamma"] * 2,
    ]


async def test_the_cards_own_words_say_what_is_wrong(table: Table) -> None:
    required = VERSION | {"isRequired": True, "errorMessage": r"Such as v1\.1.0."}
    table.teams.answers = [{"kind": "message", "text": "**Noted.**"}]

    assert await table.press(form(required), "", "1", "v1") == "7"

    assert table.printed == ["Such as v1.1.0.", "Such as v1.1.0.", "Noted."]


@pytest.mark.parametrize("typed", [[":cancel"], ["v1", ":cancel"], ["v1"]])
async def test_who_gives_up_has_not_pressed(table: Table, typed: list[str]) -> None:
    assert await table.press(form(VERSION, VERSION | {"id": "in.next"}), *typed) == ""

    assert (table.teams.asked, table.printed) == ([], ["Go: not pressed."])


async def test_a_script_may_leave_unsaid_what_is_optional(table: Table) -> None:
    table.teams.answers = [{"kind": "nothing", "text": ""}]
    optional = [VERSION, SEARCHED | {"isRequired": False}, VERSION | {"id": "in.v", "value": "v1"}]

    assert await table.press(form(*optional), is_script=True) == "7"
    assert await table.press(form(*optional), ":cancel", is_script=True) == ""
    assert await table.press(form(SEARCHED), is_script=True) == ""
    assert await table.press(form(VERSION | {"isRequired": True}), is_script=True) == ""
    assert await table.press(form(*optional)) == ""

    (sent,) = table.teams.asked
    assert data(sent) == {"t": "x", "in.v": "v1"}


async def test_what_failed_is_told(table: Table) -> None:
    table.teams.answers = [{"kind": "failure", "text": "The bot did not answer."}]

    assert await table.press(form()) == ""
    assert table.printed == ["The bot did not answer."]


async def test_choices_are_looked_for(table: Table) -> None:
    table.teams.answers = [{"kind": "nothing", "text": ""}]
    typed = ["v1", "", "x", "!", "?", "sh", "3", "sh", "2"]

    assert await table.press(form(VERSION, SEARCHED), *typed) == "7"

    searches, sent = table.teams.asked[:-1], table.teams.asked[-1]
    assert [body["text"] for _, body in searches] == ["x", "!", "?", "sh", "3", "sh"]
    assert searches[0] == (
        "/chat/search",
        {
            "as": "dev-1",
            "message": "7",
            "dataset": "services",
            "text": "x",
            "data": None,
        },
    )
    assert data(sent) == {"t": "x", "in.version": "v1", "in.service": "ss"}
    assert table.prompts[-1] == "Service (type to look for it): "
    assert table.printed == [
        "It is required.",
        "Nothing is found for x.",
        "The bot did not find time.",
        "The bot did not search.",
        "  1. shop",
        "  2. shop-search",
        "Nothing is found for 3.",
        "  1. shop",
        "  2. shop-search",
    ]


async def test_a_search_tells_what_else_is_filled_in_where_the_card_says_so(table: Table) -> None:
    table.teams.answers = [{"kind": "nothing", "text": ""}]
    query = SEARCHED["choices.data"] | {"associatedInputs": "auto"}

    await table.press(form(VERSION, SEARCHED | {"choices.data": query}), "v1", "shop")

    assert table.teams.asked[0][1]["data"] == {"in.version": "v1"}


async def test_a_full_name_needs_no_number(table: Table) -> None:
    table.teams.answers = [{"kind": "nothing", "text": ""}]

    await table.press(form(SEARCHED), "Shop")

    assert data(table.teams.asked[-1])["in.service"] == "s"


async def test_what_stands_in_a_field_that_is_searched_may_stay_or_go(table: Table) -> None:
    table.teams.answers = [{"kind": "nothing", "text": ""}] * 2
    filled = SEARCHED | {"value": "b", "isRequired": False, "choices": SERVICES[:1]}

    await table.press(form(filled), "")
    await table.press(form(filled), "-")

    assert table.prompts == ["Service (type to look for it) [billing]: "] * 2
    assert [data(asked) for asked in table.teams.asked] == [
        {"t": "x", "in.service": "b"},
        {"t": "x"},
    ]


async def test_several_can_be_looked_for(table: Table) -> None:
    table.teams.answers = [{"kind": "nothing", "text": ""}]

    await table.press(form(SEARCHED | {"isMultiSelect": True}), "billing", "shop", "billing", "")

    assert data(table.teams.asked[-1])["in.service"] == "b,s"


OPENS: dict[str, Any] = {
    "type": "Action.Submit",
    "title": "Fill in",
    "data": {"msteams": {"type": "task/fetch"}, "t": "open"},
}


def dialog(*inputs: dict[str, Any], title: str = "Deploy", **fields: Any) -> dict[str, Any]:
    send = {"type": "Action.Submit", "title": "Send", "data": {"t": "send"}}
    card = {"type": "AdaptiveCard", "body": list(inputs), "actions": [send]} | fields
    return {"kind": "dialog", "text": "", "dialog": {"title": title, "card": card}}


async def test_a_teams_dialog_is_filled_in_until_it_is_taken(table: Table) -> None:
    wrong = {"type": "TextBlock", "text": "shop has no version v9.", "color": "attention"}
    table.teams.answers = [
        dialog(VERSION),
        dialog(wrong, VERSION | {"value": "v9"}),
        {"kind": "notice", "text": "Run k7f3q2ma is planned."},
    ]

    assert await table.press(form(**OPENS), "v9", "v1.1.0") == "7"

    opened, first, second = table.teams.asked
    assert opened == (
        "/chat/actions",
        {
            "as": "dev-1",
            "message": "7",
            "action": {"type": "Action.Submit", "data": OPENS["data"]} | {"verb": "deploy"},
        },
    )
    assert first == (
        "/chat/dialogs",
        {
            "as": "dev-1",
            "message": "7",
            "action": {"type": "Action.Submit", "data": {"t": "send", "in.version": "v9"}},
        },
    )
    assert data(second) == {"t": "send", "in.version": "v1.1.0"}
    assert table.prompts == ["Version: ", "Version [v9]: "]
    assert table.printed == [
        "Deploy:",
        "  ✎ Version: …",
        "  [1] Send",
        "Deploy:",
        "  shop has no version v9.",
        "  ✎ Version: v9",
        "  [1] Send",
        "Run k7f3q2ma is planned.",
    ]


async def test_a_dialog_with_several_buttons_asks_which(table: Table) -> None:
    actions = [
        {"type": "Action.Submit", "title": each, "data": {"is": each}} for each in ("Yes", "No")
    ]
    table.teams.answers = [
        dialog(actions=actions),
        {"kind": "nothing", "text": "", "dialog": None},
    ]

    assert await table.press(form(**OPENS), "3", ":2") == "7"

    assert data(table.teams.asked[-1]) == {"is": "No"}
    assert table.printed == ["Deploy:", "  [1] Yes  [2] No", "There is no button 3."]


@pytest.mark.parametrize("typed", [[], [":cancel"]])
async def test_a_dialog_can_be_closed(table: Table, typed: Iterable[str]) -> None:
    table.teams.answers = [dialog(VERSION)]

    assert await table.press(form(**OPENS), *typed) == ""

    assert len(table.teams.asked) == 1
    assert table.printed[-1] == "Deploy: closed."


async def test_a_dialog_whose_bot_fails_is_not_taken(table: Table) -> None:
    table.teams.answers = [dialog(VERSION), {"kind": "failure", "text": "No answer."}]

    assert await table.press(form(**OPENS), "v1") == ""
    assert table.printed[-1] == "No answer."


async def test_a_dialog_that_is_a_web_page_is_not_for_a_terminal(table: Table) -> None:
    page = {"title": "Console", "url": "https://signalbox.example.com"}
    table.teams.answers = [{"kind": "dialog", "text": "", "dialog": page}]

    assert await table.press(form(**OPENS)) == ""
    assert table.printed == ["Console is a web page; open it in Teams."]
