"""From the channel's JSON to `Inbound`: mentions, threads, buttons."""

from typing import Any

import pytest

from bot.botframework.activity import inbound
from bot.botframework.codec import Malformed
from bot.botframework.mention import without_us
from bot.botframework.origin import Origin
from bot.inbound import Inbound, InboundKind
from domain.actor import ObjectId, TenantId
from domain.conversation import Conversation, ConversationKind
from tests.ingress.world import ABSENT, BOT, DEV, TENANT, message

URL = "https://smba.trafficmanager.net/emea/"
ORIGIN = Origin(tenant=TenantId(TENANT), sender=ObjectId(DEV))
CHANNEL = "19:ops@thread.tacv2"


def read(**fields: Any) -> Inbound:
    return inbound(message(URL, **fields), ORIGIN)


def mention(text: str, *, of: str = BOT, name: str = "Signalbox") -> dict[str, Any]:
    return {"type": "mention", "mentioned": {"id": of, "name": name}, "text": text}


def test_a_message_in_a_personal_chat() -> None:
    assert read() == Inbound(
        kind=InboundKind.MESSAGE,
        activity_id="1700000000001",
        activity_type="message",
        conversation=Conversation(
            tenant=TenantId(TENANT),
            service_url=URL,
            id="a:dm",
            kind=ConversationKind.PERSONAL,
            bot_id=BOT,
        ),
        tenant=TenantId(TENANT),
        sender=ObjectId(DEV),
        sender_name="dev-1",
        sender_teams_id="29:dev-1",
        text="status shop",
        is_addressed=True,
    )


OPS = mention("<at>Ops</at>")

MENTIONS: dict[str, tuple[str, list[Any], str, bool]] = {
    "none": ("deploy shop", [], "deploy shop", False),
    "at the start": ("<at>Ops</at> run", [OPS], "run", True),
    "at the end": ("run <at>Ops</at>\n", [OPS], "run", True),
    "in the middle": ("please <at>Ops</at> run", [OPS], "please run", True),
    "between words": ("please<at>Ops</at>run", [OPS], "please run", True),
    "only it": ("<at>Ops</at>", [OPS], "", True),
    "twice, one entity": ("<at>Ops</at> ask <at>Ops</at>", [OPS], "ask Ops", True),
    "twice, two entities": ("<at>Ops</at> ask <at>Ops</at>", [OPS, OPS], "ask", True),
    "a bot called Deploy": (
        "<at>Deploy</at> Deploy shop to prod",
        [mention("<at>Deploy</at>")],
        "Deploy shop to prod",
        True,
    ),
    "a bot called e": (
        "<at>e</at> release everything",
        [mention("<at>e</at>")],
        "release everything",
        True,
    ),
    "numbered": ('<at id="0">Ops</at> run', [mention('<at id="0">Ops</at>')], "run", True),
    "numbered in the text only": ('<at id="0">Ops</at> run', [OPS], "run", True),
    "numbered, after another": (
        '<at id="0">Jane</at> <at id="1">Ops</at> run',
        [OPS],
        "Jane run",
        True,
    ),
    "of somebody else": (
        "why <at>Jane Doe</at>",
        [mention("<at>Jane Doe</at>", of="29:jane")],
        "why Jane Doe",
        False,
    ),
    "of us and another": (
        "<at>Ops</at> can <at>Jane</at> deploy shop",
        [OPS, mention("<at>Jane</at>", of="29:jane")],
        "can Jane deploy shop",
        True,
    ),
    "of one with our name": (
        "<at>Ops</at> run",
        [mention("<at>Ops</at>", of="29:impostor")],
        "Ops run",
        False,
    ),
    "typed, not made": ("&lt;at&gt;Ops&lt;/at&gt; run", [], "<at>Ops</at> run", False),
    "that is not in the text": ("run", [OPS], "run", True),
    "without text": ("run", [mention("")], "run", True),
    "text that is a number": ("run", [OPS | {"text": 5}], "run", True),
    "no entity": ("run", ["text", None, {"type": "mention"}], "run", False),
    "mentioned that is text": ("run", [{"type": "mention", "mentioned": BOT}], "run", False),
    "another type of entity": (
        "<at>Ops</at> run",
        [OPS | {"type": "clientInfo"}],
        "Ops run",
        False,
    ),
    "hard spaces": ("<at>Ops</at>&nbsp;logs\u00a0shop\u202fnow", [OPS], "logs shop now", True),
    "entities of HTML": ("<at>Ops</at> say a &lt; b &amp;&amp; c", [OPS], "say a < b && c", True),
    "unescaped once only": ("&amp;lt;at&amp;gt;", [], "&lt;at&gt;", False),
    "spaces that were typed": ('say "a  b"', [], 'say "a  b"', False),
    "lines": ("one\r\ntwo\n", [], "one\r\ntwo", False),
    "a tag that is none": ("a <at home", [], "a <at home", False),
    "another tag": (
        "<attachment id='1'></attachment> x",
        [],
        "<attachment id='1'></attachment> x",
        False,
    ),
}


