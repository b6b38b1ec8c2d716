"""Runs in every state a card can show, and the other cards: the approved files come of it."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

from cards.answers import StatusRow, lines_card, runs_card, status_card, whoami_card
from cards.help import GateUsage, InputUsage, Listed, Usage, help_card, usage_card
from cards.locks import LockRow, StepRow, halt_card, locks_card, unhalted_card
from cards.run import Button, run_card
from cards.welcome import welcome_card
from domain.approval import Choice, GateState
from domain.command import Effect
from domain.lock import GROUP, Held, Line
from domain.plan import ActionPlan, StepPlan
from domain.policy import NO_GATE, GateKind
from domain.run import RunId, RunState
from tests.cards.branches import BRANCHES
from tests.cards.builders import (
    BOTH,
    BUTTONS,
    CONFIRM,
    CONSOLE,
    DEPLOY,
    ENDED,
    ESCALATING,
    HALT,
    HOLD,
    HOLDER,
    NOT_BEGUN,
    NOW,
    REFRESH,
    START,
    TENANT,
    UNDER_WAY,
    WITHDRAW,
    YES_1,
    ZONE,
    S,
    a_gate,
    a_plan,
    a_run,
    a_vote,
    an_actor,
    steps,
    view,
    waits_for,
)
from tests.cards.forms import FORMS
from tests.cards.schedules import SCHEDULES


def planning() -> dict[str, Any]:
    """Just asked for; a worker looks at the live systems."""
    run = a_run(RunState.PLANNING, plan=None, lock=None)
    return run_card(view(run, now=START), buttons=BUTTONS[2:])


def planning_again() -> dict[str, Any]:
    """The world is no longer what was approved."""
    run = a_run(
        RunState.PLANNING, plan=None, rev=2, outcome="somebody switched shop in prod to v1.0.1."
    )
    return run_card(view(run, gate=a_gate(YES_1, state=GateState.SUPERSEDED)))


def waiting_for_approval() -> dict[str, Any]:
    """One of two has approved."""
    run = a_run(RunState.AWAITING_APPROVAL)
    return run_card(
        view(run, *NOT_BEGUN, gate=a_gate(YES_1), console_url=CONSOLE),
        buttons=BUTTONS,
        refresh=REFRESH,
    )


def waiting_for_approval_with_comments() -> dict[str, Any]:
    """Whoever votes must say why; one is taken back, and a second group was called."""
    run = a_run(
        RunState.AWAITING_APPROVAL, definition={**DEPLOY, "approval": {"comment": "required"}}
    )
    gate = replace(
        a_gate(rule=ESCALATING),
        escalates_at=START + timedelta(minutes=15),
        escalated_at=START + timedelta(minutes=15),
    )
    buttons = tuple(replace(each, comment="required") for each in BUTTONS[:2])
    return run_card(view(run, *NOT_BEGUN, gate=gate), buttons=buttons, refresh=REFRESH)


def waiting_for_approval_again() -> dict[str, Any]:
    """Somebody who approved has left the group; whoever else approved can take it back."""
    run = a_run(
        RunState.AWAITING_APPROVAL, outcome="approver-2 is not of prod-approvers any more."
    )
    gate = replace(
        a_gate(YES_1, rule=ESCALATING),
        escalates_at=START + timedelta(minutes=25),
        reopened_at=START + timedelta(minutes=16),
    )
    return run_card(view(run, *NOT_BEGUN, gate=gate), buttons=(WITHDRAW,), refresh=REFRESH)


def waiting_for_approval_with_note() -> dict[str, Any]:
    """What the requester sees who pressed Approve."""
    run = a_run(RunState.AWAITING_APPROVAL)
    return run_card(
        view(run, *NOT_BEGUN, gate=a_gate()),
        buttons=BUTTONS[2:],
        note="You requested this; four-eyes applies. Ask somebody of prod-approvers.",
    )


def waiting_for_confirmation() -> dict[str, Any]:
    """A restart has no before and after, only a deed."""
    restart = StepPlan(
        step="restart",
        uses="supervisor.restart@1",
        effect=Effect.WRITE,
        arguments={"service": "shop"},
        plan=ActionPlan(
            summary="Restart shop in prod: one process, about 2 s without answers.",
            untouched=("version v1.0.0", "orders database"),
        ),
    )
    run = a_run(
        RunState.AWAITING_CONFIRMATION,
        workflow="restart",
        title="Restart a service",
        definition={**DEPLOY, "command": "restart <service> in <environment>"},
        inputs={"service": "shop", "environment": "prod"},
        reason="",
        requester=an_actor("sre-1", 2),
        gate_rule=CONFIRM,
        plan=a_plan(restart),
    )
    return run_card(
        view(run, gate=a_gate(rule=CONFIRM), now=START + timedelta(minutes=1)),
        buttons=(
            Button(title="Confirm", verb="confirm", token="tok-confirm", style="positive"),
            BUTTONS[2],
        ),
    )


def waiting_for_its_turn() -> dict[str, Any]:
    """Approved, and another run holds the lock."""
    run = a_run(RunState.QUEUED, queued_at=UNDER_WAY["queued_at"])
    return run_card(view(run, *NOT_BEGUN, gate=BOTH, waits=waits_for(HOLDER)), buttons=BUTTONS[2:])


def waiting_for_a_person() -> dict[str, Any]:
    """Approved, and somebody keeps the lock."""
    run = a_run(RunState.QUEUED, queued_at=UNDER_WAY["queued_at"])
    waits = waits_for(hold=HOLD)
    return run_card(view(run, *NOT_BEGUN, gate=BOTH, waits=waits), buttons=BUTTONS[2:])


def halted_while_running() -> dict[str, Any]:
    """One step done, and everything is halted."""
    run = a_run(RunState.RUNNING, **UNDER_WAY)
    done = steps(S.SUCCEEDED, S.PENDING, S.PENDING)
    return run_card(view(run, *done, gate=BOTH, halt=HALT), buttons=BUTTONS[2:])


def running() -> dict[str, Any]:
    """One step done, one at work, one to come."""
    shown = steps(S.SUCCEEDED, S.RUNNING, S.PENDING, details={0: "v1.1.0, 9f0b7e4"})
    run = a_run(RunState.RUNNING, **UNDER_WAY)
    return run_card(view(run, *shown, gate=BOTH, console_url=CONSOLE), buttons=BUTTONS[2:])


def rolling_back() -> dict[str, Any]:
    """A step failed."""
    shown = steps(S.SUCCEEDED, S.SUCCEEDED, S.FAILED, details={2: "503 from /healthz, 5 times"})
    run = a_run(RunState.ROLLING_BACK, outcome="the health check of v1.1.0 failed", **UNDER_WAY)
    return run_card(view(run, *shown, gate=BOTH))


def succeeded() -> dict[str, Any]:
    """The result."""
    shown = steps(S.SUCCEEDED, S.SUCCEEDED, S.SUCCEEDED)
    run = a_run(RunState.SUCCEEDED, outcome="Deployed shop v1.1.0 to prod.", **ENDED)
    return run_card(view(run, *shown, gate=BOTH, console_url=CONSOLE))


def rolled_back() -> dict[str, Any]:
    """The result of a broken version."""
    shown = steps(S.SUCCEEDED, S.COMPENSATED, S.FAILED, details={2: "503 from /healthz, 5 times"})
    run = a_run(
        RunState.ROLLED_BACK,
        inputs={"service": "shop", "version": "v1.2.0", "environment": "prod"},
        outcome="Rolled back to v1.1.0 because the health check of v1.2.0 failed.",
        **ENDED,
    )
    return run_card(view(run, *shown, gate=BOTH))


def rejected() -> dict[str, Any]:
    """Somebody said no, and why."""
    no = a_vote("approver-2", Choice.REJECT, "Not during the sale.", minutes=14)
    run = a_run(RunState.REJECTED, finished_at=NOW)
    gate = a_gate(YES_1, no, state=GateState.REJECTED)
    return run_card(view(run, *NOT_BEGUN, gate=gate))


def expired() -> dict[str, Any]:
    """Nobody said anything in time."""
    run = a_run(RunState.EXPIRED, finished_at=START + timedelta(minutes=30))
    gate = a_gate(YES_1, state=GateState.EXPIRED)
    return run_card(view(run, *NOT_BEGUN, gate=gate, now=START + timedelta(minutes=31)))


def failed_staging() -> dict[str, Any]:
    """A run without a gate, in staging, that could not even begin."""
    run = a_run(
        RunState.FAILED,
        inputs={"service": "shop", "version": "v9.9.9", "environment": "staging"},
        reason="",
        gate_rule=NO_GATE,
        plan=None,
        lock=None,
        outcome="there is no release v9.9.9 of shop",
        finished_at=START,
    )
    return run_card(view(run, now=START))


def help_() -> dict[str, Any]:
    """What a developer may say."""
    return help_card(
        (
            (
                "Run",
                (
                    Listed(
                        syntax="deploy <service> <version> to <environment>",
                        summary="Puts a version of a service into an environment.",
                    ),
                    Listed(
                        syntax="restart <service> in <environment>",
                        summary="Stops the process of a service and starts it again.",
                    ),
                ),
            ),
            (
                "Look",
                (
                    Listed(
                        syntax="status [service] [in environment]",
                        summary="What runs where, and how it is.",
                    ),
                    Listed(
                        syntax="why <command…>",
                        summary="Whether you may do something, and by which rule.",
                    ),
                ),
            ),
        ),
        4,
    )


def welcome() -> dict[str, Any]:
    """How we introduce ourselves in a channel."""
    return welcome_card(
        (
            Listed(syntax="status", summary="What runs where, and how it is."),
            Listed(
                syntax="deploy shop v1.1.0 to staging",
                summary="Puts a version of a service into an environment.",
            ),
            Listed(
                syntax="why deploy shop v1.1.0 to staging",
                summary="Whether you may do something, and by which rule.",
            ),
        ),
        is_personal=False,
        buttons=(Button(title="Help", verb="help", token="tok-help"),),
    )


DEPLOY_USAGE = Usage(
    name="deploy",
    group="Workflows",
    summary="Puts a version of a service into an environment, and goes back if it is not well.",
    syntax="deploy <service> <version> to <environment>",
    aliases=("ship",),
    inputs=(
        InputUsage(
            name="service", takes="What to deploy: one of shop, billing, search", needed="required"
        ),
        InputUsage(name="version", takes="Which version, such as v1.1.0", needed="required"),
        InputUsage(name="environment", takes="Where to: staging or prod", needed="required"),
        InputUsage(name="--reason", takes="Why: text", needed="optional"),
    ),
    examples=(
        "deploy shop v1.1.0 to staging",
        'deploy billing v1.1.0 to prod --reason "fixes the rounding"',
    ),
    gates=(
        GateUsage(place="staging", words="starts at once", kind=GateKind.NONE),
        GateUsage(
            place="prod",
            words="2 approvals from prod-approvers, not by the requester, within 30 minutes",
            kind=GateKind.APPROVAL,
        ),
    ),
    steps=("Note what runs now", "Switch the version", "Check that it is well"),
)


def help_deploy() -> dict[str, Any]:
    """How a developer deploys."""
    return usage_card(DEPLOY_USAGE)


def help_restart() -> dict[str, Any]:
    """How somebody restarts who may do so in staging, and confirms in test."""
    return usage_card(
        Usage(
            name="restart",
            group="Workflows",
            summary="Stops the process of a service and starts it again.",
            syntax="restart <service> in <environment>",
            inputs=(
                InputUsage(
                    name="service", takes="What to restart: shop or billing", needed="required"
                ),
            ),
            examples=("restart shop in staging",),
            gates=(
                GateUsage(
                    place="test",
                    words="confirmation by the requester within 30 minutes",
                    kind=GateKind.CONFIRM,
                ),
                GateUsage(
                    place="prod",
                    words="not for you: that needs the role operator",
                    kind=None,
                ),
            ),
            steps=DEPLOY_USAGE.steps,
        ),
        buttons=(Button(title="Try it", verb="restart", token="tok-try", style="positive"),),
    )


def help_approve() -> dict[str, Any]:
    """How a run is approved: about a run, so without places and steps."""
    return usage_card(
        Usage(
            name="approve",
            group="Decisions",
            summary="Say yes to a run that waits for approval.",
            syntax='approve <id> [--comment "…"]',
            inputs=(
                InputUsage(name="id", takes="The run's id, such as k7f3q2ma", needed="required"),
                InputUsage(name="--comment", takes="Why: text", needed="optional"),
            ),
            examples=(
                "approve k7f3q2ma",
                'approve k7f3q2ma --comment "checked the dashboards"',
            ),
        )
    )


def whoami() -> dict[str, Any]:
    """A developer."""
    return whoami_card(
        name="dev-1",
        object_id="00000000-0000-4000-8000-000000000001",
        tenant=TENANT,
        roles=("developer", "viewer"),
        groups=("developers",),
        zone=ZONE,
    )


def status() -> dict[str, Any]:
    """Four installations, one of them down."""
    up: dict[str, Any] = {"state": "healthy", "url": "http://127.0.0.1:4001/"}
    return status_card(
        (
            StatusRow(service="shop", environment="staging", version="v1.1.0", **up),
            StatusRow(service="shop", environment="prod", version="v1.0.0", **up),
            StatusRow(service="billing", environment="staging", version="v1.1.0", **up),
            StatusRow(
                service="billing",
                environment="prod",
                version="",
                state="down",
                detail="No answer within 2 s from http://127.0.0.1:4004/healthz",
            ),
        )
    )


def runs() -> dict[str, Any]:
    """The latest runs."""
    return runs_card(
        (
            HOLDER,
            a_run(RunState.AWAITING_APPROVAL),
            a_run(
                RunState.ROLLED_BACK,
                id=RunId("z6y5x4w3"),
                created_at=START - timedelta(days=2),
                inputs={"service": "billing", "version": "v1.2.0", "environment": "staging"},
            ),
            a_run(RunState.QUEUED, id=RunId("a2a2a2a2")),
        ),
        now=NOW,
        zone=ZONE,
        in_line={"a2a2a2a2": 2},
    )


def runs_of_a_service() -> dict[str, Any]:
    """Some of the runs, where there are so many that not all were looked at."""
    return runs_card(
        (HOLDER,), now=NOW, zone=ZONE, about="of shop in prod that you asked for", looked_at=300
    )


def lines() -> dict[str, Any]:
    """A log."""
    return lines_card(
        "Logs of shop in prod",
        "last 15 min",
        [
            f"2026-11-24T13:1{n}:07Z {'WARN' if n % 3 else 'INFO'} checkout order=48{n} "
            f"{'slow answer from *payments*: 812 ms' if n % 3 else 'done'}"
            for n in range(8)
        ],
    )


def locks() -> dict[str, Any]:
    """A lock of a run, one of a person, and a group; others are in line."""
    run, waiting = HOLDER, a_run(RunState.QUEUED)
    line = Line(name="shop/prod", held=(Held(run_id=run.id, since=NOW),))
    group = Line(name=f"{GROUP}prod", held=(*line.held, *line.held))
    return locks_card(
        (
            LockRow(line=line, holders=(run,), waiting=(waiting,) * 7),
            LockRow(line=Line(name="billing/prod", hold=replace(HOLD, name="billing/prod"))),
            LockRow(line=group, holders=(run, run)),
        ),
        now=NOW,
        zone=ZONE,
        halt=HALT,
        buttons=(Button(title="Unlock billing/prod", verb="unlock", token="tok-unlock"),),
    )


def nothing_locked() -> dict[str, Any]:
    """Somebody has let go."""
    note = "You unlocked shop/prod. You had it for 12 min 3 s."
    return locks_card((), now=NOW, zone=ZONE, title="shop in prod", note=note)


def halt() -> dict[str, Any]:
    """Everything is halted, and one step is under way."""
    step = StepRow(run=HOLDER, step="Switch the version")
    button = Button(title="Go on", verb="unhalt", token="tok-unhalt")
    return halt_card(HALT, (step,), now=NOW, zone=ZONE, buttons=(button,))


def unhalted() -> dict[str, Any]:
    """Everything goes on."""
    return unhalted_card(HALT, "sre-1", now=NOW, zone=ZONE)


RUN_CARDS: Mapping[str, Callable[[], dict[str, Any]]] = {
    "run-planning": planning,
    "run-planning-again": planning_again,
    "run-waiting-for-approval": waiting_for_approval,
    "run-waiting-for-approval-with-comments": waiting_for_approval_with_comments,
    "run-waiting-for-approval-again": waiting_for_approval_again,
    "run-waiting-for-approval-with-note": waiting_for_approval_with_note,
    "run-waiting-for-confirmation": waiting_for_confirmation,
    "run-waiting-for-its-turn": waiting_for_its_turn,
    "run-waiting-for-a-person": waiting_for_a_person,
    "run-running": running,
    "run-halted": halted_while_running,
    "run-rolling-back": rolling_back,
    "run-succeeded": succeeded,
    "run-rolled-back": rolled_back,
    "run-rejected": rejected,
    "run-expired": expired,
    "run-failed-staging": failed_staging,
    **BRANCHES,
}
ANSWERS: Mapping[str, Callable[[], dict[str, Any]]] = {
    "welcome": welcome,
    "help": help_,
    "help-deploy": help_deploy,
    "help-restart": help_restart,
    "help-approve": help_approve,
    "whoami": whoami,
    "status": status,
    "runs": runs,
    "runs-of-a-service": runs_of_a_service,
    "lines": lines,
    "locks": locks,
    "locks-none": nothing_locked,
    "halt": halt,
    "unhalted": unhalted,
}
CARDS = {**RUN_CARDS, **ANSWERS, **SCHEDULES, **FORMS}
