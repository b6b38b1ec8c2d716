"""The API of the chat page and of the terminal: what people do and see.

    GET  /chat/people                              who there is
    GET  /chat/conversations?as=NAME               what somebody can open
    GET  /chat/messages?as=NAME&conversation=ID    the latest messages, as somebody sees them
    POST /chat/messages {as, conversation, text}   say something; *conversation* may name a thread
    POST /chat/actions  {as, message, action}      press a button of a card
    POST /chat/dialogs  {as, message, action}      press a button of the dialog that one opened
    POST /chat/search   {as, message, dataset, text, data}   what a card's input can be
    POST /chat/views    {as, messages}             these are on screen: fetch one's own views

What happens is told by `sandbox.channel.chat_events`. With *theme* (`default`, `dark`, `contrast`)
in its body, the press of a button tells the bot how a dialog will look.
Anybody on this machine may be anybody here: it is a stand-in, and says so on the page.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from aiohttp import web
import orjson

from sandbox.channel.bot_line import Answer
from sandbox.channel.card_use import THEMES, CardUse
from sandbox.channel.outcome import Outcome
from sandbox.channel.places import Place
from sandbox.channel.refusal import malformed
from sandbox.channel.roster import Account
from sandbox.channel.teams import Teams
from sandbox.channel.web import json_object, text

_MOST_LOOKS = 300  #: messages on screen


class ChatApi:
    """The handlers."""

    def __init__(self, teams: Teams, cards: CardUse) -> None:
        self._teams = teams
        self._cards = cards

    def add_routes(self, router: web.UrlDispatcher) -> None:
        """Answer under `/chat`."""
        router.add_get("/chat/people", self._people)
        router.add_get("/chat/conversations", self._conversations)
        router.add_get("/chat/messages", self._messages)
        router.add_post("/chat/messages", self._say)
        router.add_post("/chat/actions", self._press)
        router.add_post("/chat/dialogs", self._submit_dialog)
        router.add_post("/chat/search", self._search)
        router.add_post("/chat/views", self._look)

    async def _people(self, _: web.Request) -> web.Response:
        stage = self._teams.stage
        people = [
            {"id": each.id, "name": each.name, "isGuest": each.is_guest}
            for each in self._teams.roster.accounts
        ]
        bot = {"id": stage.bot_id, "name": stage.bot_name}
        return web.json_response({"people": people, "bot": bot, "team": stage.team_name})

    async def _conversations(self, request: web.Request) -> web.Response:
        account = self._asking(request)
        shown = self._teams.places.open_to(account)
        return web.json_response(
            {
                "channels": [_place(each) for each in shown if each.has_threads],
                "chats": [_place(each) for each in shown if not each.has_threads],
            }
        )

    async def _messages(self, request: web.Request) -> web.Response:
        conversation = request.query.get("conversation", "")
        return _json({"messages": self._teams.messages(self._asking(request), conversation)})

    async def _say(self, request: web.Request) -> web.Response:
        body = await json_object(request)
        account = self._teams.roster.named(text(body, "as"))
        said = await self._teams.say(account, text(body, "conversation"), text(body, "text"))
        return _json(
            {
                "message": self._teams.message(account, said.message.id),
                "delivery": _delivery(said.answer) if said.answer else None,
            }
        )

    async def _press(self, request: web.Request) -> web.Response:
        body = await json_object(request)
        account, message_id, action = self._pressed(body)
        became = await self._cards.press(account, message_id, action, theme=_theme(body))
        return _json(_outcome(became))

    async def _submit_dialog(self, request: web.Request) -> web.Response:
        body = await json_object(request)
        account, message_id, action = self._pressed(body)
        became = await self._cards.submit_dialog(account, message_id, action, theme=_theme(body))
        return _json(_outcome(became))

    def _pressed(self, body: Mapping[str, Any]) -> tuple[Account, str, Mapping[str, Any]]:
        account = self._teams.roster.named(text(body, "as"))
        action = body.get("action")
        if not isinstance(action, Mapping):
            raise malformed("There is no action.")
        return account, text(body, "message"), action

    async def _search(self, request: web.Request) -> web.Response:
        body = await json_object(request)
        inputs = body.get("data")
        if inputs is not None and not isinstance(inputs, Mapping):
            raise malformed("The data is no object.")
        found = await self._cards.search(
            self._teams.roster.named(text(body, "as")),
            text(body, "message"),
            dataset=text(body, "dataset"),
            text=text(body, "text"),
            inputs=inputs,
        )
        choices = [{"title": each.title, "value": each.value} for each in found.choices]
        return _json({"choices": choices, "failure": found.failure})

    async def _look(self, request: web.Request) -> web.Response:
        body = await json_object(request)
        account = self._teams.roster.named(text(body, "as"))
        ids = body.get("messages")
        if not isinstance(ids, list) or len(ids) > _MOST_LOOKS:
            raise malformed(f"The messages are no list, or more than {_MOST_LOOKS}.")
        await self._cards.look(account, [each for each in ids if isinstance(each, str)])
        return web.json_response({})

    def _asking(self, request: web.Request) -> Account:
        return self._teams.roster.named(request.query.get("as", ""))


def _place(place: Place) -> Mapping[str, Any]:
    return {
        "id": place.id,
        "name": place.name,
        "kind": place.kind.value,
        "needsMention": place.needs_mention,
        "members": [each.name for each in place.members],
    }


def _delivery(answer: Answer) -> Mapping[str, Any]:
    return {
        "status": answer.status,
        "milliseconds": round(answer.took / timedelta(milliseconds=1)),
        "failure": answer.failure,
        "isHeld": answer.is_held,
    }


def _outcome(became: Outcome) -> Mapping[str, Any]:
    outcome: dict[str, Any] = {"kind": became.kind, "text": became.text}
    if became.dialog:
        dialog = became.dialog
        outcome["dialog"] = {
            "title": dialog.title,
            "width": dialog.width,
            "height": dialog.height,
            "card": dialog.card,
        }
    return outcome


def _theme(body: Mapping[str, Any]) -> str:
    theme = text(body, "theme") or THEMES[0]
    if theme not in THEMES:
        raise malformed(f"There are the themes {', '.join(THEMES)}.")
    return theme


def _json(value: Any) -> web.Response:
    return web.Response(body=orjson.dumps(value), content_type="application/json")
