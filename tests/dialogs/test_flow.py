"""What a dialog asks next: decisions about fields and values."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st
import pytest

from dialogs import flow
from domain.actor import Actor, ObjectId, TenantId
from domain.conversation import Conversation, ConversationKind
from domain.dialog import PATIENCE, Dialog, DialogState, Style
from domain.field import ChoicesFrom, Field, FieldType

NOW = datetime(2026, 11, 25, 9, 0, tzinfo=UTC)
TENANT = TenantId("t")
SERVICE = Field(name="service", type=FieldType.SERVICE)
VERSION = Field(
    name="version",
    type=FieldType.VERSION,
    choices_from=ChoicesFrom(
        uses="releases.tags@1", arguments={"service": "${ inputs.service }"}, list="versions"
    ),
)
ENVIRONMENT = Field(name="environment", type=FieldType.ENVIRONMENT)
REASON = Field(name="reason", required=False, flag_only=True)
DEPLOY = (SERVICE, VERSION, ENVIRONMENT, REASON)


def a_dialog(fields: tuple[Field, ...] = DEPLOY, **values: str) -> Dialog:
    return flow.opened(
        "d1",
        command="deploy",
        fields=fields,
        values=values,
        owner=Actor(tenant=TENANT, id=ObjectId("dev"), name="dev-1"),
        conversation=Conversation(
            tenant=TENANT,
            service_url="http://127.0.0.1/",
            id="19:ops",
            kind=ConversationKind.CHANNEL,
            bot_id="28:bot",
        ),
        now=NOW,
    )


def names(fields: tuple[Field, ...]) -> list[str]:
    return [each.name for each in fields]


def asked(dialog: Dialog, fields: tuple[Field, ...] = DEPLOY) -> list[str]:
    return names(flow.asked(dialog, fields))


def test_required_fields_are_asked_one_by_one_and_the_others_at_the_end():
    dialog = a_dialog()
    order = []
    while asks := flow.asked(dialog, DEPLOY):
        order.append(names(asks))
        dialog = flow.answered(dialog, {each.name: "x" for each in asks}, NOW)

    assert order == [["service"], ["version"], ["environment"], ["reason"]]


def test_what_was_said_already_is_not_asked():
    assert asked(a_dialog(version="v1", environment="prod")) == ["service", "reason"]


@pytest.mark.parametrize(
    ("values", "style"),
    [
        ({}, Style.GUIDED),
        ({"service": "shop"}, Style.FORM),
        ({"version": "v1.1.0"}, Style.FORM),  # a service, a place, a reason
        ({"environment": "prod"}, Style.GUIDED),  # which versions there are hangs on the service
    ],
)
def test_a_short_flow_is_one_form(values, style):
    assert a_dialog(**values).style is style


def test_a_form_asks_all_at_once():
    assert asked(a_dialog(service="shop")) == ["version", "environment", "reason"]


def test_back_gives_the_question_before_with_what_was_answered():
    dialog = flow.answered(a_dialog(), {"service": "shop"}, NOW)
    dialog = flow.answered(dialog, {"version": "v1"}, NOW)

    back = flow.back(dialog, DEPLOY, NOW)

    assert asked(back) == ["version"]
    assert back.drafts == {"version": "v1"}
    again = flow.answered(back, {"version": "v2"}, NOW)
    assert (again.values["version"], again.drafts) == ("v2", {})
    first = flow.back(flow.back(back, DEPLOY, NOW), DEPLOY, NOW)
    assert asked(first) == ["service"]
    assert flow.back(first, DEPLOY, NOW) == first


def test_back_from_a_form_asks_for_what_was_said_before():
    back = flow.back(a_dialog(service="shop"), DEPLOY, NOW)

    assert asked(back) == ["service", "version", "environment", "reason"]


def test_the_last_question_is_known_to_be_the_last():
    dialog = a_dialog()
    assert not flow.is_last(dialog, DEPLOY)
    for name in ("service", "version", "environment"):
        dialog = flow.answered(dialog, {name: "x"}, NOW)

    assert flow.is_last(dialog, DEPLOY)
    assert flow.is_last(a_dialog(service="shop"), DEPLOY)


def test_every_change_is_a_revision_and_gives_more_time():
    later = NOW + timedelta(minutes=5)
    dialog = flow.answered(a_dialog(), {"service": "shop"}, later)

    assert (dialog.rev, dialog.expires_at) == (2, later + PATIENCE)
    assert flow.back(dialog, DEPLOY, later).rev == 3
    assert flow.ended(dialog, DialogState.CANCELLED).rev == 3
    assert flow.done(dialog, run_id="k7f3q2ma").rev == 2, "it was not saved with its last answer"


def test_what_was_left_out_is_in_no_summary():
    dialog = flow.answered(a_dialog(service="shop"), {"version": "v1", "reason": ""}, NOW)

    assert flow.summary(dialog, DEPLOY) == (("Service", "shop"), ("Version", "v1"))


def test_a_new_version_of_the_flow_asks_for_its_new_field():
    dialog = flow.answered(a_dialog(fields=(SERVICE, VERSION, REASON)), {"service": "shop"}, NOW)
    dialog = replace(dialog, style=Style.GUIDED)

    dialog = flow.answered(dialog, {"version": "v1"}, NOW)
    assert asked(dialog) == ["environment"], "which the old flow did not ask for"
    dialog = flow.answered(dialog, {"environment": "prod", "reason": ""}, NOW)
    assert asked(dialog) == []


def test_a_new_version_of_the_flow_may_have_lost_a_field():
    dialog = flow.answered(a_dialog(), {"service": "shop"}, NOW)

    assert asked(dialog, (SERVICE, ENVIRONMENT)) == ["environment"]


NAMES = ("a", "b", "c", "d", "e")
FIELDS = st.lists(st.sampled_from(NAMES), unique=True, min_size=1).flatmap(
    lambda found: st.tuples(
        *(
            st.builds(Field, name=st.just(name), required=st.booleans(), type=st.just("text"))
            for name in found
        )
    )
)


@given(FIELDS, st.sets(st.sampled_from(NAMES)), st.lists(st.booleans(), max_size=12), FIELDS)
def test_whatever_happens_it_comes_to_an_end(fields, known, backs, newer):
    dialog = a_dialog(fields, **dict.fromkeys(known, "x"))
    for goes_back in backs:
        asks = flow.asked(dialog, fields)
        if goes_back:
            dialog = flow.back(dialog, fields, NOW)
        elif asks:
            dialog = flow.answered(dialog, {each.name: "y" for each in asks}, NOW)
    for _ in range(len(newer) + 1):
        asks = flow.asked(dialog, newer)
        if not asks:
            break
        dialog = flow.answered(dialog, {each.name: "y" for each in asks}, NOW)

    assert flow.asked(dialog, newer) == ()
    assert {each.name for each in newer} <= dialog.values.keys()


def test_what_was_left_out_is_asked_for_where_a_new_version_needs_it():
    reason = replace(REASON, required=True)
    left_out = a_dialog(service="shop", version="v1", environment="prod", reason="")

    assert asked(left_out) == []
    assert asked(left_out, (*DEPLOY[:3], reason)) == ["reason"]
