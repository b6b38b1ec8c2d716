"""Runs, gates, votes and steps for cards to be made of."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from cards.run import Button, Refresh, RunView
from cards.view import Waits
from domain.actor import Actor, ObjectId, TenantId
from domain.approval import Choice, Gate, GateState, Vote
from domain.command import Effect
from domain.conversation import Conversation, ConversationKind
from domain.lock import Halt, Held, Hold, Line, Waiting
from domain.plan import ActionPlan, Change, Plan, StepPlan
from domain.policy import GateKind, GateRule
from domain.run import Run, RunId, RunState
from domain.step import StepRun, StepState

ZONE = ZoneInfo("Europe/Berlin")
START = datetime(2026, 11, 24, 13, 2, tzinfo=UTC)  # 14:02 in Berlin
NOW = START + timedelta(minutes=18)
TENANT = TenantId("00000000-0000-4000-8000-00000000aaaa")
APPROVAL = GateRule(kind=GateKind.APPROVAL, count=2, group="prod-approvers")
ESCALATING = replace(
    APPROVAL, escalate="incident-commanders", escalate_after=timedelta(minutes=15)
)
CONFIRM = GateRule(kind=GateKind.CONFIRM, expires=timedelta(minutes=10))
DEPLOY: Mapping[str, Any] = {
    "name": "deploy",
    "title": "Deploy a service",
    "command": "deploy <service> <version> to <environment>",
    "inputs": {
        "service": {"type": "service"},
        "version": {"type": "version"},
        "environment": {"type": "environment"},
    },
}
CONSOLE = "https://signalbox.example.com/console/runs/k7f3q2ma"

BUTTONS = (
    Button(
        title="Approve",
        verb="approve",
        token="tok-approve",
        style="positive",
        comment="optional",
    ),
    Button(
        title="Reject",
        verb="reject",
        token="tok-reject",
        style="destructive",
        comment="required",
    ),
    Button(title="Cancel", verb="cancel", token="tok-cancel"),
)
WITHDRAW = Button(title="Withdraw", verb="withdraw", token="tok-withdraw")
REFRESH = Refresh(verb="run", token="tok-refresh", user_ids=("29:approver-1", "29:approver-2"))


def an_actor(name: str = "dev-1", number: int = 1) -> Actor:
    """Somebody of the demo's tenant."""
    return Actor(tenant=TENANT, id=ObjectId(f"00000000-0000-4000-8000-{number:012}"), name=name)


def a_plan(*steps: StepPlan) -> Plan:
    """A plan; by default, the deployment of a new version."""
    return Plan(
        definition_digest="d" * 64,
        inputs={"service": "shop", "version": "v1.1.0", "environment": "prod"},
        steps=steps or (SWITCH, CHECK),
        lock="shop/prod",
    )


SWITCH = StepPlan(
    step="switch",
    uses="supervisor.switch@1",
    effect=Effect.WRITE,
    arguments={"service": "shop", "environment": "prod", "version": "v1.1.0"},
    plan=ActionPlan(
        summary="Switch shop in prod to v1.1.0",
        changes=(
            Change(target="shop in prod", what="version", before="v1.0.0", after="v1.1.0"),
            Change(target="shop in prod", what="commit", before="3c1d9a2", after="9f0b7e4"),
        ),
        untouched=("orders database", "billing in prod"),
        rollback="Switch shop in prod back to v1.0.0.",
        before={"version": "v1.0.0"},
    ),
)
CHECK = StepPlan(step="check", uses="http.check@1", effect=Effect.READ, arguments={})


def a_run(state: RunState, **changes: Any) -> Run:
    """A run that deploys shop to prod."""
    values: dict[str, Any] = {
        "id": RunId("k7f3q2ma"),
        "workflow": "deploy",
        "title": "Deploy a service",
        "definition": DEPLOY,
        "inputs": {"service": "shop", "version": "v1.1.0", "environment": "prod"},
        "reason": "Fixes the rounding of prices (SHOP-812).",
        "requester": an_actor(),
        "conversation": Conversation(
            tenant=TENANT,
            service_url="http://127.0.0.1:3979/",
            id="19:ops@thread.tacv2",
            kind=ConversationKind.CHANNEL,
            bot_id="28:bot",
        ),
        "gate_rule": APPROVAL,
        "state": state,
        "rev": 1,
        "generation": 1,
        "created_at": START,
        "plan": a_plan(),
        "lock": "shop/prod",
    }
    return Run(**{**values, **changes})


