"""Turns: everything passes the SDK's pipeline, and invokes are answered."""

from collections.abc import Awaitable, Callable
import json
from typing import Any

from botbuilder.core import Middleware, TurnContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
import pytest

from bot.inbound import InboundKind, InvokeAnswer
from domain.errors import Unavailable
from domain.notice import Message
from tests.ingress.world import ABSENT, BOT, DEV, TENANT, World

CARD = {"type": "AdaptiveCard", "version": "1.5", "body": [{"type": "TextBlock", "text": "Ä"}]}


class Spy(Middleware):  # type: ignore[misc]  # the SDK has no types
    """Writes down what passes the pipeline, both ways."""

    def __init__(self) -> None:
        self.contexts: list[TurnContext] = []
        self.sent: list[tuple[str, str]] = []

    async def on_turn(self, context: TurnContext, logic: Callable[[], Awaitable[None]]) -> None:
        self.contexts.append(context)

        async def sending(_: Any, activities: Any, go_on: Callable[[], Awaitable[None]]) -> None:
            self.sent += [("send", activity.type) for activity in activities]
            await go_on()

        async def updating(_: Any, activity: Any, go_on: Callable[[], Awaitable[None]]) -> None:
            self.sent.append(("update", activity.id))
            await go_on()

        context.on_send_activities(sending)
        context.on_update_activity(updating)
        await logic()


@pytest.fixture
def spy(world: World) -> Spy:
    spy = Spy()
    world.edge.adapter.use(spy)
    return spy


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"text": ABSENT, "value": {"t": "x"}},
        {"type": "invoke", "name": "adaptiveCard/action", "value": {"action": {}}},
        {"type": "invoke", "name": "task/fetch"},
        {"type": "installationUpdate", "action": "add"},
        {"type": "conversationUpdate"},
        {"type": "messageReaction"},
    ],
)
async def test_every_activity_that_comes_in_passes_a_turn_context(
    world: World, spy: Spy, fields: dict[str, Any]
) -> None:
    status, _ = await world.post(world.activity(**fields))

    assert status == 200
    (context,) = spy.contexts
    assert isinstance(context, TurnContext)
    assert context.activity.type == fields.get("type", "message")
    assert context.activity.from_property.aad_object_id == DEV
    assert context.activity.conversation.additional_properties == {"tenantId": TENANT}
    assert len(world.turns) == 1


async def test_every_activity_that_goes_out_passes_a_turn_context(world: World, spy: Spy) -> None:
    transport, conversation = world.edge.transport, world.conversation()

    await transport.send(conversation, Message(markdown="words"))
    await transport.send(conversation, Message(card=CARD, reply_to="17"))
    await transport.update(conversation, "18", Message(card=CARD))
    await transport.members(conversation)

    assert [context.activity.conversation.id for context in spy.contexts] == ["a:dm"] * 4
    assert [context.activity.recipient.id for context in spy.contexts] == [BOT] * 4
    assert spy.sent == [("send", "message"), ("send", "message"), ("update", "18")]


async def test_an_invoke_is_answered_with_the_handlers_body(world: World, spy: Spy) -> None:
    body = {"statusCode": 200, "type": "application/vnd.microsoft.card.adaptive", "value": CARD}
    world.answer = InvokeAnswer(body=body)
    activity = world.activity(
        type="invoke", name="adaptiveCard/action", value={"action": {"verb": "approve"}}
    )

    async with world.http.post(
        world.url, json=activity, headers={"Authorization": f"Bearer {world.token()}"}
    ) as response:
        assert response.status == 200
        assert response.content_type == "application/json"
        assert await response.json() == body

    assert world.turns[0].kind is InboundKind.ACTION
    assert spy.sent == [("send", "invokeResponse")]
    assert world.channel.requests == []


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (InvokeAnswer(status=404), (404, b"")),
        (InvokeAnswer(status=400, body={"a": [1]}), (400, b'{"a":[1]}')),
        (InvokeAnswer(body={}), (200, b"{}")),
        (None, (200, b"")),
    ],
)
async def test_an_invoke_has_the_status_that_the_handler_gives(
    world: World, answer: InvokeAnswer | None, expected: tuple[int, bytes]
) -> None:
    world.answer = answer

    assert await world.post(world.activity(type="invoke", name="task/fetch")) == expected


async def test_what_is_no_invoke_is_answered_with_nothing(world: World) -> None:
    world.answer = InvokeAnswer(status=418, body={"a": 1})

    assert await world.post() == (200, b"")


async def test_replies_are_not_put_into_the_http_answer(world: World) -> None:
    world.answer = InvokeAnswer(body={"a": 1})

    assert await world.post(world.activity(deliveryMode="expectReplies")) == (200, b"")
    invoke = world.activity(type="invoke", name="x", deliveryMode="expectReplies")
    assert await world.post(invoke) == (200, b'{"a":1}')


@pytest.mark.parametrize("error", [Unavailable("The database sleeps."), ZeroDivisionError()])
@pytest.mark.parametrize("kind", ["message", "invoke"])
async def test_a_handler_that_fails_is_503_and_says_nothing(
    world: World, error: Exception, kind: str
) -> None:
    world.answer = error

    answer = await world.post(world.activity(type=kind, name="x"))

    assert answer == (503, b"Our mistake; it is logged as c0ffee.")
    assert world.channel.requests == []


MALFORMED: list[dict[str, Any]] = [
    {"id": ABSENT},
    {"conversation": {"tenantId": TENANT}},
    {"channelData": {"tenant": {"id": TENANT}}, "conversation": "a:dm"},
    {"text": ["status"]},
    {"entities": "mention"},
    {"attachments": {"a": 1}},
    {"membersAdded": ["x"]},
]


@pytest.mark.parametrize("fields", MALFORMED, ids=str)
async def test_a_genuine_activity_of_another_shape_is_400(
    world: World, fields: dict[str, Any]
) -> None:
    assert await world.post(world.activity(**fields)) == (400, b"")

    assert world.turns == []


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
FIELDS = st.sampled_from(
    [
        "type",
        "id",
        "channelId",
        "serviceUrl",
        "from",
        "recipient",
        "conversation",
        "channelData",
        "text",
        "entities",
        "value",
        "name",
        "action",
        "replyToId",
        "timestamp",
        "attachments",
        "membersAdded",
        "deliveryMode",
        "locale",
        "relatesTo",
        "semanticAction",
        "suggestedActions",
        "textHighlights",
        "callerId",
    ]
)


@settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(junk=st.dictionaries(FIELDS | st.text(), JSON, max_size=5), is_signed=st.booleans())
async def test_no_json_whatsoever_makes_us_fail(
    world: World, junk: dict[str, Any], is_signed: bool
) -> None:
    body = json.dumps(world.activity() | junk).encode()

    status, answer = await world.post(
        data=body,
        token=None if is_signed else "x",
        headers={"Content-Type": "application/json"},
    )

    assert status in {200, 400, 401, 413}
    assert answer == b"" or status in {400, 413}
    assert is_signed or status in {400, 401, 413}
