"""The run card: one message per run, from the request to the result.

What an approver must know stands above the buttons without scrolling sideways: what, where, who
asked and why, the state in words, the gate, the plan from before to after, and the steps. A final
card is shorter.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from adaptive_cards import types as t

from cards import elements as e
from cards import teams
from cards.halted import halted
from cards.run_plan import plan_box
from cards.run_steps import step_rows, tally_words
from cards.run_words import (
    approvers,
    counted,
    environment,
    headline,
    kicker,
    run_sentence,
    state_words,
    took,
    waits_inside,
    who_may,
)
from cards.text import clean, escape, plain
from cards.times import deadline, moment
from cards.view import Button, Refresh, RunView
from domain.approval import Choice, CommentRule, Gate, GateState, HandOver, Vote
from domain.policy import GateKind, GateRule
from domain.run import Run, RunState
from domain.step import StepState

__all__ = ["Button", "Refresh", "RunView", "headline", "run_card", "run_sentence"]

_MAX_USER_IDS = 60  # https://learn.microsoft.com/microsoftteams/platform/task-modules-and-cards/cards/universal-actions-for-adaptive-cards/user-specific-views
_MAX_VOTES = 6
_MAX_HANDED_OVER = 3
_COMMENT_LIMIT = 160
_COMMENTS = {
    CommentRule.ON_REJECT: "required to reject",
    CommentRule.REQUIRED: "required with each vote",
}
_PRODUCTION = frozenset({"prod", "production"})

GLYPHS = {
    RunState.PLANNING: e.MOVING,
    RunState.AWAITING_CONFIRMATION: e.WAITING,
    RunState.AWAITING_APPROVAL: e.WAITING,
    RunState.QUEUED: e.WAITING,
    RunState.RUNNING: e.MOVING,
    RunState.PAUSED: e.PAUSED,
    RunState.ROLLING_BACK: e.UNDONE,
    RunState.SUCCEEDED: e.DONE,
    RunState.FAILED: e.BROKEN,
    RunState.REJECTED: e.REFUSED,
    RunState.EXPIRED: e.LAPSED,
    RunState.CANCELLED: e.STOPPED,
    RunState.ROLLED_BACK: e.UNDONE,
    RunState.ROLLBACK_FAILED: e.ALARM,
}
"""A state's icon; the state's word always stands beside it."""


def run_card(
    view: RunView,
    *,
    buttons: Sequence[Button] = (),
    refresh: Refresh | None = None,
    note: str = "",
) -> dict[str, Any]:
    """The card of *view*, as JSON.

    *note* is a line for the person whose view this is, such as why a press changed nothing.
    """
    run = view.run
    sentence = plain(run_sentence(view), limit=500)
    link = f" {view.console_url}" if view.console_url else ""
    links = [("Open in console", view.console_url)] if view.console_url else []
    card = teams.Card(
        lang="en",
        speak=sentence,
        fallback_text=f"{sentence}{link}",
        refresh=_refresh(refresh),
        body=[
            *([e.note(escape(note))] if note else []),
            _header(view),
            *_reason(run),
            _state(view),
            *halted(view.halt, now=view.now, zone=view.zone),
            *([] if run.state.is_final else _gate(view)),
            *_plan_and_steps(view),
            *e.comment_field(buttons, reader=run.requester.name),
        ],
        actions=e.actions(buttons, reader=run.requester.name, links=links) or None,
    )
    return card.content()


def place_badge(place: str) -> teams.Badge:
    """The badge that says where; production cannot be overlooked."""
    return e.badge(place, "Attention" if place.lower() in _PRODUCTION else "Informative")


def _header(view: RunView) -> teams.Container:
    run = view.run
    place = environment(run)
    asked = moment(run.created_at, now=view.now, zone=view.zone)
    return e.header(
        escape(headline(run), limit=120),
        kicker=escape(kicker(run), limit=80),
        subtitle=f"Requested by {escape(run.requester.name, limit=60)} · {asked}",
        mark=place_badge(place) if place else None,
    )


def _reason(run: Run) -> list[teams.Element]:
    if not clean(run.reason):
        return []
    return [e.body(f"“{escape(run.reason)}”", spacing=t.Spacing.SMALL)]


def _state(view: RunView) -> teams.Container:
    """The state in words, with a bar while something moves, and in the end what came of it."""
    run, words = view.run, state_words(view)
    text = e.body(f"**{words.word}**{_escape_after_bold(words.rest)}", max_lines=5)
    right = ""
    match run.state:
        case _ if view.gate is not None and (
            run.state is RunState.AWAITING_APPROVAL or waits_inside(view)
        ):
            right = f"{counted(view.gate)} approvals"
        case RunState.RUNNING | RunState.PAUSED | RunState.ROLLING_BACK:
            right = took(view)
        case RunState.FAILED | RunState.ROLLED_BACK | RunState.ROLLBACK_FAILED:
            right = took(view) if run.started_at else ""
        case _:
            pass
    result = _result(view) if run.state.is_final else []
    return e.group([*_progress(view), e.row(GLYPHS[run.state], [text, *result], right=right)])


def _progress(view: RunView) -> list[teams.Element]:
    if view.run.state not in {RunState.RUNNING, RunState.PAUSED} or not view.steps:
        return []
    done = sum(step.state.is_done for step in view.steps)
    return [teams.ProgressBar(value=done, max=len(view.steps), fallback="drop")]


def _gate(view: RunView) -> list[teams.Element]:
    """What the run still needs people for, or what they said."""
    run, gate = view.run, view.gate
    if gate is None or (gate.state is GateState.SUPERSEDED):
        rule = run.gate_rule
        if run.state is not RunState.PLANNING or rule.kind is GateKind.NONE:
            return []
        void = [("Earlier votes", "void: the plan changed")] if gate is not None else []
        return [e.group(e.facts([*_needs(run, rule), *void]), spacing=t.Spacing.SMALL)]
    items: list[teams.Element] = []
    if gate.state is GateState.OPEN:
        until = deadline(gate.expires_at, now=view.now, zone=view.zone)
        items += e.facts(
            [*_needs(run, gate.rule)[:1], ("Until", until), *_comments(run), *_called(view, gate)]
        )
    elif gate.votes:
        items.append(e.pair("Approval", counted(gate)))
    items += _votes(view, gate)
    spacing = t.Spacing.SMALL if gate.state is GateState.OPEN else t.Spacing.MEDIUM
    return [e.group(items, spacing=spacing)] if items else []


def _needs(run: Run, rule: GateRule) -> list[tuple[str, str]]:
    if rule.kind is GateKind.CONFIRM:
        return [("Who confirms", escape(who_may(run, rule)))]
    return [
        ("Who may approve", escape(who_may(run, rule))),
        ("Needs", f"{max(rule.count, 1)} approval{'s' if rule.count > 1 else ''}"),
    ]


def _comments(run: Run) -> list[tuple[str, str]]:
    """Which votes must say why, where the workflow says that any must."""
    if run.gate_rule.kind is not GateKind.APPROVAL:
        return []
    said = run.definition.get("approval")
    words = _COMMENTS.get(said.get("comment", ""), "") if isinstance(said, Mapping) else ""
    return [("Comment", words)] if words else []


def _called(view: RunView, gate: Gate) -> list[tuple[str, str]]:
    """Who else is called, or was, where nobody decides."""
    if gate.escalates_at is None:
        return []
    group = escape(gate.rule.escalate, limit=60)
    if gate.escalated_at is not None:
        at = moment(gate.escalated_at, now=view.now, zone=view.zone)
        return [("Escalated", f"to {group} at {at}")]
    at = moment(gate.escalates_at, now=view.now, zone=view.zone)
    return [("Escalates", f"to {group} at {at}")]


def _votes(view: RunView, gate: Gate) -> list[teams.Element]:
    shown = [_vote(view, vote) for vote in gate.votes[:_MAX_VOTES]]
    hidden = len(gate.votes) - len(shown)
    asked = [] if gate.state is not GateState.OPEN else gate.handed_over[-_MAX_HANDED_OVER:]
    return [
        *shown,
        *([e.meta(f"and {hidden} more")] if hidden else []),
        *(_handed_over(view, each) for each in asked),
    ]


def _handed_over(view: RunView, handed: HandOver) -> teams.ColumnSet:
    by, to = escape(handed.by, limit=60), escape(handed.to, limit=60)
    lines = [e.body(f"{by} asked {to} to decide")]
    if clean(handed.note):
        lines.append(e.meta(f"“{escape(handed.note, limit=_COMMENT_LIMIT)}”"))
    return e.row(e.WAITING, lines, right=moment(handed.at, now=view.now, zone=view.zone))


def _vote(view: RunView, vote: Vote) -> teams.ColumnSet:
    said_yes = vote.choice is Choice.APPROVE
    lines = [e.body(f"{escape(vote.name, limit=60)} {'approved' if said_yes else 'rejected'}")]
    if clean(vote.comment):
        lines.append(e.meta(f"“{escape(vote.comment, limit=_COMMENT_LIMIT)}”"))
    at = moment(vote.at, now=view.now, zone=view.zone)
    return e.row(e.APPROVED if said_yes else e.REFUSED, lines, right=at)


def _result(view: RunView) -> list[teams.Element]:
    """What a final card says under its state: what came of it, and who said yes."""
    run, gate = view.run, view.gate
    lines: list[teams.Element] = []
    if run.state is RunState.SUCCEEDED and clean(run.outcome):
        lines.append(e.body(escape(run.outcome)))
    names = approvers(gate)
    if gate is not None and names:
        lines.append(e.meta(f"Approved by {escape(names)} · {counted(gate)}"))
    elif gate is not None and gate.rule.kind is GateKind.CONFIRM and run.queued_at is not None:
        lines.append(e.meta(f"Confirmed by {escape(run.requester.name, limit=60)}"))
    return lines


def _plan_and_steps(view: RunView) -> list[teams.Element]:
    """What will change first where somebody must decide; what happens first where it happens."""
    begun = any(step.state is not StepState.PENDING for step in view.steps)
    plan = plan_box(view)
    if view.run.state.is_final and view.run.started_at is None:
        return plan
    rows = step_rows(view)
    steps = [e.group([e.pair("Steps", tally_words(view.steps)), *rows])] if rows else []
    return [*steps, *plan] if begun else [*plan, *steps]


def _refresh(refresh: Refresh | None) -> teams.RefreshAction | None:
    if refresh is None:
        return None
    ids = refresh.user_ids
    return teams.RefreshAction(
        action=teams.Execute(title="Refresh", verb=refresh.verb, data={"t": refresh.token}),
        user_ids=None if ids is None else ids[:_MAX_USER_IDS],
    )


def _escape_after_bold(rest: str) -> str:
    """*rest* escaped, with the space or sign that joins it to the bold word before it."""
    joint = rest[: len(rest) - len(rest.lstrip(" :,"))]
    return joint + escape(rest[len(joint) :], limit=300)
