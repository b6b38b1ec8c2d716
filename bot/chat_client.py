"""One person in the simulated Teams, by its chat API: what they say, press and hear."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
import json
import re
from typing import Any
from urllib.parse import parse_qs, urlsplit

import aiohttp

from domain.errors import Refused, Unavailable

DEFAULT_URL = "http://127.0.0.1:3979"

_TOGETHER = 0.25  #: seconds within which changes are told as one
_TIMEOUT = aiohttp.ClientTimeout(total=30)
_LISTENING = aiohttp.ClientTimeout(sock_read=60)  #: there is a heartbeat every 15 seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """The conversation one is in."""

    id: str
    name: str
    is_channel: bool
    needs_mention: bool = False  #: the bot hears only what mentions it


class Talk:
    """One person in one conversation."""

    def __init__(self, session: aiohttp.ClientSession, base: str) -> None:
        self._session = session
        self._base = base
        self.user = ""
        self.bot = ""
        self.place = Place(id="", name="", is_channel=False)

    async def enter(self, user: str, conversation: str) -> None:
        """Become *user*, and find the conversation.

        Raises:
            Unavailable: nobody listens.
            Refused: there is no such person or conversation.
        """
        world = await self.call("GET", "/chat/people")
        names = [person["name"] for person in world["people"]]
        self.bot, self.user = world["bot"]["name"], user or names[0]
        if self.user not in names:
            raise Refused(
                f"Nobody in the demo is called {self.user}.", hint=f"There are {', '.join(names)}."
            )
        places = await self.call("GET", "/chat/conversations", query={"as": self.user})
        own, *groups = places["chats"]
        known = {each["name"].lower(): each for each in places["channels"]}
        known |= {"chat": own, **{each["name"].lower(): each for each in groups}}
        found = known.get(conversation.lower())
        if found is None:
            raise Refused(
                f"There is no conversation {conversation}.", hint=f"There are {', '.join(known)}."
            )
        self.place = Place(
            id=found["id"],
            name=found["name"],
            is_channel=found["kind"] == "channel",
            needs_mention=found["needsMention"],
        )

    async def say(self, text: str) -> Any:
        """Say *text*, to the bot."""
        mention = rf"(?<![\w@])@{re.escape(self.bot)}(?![\w-])"
        if self.place.needs_mention and not re.search(mention, text, re.IGNORECASE):
            text = f"@{self.bot} {text}"
        body = {"as": self.user, "conversation": self.place.id, "text": text}
        return await self.call("POST", "/chat/messages", body=body)

    async def press(self, message_id: str, action: Mapping[str, Any]) -> Any:
        """Press a button.

        What comes back has a *kind* (`card`, `dialog`, `notice`, `nothing`, `failure`) and a
        *text*; of the kind `dialog` also a *dialog*, with *title* and *card*.
        """
        body = {"as": self.user, "message": message_id, "action": action}
        return await self.call("POST", "/chat/actions", body=body)

    async def submit_dialog(self, message_id: str, action: Mapping[str, Any]) -> Any:
        """Press a button of the dialog that a button of the message opened.

        What comes back is as of `press`: another `dialog` takes the place of this one, and
        everything but a `failure` closes it.
        """
        body = {"as": self.user, "message": message_id, "action": action}
        return await self.call("POST", "/chat/dialogs", body=body)

    async def search(
        self, message_id: str, dataset: str, text: str, data: Mapping[str, Any] | None
    ) -> list[tuple[str, str]]:
        """What an input with `choices.data` can be, for the *text* in it: titles and values.

        *data* are the other inputs' values where the card says `associatedInputs: auto`.

        Raises:
            Refused: the bot did not search.
        """
        body = {
            "as": self.user,
            "message": message_id,
            "dataset": dataset,
            "text": text,
            "data": data,
        }
        found = await self.call("POST", "/chat/search", body=body)
        if found["failure"]:
            raise Refused(found["failure"])
        return [(each["title"], each["value"]) for each in found["choices"]]

    async def messages(self) -> list[Any]:
        """The latest messages, one's own views fetched."""
        query = {"as": self.user, "conversation": self.place.id}
        await self.look(*(await self.call("GET", "/chat/messages", query=query))["messages"])
        messages: list[Any] = (await self.call("GET", "/chat/messages", query=query))["messages"]
        return messages

    async def look(self, *messages: Any) -> None:
        """Fetch one's own views of *messages*, where their cards ask for it."""
        ids = [each["id"] for each in messages if any("refresh" in c for c in each["cards"])]
        if ids:
            await self.call("POST", "/chat/views", body={"as": self.user, "messages": ids})

    async def changes(self) -> AsyncGenerator[Any, None]:
        """None once it listens; then each message of the conversation that is new or changed.

        Raises:
            Unavailable: the connection broke.
        """
        try:
            async with self._session.get(
                f"{self._base}/chat/events", params={"as": self.user}, timeout=_LISTENING
            ) as response:
                async for name, event in _events(response.content.iter_any()):
                    if name == "hello":
                        yield None
                    elif name == "message" and event["message"]["place"] == self.place.id:
                        yield event["message"]
        except (aiohttp.ClientError, TimeoutError) as error:
            raise self._nobody() from error
        raise Unavailable("The connection to the demo is lost.")

    async def call(
        self, method: str, path: str, *, query: Mapping[str, str] | None = None, body: Any = None
    ) -> Any:
        """One request to the chat API.

        Raises:
            Unavailable: nobody listens, or it is something else that does.
            Refused: the simulated Teams said no.
        """
        try:
            async with self._session.request(
                method, f"{self._base}{path}", params=query, json=body
            ) as response:
                answer = await response.json()
        except aiohttp.ContentTypeError as error:
            raise Unavailable(f"What listens at {self._base} is not the demo's chat.") from error
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            raise self._nobody() from error
        if response.ok:
            return answer
        said = answer.get("error") if isinstance(answer, dict) else None
        raise Refused(said["message"] if said else f"The demo answered {response.status}.")

    def _nobody(self) -> Unavailable:
        return Unavailable(
            f"Nobody answers at {self._base}.", hint="Start the demo with `signalbox demo`."
        )


