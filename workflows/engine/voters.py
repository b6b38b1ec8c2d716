"""Who may what: what the engine asks the outside before a run may go on.

Between the last approval and the start may lie hours of waiting for a lock. Somebody who has left
the group meanwhile has approved nothing. And what a run does by running other workflows is known
only when it has been planned.
"""

from collections.abc import Mapping
from typing import Protocol

from domain.actor import ObjectId
from domain.approval import Gate
from domain.policy import GateRule
from domain.run import Run
from workflows.definition import Workflow


class Voters(Protocol):
    """Knows who may vote, and at which gates."""

    async def objections(self, run: Run, gate: Gate) -> Mapping[ObjectId, str]:
        """Why votes at *gate* do not count any more, by voter; empty where all of them do.

        Each is the end of a sentence that begins with the voter's name. No cache answers.

        Raises:
            Unavailable: the directory did not answer.
        """
        ...

    async def gate(self, run: Run, workflow: Workflow, inputs: Mapping[str, str]) -> GateRule:
        """What must happen before the requester of *run* may have *workflow* done with *inputs*.

        Raises:
            NotPermitted: nothing would do.
            Unavailable: the directory did not answer.
        """
        ...
