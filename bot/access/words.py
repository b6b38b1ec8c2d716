"""The policy in words: why not and who can help, which gate, and the whole story of a decision."""

from collections.abc import Sequence
from datetime import timedelta

from bot.access.roles import Roles
from domain.actor import Actor
from domain.errors import NotPermitted
from domain.policy import Decision, GateKind, GateRule, Request

_MOST_HELPERS = 5
_READING = {  # commands whose names are no verbs
    "audit": "read the audit log",
    "logs": "read the logs",
    "run": "see the run",
    "runs": "see the runs",
    "status": "see the status",
}


def denial(request: Request, decision: Decision, helpers: Sequence[str] = ()) -> NotPermitted:
    """The refusal that goes with *decision*, a no. *helpers* are the names of who could do it.

    Its `reason` is for the audit log: `guest`, `no_identity`, `policy_error`, `forbidden`,
    `not_requester`, `unknown`, or `no_permit`.
    """
    reason, sentence, hint = _refusal(request, decision, helpers)
    return NotPermitted(sentence, hint=hint, rule=decision.rule, reason=reason)


def _refusal(request: Request, decision: Decision, helpers: Sequence[str]) -> tuple[str, str, str]:
    """Reason, sentence and hint: the first that fits."""
    actor = request.actor
    sentence = f"{actor.name} may not {deed(request)}"
    because = f"{sentence}: {decision.reason.strip().rstrip('.')}."
    if actor.is_guest:
        refusal = ("guest", "Guests have no access.", "")
    elif not actor.is_known:
        unknown = "I do not find you in the directory, so I can do nothing for you."
        refusal = ("no_identity", unknown, "Ask whoever runs Signalbox.")
    elif decision.error:
        failed = "The policy could not be evaluated, so the answer is no."
        refusal = ("policy_error", failed, "Tell whoever owns the policy.")
    elif decision.rule:
        refusal = ("forbidden", because, "")
    elif decision.would_need:
        refusal = ("no_permit", f"{sentence}.", _who_can(decision.would_need[0], helpers))
    elif decision.reason:
        refusal = ("not_requester" if request.requester else "unknown", because, "")
    else:
        refusal = ("no_permit", f"{sentence}.", "No role allows that.")
    return refusal


def deed(request: Request) -> str:
    """What *request* wants to do: `restart shop in prod`, `cancel this run`, `use help`."""
    target = " in ".join(part for part in (request.service, request.environment) if part)
    if request.action in _READING:
        read = _READING[request.action]
        return f"{read} of {target}" if target else read
    if request.service:
        return f"{request.action} {target}"
    if request.requester:
        return f"{request.action} this run"
    return f"use {request.action} in {target}" if target else f"use {request.action}"


def gate_without_run(name: str, decision: Decision) -> NotPermitted:
    """The refusal of the command *name*, permitted behind a gate: without a run there is none."""
    return NotPermitted(
        f"The policy wants {gate_in_words(decision.gate)} before `{name}`, "
        "which makes no run that could wait for it.",
        hint=f"Whoever owns the policy can give `{name}` a rule without a gate.",
        rule=decision.rule,
        reason="gate",
    )


def gate_in_words(rule: GateRule) -> str:
    """What must happen before a run goes on, to be read after "needs"."""
    match rule.kind:
        case GateKind.NONE:
            return "no gate"
        case GateKind.CONFIRM:
            return f"confirmation by the requester within {duration_in_words(rule.expires)}"
        case GateKind.APPROVAL:
            approvals = "1 approval" if rule.count == 1 else f"{rule.count} approvals"
            calls = rule.calls_after
            called = (
                ""
                if calls is None
                else f"; {rule.escalate} are called after {duration_in_words(calls)}"
            )
            return (
                f"{approvals} from {rule.group}, not by the requester, "
                f"within {duration_in_words(rule.expires)}{called}"
            )


def duration_in_words(duration: timedelta) -> str:
    """*duration* in its two largest units: `30 minutes`, `1 hour 30 minutes`."""
    left = round(duration.total_seconds())
    parts = []
    for unit, seconds in (("day", 86400), ("hour", 3600), ("minute", 60), ("second", 1)):
        count, left = divmod(left, seconds)
        if count:
            parts.append(f"{count} {unit}" if count == 1 else f"{count} {unit}s")
    return " ".join(parts[:2]) or "0 seconds"


def explanation(request: Request, decision: Decision, roles: Roles) -> str:
    """Why the answer is what it is, a line for each fact; for `why` and `policy why`."""
    lines = [*verdict(request, decision), roles_held(request.actor, roles)]
    if decision.would_need:
        lines.append(f"Roles that would do: {', '.join(decision.would_need)}.")
    return "\n".join(lines)


def roles_held(actor: Actor, roles: Roles) -> str:
    """Which roles *actor* has, as a sentence."""
    return f"Roles of {actor.name}: {', '.join(roles.in_order(actor.roles)) or 'none'}."


def verdict(request: Request, decision: Decision) -> tuple[str, str]:
    """What *decision* says to *request*, and by which rule: a sentence each."""
    if decision.allowed:
        needs = "" if decision.gate.kind is GateKind.NONE else gate_in_words(decision.gate)
        after = f", after {needs}" if needs else ""
        answer = f"{request.actor.name} may {deed(request)}{after}."
    else:
        answer = denial(request, decision).words
    if decision.rule:
        return answer, f"Rule: {decision.rule} ({decision.reason})."
    if decision.error:
        return answer, f"Error: {decision.error}."
    return answer, "Rule: none allows it, and what no rule allows is denied."


def _who_can(role: str, names: Sequence[str]) -> str:
    needed = f"That needs the role {role}"
    if not names:
        return f"{needed}."
    if len(names) > _MOST_HELPERS:
        return f"{needed}; ask {', '.join(names[:_MOST_HELPERS])} or others who have it."
    *others, last = names
    asked = f"{', '.join(others)} or {last}" if others else last
    return f"{needed}; ask {asked}."
