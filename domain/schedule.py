"""A schedule: a command that somebody has carried out again and again, or once, at a time.

Which state follows which stands in `TRANSITIONS`. When it is due is a moment in its row; when it
is due after that is `workflows.when`'s to say.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NewType

from domain.actor import Actor
from domain.conversation import Conversation
from domain.errors import Bug, Refused

ScheduleId = NewType("ScheduleId", str)
"""Eight base-32 characters that people can say, such as `m4x7q2ka`."""

SCHEDULE = "schedule"
"""What the subject of a schedule's message begins with."""

PATIENCE = timedelta(minutes=30)
"""How long a preview waits to be saved."""

MAY_BE_LATE = timedelta(hours=2)
"""How late a missed occurrence may still run, unless the schedule says otherwise."""

MOST_SCHEDULES = 50
"""So many may one person have that are not over."""


class UnknownSchedule(Refused):
    """No schedule of that id is known in this tenant."""

    def __init__(self, schedule_id: str) -> None:
        super().__init__(
            f"I know no schedule {schedule_id}.", hint="Say `schedules` for those there are."
        )


class ScheduleState(StrEnum):
    """Where a schedule stands."""

    PROPOSED = "proposed"  #: its owner sees what it would be, and has not saved it
    ACTIVE = "active"
    PAUSED = "paused"  #: by somebody, or because its owner may not do it any more
    DONE = "done"  #: nothing is due any more
    DELETED = "deleted"


class ScheduleEvent(StrEnum):
    """What can happen to a schedule."""

    SAVED = "saved"
    FIRED = "fired"  #: it was due, and its command was carried out
    SKIPPED = "skipped"  #: it was due, and nothing was carried out
    PAUSED = "paused"
    RESUMED = "resumed"
    OVER = "over"  #: what was due was the last
    DELETED = "deleted"


_S, _E = ScheduleState, ScheduleEvent

TRANSITIONS: Mapping[ScheduleState, Mapping[ScheduleEvent, ScheduleState]] = {
    _S.PROPOSED: {_E.SAVED: _S.ACTIVE, _E.DELETED: _S.DELETED},
    _S.ACTIVE: {
        _E.FIRED: _S.ACTIVE,
        _E.SKIPPED: _S.ACTIVE,
        _E.PAUSED: _S.PAUSED,
        _E.OVER: _S.DONE,
        _E.DELETED: _S.DELETED,
    },
    _S.PAUSED: {_E.RESUMED: _S.ACTIVE, _E.DELETED: _S.DELETED},
    _S.DONE: {_E.DELETED: _S.DELETED},
    _S.DELETED: {},
}


def advance(state: ScheduleState, event: ScheduleEvent) -> ScheduleState:
    """The state after *event*.

    Raises:
        Bug: *event* cannot happen in *state*.
    """
    try:
        return TRANSITIONS[state][event]
    except KeyError:
        raise Bug(f"{event!r} cannot happen to a schedule that is {state!r}.") from None


@dataclass(frozen=True, slots=True, kw_only=True)
class When:
    """When something is due, read in a time zone: again and again, or once."""

    text: str  #: in its usual form: `every tue 07:30`, `cron 30 7 * * 2`, `at 2026-12-01 07:30`
    zone: str  #: of the time zone database: `Europe/Berlin`
    cron: str = ""  #: five fields; empty for what is due once
    at: datetime | None = None  #: the moment, for what is due once


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """What is carried out, for whom, where, and when."""

    id: ScheduleId
    owner: Actor  #: as the directory knew them when it was saved: for words, not for decisions
    channel: str  #: the channel or chat it belongs to, whatever the thread
    conversation: Conversation | None  #: None where nobody has spoken to us in that channel yet
    command: str
    arguments: Mapping[str, str]  #: bound to the command's fields
    line: str  #: as it was typed, for people
    when: When
    may_be_late: timedelta
    state: ScheduleState
    rev: int  #: counts its changes: who saves another revision than the one that is there is late
    created_at: datetime
    next_at: datetime | None  #: what is due next; None where nothing is
    reply_to: str = ""  #: the message that asked for it
    gate: str = ""  #: in words, what each run waits for, as the policy was when it was proposed
    last_at: datetime | None = None  #: what was due last
    last_result: str = ""  #: what came of that, in a few words
    last_run_id: str = ""
    why: str = ""  #: why it is paused; empty where it is not, or somebody paused it
    source: str = ""  #: the file's workflow that says so; empty for what people said

    @property
    def subject(self) -> str:
        """What its message shows, as the table of living messages has it."""
        return f"{SCHEDULE}/{self.id}"


def occurrence_id(schedule_id: str, due: datetime) -> str:
    """The one name of what is due then: whoever finds it due calls it that."""
    return f"{SCHEDULE}/{schedule_id}/{due:%Y%m%dT%H%M%SZ}"
