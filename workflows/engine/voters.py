"""Whether votes still count when a run is about to start: what the engine asks the outside.

Between the last approval and the start may lie hours of waiting for a lock. Somebody who has left
the group meanwhile has approved nothing.
"""

from collections.abc import Mapping
from typing import Protocol

from domain.actor import ObjectId
from domain.approval import Gate
from domain.run import Run


class Voters(Protocol):
    """Knows who may vote."""

    async def objections(self, run: Run, gate: Gate) -> Mapping[ObjectId, str]:
        """Why votes at *gate* do not count any more, by voter; empty where all of them do.

        Each is the end of a sentence that begins with the voter's name. No cache answers.

        Raises:
            Unavailable: the directory did not answer.
        """
        ...
