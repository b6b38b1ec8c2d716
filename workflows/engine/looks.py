"""Looks at the outside before a run may start: at the live systems, and at who has voted."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

import structlog

from connectors.connector import Actions
from domain.actor import ObjectId
from domain.approval import Gate
from domain.errors import Bug, Refused, Unavailable
from domain.plan import Plan
from domain.policy import GateRule
from domain.ports import Clock
from domain.run import Run
from workflows.definition import from_pinned
from workflows.engine.voters import Voters
from workflows.planning import make_plan
from workflows.unfolded import Unfolded

log = structlog.get_logger(__name__)

_LOOKS = 3
"""How often the live systems are looked at before a plan is given up, or the directory is before
a run is put off."""


class Looks:
    """Looks a few times, where the first look fails."""

    def __init__(
        self,
        *,
        actions: Actions,
        voters: Voters,
        clock: Clock,
        correlation_id: Callable[[], str],
        sleep_until: Callable[[datetime], Awaitable[None]],
    ) -> None:
        self._actions = actions
        self._voters = voters
        self._clock = clock
        self._correlation_id = correlation_id
        self._sleep_until = sleep_until

    async def plan(self, run: Run, results: Mapping[str, Mapping[str, Any]]) -> Plan | str:
        """The plan of *run* as the world is now; a sentence where none can be made.

        *results* are what its nodes have given already, in the run that it goes on from.
        """
        workflow = from_pinned(run.definition)
        number = 1
        while True:
            try:
                return await make_plan(
                    workflow,
                    run.inputs,
                    run_id=run.id,
                    requester=run.requester.id,
                    actions=self._actions,
                    results=results,
                    done_in=run.repeats or "",
                )
            except Refused as refused:
                return refused.words
            except Unavailable as unavailable:
                if number >= _LOOKS:
                    return unavailable.words
                await asyncio.sleep(number)
                number += 1
            except Exception as error:  # a connector's mistake must not leave the run hanging
                correlation = self._correlation_id()
                log.exception("planning failed", run=run.id, correlation=correlation)
                blame = str(error) if isinstance(error, Bug) else "That was our mistake"
                return f"{blame}; it is logged as {correlation}."

    async def rule(self, run: Run, plan: Plan) -> GateRule | str:
        """The gate of *run* with *plan*; a sentence where its requester may not do all of it.

        What a run has other workflows do is asked of the policy as if it had been said by itself.
        The heaviest gate is the run's.
        """
        rules, number = [run.gate_rule], 1
        unfolded = Unfolded(from_pinned(run.definition), plan.nodes, plan.parts)
        for workflow, inputs in unfolded.runs():
            while True:
                try:
                    rules.append(await self._voters.gate(run, workflow, inputs))
                    break
                except Refused as refused:
                    return refused.words
                except Unavailable as unavailable:
                    if number >= _LOOKS:
                        return unavailable.words
                    await self._sleep_until(self._clock.now() + timedelta(seconds=number))
                    number += 1
        return max(rules, key=lambda rule: rule.weight)

    async def objections(self, run: Run, gate: Gate) -> Mapping[ObjectId, str]:
        """What is to be said against the votes that let the run go on.

        Raises:
            Unavailable: nobody can tell.
        """
        number = 1
        while True:
            try:
                return await self._voters.objections(run, gate)
            except Unavailable:
                if number >= _LOOKS:
                    raise
                await self._sleep_until(self._clock.now() + timedelta(seconds=number))
                number += 1