async def _events(chunks: AsyncIterator[bytes]) -> AsyncIterator[tuple[str, Any]]:
    """Name and data of each event in a stream of Server-Sent Events; comments are none.

    The server writes each event's name and data in a line each, which is all that is read here.
    """
    rest = b""
    async for chunk in chunks:
        *blocks, rest = (rest + chunk).split(b"\n\n")
        for block in blocks:
            fields = dict(line.split(b": ", 1) for line in block.split(b"\n") if b": " in line)
            if b"event" in fields:
                yield fields[b"event"].decode(), json.loads(fields[b"data"])


@asynccontextmanager
async def connected(url: str, user: str) -> AsyncIterator[Talk]:
    """*user* in the conversation that *url*, the page's, names.

    Raises:
        Unavailable: nobody listens.
        Refused: it is no address, or there is no such person or conversation.
    """
    parts = urlsplit(url if "://" in url else f"http://{url}")
    if parts.scheme != "http" or not parts.netloc:
        raise Refused(f"{url} is no address of a demo's chat.", hint=f"Say {DEFAULT_URL}.")
    conversation = parse_qs(parts.query).get("conversation", ["ops"])[0]
    async with aiohttp.ClientSession(timeout=_TIMEOUT) as session:
        talk = Talk(session, f"http://{parts.netloc}")
        await talk.enter(user, conversation)
        yield talk


class Heard:
    """What changed, told together where it changed together."""

    def __init__(self, talk: Talk) -> None:
        self._talk = talk
        self._messages: dict[str, Any] = {}
        self._is_due = asyncio.Event()
        self.is_listening = asyncio.Event()

    async def listen(self) -> None:
        """Note changes, for ever, and fetch one's own views."""
        async with aclosing(self._talk.changes()) as changes:
            async for message in changes:
                if message is None:
                    self.is_listening.set()
                    continue
                self._messages[message["id"]] = message
                self._is_due.set()
                if not message["isOwnView"]:
                    await self._talk.look(message)

    async def changed(self, within: timedelta | None) -> list[Any]:
        """The messages that changed, as they are by now.

        Raises:
            TimeoutError: none did *within* that time.
        """
        async with asyncio.timeout(within.total_seconds() if within else None):
            await self._is_due.wait()
        await asyncio.sleep(_TOGETHER)
        self._is_due.clear()
        messages = list(self._messages.values())
        self._messages.clear()
        return messages
