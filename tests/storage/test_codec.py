from datetime import timedelta
import json

from hypothesis import given
from hypothesis import strategies as st

from domain.actor import Actor, ActorKind
from domain.command import Effect
from domain.conversation import Conversation, ConversationKind
from domain.notice import Mention, Message, Notice, NoticeKind
from domain.plan import ActionPlan, Change, Plan, StepPlan
from domain.policy import GateKind, GateRule
from storage import codec

words = st.text(max_size=20)
sets = st.frozensets(words, max_size=3)
scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | words
json_values = st.recursive(
    scalars.filter(lambda value: value not in (float("inf"), float("-inf"))),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3),
    max_leaves=6,
)
json_objects = st.dictionaries(words, json_values, max_size=3)

actors = st.builds(
    Actor,
    tenant=words,
    id=words,
    name=words,
    kind=st.sampled_from(ActorKind),
    roles=sets,
    groups=sets,
    is_guest=st.booleans(),
    is_known=st.booleans(),
)
conversations = st.builds(
    Conversation,
    tenant=words,
    service_url=words,
    id=words,
    kind=st.sampled_from(ConversationKind),
    bot_id=words,
)
messages = st.builds(
    Message,
    markdown=words,
    card=st.none() | json_objects,
    reply_to=words,
    mentions=st.lists(st.builds(Mention, teams_id=words, name=words, text=words), max_size=2).map(
        tuple
    ),
)
notices = st.builds(
    Notice,
    kind=st.sampled_from(NoticeKind),
    run_id=words,
    by=st.lists(words, max_size=2).map(tuple),
    reason=words,
    group=words,
)
gate_rules = st.builds(
    GateRule,
    kind=st.sampled_from(GateKind),
    count=st.integers(0, 9),
    group=words,
    expires=st.timedeltas(timedelta(0), timedelta(days=400)),
    escalate=words,
    escalate_after=st.none() | st.timedeltas(timedelta(0), timedelta(days=400)),
)
action_plans = st.builds(
    ActionPlan,
    summary=words,
    changes=st.lists(
        st.builds(Change, target=words, what=words, before=words, after=words), max_size=2
    ).map(tuple),
    untouched=st.lists(words, max_size=2).map(tuple),
    rollback=words,
    before=st.none() | json_objects,
)
plans = st.builds(
    Plan,
    definition_digest=words,
    inputs=st.dictionaries(words, words, max_size=3),
    steps=st.lists(
        st.builds(
            StepPlan,
            step=words,
            uses=words,
            effect=st.sampled_from(Effect),
            arguments=json_objects,
            plan=st.none() | action_plans,
        ),
        max_size=3,
    ).map(tuple),
    lock=st.none() | words,
)


def through_json(value):
    return json.loads(json.dumps(value))


@given(actors)
def test_an_actor_comes_back_as_it_was(actor):
    assert codec.actor_from_json(through_json(codec.actor_to_json(actor))) == actor


@given(conversations)
def test_a_conversation_comes_back_as_it_was(conversation):
    stored = through_json(codec.conversation_to_json(conversation))

    assert codec.conversation_from_json(stored) == conversation


@given(messages)
def test_a_message_comes_back_as_it_was(message):
    assert codec.message_from_json(through_json(codec.message_to_json(message))) == message


@given(messages | notices)
def test_what_is_to_be_said_comes_back_as_it_was(said):
    assert codec.said_from_json(through_json(codec.said_to_json(said))) == said


def test_what_was_stored_before_there_were_mentions_and_escalations_is_read():
    message = {"markdown": "done", "card": None, "reply_to": "1"}
    rule = {"kind": "approval", "count": 2, "group": "prod-approvers", "expires": 1800.0}

    assert codec.said_from_json(message) == Message(markdown="done", reply_to="1")
    assert codec.gate_rule_from_json(rule) == GateRule(
        kind=GateKind.APPROVAL, count=2, group="prod-approvers"
    )


@given(gate_rules)
def test_a_gate_rule_comes_back_as_it_was(rule):
    assert codec.gate_rule_from_json(through_json(codec.gate_rule_to_json(rule))) == rule


@given(plans)
def test_a_plan_comes_back_as_it_was(plan):
    assert codec.plan_from_json(through_json(codec.plan_to_json(plan))) == plan


def test_equal_actors_have_equal_texts():
    def text(roles):
        actor = Actor(tenant="t", id="i", name="dev-1", roles=frozenset(roles))
        return json.dumps(codec.actor_to_json(actor))

    assert text(["a", "b", "c", "d"]) == text(["d", "c", "b", "a"])
