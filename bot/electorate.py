"""Who may vote, looked up anew: what the engine asks before a run starts."""

from collections.abc import Mapping

from bot.access.identity import Identity
from bot.run_views import about
from domain.actor import Actor, ObjectId
from domain.approval import Choice, Gate, may_vote
from domain.ports import Authorizer
from domain.run import Run


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
