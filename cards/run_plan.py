"""The plan on a run card: what is before, what comes after, what stays, how it is taken back."""

from collections.abc import Iterable
from itertools import groupby

from adaptive_cards import types as t

from cards import elements as e
from cards import teams
from cards.text import clean, escape
from cards.view import RunView
from domain.command import Effect
from domain.plan import Change, Plan
from domain.run import Run, RunState

_MAX_CHANGES = 8
_MAX_UNTOUCHED = 6

_HAPPENED = frozenset({RunState.SUCCEEDED})
_NEVER_BEGUN = frozenset({RunState.REJECTED, RunState.EXPIRED, RunState.CANCELLED})


def plan_box(view: RunView) -> list[teams.Element]:
    """The plan with its digest; nothing before there is a plan."""
    run = view.run
    if run.plan is None:
        return []
    items = [e.pair(_title(run), f"plan {run.plan.digest[:8]}"), *_changes(run.plan)]
    if not run.state.is_final:
        items += _consequences(run.plan)
    return [e.box(items)]


def _title(run: Run) -> str:
    if run.state in _HAPPENED:
        return "What changed"
    if run.state in _NEVER_BEGUN and run.started_at is None:
        return "What would have changed"
    return "What was planned" if run.state.is_final else "What changes"


def _changes(plan: Plan) -> list[teams.Element]:
    shown, hidden = plan.changes[:_MAX_CHANGES], len(plan.changes) - _MAX_CHANGES
    items: list[teams.Element] = []
    for target, changes in groupby(shown, key=lambda change: change.target):
        items += [e.strong(escape(target, limit=80), spacing=t.Spacing.SMALL)]
        items += [e.body(_change(change)) for change in changes]
    items += [e.body(escape(each, limit=160), spacing=t.Spacing.SMALL) for each in _deeds(plan)]
    if hidden > 0:
        items.append(e.meta(f"and {hidden} more changes"))
    return items or [e.body("Nothing: this run only reads.", spacing=t.Spacing.SMALL)]


def _change(change: Change) -> str:
    what = escape(change.what, limit=60)
    before, after = escape(change.before, limit=80), escape(change.after, limit=80)
    match bool(before), bool(after):
        case (True, True) if before == after:
            return f"{what}: {after}, as before"
        case (True, True):
            return f"{what}: {before} → {after}"
        case (False, True):
            return f"{what}: none → {after}"
        case (True, False):
            return f"{what}: {before} → none"
        case _:
            return what


def _deeds(plan: Plan) -> Iterable[str]:
    """What is done without a before and after: a restart."""
    for step in plan.steps[:_MAX_CHANGES]:
        if step.effect is not Effect.READ and step.plan is not None and not step.plan.changes:
            yield step.plan.summary


def _consequences(plan: Plan) -> list[teams.Element]:
    pairs: list[tuple[str, str]] = []
    untouched = [escape(each, limit=60) for each in plan.untouched if clean(each)]
    if untouched:
        more = len(untouched) - _MAX_UNTOUCHED
        rest = f" and {more} more" if more > 0 else ""
        pairs.append(("Stays as it is", ", ".join(untouched[:_MAX_UNTOUCHED]) + rest))
    if clean(plan.rollback):
        pairs.append(("Rollback", escape(plan.rollback)))
    if plan.lock:
        pairs.append(("Lock", f"{escape(plan.lock, limit=80)}: one run at a time"))
    return e.facts(pairs)