def a_vote(name: str, choice: Choice, comment: str = "", minutes: int = 9) -> Vote:
    """A vote, some minutes after the request."""
    return Vote(
        voter=ObjectId(f"oid-{name}"),
        name=name,
        choice=choice,
        comment=comment,
        at=START + timedelta(minutes=minutes),
    )


def a_gate(*votes: Vote, rule: GateRule = APPROVAL, state: GateState = GateState.OPEN) -> Gate:
    """A gate opened with the request."""
    return Gate(
        id="g-1",
        run_id="k7f3q2ma",
        rev=1,
        plan_digest=a_plan().digest,
        rule=rule,
        state=state,
        opened_at=START,
        expires_at=START + rule.expires,
        votes=votes,
    )


def steps(*states: StepState, details: Mapping[int, str] | None = None) -> tuple[StepRun, ...]:
    """The steps of a deployment; each takes longer than the one before."""
    titles = ("Fetch the release", "Switch the version", "Check its health")
    begun = NOW - timedelta(seconds=90)
    made = []
    for position, (title, state) in enumerate(zip(titles, states, strict=True)):
        started = None if state in {StepState.PENDING, StepState.SKIPPED} else begun
        ended = state not in {StepState.PENDING, StepState.RUNNING, StepState.WAITING}
        length = timedelta(seconds=4 + 30 * position)
        made.append(
            StepRun(
                run_id="k7f3q2ma",
                name=f"step{position}",
                title=title,
                position=position,
                state=state,
                attempt=0 if state is StepState.PENDING else 1,
                started_at=started,
                finished_at=begun + length if started and ended else None,
                detail=(details or {}).get(position, ""),
            )
        )
        begun += length
    return tuple(made)


def view(run: Run, *step_runs: StepRun, gate: Gate | None = None, **changes: Any) -> RunView:
    """What a card is made from."""
    values: dict[str, Any] = {
        "run": run,
        "steps": step_runs,
        "gate": gate,
        "waits": None,
        "now": NOW,
        "zone": ZONE,
    }
    return RunView(**{**values, **changes})


def waits_for(
    *holders: Run, name: str = "shop/prod", hold: Hold | None = None, places: int = 1
) -> Waits | None:
    """What a queued run waits for, second in line; nothing where nobody is given."""
    if not holders and hold is None:
        return None
    held = tuple(
        Held(run_id=run.id, since=run.started_at or NOW, place=place)
        for place, run in enumerate(holders)
    )
    waiting = tuple(
        Waiting(run_id=RunId(run_id), requester=ObjectId("dev"), places=places, since=NOW)
        for run_id in ("a2a2a2a2", "k7f3q2ma")
    )
    return Waits(line=Line(name=name, held=held, hold=hold, waiting=waiting), holders=holders)


HOLD = Hold(
    name="shop/prod",
    by=ObjectId("sre"),
    by_name="sre-1",
    reason="Looking at the *orders* database.",
    since=START,
    until=NOW + timedelta(minutes=40),
    conversation=Conversation(
        tenant=TENANT,
        service_url="http://127.0.0.1:1/",
        id="19:ops",
        kind=ConversationKind.CHANNEL,
        bot_id="28:bot",
    ),
)
HALT = Halt(
    by=ObjectId("sre"),
    by_name="sre-1",
    reason="The wrong cluster is answering.",
    since=NOW - timedelta(minutes=2),
)
S = StepState
NOT_BEGUN = steps(S.PENDING, S.PENDING, S.PENDING)
YES_1 = a_vote("approver-1", Choice.APPROVE, "Checked the dashboards", minutes=9)
YES_2 = a_vote("approver-2", Choice.APPROVE, minutes=14)
BOTH = a_gate(YES_1, YES_2, state=GateState.APPROVED)
UNDER_WAY: Mapping[str, Any] = {
    "queued_at": START + timedelta(minutes=14),
    "started_at": NOW - timedelta(seconds=90),
}
ENDED: Mapping[str, Any] = {**UNDER_WAY, "finished_at": NOW}
HOLDER = a_run(RunState.RUNNING, id=RunId("b2c4d6e7"), requester=an_actor("sre-1", 2), **UNDER_WAY)
