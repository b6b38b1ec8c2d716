"""A run in words: its headline, its state, and one sentence that tells all of it.

Everything here is plain text with nothing invisible in it; `text.escape` it before it goes into
Markdown.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
import re

from cards.text import clean
from cards.times import deadline, duration, moment
from cards.view import RunView
from cards.waits import halt_words, wait_words
from domain.approval import Choice, Gate, GateState, Vote
from domain.policy import GateKind, GateRule
from domain.run import Run, RunState

_VALUE_LIMIT = 40
_FILLERS = frozenset({"to", "in", "on", "from", "with", "of", "for"})
_PLACEHOLDER = re.compile(r"\[?<(\w+)>\]?")


@dataclass(frozen=True, slots=True)
class StateWords:
    """A state: the word for it, and how the sentence goes on."""

    word: str
    rest: str = ""  #: begins with what joins it to the word: a space, a comma, a colon

    def __str__(self) -> str:
        return f"{self.word}{self.rest}"


def headline(run: Run, *, with_place: bool = False) -> str:
    """What the run does: "Deploy shop v1.1.0".

    It is the workflow's command with its inputs filled in. The environment stands in the card's
    badge; *with_place* keeps it in the words: "Deploy shop v1.1.0 to prod".
    """
    template = run.definition.get("command")
    if not isinstance(template, str) or not template.strip():
        return _title_and_values(run, with_place=with_place)
    left_out = "" if with_place else environment_input(run)
    words: list[str] = []
    for word in template.split():
        placeholder = _PLACEHOLDER.fullmatch(word)
        if placeholder is None:
            words.append(clean(word, limit=_VALUE_LIMIT))
            continue
        name = placeholder.group(1)
        value = "" if name == left_out else clean(run.inputs.get(name, ""), limit=_VALUE_LIMIT)
        if value:
            words.append(value)
        elif words and words[-1] in _FILLERS:
            words.pop()
    return capitalised(" ".join(words))


def kicker(run: Run) -> str:
    """The small line over the headline: "Deploy · run k7f3q2ma"."""
    name = clean(run.workflow, limit=_VALUE_LIMIT).replace("-", " ").replace("_", " ")
    return f"{capitalised(name)} · run {run.id}"


def environment_input(run: Run) -> str:
    """The name of the input that says where: the one of that type, else `environment`."""
    declared = run.definition.get("inputs")
    if isinstance(declared, dict):
        for name, spec in declared.items():
            if isinstance(spec, dict) and spec.get("type") == "environment":
                return str(name)
    return "environment"


def environment(run: Run) -> str:
    """Where the run acts; empty where that is no question."""
    return clean(run.inputs.get(environment_input(run), ""), limit=_VALUE_LIMIT)


def state_words(view: RunView) -> StateWords:
    """Where the run stands."""
    return _WORDS[view.run.state](view, _outcome(view.run))


def short_state(run: Run) -> str:
    """The state in one or two words, for a list: "waiting for approval", "rolled back"."""
    match run.state:
        case RunState.AWAITING_APPROVAL:
            return "waiting for approval"
        case RunState.AWAITING_CONFIRMATION:
            return "to be confirmed"
        case state:
            return state.value.replace("_", " ")


def run_sentence(view: RunView) -> str:
    """The run in one sentence, for a notification, a screen reader or a client without cards."""
    run = view.run
    parts = [f"{headline(run, with_place=True)}: {_lower_first(str(state_words(view)))}"]
    if view.gate is not None and (run.state.is_waiting_for_people or waits_inside(view)):
        parts += _asked_for(view, view.gate)
    if view.halt is not None:
        parts.append(f"everything is halted{halt_words(view.halt, now=view.now, zone=view.zone)}")
    if run.state.is_final:
        if run.state is not RunState.SUCCEEDED and run.started_at and run.finished_at:
            parts.append(f"after {took(view)}")
        parts.append(f"requested by {_name(run.requester.name)}")
        if names := approvers(view.gate):
            parts.append(f"approved by {names}")
    return f"{', '.join(parts)} (run {run.id})."


def _asked_for(view: RunView, gate: Gate) -> list[str]:
    who = who_may(view.run, gate.rule)
    until = f"until {deadline(gate.expires_at, now=view.now, zone=view.zone)}"
    if gate.rule.kind is GateKind.CONFIRM:
        return [f"by {who}", until]
    return [f"{counted(gate)} approvals", f"from {who}", until]


def who_may(run: Run, rule: GateRule) -> str:
    """Who decides at the gate: "prod-approvers, not dev-1"."""
    requester = _name(run.requester.name)
    if rule.kind is GateKind.CONFIRM:
        return requester
    return f"{clean(rule.group, limit=_VALUE_LIMIT)}, not {requester}"


def counted(gate: Gate) -> str:
    """How far the approval is: "1 of 2"."""
    return f"{gate.approvals} of {max(gate.rule.count, 1)}"


def approvers(gate: Gate | None) -> str:
    """Who said yes: "approver-1 and approver-2"; empty where nobody did."""
    votes = gate.votes if gate is not None else ()
    return names_in_words([vote.name for vote in votes if vote.choice is Choice.APPROVE])


def names_in_words(people: Sequence[str]) -> str:
    """*people* in a row: "approver-1, approver-2 and sre-1"; empty where there are none."""
    names = [_name(each) for each in people]
    return " and ".join(filter(None, (", ".join(names[:-1]), *names[-1:])))


def standing(view: RunView, asked: GateKind) -> str:
    """How the run stands, for somebody whose decision at a gate of that kind comes too late.

    It says what was decided, by whom and when.
    """
    run, gate = view.run, view.gate
    if gate is None or gate.rule.kind is not asked or gate.state is GateState.SUPERSEDED:
        what = "approval" if asked is GateKind.APPROVAL else "confirmation"
        return f"Run {run.id} waits for no {what}: {_lower_first(str(state_words(view)))}."
    match gate.state:
        case GateState.APPROVED if asked is GateKind.CONFIRM:
            started = f"already started by {_name(run.requester.name)}"
            return f"Run {run.id} was {started}{_at(view, run.queued_at)}.{_now(view)}"
        case GateState.APPROVED:
            last = max((vote.at for vote in gate.votes), default=run.queued_at)
            by = f"already approved by {approvers(gate)}"
            return f"Run {run.id} was {by}{_at(view, last)}.{_now(view)}"
        case GateState.REJECTED:
            no = _rejection(gate)
            by = f" by {_name(no.name)}{_at(view, no.at)}" if no else _at(view, run.finished_at)
            comment = clean(no.comment).rstrip(".") if no else ""
            return f"Run {run.id} was already rejected{by}{f': {comment}' if comment else ''}."
        case GateState.CANCELLED:
            cancelled = _lower_first(str(state_words(view)))
            return f"Run {run.id} is {cancelled}{_at(view, run.finished_at)}."
        case _:
            over = moment(gate.expires_at, now=view.now, zone=view.zone)
            return f"The time for this was over at {over}: run {run.id} has expired."


def _at(view: RunView, at: datetime | None) -> str:
    return "" if at is None else f" at {moment(at, now=view.now, zone=view.zone)}"


def _now(view: RunView) -> str:
    """What became of a run that went on."""
    return f" Now: {_lower_first(str(state_words(view)))}."


def took(view: RunView) -> str:
    """How long the run took, or has been running; from its start, not from the request."""
    begun = view.run.started_at or view.run.created_at
    return duration((view.run.finished_at or view.now) - begun)


def capitalised(text: str) -> str:
    """*text* with a capital first letter and nothing else changed."""
    return text[:1].upper() + text[1:]


def _planning(view: RunView, outcome: str) -> StateWords:
    if view.run.rev > 1:
        return StateWords("Planning again", f": {outcome or 'the plan has changed'}")
    return StateWords("Planning", ": looking at what would change")


def _waiting(word: str, voided: str) -> Callable[[RunView, str], StateWords]:
    """Waiting for people; of a plan that was made anew, why, and what of theirs is void."""

    def words(view: RunView, outcome: str) -> StateWords:
        if view.gate is not None and view.gate.reopened_at is not None:
            at = moment(view.gate.reopened_at, now=view.now, zone=view.zone)
            return StateWords(word, f" again since {at}" + (f": {outcome}" if outcome else ""))
        if view.run.rev == 1 or not outcome:
            return StateWords(word)
        return StateWords(word, f" of a new plan{voided}: {outcome}")

    return words


def _queued(view: RunView, outcome: str) -> StateWords:
    if view.halt is not None:
        return StateWords("Queued", ": starts when the halt is over")
    if view.waits is None:
        return StateWords("Queued", f": {outcome}" if outcome else ": starts in a moment")
    words = wait_words(view.waits, view.run.id, now=view.now, zone=view.zone)
    return StateWords("Waiting for its turn", f": {words}")


def _running(view: RunView, outcome: str) -> StateWords:
    run = view.run
    if run.cancelled_by is not None:
        undone = ", and what was done is undone" if run.takes_back else ""
        return StateWords("Stopping", f": asked to cancel, what is under way ends first{undone}")
    if outcome:
        return StateWords("Stopping", f": {outcome}")
    if run.paused_by is not None:
        return StateWords("Pausing", ": what is under way ends first")
    if waits_inside(view):
        return StateWords("Waiting for approval", f": {_step_title(view)}")
    return StateWords("Running")


def waits_inside(view: RunView) -> bool:
    """Whether a step of the run waits for people."""
    return view.gate is not None and bool(view.gate.step) and view.gate.state is GateState.OPEN


def _step_title(view: RunView) -> str:
    waiting = view.gate.step if view.gate is not None else ""
    titles = (step.title for step in view.steps if step.name == waiting)
    return clean(next(titles, waiting), limit=2 * _VALUE_LIMIT)


def _paused(_view: RunView, _outcome: str) -> StateWords:
    return StateWords("Paused", " between two steps; `resume` has it go on")


def _succeeded(view: RunView, _outcome: str) -> StateWords:
    return StateWords("Succeeded", f" in {took(view)}")


def _rejected(view: RunView, outcome: str) -> StateWords:
    vote = _rejection(view.gate)
    if vote is None:
        return _joined("Rejected", outcome)
    comment = clean(vote.comment).rstrip(".")
    return StateWords("Rejected", f" by {_name(vote.name)}" + (f": {comment}" if comment else ""))


def _rejection(gate: Gate | None) -> Vote | None:
    votes = gate.votes if gate is not None else ()
    return next((vote for vote in votes if vote.choice is Choice.REJECT), None)


def _expired(view: RunView, outcome: str) -> StateWords:
    gate = view.gate
    if gate is None:
        return _joined("Expired", outcome)
    at = moment(gate.expires_at, now=view.now, zone=view.zone)
    if gate.rule.kind is GateKind.CONFIRM:
        return StateWords("Expired", f" at {at}: {_name(view.run.requester.name)} did not confirm")
    return StateWords("Expired", f" at {at} with {counted(gate)} approvals")


def _because(word: str) -> Callable[[RunView, str], StateWords]:
    return lambda _view, outcome: _joined(word, outcome)


def _joined(word: str, outcome: str) -> StateWords:
    """The word and the outcome, which may begin with the word itself."""
    if outcome.lower().startswith(word.lower()):
        return StateWords(word, outcome[len(word) :])
    return StateWords(word, f": {outcome}" if outcome else "")


_WORDS: Mapping[RunState, Callable[[RunView, str], StateWords]] = {
    RunState.PLANNING: _planning,
    RunState.AWAITING_CONFIRMATION: _waiting("Waiting for confirmation", ""),
    RunState.AWAITING_APPROVAL: _waiting("Waiting for approval", ", earlier votes are void"),
    RunState.QUEUED: _queued,
    RunState.RUNNING: _running,
    RunState.PAUSED: _paused,
    RunState.ROLLING_BACK: _because("Rolling back"),
    RunState.SUCCEEDED: _succeeded,
    RunState.FAILED: _because("Failed"),
    RunState.REJECTED: _rejected,
    RunState.EXPIRED: _expired,
    RunState.CANCELLED: _because("Cancelled"),
    RunState.ROLLED_BACK: _because("Rolled back"),
    RunState.ROLLBACK_FAILED: _because("Rollback failed"),
}


def _outcome(run: Run) -> str:
    return clean(run.outcome).rstrip(".")


def _title_and_values(run: Run, *, with_place: bool) -> str:
    title = clean(run.title or run.workflow, limit=2 * _VALUE_LIMIT)
    left_out = "" if with_place else environment_input(run)
    values = [clean(v, limit=_VALUE_LIMIT) for k, v in run.inputs.items() if k != left_out and v]
    return f"{title}: {' '.join(values)}" if values else title


def _name(name: str) -> str:
    return clean(name, limit=_VALUE_LIMIT)


def _lower_first(text: str) -> str:
    return text[:1].lower() + text[1:]
