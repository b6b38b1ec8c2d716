"""The people of a case: who they are, and what they do when their moment has come."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from domain.actor import Actor, ObjectId, TenantId
from domain.approval import Choice, Gate, GateState
from domain.errors import Refused
from domain.policy import NO_GATE, GateKind, GateRule
from domain.run import Run
from domain.step import StepState
from storage.store import Store
from storage.unit import UnitOfWork
from workflows.definition import Workflow
from workflows.engine.lifecycle import Lifecycle
from workflows.rehearsal.case import Case, Deed, Verb
from workflows.rehearsal.nodes import is_of
from workflows.yaml_source import Place

TENANT = TenantId("00000000-0000-4000-8000-00000000aaaa")

_UNDER_WAY = frozenset({StepState.RUNNING, StepState.WAITING})
_AT_GATES = {
    Verb.APPROVE: GateKind.APPROVAL,
    Verb.REJECT: GateKind.APPROVAL,
    Verb.WITHDRAW: GateKind.APPROVAL,
    Verb.CONFIRM: GateKind.CONFIRM,
}
"""What can be done at an open gate only."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Complaint:
    """Something in a story that did not go as it is written."""

    place: Place
    sentence: str


class People:
    """Those who act in a case; they also are the directory that the engine asks."""

    def __init__(
        self,
        store: Store,
        lifecycle: Lifecycle,
        case: Case,
        *,
        changed: Callable[[], Awaitable[None]],
    ) -> None:
        """*changed* comes back when a transaction has committed."""
        self._store = store
        self._lifecycle = lifecycle
        self._case = case
        self._changed = changed
        self._left: set[str] = set()
        self._done = 0  # how much of the story
        self._complaints: list[Complaint] = []

    def actor(self, name: str, group: str = "") -> Actor:
        """Who goes by *name*; a member of *group*, unless the case says of which groups."""
        groups = frozenset() if name in self._left else self._case.people.get(name, {group})
        return Actor(tenant=TENANT, id=person_id(name), name=name, groups=frozenset(groups))

    async def objections(self, run: Run, gate: Gate) -> Mapping[ObjectId, str]:
        """Why votes do not count any more: whoever has left is no member."""
        del run
        return {
            vote.voter: f"is not a member of {gate.rule.group} any more"
            for vote in gate.votes
            if vote.name in self._left
        }

    async def gate(self, run: Run, workflow: Workflow, inputs: Mapping[str, str]) -> GateRule:
        """None of its own: a rehearsal says which gate its run has, and asks no policy."""
        del run, workflow, inputs
        return NO_GATE

    async def act(self, run_id: str) -> None:
        """Do what the case says, one thing after the other."""
        for deed in self._case.story:
            sentence = await self._do(deed, run_id)
            self._done += 1
            if sentence:
                self._complaints.append(Complaint(place=deed.place, sentence=sentence))

    @property
    def complaints(self) -> tuple[Complaint, ...]:
        """What did not go as the case says, with what nobody has come to do."""
        late = (
            Complaint(
                place=each.place,
                sentence=f"its time was over before {each.who} could {each.verb}.",
            )
            for each in self._case.story[self._done :]
        )
        return (*self._complaints, *late)

    async def _do(self, deed: Deed, run_id: str) -> str:
        """Wait for the moment of *deed*, and do it; what did not go as it should."""
        what = f"{deed.who} could not {deed.verb}"
        if deed.during and not await self._comes(
            run_id, lambda unit: _is_under_way(unit, run_id, deed.during)
        ):
            return f"{what}: the run ended, and `{deed.during}` was not under way by then."
        await asyncio.sleep(deed.after.total_seconds())
        # Who is to be refused does not wait for the right moment.
        is_at_gate = deed.verb in _AT_GATES and deed.refused is None
        if is_at_gate and not await self._comes(
            run_id, lambda unit: _gate_for(unit, deed, run_id) is not None
        ):
            return f"{what}: the run ended, and no gate was open for it."
        try:
            await self._store.transaction(lambda unit: self._carry_out(unit, deed, run_id))
        except Refused as refused:
            if deed.refused is None:
                return f"{what}: {refused.words}"
            if deed.refused not in refused.words:
                return f"{deed.who} was refused like this: {refused.words}"
            return ""
        return "" if deed.refused is None else f"{deed.who} was not refused."

    def _carry_out(self, unit: UnitOfWork, deed: Deed, run_id: str) -> None:
        gate = _gate_for(unit, deed, run_id) or unit.gates.latest(run_id)
        group, gate_id = (gate.rule.group, gate.id) if gate is not None else ("", None)
        who, engine = self.actor(deed.who, group), self._lifecycle
        match deed.verb:
            case Verb.APPROVE | Verb.REJECT:
                choice, comment = Choice(deed.verb.value), deed.comment
                engine.vote(
                    unit,
                    run_id,
                    voter=who,
                    choice=choice,
                    comment=comment,
                    group_id=group,
                    gate_id=gate_id,
                )
            case Verb.WITHDRAW:
                engine.withdraw(unit, run_id, voter=who, gate_id=gate_id)
            case Verb.CONFIRM:
                engine.confirm(unit, run_id, actor=who)
            case Verb.CANCEL:
                engine.cancel(unit, run_id, actor=who, takes_back=deed.takes_back)
            case Verb.PAUSE:
                engine.pause(unit, run_id, actor=who, reason=deed.comment)
            case Verb.RESUME:
                engine.resume(unit, run_id, actor=who)
            case Verb.SKIP:
                engine.skip(unit, run_id, deed.step, actor=who, reason=deed.comment)
            case Verb.LEAVE:
                self._left.add(deed.who)

    async def _comes(self, run_id: str, is_so: Callable[[UnitOfWork], bool]) -> bool:
        """Wait until *is_so*; False where the run ends before."""
        while not await self._store.read(is_so):
            if await self._store.read(lambda unit: _has_ended(unit, run_id)):
                return False
            await self._changed()
        return True


def person_id(name: str) -> ObjectId:
    """The object id of whoever goes by *name*."""
    return ObjectId(f"id-of-{name}")


def _is_under_way(unit: UnitOfWork, run_id: str, step: str) -> bool:
    return any(
        is_of(each.name, step) and each.state in _UNDER_WAY for each in unit.steps.of(run_id)
    )


def _gate_for(unit: UnitOfWork, deed: Deed, run_id: str) -> Gate | None:
    """The open gate that *deed* is done at; None where there is none."""
    latest = unit.gates.latest(run_id)
    is_open = latest is not None and latest.state is GateState.OPEN
    gates = [*unit.gates.open_in(run_id), *([latest] if latest is not None and is_open else [])]
    for gate in gates:
        is_meant = is_of(gate.step, deed.step) if deed.step else True
        if is_meant and gate.rule.kind is _AT_GATES.get(deed.verb):
            return gate
    return None


def _has_ended(unit: UnitOfWork, run_id: str) -> bool:
    run = unit.runs.get(run_id)
    return run is None or run.state.is_final
