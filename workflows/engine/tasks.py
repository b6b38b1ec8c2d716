"""What a carrier gets to do for a run, and when it is to ask again."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from domain.plan import Node
from domain.run import Run
from workflows.definition import Step


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One thing to do: an attempt at a step, or at undoing it."""

    run: Run
    node: Node
    step: Step
    attempt: int
    tries: int  #: attempts at it so far, without those that ended with their process
    key: str  #: the idempotency key of the effect
    scope: Mapping[str, Any]  #: what its expressions can speak of
    is_undo: bool = False
    is_settling: bool = False  #: the run is stopped: only find out whether it has happened
    was_begun: bool = False  #: an earlier attempt may have reached the target
    in_doubt: bool = False  #: and nobody knows whether it had its effect


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """What to do for the run now, beside what is under way."""

    run_id: str
    tasks: tuple[Task, ...] = ()
    until: datetime | None = None  #: when to ask for its turn again; None: when a task has ended
    bell: int = 0  #: how often the run's bell had rung
    is_stopping: bool = False  #: what is under way is to be told to stop, where it can be