@pytest.mark.parametrize("name", MENTIONS)
def test_our_mention_is_cut_and_nothing_else(name: str) -> None:
    text, entities, expected, is_addressed = MENTIONS[name]

    turn = read(
        text=text,
        entities=entities,
        conversation={"id": "19:chat@thread.v2", "conversationType": "groupChat"},
    )

    assert (turn.text, turn.is_addressed) == (expected, is_addressed)


@pytest.mark.parametrize("text", ["<at>" * 60_000, "<at>a</at" * 25_000, "<at " * 60_000])
def test_hostile_text_takes_no_time(text: str) -> None:
    assert without_us(text, [OPS], BOT) == (text.strip(), True)


@pytest.mark.parametrize("entities", [None, "mention", {"type": "mention"}, 5])
def test_entities_that_are_no_list_mention_nobody(entities: Any) -> None:
    assert without_us("run", entities, BOT) == ("run", False)


@pytest.mark.parametrize(
    ("conversation_id", "fields", "expected"),
    [
        (f"{CHANNEL};messageid=17", {}, f"{CHANNEL};messageid=17"),
        (f"{CHANNEL};messageid=17", {"replyToId": "18"}, f"{CHANNEL};messageid=17"),
        (CHANNEL, {}, f"{CHANNEL};messageid=1700000000001"),
        (CHANNEL, {"replyToId": "18"}, f"{CHANNEL};messageid=18"),
        (CHANNEL, {"replyToId": ""}, f"{CHANNEL};messageid=1700000000001"),
        (CHANNEL, {"type": "invoke", "id": "f:1", "replyToId": "18"}, f"{CHANNEL};messageid=18"),
        (CHANNEL, {"type": "invoke", "id": "f:1"}, CHANNEL),
        (CHANNEL, {"type": "installationUpdate", "action": "add", "id": "f:1"}, CHANNEL),
    ],
)
def test_what_is_said_in_a_channel_belongs_to_its_thread(
    conversation_id: str, fields: dict[str, Any], expected: str
) -> None:
    account = {"id": conversation_id, "conversationType": "channel", "isGroup": True}

    turn = read(conversation=account, **fields)

    assert turn.conversation.id == expected
    assert turn.conversation.roster_id == CHANNEL
    assert turn.conversation.kind is ConversationKind.CHANNEL


@pytest.mark.parametrize(
    ("account", "channel_data", "kind", "is_addressed"),
    [
        ({"conversationType": "personal"}, {}, ConversationKind.PERSONAL, True),
        ({"conversationType": "groupChat"}, {}, ConversationKind.GROUP_CHAT, False),
        ({"conversationType": "channel"}, {}, ConversationKind.CHANNEL, False),
        ({}, {"channel": {"id": CHANNEL}}, ConversationKind.CHANNEL, False),
        ({}, {}, ConversationKind.GROUP_CHAT, False),
        ({"conversationType": "hologram"}, {}, ConversationKind.GROUP_CHAT, False),
    ],
)
def test_where_it_is_not_sure_that_we_are_meant_we_are_not(
    account: dict[str, Any], channel_data: Any, kind: ConversationKind, is_addressed: bool
) -> None:
    turn = read(conversation={"id": "x"} | account, channelData=channel_data)

    assert (turn.conversation.kind, turn.is_addressed) == (kind, is_addressed)


def press(**value: Any) -> Inbound:
    return read(
        type="invoke",
        id="f:1",
        name="adaptiveCard/action",
        replyToId="1700000000000",
        text=ABSENT,
        value=value,
    )


def test_a_pressed_button() -> None:
    action = {"type": "Action.Execute", "verb": "approve", "data": {"t": "token", "in.why": "ok"}}

    turn = press(action=action, trigger="manual")

    assert turn.kind is InboundKind.ACTION
    assert (turn.verb, turn.data) == ("approve", {"t": "token", "in.why": "ok"})
    assert (turn.is_refresh, turn.is_submit, turn.reply_to) == (False, False, "1700000000000")


def test_a_refresh_is_nobody_pressing() -> None:
    turn = press(action={"verb": "run", "data": {"t": "token"}}, trigger="automatic")

    assert (turn.kind, turn.is_refresh) == (InboundKind.ACTION, True)


@pytest.mark.parametrize(
    "value", [{}, {"action": None}, {"action": {}}, {"action": {"data": None}}]
)
def test_a_button_that_carries_nothing_says_nothing(value: dict[str, Any]) -> None:
    turn = press(**value)

    assert (turn.kind, turn.verb, turn.data) == (InboundKind.ACTION, "", {})


