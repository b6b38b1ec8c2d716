"""Our tables read and write what msrest reads and writes, and lose less."""

from datetime import UTC, datetime
from typing import Any

from botbuilder.schema import Activity, ActivityTypes, Attachment, ConversationAccount
import orjson
import pytest

from bot.botframework.codec import Malformed, read_activity, write
from domain.errors import Bug
from tests.ingress.world import BOT, message

FULL: dict[str, Any] = message(
    "https://smba.trafficmanager.net/emea/",
    localTimestamp="2026-03-02T10:30:00+01:00",
    attachments=[{"contentType": "text/html", "content": "<p>hi</p>"}],
    entities=[{"type": "mention"}],
    membersAdded=[{"id": BOT, "name": "Signalbox"}],
    value={"a": [1, {"b": None}]},
    conversation={"id": "a:dm", "conversationType": "personal"},
    **{"from": {"id": "29:dev-1", "name": "dev-1"}},
)


def test_it_reads_what_the_sdk_reads() -> None:
    ours = read_activity(FULL)

    assert ours.serialize() == Activity().deserialize(FULL).serialize()
    assert ours.local_timestamp == datetime.fromisoformat("2026-03-02T10:30:00+01:00")
    assert type(ours.from_property).__name__ == "ChannelAccount"
    assert ours.members_added[0].id == BOT


def test_it_keeps_what_the_sdk_drops() -> None:
    raw = FULL | {
        "conversation": {"id": "a:dm", "tenantId": "t"},
        "tomorrow": {"x": 1},
        "timestamp": "soon",
    }

    written = orjson.loads(write(read_activity(raw)))

    assert written["conversation"] == {"id": "a:dm", "tenantId": "t"}
    assert written["tomorrow"] == {"x": 1}
    assert written["timestamp"] == "soon"


def test_it_writes_what_the_sdk_writes() -> None:
    card = {"type": "AdaptiveCard", "body": [{"type": "TextBlock", "text": "ä"}]}
    activity = Activity(
        type=ActivityTypes.message,
        timestamp=datetime(2026, 3, 2, 9, 30, 0, 120000, tzinfo=UTC),
        attachments=[Attachment(content_type="x", content=card)],
        conversation=ConversationAccount(id="a:dm", is_group=True),
    )

    theirs = activity.serialize()
    ours = orjson.loads(write(activity))

    assert ours.pop("timestamp")[:21] == theirs.pop("timestamp")[:21]
    assert ours == theirs


@pytest.mark.parametrize(
    "fields",
    [
        {"from": "x"},
        {"conversation": []},
        {"recipient": 5},
        {"attachments": {}},
        {"attachments": ["x"]},
        {"entities": "x"},
        {"membersAdded": [[]]},
    ],
)
def test_what_is_no_object_or_list_is_malformed(fields: dict[str, Any]) -> None:
    with pytest.raises(Malformed):
        read_activity(FULL | fields)


def test_what_is_no_json_is_our_mistake() -> None:
    with pytest.raises(Bug):
        write(Activity(value=object()))
