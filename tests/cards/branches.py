"""Cards of runs whose steps are done side by side, and that are controlled on the way."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from cards.run import run_card
from cards.view import Button
from domain.approval import Gate
from domain.policy import GateKind, GateRule
from domain.run import RunState
from domain.step import StepRun, StepState
from tests.cards.builders import NOW, START, UNDER_WAY, YES_1, a_gate, a_run, view

_S = StepState
_TITLES = (
    ("check", "Check the release", _S.SUCCEEDED, ""),
    ("roll[0]", "Roll out \N{MIDDLE DOT} web-1", _S.SUCCEEDED, ""),
    ("roll[canary]", "Roll out: look at the first", _S.SUCCEEDED, ""),
    ("roll[1]", "Roll out \N{MIDDLE DOT} web-2", _S.RUNNING, ""),
    ("roll[2]", "Roll out \N{MIDDLE DOT} web-3", _S.WAITING, "web-3 does not answer"),
    ("roll[3]", "Roll out \N{MIDDLE DOT} web-4", _S.PENDING, ""),
    ("sure", "Ask the owners", _S.WAITING, ""),
    ("migrate", "Migrate the database", _S.SKIPPED, "its condition does not hold"),
    ("tell", "Tell the channel", _S.PENDING, ""),
)
_RULE = GateRule(kind=GateKind.APPROVAL, count=2, group="shop-owners", expires=timedelta(hours=1))
_BUTTONS = (
    Button(title="Pause", verb="pause", token="tok-pause"),
    Button(title="Cancel", verb="cancel", token="tok-cancel"),
    Button(title="Cancel and undo", verb="cancel", token="tok-undo"),
)


def _steps() -> tuple[StepRun, ...]:
    begun = START + timedelta(minutes=15)
    return tuple(
        StepRun(
            run_id="k7f3q2ma",
            name=name,
            title=title,
            position=position,
            state=state,
            detail=detail,
            attempt=2 if detail and state is _S.WAITING else 1,
            started_at=None if state in {_S.PENDING, _S.SKIPPED} else begun,
            finished_at=begun + timedelta(seconds=20) if state is _S.SUCCEEDED else None,
            due_at=NOW + timedelta(seconds=30) if detail and state is _S.WAITING else None,
        )
        for position, (name, title, state, detail) in enumerate(_TITLES)
    )


def _inside() -> Gate:
    gate = a_gate(YES_1, rule=_RULE)
    return replace(gate, step="sure", expires_at=NOW + timedelta(minutes=40))


def branches() -> dict[str, Any]:
    """Some items at once, one to be tried again, and a step that waits for people."""
    run = a_run(RunState.RUNNING, **UNDER_WAY)
    return run_card(view(run, *_steps(), gate=_inside()), buttons=_BUTTONS)


def branches_paused() -> dict[str, Any]:
    """The same, standing still."""
    run = a_run(RunState.PAUSED, **UNDER_WAY)
    resume = Button(title="Resume", verb="resume", token="tok-resume", style="positive")
    steps = [replace(s, state=_S.PENDING) if s.state is _S.RUNNING else s for s in _steps()]
    return run_card(view(run, *steps), buttons=(resume, *_BUTTONS[1:]))


def branches_stopping() -> dict[str, Any]:
    """One has failed: what is under way ends, and then what was done is undone."""
    run = a_run(RunState.RUNNING, outcome="Roll out: web-3 does not answer.", **UNDER_WAY)
    steps = [
        replace(s, state=_S.FAILED, detail="web-3 does not answer") if s.name == "roll[2]" else s
        for s in _steps()
    ]
    return run_card(view(run, *steps))


BRANCHES = {
    "run-branches": branches,
    "run-branches-paused": branches_paused,
    "run-branches-stopping": branches_stopping,
}
