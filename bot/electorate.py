"""Who may what, looked up anew: what the engine asks before a run may go on."""

from collections.abc import Mapping
from dataclasses import replace

from bot.access.identity import Identity
from bot.access.words import denial
from bot.run_views import about
from domain.actor import Actor, ObjectId
from domain.approval import Choice, Gate, may_vote
from domain.field import FieldType
from domain.policy import GateRule, Request
from domain.ports import Authorizer
from domain.run import Run
from workflows.definition import Workflow


class Electorate:
    """Implements `workflows.engine.voters.Voters` over directory and policy."""

    def __init__(self, identity: Identity, authorizer: Authorizer) -> None:
        self._identity = identity
        self._authorizer = authorizer

    async def objections(self, run: Run, gate: Gate) -> Mapping[ObjectId, str]:
        """Why approvals at *gate* do not count any more, by voter; empty where all of them do.

        A vote counts as long as the same person could cast it now. Whoever is looked up is asked
        for at the directory itself.

        Raises:
            Unavailable: the directory did not answer.
        """
        found: dict[ObjectId, str] = {}
        for vote in gate.votes:
            if vote.choice is Choice.APPROVE:
                voter = await self._identity.actor(run.requester.tenant, vote.voter, fresh=True)
                objection = self._objection(run, gate, voter)
                if objection:
                    found[vote.voter] = objection
        return found

    async def gate(self, run: Run, workflow: Workflow, inputs: Mapping[str, str]) -> GateRule:
        """What must happen before the requester of *run* may have *workflow* done with *inputs*.

        Raises:
            NotPermitted: the policy says no, as it would to the workflow's own command.
            Unavailable: the directory did not answer.
        """
        asked_by = run.requester
        actor = await self._identity.actor(asked_by.tenant, asked_by.id, fresh=True)
        request = Request(
            actor=replace(actor, kind=asked_by.kind),
            action=workflow.name,
            service=_given(workflow, FieldType.SERVICE, inputs),
            environment=_given(workflow, FieldType.ENVIRONMENT, inputs),
            attributes=inputs,
        )
        decision = self._authorizer.decide(request)
        if not decision.allowed:
            raise denial(request, decision)
        return decision.gate

    def _objection(self, run: Run, gate: Gate, voter: Actor) -> str:
        if not voter.is_known:
            return "is not in the directory any more"
        if voter.is_guest:
            return "is a guest now"
        group_id = self._authorizer.group_id(gate.rule.group)
        if not may_vote(voter, requester=run.requester.id, group_id=group_id):
            return f"is not of {gate.rule.group} any more"
        if not self._authorizer.decide(about(run, "approve", voter)).allowed:
            return "may not approve this any more"
        return ""


def _given(workflow: Workflow, kind: FieldType, inputs: Mapping[str, str]) -> str:
    """The value in *inputs* of the first input of that type; empty where there is none."""
    names = (each.name for each in workflow.inputs if each.type is kind)
    return inputs.get(next(names, ""), "")
