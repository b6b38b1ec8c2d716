"""A run's card, as everybody sees it and as one person does.

The message in the conversation is the same for all, so it carries no buttons: those who may press
some are named in its `refresh`, and their clients ask for a card of their own. Which buttons that
card has is a courtesy. What counts is what the policy says when one is pressed.
https://learn.microsoft.com/microsoftteams/platform/task-modules-and-cards/cards/universal-actions-for-adaptive-cards/user-specific-views
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta, tzinfo
import json
from typing import Any

from bot.card_tokens import CardTokens, Press
from cards.limits import MAX_USER_IDS
from cards.run import run_card, run_sentence
from cards.text import plain
from cards.view import Button, Refresh, RunView, Waits
from domain.actor import Actor, ObjectId, TenantId
from domain.approval import CommentRule, Gate, GateState, may_vote
from domain.audit import Entry
from domain.errors import Unavailable, UnknownRun
from domain.field import FieldType
from domain.lock import Line
from domain.notice import Message
from domain.policy import GateKind, GateRule, Request
from domain.ports import Authorizer, Clock, Directory
from domain.run import Run, RunState
from domain.step import StepState
from storage.store import Store
from storage.unit import UnitOfWork
from workflows.definition import comment_rule
from workflows.engine.lines import held_up_by
from workflows.unfolded import Unfolded

_UNDER_WAY = frozenset({RunState.RUNNING, RunState.PAUSED})

_LIVES = frozenset({"plan.created", "run.finished", "run.cancelled"})
"""Events that happen to no run but one that is there."""

LOOK = "run"
"""The command that shows a run; a card's refresh is one use of it."""

_HELD_BACK = frozenset({RunState.QUEUED, RunState.RUNNING, RunState.PAUSED, RunState.ROLLING_BACK})
"""The states in which a run would go on, were it not that everything is halted."""

_APPROVERS_AGE = timedelta(minutes=1)


def target_of(run: Run) -> tuple[str, str]:
    """The service and the environment that *run* is about; empty where it has none."""
    names = {FieldType.SERVICE: "service", FieldType.ENVIRONMENT: "environment"}
    declared = run.definition.get("inputs")
    for each in reversed(declared if isinstance(declared, list) else []):
        if each["type"] in names:
            names[FieldType(each["type"])] = each["name"]
    return (
        run.inputs.get(names[FieldType.SERVICE], ""),
        run.inputs.get(names[FieldType.ENVIRONMENT], ""),
    )


def about(
    run: Run, action: str, actor: Actor, attributes: Mapping[str, str] | None = None
) -> Request:
    """What the policy is asked when *actor* wants to do *action* to *run*."""
    service, environment = target_of(run)
    return Request(
        actor=actor,
        action=action,
        service=service,
        environment=environment,
        requester=run.requester.id,
        attributes=attributes or {},
    )


def find_run(unit: UnitOfWork, run_id: str, tenant: TenantId) -> Run | None:
    """The run of that id, if it is one of *tenant*'s."""
    run = unit.runs.get(run_id)
    return run if run is not None and run.requester.tenant == tenant else None


def was_known(entries: Iterable[Entry], tenant: TenantId) -> bool:
    """Whether *entries* of the audit log tell of a run of *tenant*'s, which may be no more."""
    return any(_is_ours(each, tenant) for each in entries)


def _is_ours(entry: Entry, tenant: TenantId) -> bool:
    try:
        cloud = json.loads(entry.text)
        is_one = cloud["type"].removeprefix("signalbox.") in _LIVES
        return is_one and bool(cloud["data"]["tenant"] == tenant)
    except (ValueError, LookupError, TypeError, AttributeError):
        return False  # it was tampered with: `audit verify` says so


def run_of(unit: UnitOfWork, run_id: str, tenant: TenantId) -> Run:
    """The run of that id.

    Raises:
        UnknownRun: there is none, or it is another tenant's.
    """
    run = find_run(unit, run_id, tenant)
    if run is None:
        raise UnknownRun(run_id)
    return run


def view(unit: UnitOfWork, run: Run, zone: tzinfo) -> RunView:
    """All that the card of *run* tells, as it is now."""
    return RunView(
        run=run,
        steps=unit.steps.of(run.id),
        gate=gate_of(unit, run),
        waits=waits_of(unit, run),
        now=unit.now,
        zone=zone,
        halt=unit.halts.current() if run.state in _HELD_BACK else None,
    )


def waits_of(unit: UnitOfWork, run: Run) -> Waits | None:
    """What *run* waits for, while it is queued; None where it waits for nothing."""
    if run.state is not RunState.QUEUED:
        return None
    line = held_up_by(unit.locks.lines_of(run.id), run.id)
    return None if line is None else Waits(line=line, holders=holders_of(unit, line))


def holders_of(unit: UnitOfWork, line: Line) -> tuple[Run, ...]:
    """The runs that have the lock, or a place in the group."""
    return tuple(run for held in line.held if (run := unit.runs.get(held.run_id)) is not None)


