"""From symptoms to findings: which looks they call for, and what each look's answer means."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
import re
from typing import Any

from cards.diagnosis import Finding, Verdict

SYMPTOMS: Mapping[str, str] = {
    "down": "it does not answer",
    "errors": "it answers with errors",
    "slow": "it is slow",
    "version": "it runs the wrong version",
    "restarts": "it restarts by itself",
}
"""What somebody may have noticed, and how it reads in a sentence."""

LOG_LINES = 60
"""How much of the log is looked through."""

_SLOW = 500  #: milliseconds for a health check
_YOUNG = timedelta(minutes=2)
_TROUBLE = re.compile(r"\b(error|exception|traceback|fatal|panic|critical)\b", re.IGNORECASE)

Answers = Mapping[str, Mapping[str, Any] | str]
"""What was found, by the action's name; a sentence where nothing was to be found."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """One look at a live system."""

    title: str
    uses: str  #: a reading action
    arguments: Mapping[str, Any]  #: besides the service and the environment
    symptoms: frozenset[str]  #: that call for it
    judge: Callable[[Mapping[str, Any], Answers, datetime], Finding]


def looks(symptoms: Sequence[str]) -> tuple[Look, ...]:
    """The looks that *symptoms* call for; all of them where none was noticed."""
    return tuple(each for each in LOOKS if not symptoms or each.symptoms & set(symptoms))


def findings(asked: Sequence[Look], answers: Answers, now: datetime) -> tuple[Finding, ...]:
    """What *answers* mean, a finding for each look."""
    return tuple(_finding(each, answers, now) for each in asked)


def remedies(found: Sequence[Finding]) -> tuple[str, ...]:
    """The commands that may help, in the order in which the findings name them."""
    return tuple(dict.fromkeys(name for each in found for name in each.remedies))


def complaint(symptoms: Sequence[str]) -> str:
    """What was noticed, in a sentence."""
    words = [SYMPTOMS[each] for each in symptoms]
    return f"Somebody says that {' and '.join(words)}" if words else "A look at everything"


def _finding(look: Look, answers: Answers, now: datetime) -> Finding:
    answer = answers.get(look.uses, "It was not looked at.")
    if isinstance(answer, str):
        return Finding(title=look.title, verdict=Verdict.UNKNOWN, sentence=answer)
    return look.judge(answer, answers, now)


def _process(found: Mapping[str, Any], _: Answers, now: datetime) -> Finding:
    state, since = str(found.get("state", "")), found.get("since")
    title = "Process"
    if state != "running":
        return Finding(
            title=title,
            verdict=Verdict.ILL,
            sentence=f"It is {state or 'in no known state'}.",
            detail=str(found.get("description", "")),
            remedies=("restart", "logs"),
        )
    if isinstance(since, str) and now - datetime.fromisoformat(since) < _YOUNG:
        return Finding(
            title=title,
            verdict=Verdict.DOUBTFUL,
            sentence="It runs, but was started less than two minutes ago.",
            detail=str(found.get("description", "")),
            remedies=("logs",),
        )
    return Finding(
        title=title,
        verdict=Verdict.WELL,
        sentence="It runs.",
        detail=str(found.get("description", "")),
    )


def _health(found: Mapping[str, Any], _: Answers, __: datetime) -> Finding:
    title, taken = "Health check", found.get("milliseconds", 0)
    if found.get("fault"):
        return Finding(
            title=title,
            verdict=Verdict.ILL,
            sentence=f"It {found['fault']}.",
            remedies=("restart", "rollback", "logs"),
        )
    said = f"It answers {found.get('http_status')} with status {found.get('status')}"
    if not found.get("is_good"):
        return Finding(
            title=title,
            verdict=Verdict.ILL,
            sentence=f"{said}, as {found.get('version')}.",
            remedies=("rollback", "restart", "logs"),
        )
    if taken > _SLOW:
        return Finding(
            title=title,
            verdict=Verdict.DOUBTFUL,
            sentence=f"{said}, but takes {taken} ms.",
            remedies=("restart", "logs"),
        )
    return Finding(title=title, verdict=Verdict.WELL, sentence=f"{said} in {taken} ms.")


def _version(found: Mapping[str, Any], answers: Answers, _: datetime) -> Finding:
    installed, probe = str(found.get("version", "")), answers.get("releases.probe@1")
    says = str(probe.get("version", "")) if isinstance(probe, Mapping) else ""
    detail = f"Commit {str(found.get('commit', ''))[:12]}" if found.get("commit") else ""
    if says and says != installed:
        return Finding(
            title="Version",
            verdict=Verdict.ILL,
            sentence=f"{installed} is installed, and what answers is {says}.",
            detail=detail,
            remedies=("restart",),
        )
    return Finding(
        title="Version",
        verdict=Verdict.WELL,
        sentence=f"{installed} is installed" + (", and answers." if says else "."),
        detail=detail,
        remedies=(),
    )


def _log(found: Mapping[str, Any], _: Answers, __: datetime) -> Finding:
    lines = [str(each) for each in found.get("lines", ())]
    trouble = [each for each in lines if _TROUBLE.search(each)]
    if not trouble:
        return Finding(
            title="Log",
            verdict=Verdict.WELL,
            sentence=f"None of its last {len(lines)} lines speaks of an error.",
        )
    return Finding(
        title="Log",
        verdict=Verdict.DOUBTFUL,
        sentence=f"{len(trouble)} of its last {len(lines)} lines speak of errors.",
        detail=trouble[-1],
        remedies=("logs",),
    )


LOOKS: tuple[Look, ...] = (
    Look(
        title="Process",
        uses="supervisor.status@1",
        arguments={},
        symptoms=frozenset({"down", "slow", "restarts"}),
        judge=_process,
    ),
    Look(
        title="Health check",
        uses="releases.probe@1",
        arguments={},
        symptoms=frozenset({"down", "errors", "slow", "version"}),
        judge=_health,
    ),
    Look(
        title="Version",
        uses="releases.current@1",
        arguments={},
        symptoms=frozenset({"errors", "version"}),
        judge=_version,
    ),
    Look(
        title="Log",
        uses="supervisor.logs@1",
        arguments={"lines": LOG_LINES},
        symptoms=frozenset({"down", "errors", "restarts"}),
        judge=_log,
    ),
)
"""All looks, in the order in which they are told."""