@pytest.mark.parametrize(
    ("value", "verb"),
    [({"t": "token", "in.why": "ok"}, ""), ({"verb": "approve"}, "approve"), ({"verb": 5}, "")],
)
@pytest.mark.parametrize("text", [ABSENT, None, "", " \n"])
def test_a_button_of_an_old_client(value: dict[str, Any], verb: str, text: Any) -> None:
    turn = read(text=text, value=value, replyToId="1700000000000")

    assert turn.kind is InboundKind.ACTION
    assert (turn.is_submit, turn.verb, turn.data) == (True, verb, value)
    assert turn.reply_to == "1700000000000"


def test_words_with_a_value_are_words() -> None:
    turn = read(value={"t": "token"})

    assert (turn.kind, turn.text, turn.data) == (InboundKind.MESSAGE, "status shop", None)


def test_another_invoke() -> None:
    turn = read(type="invoke", name="tab/fetch", text=ABSENT, value={"data": 1})

    assert turn.kind is InboundKind.INVOKE
    assert (turn.invoke_name, turn.data) == ("tab/fetch", {"data": 1})


@pytest.mark.parametrize(
    ("name", "kind"), [("task/fetch", InboundKind.FETCH), ("task/submit", InboundKind.FORM)]
)
def test_a_teams_dialog(name: str, kind: InboundKind) -> None:
    data = {"t": "token", "in.version": "v1.1.0"}

    turn = read(type="invoke", name=name, text=ABSENT, value={"data": data, "context": {}})

    assert (turn.kind, turn.data, turn.is_addressed) == (kind, data, True)


@pytest.mark.parametrize("value", [{"data": 1}, {"data": []}, 1, []])
def test_a_teams_dialog_without_an_object_is_malformed(value: Any) -> None:
    with pytest.raises(Malformed):
        read(type="invoke", name="task/submit", text=ABSENT, value=value)


def test_a_search_for_choices() -> None:
    value = {"queryText": "v1", "queryOptions": {"skip": 0, "top": 15}, "dataset": "token"}

    turn = read(type="invoke", name="application/search", text=ABSENT, value=value)

    assert (turn.kind, turn.data) == (InboundKind.SEARCH, value)


@pytest.mark.parametrize(
    ("fields", "kind"),
    [
        ({"type": "installationUpdate", "action": "add"}, InboundKind.INSTALLED),
        ({"type": "installationUpdate", "action": "add-upgrade"}, InboundKind.OTHER),
        ({"type": "installationUpdate", "action": "remove"}, InboundKind.REMOVED),
        ({"type": "installationUpdate", "action": ["add"]}, InboundKind.OTHER),
        ({"type": "installationUpdate", "action": "remove-upgrade"}, InboundKind.OTHER),
        ({"type": "conversationUpdate", "membersAdded": [{"id": BOT}]}, InboundKind.OTHER),
        ({"type": "conversationUpdate", "membersAdded": [{"id": "29:dev-1"}]}, InboundKind.OTHER),
        ({"type": "messageReaction"}, InboundKind.OTHER),
        ({"type": "typing"}, InboundKind.OTHER),
        ({"type": "tomorrow"}, InboundKind.OTHER),
        ({"type": "Message"}, InboundKind.OTHER),
    ],
)
def test_what_else_happens(fields: dict[str, Any], kind: InboundKind) -> None:
    turn = read(**fields)

    assert (turn.kind, turn.text, turn.data) == (kind, "", None)


MALFORMED: list[dict[str, Any]] = [
    {"id": ABSENT},
    {"id": ""},
    {"id": 5},
    {"id": "x" * 1001},
    {"conversation": ABSENT},
    {"conversation": "a:dm"},
    {"conversation": {"id": ["a:dm"]}},
    {"conversation": {"id": "a:dm", "conversationType": ["personal"]}},
    {"text": 5},
    {"text": ["status"]},
    {"replyToId": ["x"]},
    {"from": {"aadObjectId": DEV}},
    {"from": {"id": 5, "aadObjectId": DEV}},
    {"from": {"id": "29:x", "name": {"a": 1}, "aadObjectId": DEV}},
    {"type": "invoke", "name": ["adaptiveCard/action"]},
    {"type": "invoke", "name": "adaptiveCard/action", "value": []},
    {"type": "invoke", "name": "adaptiveCard/action", "value": {"action": "x"}},
    {"type": "invoke", "name": "adaptiveCard/action", "value": {"action": {"verb": {}}}},
    {"type": "invoke", "name": "adaptiveCard/action", "value": {"action": {"data": "x"}}},
]


@pytest.mark.parametrize("fields", MALFORMED, ids=str)
def test_what_is_no_activity_is_malformed(fields: dict[str, Any]) -> None:
    with pytest.raises(Malformed):
        read(**fields)