def gate_of(unit: UnitOfWork, run: Run) -> Gate | None:
    """The gate that *run* waits at, be it in a step; else the last one before it."""
    inside = () if run.state not in _UNDER_WAY else unit.gates.open_in(run.id)
    return inside[0] if inside else unit.gates.latest(run.id)


def gate_among(run: Run, gates: Sequence[Gate]) -> Gate | None:
    """As `gate_of`, among all the *gates* that *run* has had."""
    inside = [each for each in gates if each.step and each.state is GateState.OPEN]
    if inside and run.state in _UNDER_WAY:
        return inside[0]
    return next((each for each in reversed(gates) if not each.step), None)


def _rule(unit: UnitOfWork, run_id: str) -> GateRule:
    run = unit.runs.get(run_id)
    if run is None:
        raise UnknownRun(run_id)
    gate = gate_of(unit, run)
    return gate.rule if gate is not None and gate.step else run.gate_rule


class RunViews:
    """Makes the cards of runs."""

    def __init__(
        self,
        *,
        store: Store,
        tokens: CardTokens,
        authorizer: Authorizer,
        directory: Directory,
        clock: Clock,
        zone: tzinfo,
    ) -> None:
        self._store = store
        self._tokens = tokens
        self._authorizer = authorizer
        self._directory = directory
        self._clock = clock
        self._zone = zone
        self._approvers: dict[str, tuple[datetime, tuple[ObjectId, ...]]] = {}

    # -- for everybody --------------------------------------------------------------------

    async def shared_message(self, run_id: str) -> Message:
        """The message that shows the run to everybody, as it is now.

        Raises:
            UnknownRun: there is none.
            Unavailable: the database did not answer.
        """
        approvers = await self.approvers(await self.rule(run_id))
        return await self._store.read(lambda unit: self.shared(unit, run_id, approvers))

    async def rule(self, run_id: str) -> GateRule:
        """What the gate that the run waits at asks for; else the one before it.

        Raises:
            UnknownRun: there is none.
            Unavailable: the database did not answer.
        """
        return await self._store.read(lambda unit: _rule(unit, run_id))

    async def approvers(self, rule: GateRule) -> tuple[ObjectId, ...]:
        """Who may be asked to decide at a gate of *rule*, as far as the directory answers.

        The word of a minute ago will do: this is about whose client asks for buttons.
        """
        group_id = self._authorizer.group_id(rule.group)
        if rule.kind is not GateKind.APPROVAL or not group_id:
            return ()
        now = self._clock.now()
        read_at, known = self._approvers.get(group_id, (None, ()))
        if read_at is None or now - read_at > _APPROVERS_AGE:
            try:
                members = await self._directory.members(group_id)
            except Unavailable:
                return known  # whoever is not known to be one can type
            known = tuple(person.id for person in members)
            self._approvers[group_id] = (now, known)
        return known

    def shared(self, unit: UnitOfWork, run_id: str, approvers: Sequence[ObjectId] = ()) -> Message:
        """The message that shows the run to everybody, with words for a notification.

        Raises:
            UnknownRun: there is none.
        """
        run = unit.runs.get(run_id)
        if run is None:
            raise UnknownRun(run_id)
        seen = view(unit, run, self._zone)
        people = self._who_could_press(seen, approvers)
        card = run_card(seen, refresh=self._refresh(unit, run, people))
        return Message(markdown=plain(run_sentence(seen), limit=500), card=card)

    def shared_card(
        self, unit: UnitOfWork, run_id: str, approvers: Sequence[ObjectId] = ()
    ) -> dict[str, Any]:
        """The card in `shared`: no buttons, and a refresh for those who may press some.

        Raises:
            UnknownRun: there is none.
        """
        return dict(self.shared(unit, run_id, approvers).card or {})

    def _who_could_press(self, seen: RunView, approvers: Sequence[ObjectId]) -> list[ObjectId]:
        """The requester while a run can be stopped, and approvers while they are asked."""
        run = seen.run
        if not is_cancellable(run):
            return []
        people = [run.requester.id]
        if is_open(seen, GateKind.APPROVAL):
            people += [each for each in approvers if each != run.requester.id]
        return people

    def _refresh(self, unit: UnitOfWork, run: Run, people: Sequence[ObjectId]) -> Refresh | None:
        """Makes the clients of *people* ask; None where there is nobody who could press anything.

        Where the roster names none of them, the list is empty: people then have "Refresh card" in
        the card's menu. Without `userIds`, everybody's client would ask.
        """
        if not people:
            return None
        known = unit.members.teams_ids(run.requester.tenant, people)
        ids = tuple(known[each] for each in people if each in known)[:MAX_USER_IDS]
        token = self._tokens.sign(Press(verb=LOOK, run_id=run.id))
        return Refresh(verb=LOOK, token=token, user_ids=ids)

    # -- for one person -------------------------------------------------------------------

    def personal(
        self, unit: UnitOfWork, run_id: str, actor: Actor, note: str = ""
    ) -> dict[str, Any]:
        """The card that *actor* sees: with buttons, and with *note* where there is one.

        Raises:
            UnknownRun: there is none in the actor's tenant.
        """
        run = run_of(unit, run_id, actor.tenant)
        seen = view(unit, run, self._zone)
        return run_card(
            seen,
            buttons=self.buttons(seen, actor),
            refresh=self._refresh(unit, run, [actor.id]),
            note=note,
        )

    def buttons(self, seen: RunView, actor: Actor) -> list[Button]:
        """What *actor* could press now, and the policy would allow."""
        run, gate = seen.run, seen.gate
        made: list[Button] = []
        if gate is not None and is_open(seen, GateKind.APPROVAL) and self._may_vote(seen, actor):
            rule = comment_rule(run.definition)
            made += [
                Button(
                    title="Approve",
                    verb="approve",
                    token=self._token(run, "approve", gate.id),
                    style="positive",
                    comment="required" if rule is CommentRule.REQUIRED else "optional",
                ),
                Button(
                    title="Reject",
                    verb="reject",
                    token=self._token(run, "reject", gate.id),
                    style="destructive",
                    comment="optional" if rule is CommentRule.OPTIONAL else "required",
                ),
            ]
        if gate is not None and self._may_withdraw(seen, actor):
            token = self._token(run, "withdraw", gate.id)
            made.append(Button(title="Withdraw", verb="withdraw", token=token))
        if (
            gate is not None
            and is_open(seen, GateKind.CONFIRM)
            and actor.id == run.requester.id
            and self._may(run, "confirm", actor)
        ):
            confirm = self._token(run, "confirm", gate.id)
            made.append(Button(title="Confirm", verb="confirm", token=confirm, style="positive"))
        return [*made, *self._controls(seen, actor)]

    def _controls(self, seen: RunView, actor: Actor) -> list[Button]:
        """What *actor* could do to a run that is under way, whatever it waits for."""
        run, made = seen.run, list[Button]()
        if not is_cancellable(run):
            return made
        for title, verb, fits in (
            ("Pause", "pause", run.state is RunState.RUNNING and run.paused_by is None),
            ("Resume", "resume", run.paused_by is not None),
        ):
            if fits and self._may(run, verb, actor):
                made.append(Button(title=title, verb=verb, token=self._token(run, verb)))
        if self._may(run, "cancel", actor):
            made.append(Button(title="Cancel", verb="cancel", token=self._token(run, "cancel")))
            if _has_done_something(seen):
                undo = Press(verb="cancel", run_id=run.id, arguments={"undo": "true"})
                token = self._tokens.sign(undo)
                made.append(Button(title="Cancel and undo", verb="cancel", token=token))
        return made

    def may_look(self, run: Run, actor: Actor) -> bool:
        """Whether the policy lets *actor* see *run*."""
        return self._may(run, LOOK, actor)

    def _may(self, run: Run, action: str, actor: Actor) -> bool:
        return self._authorizer.decide(about(run, action, actor)).allowed

    def _may_vote(self, seen: RunView, actor: Actor) -> bool:
        gate = seen.gate
        if gate is None or any(vote.voter == actor.id for vote in gate.votes):
            return False
        group_id = self._authorizer.group_id(gate.rule.group)
        return may_vote(actor, requester=seen.run.requester.id, group_id=group_id) and self._may(
            seen.run, "approve", actor
        )

    def _may_withdraw(self, seen: RunView, actor: Actor) -> bool:
        gate = seen.gate
        return (
            gate is not None
            and is_open(seen, GateKind.APPROVAL)
            and any(vote.voter == actor.id for vote in gate.votes)
            and self._may(seen.run, "withdraw", actor)
        )

    def _token(self, run: Run, verb: str, gate_id: str = "") -> str:
        return self._tokens.sign(Press(verb=verb, run_id=run.id, gate_id=gate_id))


def is_open(seen: RunView, kind: GateKind) -> bool:
    """Whether a gate of that kind waits for somebody."""
    gate = seen.gate
    return (
        gate is not None
        and gate.rule.kind is kind
        and gate.state is GateState.OPEN
        and seen.now < gate.expires_at
        and (seen.run.state.is_waiting_for_people or bool(gate.step))
    )


def _has_done_something(seen: RunView) -> bool:
    """Whether the run has done what can be undone."""
    done = {step.name for step in seen.steps if step.state is StepState.SUCCEEDED}
    return seen.run.state in _UNDER_WAY and bool(done & Unfolded.of(seen.run).undoable)


def is_cancellable(run: Run) -> bool:
    """Whether stopping *run* makes sense, and nobody has asked for it yet."""
    return (
        not run.state.is_final
        and run.state is not RunState.ROLLING_BACK
        and run.cancelled_by is None
    )
