"""What reaches the Bot Connector, and what its answers mean."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

from aiohttp import web
import pytest

from bot.botframework.connector import LONGEST_WAIT, wait
from bot.botframework.trust import PRODUCTION_HOSTS
from domain.conversation import Conversation
from domain.errors import Ambiguous, Bug, Refused, SignalboxError, Unavailable, UnknownMessage
from domain.notice import Member, Mention, Message
from sandbox.entra import Issuer
from tests.ingress.world import BOT, DEV, TENANT, FakeClock, World, world_of

THREAD = "19:ops@thread.tacv2;messageid=1700000000000"
QUOTED = "19%3Aops%40thread.tacv2%3Bmessageid%3D1700000000000"
CARD = {"type": "AdaptiveCard", "version": "1.5", "body": [{"type": "TextBlock", "text": "Ä"}]}
WORDS = Message(markdown="**done**")


async def test_words_are_posted_into_the_thread(world: World) -> None:
    message = Message(markdown="**done**", reply_to="1700000000001")

    activity_id = await world.edge.transport.send(world.conversation(THREAD), message)

    (request,) = world.channel.requests
    assert activity_id == "sent-1"
    assert (request.method, request.path) == ("POST", f"/v3/conversations/{QUOTED}/activities")
    assert request.body == {
        "type": "message",
        "text": "**done**",
        "textFormat": "markdown",
        "inputHint": "acceptingInput",
        "replyToId": "1700000000001",
        "channelId": "msteams",
        "serviceUrl": world.channel.url,
        "from": {"id": BOT},
        "conversation": {
            "id": THREAD,
            "conversationType": "channel",
            "isGroup": True,
            "tenantId": TENANT,
        },
    }
    assert "Authorization" not in request.headers


async def test_whom_a_message_calls_goes_along_as_teams_wants_it(world: World) -> None:
    mention = Mention(teams_id="29:dev", name="dev-1", text="<at>dev-1</at>")
    said = Message(markdown="<at>dev-1</at>: it has ended", mentions=(mention,))

    await world.edge.transport.send(world.conversation(), said)

    body = world.channel.requests[0].body
    assert body["text"] == "<at>dev-1</at>: it has ended"
    assert body["entities"] == [
        {
            "type": "mention",
            "text": "<at>dev-1</at>",
            "mentioned": {"id": "29:dev", "name": "dev-1"},
        }
    ]


async def test_what_answers_nothing_carries_no_reply_to(world: World) -> None:
    await world.edge.transport.send(world.conversation(), WORDS)

    assert "replyToId" not in world.channel.requests[0].body


async def test_a_card_is_posted_with_words_for_the_notification(world: World) -> None:
    await world.edge.transport.send(world.conversation(), Message(card=CARD, markdown="Plan"))

    body = world.channel.requests[0].body
    assert body["attachments"] == [
        {"contentType": "application/vnd.microsoft.card.adaptive", "content": CARD}
    ]
    assert (body["summary"], "text" in body) == ("Plan", False)


async def test_a_card_is_put_in_place_of_another(world: World) -> None:
    await world.edge.transport.update(world.conversation(THREAD), "17/../18", Message(card=CARD))

    (request,) = world.channel.requests
    assert request.method == "PUT"
    assert request.path == f"/v3/conversations/{QUOTED}/activities/17%2F..%2F18"
    assert request.body["id"] == "17/../18"
    assert request.body["attachments"][0]["content"] == CARD
    assert "replyToId" not in request.body


async def test_a_card_that_is_no_json_is_our_mistake(world: World) -> None:
    with pytest.raises(Bug):
        await world.edge.transport.send(world.conversation(), Message(card={"a": object()}))

    assert world.channel.requests == []


def answered(status: int, code: str = "", **headers: str) -> web.Response:
    body = {"error": {"code": code, "message": "secret <b>"}} if code else {}
    return web.json_response(body, status=status, headers=headers)


SEND: dict[str, tuple[web.Response, type[SignalboxError], str, timedelta | None]] = {
    "429 with seconds": (
        answered(429, **{"Retry-After": "7"}),
        Unavailable,
        "Teams takes no messages right now (429).",
        timedelta(seconds=7),
    ),
    "429 with a date": (
        answered(429, **{"Retry-After": "Mon, 02 Mar 2026 09:30:05 GMT"}),
        Unavailable,
        "Teams takes no messages right now (429).",
        timedelta(seconds=5),
    ),
    "412": (answered(412), Unavailable, "Teams takes no messages right now (412).", None),
    "502": (answered(502), Unavailable, "Teams takes no messages right now (502).", None),
    "503": (answered(503), Unavailable, "Teams takes no messages right now (503).", None),
    "504": (answered(504), Unavailable, "Teams takes no messages right now (504).", None),
    "500": (answered(500, "ServiceError"), Ambiguous, "Teams failed (500 ServiceError).", None),
    "400": (answered(400, "BadSyntax"), Refused, "Teams refused it (400 BadSyntax).", None),
    "403": (
        answered(403, "BotNotInConversationRoster"),
        Refused,
        "Teams refused it (403 BotNotInConversationRoster).",
        None,
    ),
    "404": (answered(404), Refused, "Teams refused it (404).", None),
    "413": (
        answered(413, "MessageSizeTooBig"),
        Refused,
        "Teams refused it (413 MessageSizeTooBig).",
        None,
    ),
    "a code that is none": (answered(400, "<b>x</b>"), Refused, "Teams refused it (400).", None),
    "401": (answered(401), Unavailable, "Teams does not accept my credentials (401).", None),
    "302": (
        answered(302, Location="http://169.254.169.254/"),
        Refused,
        "Teams refused it (302).",
        None,
    ),
    "200 without an id": (
        web.json_response({}),
        Ambiguous,
        "Teams took a message and did not say which it became.",
        None,
    ),
    "200 with a page": (
        web.Response(text="<html>"),
        Ambiguous,
        "Teams took a message and did not say which it became.",
        None,
    ),
}


@pytest.mark.parametrize("name", SEND)
async def test_what_the_channels_answer_to_a_message_means(world: World, name: str) -> None:
    answer, kind, sentence, retry_after = SEND[name]
    world.channel.answers.append(_copy(answer))

    with pytest.raises(SignalboxError) as error:
        await world.edge.transport.send(world.conversation(), WORDS)

    assert str(error.value) == sentence
    assert isinstance(error.value, kind)
    assert getattr(error.value, "retry_after", None) == retry_after
    assert isinstance(error.value, Ambiguous) == (kind is Ambiguous)
    assert len(world.channel.requests) == 1  # nobody retried


UPDATE: list[tuple[web.Response, type[SignalboxError]]] = [
    (answered(404, "ActivityNotFoundInConversation"), UnknownMessage),
    (answered(403, "BotNotInConversationRoster"), Refused),
    (answered(429), Unavailable),
    (answered(500), Unavailable),
]


@pytest.mark.parametrize(("answer", "kind"), UPDATE)
async def test_what_the_channels_answer_to_an_update_means(
    world: World, answer: web.Response, kind: type[SignalboxError]
) -> None:
    world.channel.answers.append(_copy(answer))

    with pytest.raises(kind) as error:
        await world.edge.transport.update(world.conversation(), "17", WORDS)

    assert isinstance(error.value, UnknownMessage) == (kind is UnknownMessage)
    assert not isinstance(error.value, Ambiguous)


def _copy(answer: web.Response) -> web.Response:
    """A response can be sent once; the table is read by many."""
    return web.Response(
        status=answer.status,
        body=answer.body,
        headers={k: v for k, v in answer.headers.items() if k != "Content-Length"},
    )


async def test_nobody_there_is_unavailable(world: World) -> None:
    await world.channel.stop()

    with pytest.raises(Unavailable) as error:
        await world.edge.transport.send(world.conversation(), WORDS)

    assert str(error.value) == "Teams cannot be reached."
    assert not isinstance(error.value, Ambiguous)  # nothing was sent
    await world.channel.start()


async def test_a_silent_channel_leaves_open_whether_a_message_arrived(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.botframework.connector.TIMEOUT", timedelta(seconds=0.05))
    never = asyncio.Event()

    async def silence() -> web.Response:
        await never.wait()
        return web.Response()

    world.channel.answers += [silence, silence]

    with pytest.raises(Ambiguous):
        await world.edge.transport.send(world.conversation(), WORDS)
    with pytest.raises(Unavailable) as error:
        await world.edge.transport.update(world.conversation(), "17", WORDS)
    assert not isinstance(error.value, Ambiguous)
    never.set()


@pytest.mark.parametrize(
    "service_url",
    [
        "https://evil.trafficmanager.net/",
        "http://smba.trafficmanager.net/",
        "http://169.254.169.254/",
        "https://smba.trafficmanager.net@evil.example/",
    ],
)
async def test_a_stored_address_that_was_tampered_with_gets_nothing(
    issuer: Issuer, clock: FakeClock, service_url: str
) -> None:
    tokens = CountingTokens()
    async with world_of(issuer, clock, tokens) as world:
        good = world.conversation()
        bad = Conversation(
            tenant=good.tenant,
            service_url=service_url,
            id=good.id,
            kind=good.kind,
            bot_id=good.bot_id,
        )
        for deed in (
            world.edge.transport.send(bad, WORDS),
            world.edge.transport.update(bad, "17", WORDS),
            world.edge.transport.members(bad),
        ):
            with pytest.raises(Refused, match="not Teams'"):
                await deed

    assert tokens.given == 0


class CountingTokens:
    """Gives one token after another."""

    def __init__(self) -> None:
        self.given = 0
        self.forgotten: list[str] = []

    async def token(self) -> str:
        self.given += 1
        return f"token-{self.given}"

    def forget(self, token: str) -> None:
        self.forgotten.append(token)


async def test_our_token_goes_with_each_request_and_is_forgotten_where_it_is_refused(
    issuer: Issuer, clock: FakeClock
) -> None:
    tokens = CountingTokens()
    async with world_of(issuer, clock, tokens) as world:
        await world.edge.transport.send(world.conversation(), WORDS)
        world.channel.answers.append(answered(401))
        with pytest.raises(Unavailable):
            await world.edge.transport.update(world.conversation(), "17", WORDS)
        world.channel.answers.append(web.json_response({"members": ACCOUNTS}))
        await world.edge.transport.members(world.conversation())

        sent = [request.headers["Authorization"] for request in world.channel.requests]

    assert sent == ["Bearer token-1", "Bearer token-2", "Bearer token-3"]
    assert tokens.forgotten == ["token-2"]


async def test_one_connection_carries_many_messages(world: World) -> None:
    for _ in range(5):
        await world.edge.transport.send(world.conversation(), WORDS)

    assert world.session.connector is not None
    assert len(world.session.connector._conns) == 1  # type: ignore[attr-defined]


ACCOUNTS: list[Any] = [
    {"id": "29:1", "name": "dev-1", "aadObjectId": DEV.upper()},
    {"id": "29:2", "name": "sre-1", "objectId": "00000000-0000-4000-8000-000000000002"},
    {"id": "29:3", "name": None},
    {"id": 5},
    "text",
]
MEMBERS = (
    Member(teams_id="29:1", object_id=DEV, name="dev-1"),
    Member(teams_id="29:2", object_id="00000000-0000-4000-8000-000000000002", name="sre-1"),
    Member(teams_id="29:3", object_id="", name=""),
)


async def test_the_roster_is_read_page_by_page(world: World) -> None:
    world.channel.answers += [
        web.json_response({"members": ACCOUNTS[:1], "continuationToken": "a+b/c"}),
        web.json_response({"members": ACCOUNTS[1:], "continuationToken": ""}),
    ]

    assert await world.edge.transport.members(world.conversation(THREAD)) == MEMBERS

    roster = "/v3/conversations/19%3Aops%40thread.tacv2/pagedmembers"
    assert [(r.method, r.path, r.query) for r in world.channel.requests] == [
        ("GET", roster, {"pageSize": "500"}),
        ("GET", roster, {"pageSize": "500", "continuationToken": "a+b/c"}),
    ]


@pytest.mark.parametrize("no_pages", [404, 200])
async def test_a_channel_without_pages_gives_the_whole_roster(world: World, no_pages: int) -> None:
    first = answered(404) if no_pages == 404 else web.json_response({"id": "x"})
    world.channel.answers += [first, web.json_response(ACCOUNTS)]

    assert await world.edge.transport.members(world.conversation(THREAD)) == MEMBERS

    assert world.channel.requests[1].path == "/v3/conversations/19%3Aops%40thread.tacv2/members"


async def test_a_roster_that_never_ends_is_cut(world: World) -> None:
    page = {"members": ACCOUNTS[:1], "continuationToken": "again"}

    async def again() -> web.Response:
        return web.json_response(page)

    world.channel.answers += [again] * 60

    assert len(await world.edge.transport.members(world.conversation())) == 50


@pytest.mark.parametrize(
    ("status", "kind"), [(403, Refused), (429, Unavailable), (500, Unavailable)]
)
async def test_a_roster_that_is_not_told(
    world: World, status: int, kind: type[SignalboxError]
) -> None:
    world.channel.answers.append(answered(status))

    with pytest.raises(kind):
        await world.edge.transport.members(world.conversation())

    assert len(world.channel.requests) == 1


async def test_an_answer_without_end_is_not_read_to_it(world: World) -> None:
    world.channel.answers.append(web.Response(body=b"x" * 5 * 1024 * 1024))

    with pytest.raises(Ambiguous):
        await world.edge.transport.send(world.conversation(), WORDS)


NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("", None),
        ("0", timedelta(0)),
        (" 7 ", timedelta(seconds=7)),
        ("3601", LONGEST_WAIT),
        ("9" * 400, LONGEST_WAIT),
        ("7.5", None),
        ("-1", None),
        ("²", None),
        ("soon", None),
        ("Mon, 02 Mar 2026 09:30:30 GMT", timedelta(seconds=30)),
        ("Mon, 02 Mar 2026 09:30:30 -0000", timedelta(seconds=30)),
        ("Mon, 02 Mar 2026 08:00:00 GMT", timedelta(0)),
        ("Mon, 02 Mar 2099 08:00:00 GMT", LONGEST_WAIT),
        ("Mon, 99 Mar 2026 08:00:00 GMT", None),
    ],
)
def test_a_retry_after_is_seconds_or_a_date(header: str, expected: timedelta | None) -> None:
    assert wait(header, NOW) == expected


def test_no_wildcard_is_trusted() -> None:
    assert not [host for host in PRODUCTION_HOSTS if "*" in host or host.startswith(".")]
