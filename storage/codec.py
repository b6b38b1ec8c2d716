"""Domain values to JSON and back, field by field.

What is written here is read years later: a field that goes keeps being accepted, a field that
comes gets a default. Sets are sorted, so that equal values have equal texts.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from domain.actor import Actor, ActorKind, ObjectId, TenantId
from domain.approval import Choice, HandOver, Vote
from domain.command import Effect
from domain.conversation import Conversation, ConversationKind
from domain.notice import Mention, Message, Notice, NoticeKind
from domain.plan import ActionPlan, Change, Lane, Node, Part, Plan, Role, StepPlan
from domain.policy import GateKind, GateRule

JsonObject = Mapping[str, Any]


def actor_to_json(actor: Actor) -> JsonObject:
    """*actor* as JSON."""
    return {
        "tenant": actor.tenant,
        "id": actor.id,
        "name": actor.name,
        "kind": actor.kind.value,
        "roles": sorted(actor.roles),
        "groups": sorted(actor.groups),
        "is_guest": actor.is_guest,
        "is_known": actor.is_known,
    }


def actor_from_json(value: JsonObject) -> Actor:
    """The actor in *value*."""
    return Actor(
        tenant=TenantId(value["tenant"]),
        id=ObjectId(value["id"]),
        name=value["name"],
        kind=ActorKind(value["kind"]),
        roles=frozenset(value["roles"]),
        groups=frozenset(value["groups"]),
        is_guest=value["is_guest"],
        is_known=value["is_known"],
    )


def conversation_to_json(conversation: Conversation) -> JsonObject:
    """*conversation* as JSON."""
    return {
        "tenant": conversation.tenant,
        "service_url": conversation.service_url,
        "id": conversation.id,
        "kind": conversation.kind.value,
        "bot_id": conversation.bot_id,
    }


def conversation_from_json(value: JsonObject) -> Conversation:
    """The conversation in *value*."""
    return Conversation(
        tenant=TenantId(value["tenant"]),
        service_url=value["service_url"],
        id=value["id"],
        kind=ConversationKind(value["kind"]),
        bot_id=value["bot_id"],
    )


def message_to_json(message: Message) -> JsonObject:
    """*message* as JSON."""
    return {
        "markdown": message.markdown,
        "card": message.card,
        "reply_to": message.reply_to,
        "mentions": [
            {"teams_id": each.teams_id, "name": each.name, "text": each.text}
            for each in message.mentions
        ],
    }


def message_from_json(value: JsonObject) -> Message:
    """The message in *value*."""
    return Message(
        markdown=value["markdown"],
        card=value["card"],
        reply_to=value["reply_to"],
        mentions=tuple(
            Mention(teams_id=each["teams_id"], name=each["name"], text=each["text"])
            for each in value.get("mentions", ())
        ),
    )


def said_to_json(said: Message | Notice) -> JsonObject:
    """*said* as JSON: a message, or a notice that is still to be put into words."""
    if isinstance(said, Message):
        return message_to_json(said)
    return {
        "notice": said.kind.value,
        "run_id": said.run_id,
        "by": list(said.by),
        "reason": said.reason,
        "group": said.group,
        "to": list(said.to) if said.to else None,
    }


def said_from_json(value: JsonObject) -> Message | Notice:
    """The message or the notice in *value*."""
    if "notice" not in value:
        return message_from_json(value)
    return Notice(
        kind=NoticeKind(value["notice"]),
        run_id=value["run_id"],
        by=tuple(value["by"]),
        reason=value["reason"],
        group=value["group"],
        to=(value["to"][0], value["to"][1]) if value.get("to") else None,
    )


def vote_to_json(vote: Vote) -> JsonObject:
    """*vote* as JSON."""
    return {
        "voter": vote.voter,
        "name": vote.name,
        "choice": vote.choice.value,
        "comment": vote.comment,
        "at": vote.at.isoformat(),
    }


def vote_from_json(value: JsonObject) -> Vote:
    """The vote in *value*."""
    return Vote(
        voter=ObjectId(value["voter"]),
        name=value["name"],
        choice=Choice(value["choice"]),
        comment=value["comment"],
        at=datetime.fromisoformat(value["at"]),
    )


def hand_over_to_json(handed: HandOver) -> JsonObject:
    """*handed* as JSON."""
    return {
        "by": handed.by,
        "to": handed.to,
        "note": handed.note,
        "at": handed.at.isoformat(),
    }


def hand_over_from_json(value: JsonObject) -> HandOver:
    """The hand-over in *value*."""
    return HandOver(
        by=value["by"],
        to=value["to"],
        note=value["note"],
        at=datetime.fromisoformat(value["at"]),
    )


def gate_rule_to_json(rule: GateRule) -> JsonObject:
    """*rule* as JSON; its time in seconds."""
    return {
        "kind": rule.kind.value,
        "count": rule.count,
        "group": rule.group,
        "expires": rule.expires.total_seconds(),
        "escalate": rule.escalate,
        "escalate_after": _seconds(rule.escalate_after),
    }


def gate_rule_from_json(value: JsonObject) -> GateRule:
    """The gate rule in *value*."""
    return GateRule(
        kind=GateKind(value["kind"]),
        count=value["count"],
        group=value["group"],
        expires=timedelta(seconds=value["expires"]),
        escalate=value.get("escalate", ""),
        escalate_after=_length(value.get("escalate_after")),
    )


def _seconds(length: timedelta | None) -> float | None:
    return None if length is None else length.total_seconds()


def _length(seconds: float | None) -> timedelta | None:
    return None if seconds is None else timedelta(seconds=seconds)


def plan_to_json(plan: Plan) -> JsonObject:
    """*plan* as JSON."""
    return {
        "definition_digest": plan.definition_digest,
        "inputs": plan.inputs,
        "lock": plan.lock,
        "steps": [
            {
                "step": each.step,
                "uses": each.uses,
                "effect": each.effect.value,
                "arguments": each.arguments,
                "plan": _action_plan_to_json(each.plan) if each.plan else None,
            }
            for each in plan.steps
        ],
        "nodes": [_node_to_json(each) for each in plan.nodes],
        "parts": [{"prefix": p.prefix, "of": p.of, "inputs": p.inputs} for p in plan.parts],
        "locks": list(plan.locks),
    }


def plan_from_json(value: JsonObject) -> Plan:
    """The plan in *value*."""
    return Plan(
        definition_digest=value["definition_digest"],
        inputs=value["inputs"],
        lock=value["lock"],
        steps=tuple(
            StepPlan(
                step=each["step"],
                uses=each["uses"],
                effect=Effect(each["effect"]),
                arguments=each["arguments"],
                plan=_action_plan_from_json(each["plan"]) if each["plan"] else None,
            )
            for each in value["steps"]
        ),
        nodes=tuple(_node_from_json(each) for each in value.get("nodes", ())),
        parts=tuple(Part(**each) for each in value.get("parts", ())),
        locks=tuple(value.get("locks", ())),
    )


def _node_to_json(node: Node) -> JsonObject:
    """*node* as JSON; what it has not is left out."""
    said = {
        "needs": list(node.needs),
        "role": node.role.value,
        "inputs": node.inputs,
        "scope": node.scope,
        "lanes": [[each.of, each.index, each.at_once] for each in node.lanes],
        "skipped": node.skipped,
        "done_in": node.done_in,
    }
    items = {} if node.index is None else {"index": node.index, "item": node.item}
    own = {"name": node.name, "title": node.title, "of": node.of}
    return own | {key: value for key, value in said.items() if value} | items


def _node_from_json(value: JsonObject) -> Node:
    return Node(
        name=value["name"],
        title=value["title"],
        of=value["of"],
        needs=tuple(value.get("needs", ())),
        role=Role(value.get("role", Role.STEP)),
        item=value.get("item"),
        index=value.get("index"),
        inputs=value.get("inputs"),
        scope=value.get("scope", ""),
        lanes=tuple(Lane(of=of, index=i, at_once=n) for of, i, n in value.get("lanes", ())),
        skipped=value.get("skipped", ""),
        done_in=value.get("done_in", ""),
    )


def _action_plan_to_json(plan: ActionPlan) -> JsonObject:
    return {
        "summary": plan.summary,
        "changes": [
            {"target": each.target, "what": each.what, "before": each.before, "after": each.after}
            for each in plan.changes
        ],
        "untouched": list(plan.untouched),
        "rollback": plan.rollback,
        "before": plan.before,
    }


def _action_plan_from_json(value: JsonObject) -> ActionPlan:
    return ActionPlan(
        summary=value["summary"],
        changes=tuple(
            Change(
                target=each["target"],
                what=each["what"],
                before=each["before"],
                after=each["after"],
            )
            for each in value["changes"]
        ),
        untouched=tuple(value["untouched"]),
        rollback=value["rollback"],
        before=value["before"],
    )
