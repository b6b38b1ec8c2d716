"""What somebody can choose from in a form: from the catalogue, the runs, people, live systems.

What is offered is narrowed to what the policy would let them do; what they then give is checked
against all that there is, because the policy's no is the better answer.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.command import Command, Installation, choices, question
from bot.run_views import find_run, view
from cards.run_words import headline, short_state
from domain.actor import Actor
from domain.canonical import canonical
from domain.errors import Refused, Unavailable
from domain.field import Choice, Field, FieldType
from domain.policy import GateKind
from domain.ports import Clock
from domain.run import Run, RunState
from storage.store import Store
from storage.unit import UnitOfWork
from workflows.choices import depends_on, listed
from workflows.values import SEPARATOR, words

PATIENCE = timedelta(seconds=1.1)
"""What systems and the directory get to list choices: somebody waits for the question."""

_AGE = timedelta(seconds=5)
_MOST_KEPT = 500
_MOST_RUNS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """What there is to choose from for a field."""

    choices: tuple[Choice, ...] | None = None  #: what to show; None: anything of its form
    known: tuple[str, ...] | None = None  #: what will be taken; None: anything of its form
    note: str = ""  #: why there is nothing to choose from
    waits_for: frozenset[str] = frozenset()  #: fields that must be answered first


class Offers:
    """Looks for what there is to choose from."""

    def __init__(self, store: Store, installation: Installation, clock: Clock) -> None:
        self._store = store
        self._installation = installation
        self._clock = clock
        self._kept: dict[str, tuple[datetime, tuple[str, ...]]] = {}

    async def of(
        self,
        asked: Command,
        fields: Sequence[Field],
        values: Mapping[str, str],
        actor: Actor,
        *,
        within: timedelta = PATIENCE,
    ) -> Mapping[str, Offer]:
        """The offers for *fields* of the command, by name, where *values* were answered.

        Whoever has not answered *within* that time, or our patience, is passed over.
        """
        patience = min(within, PATIENCE)

        async def found(field: Field) -> Offer:
            try:
                async with asyncio.timeout(patience.total_seconds()):
                    return await self._of(asked, field, values, actor)
            except TimeoutError:
                return _unlisted(field)

        offers = await asyncio.gather(*map(found, fields))
        return {field.name: offer for field, offer in zip(fields, offers, strict=True)}

    async def _of(
        self, asked: Command, field: Field, values: Mapping[str, str], actor: Actor
    ) -> Offer:
        if field.choices_from is not None:
            return await self._listed(asked, field, values)
        match field.type:
            case FieldType.SERVICE | FieldType.ENVIRONMENT:
                return self._places(asked, field, values, actor)
            case FieldType.RUN:
                return await self._runs(asked, actor)
            case FieldType.PERSON:
                return await self._people(asked, values, actor)
            case _ if field.choices:
                return _plain(field.choices)
            case _:
                return Offer()

    async def _listed(self, asked: Command, field: Field, values: Mapping[str, str]) -> Offer:
        source = field.choices_from
        if source is None:
            return Offer()
        given = {name: text for name, text in values.items() if text}
        waits_for = depends_on(field, asked.fields) - given.keys()
        if waits_for:
            return Offer(waits_for=frozenset(waits_for))
        needed = {name: given[name] for name in depends_on(field, asked.fields)}
        key = f"{source.uses} {canonical({'with': source.arguments, 'given': needed})}"
        at, kept = self._kept.get(key, (None, ()))
        now = self._clock.now()
        if at is None or now - at > _AGE:
            try:
                kept = await listed(source, asked.fields, given, self._installation.actions)
            except Unavailable:
                return _unlisted(field)
            except Refused as refused:
                return Offer(note=refused.words)
            if len(self._kept) >= _MOST_KEPT:
                self._kept.clear()
            self._kept[key] = (now, kept)
        if field.type is FieldType.MULTI_CHOICE:  # a comma parts the values
            kept = tuple(each for each in kept if SEPARATOR not in each)
        return _plain(kept)

    def _places(
        self, asked: Command, field: Field, values: Mapping[str, str], actor: Actor
    ) -> Offer:
        """Services or environments for which the policy would let *actor* use the command."""
        catalogue = self._installation.catalogue
        known = tuple(choices(asked, catalogue)(field, values) or ())
        service = asked.argument(FieldType.SERVICE, values)
        environment = asked.argument(FieldType.ENVIRONMENT, values)

        def is_open(each: str) -> bool:
            is_service = field.type is FieldType.SERVICE
            of = [each] if is_service else [service] if service else catalogue.services()
            return any(
                self._is_allowed(asked, actor, place, where)
                for place in of
                for where in catalogue.environments(place)
                if where == (environment or where if is_service else each)
            )

        offered = tuple(each for each in known if is_open(each)) or known
        shown = tuple(Choice(value=each, title=each) for each in offered)
        return Offer(choices=shown, known=known)

    def _is_allowed(self, asked: Command, actor: Actor, service: str, environment: str) -> bool:
        names = {FieldType.SERVICE: service, FieldType.ENVIRONMENT: environment}
        place = {f.name: names[f.type] for f in asked.fields if f.type in names}
        request = question(asked, place, actor)
        return self._installation.authorizer.decide(request).may_be_allowed

    async def _runs(self, asked: Command, actor: Actor) -> Offer:
        """Runs that the command makes sense for, the latest first; any run will be taken."""
        views = self._installation.views

        def found(unit: UnitOfWork) -> list[Run]:
            latest = unit.runs.latest(actor.tenant, 100)
            return [
                run
                for run in latest
                if _concerns(asked, run, actor)
                and views.may_look(run, actor)
                and not _is_decided(unit, asked, run, actor)
            ]

        runs = (await self._store.read(found))[:_MOST_RUNS]
        if not runs:
            return Offer(note="There is no run that waits for this.")
        shown = tuple(Choice(value=run.id, title=_title(run)) for run in runs)
        return Offer(choices=shown)

    async def _people(self, asked: Command, values: Mapping[str, str], actor: Actor) -> Offer:
        """Who could decide on the run in question."""
        run_id = asked.argument(FieldType.RUN, values)
        if not run_id:
            about = asked.field_of(FieldType.RUN)
            return Offer(waits_for=frozenset({about.name}) if about else frozenset())
        zone = self._installation.zone
        seen = await self._store.read(
            lambda unit: (
                view(unit, run, zone) if (run := find_run(unit, run_id, actor.tenant)) else None
            )
        )
        if seen is None:
            return Offer(note=f"There is no run {run_id}.")
        group_id = self._installation.authorizer.group_id(seen.run.gate_rule.group)
        voted = {vote.voter for vote in seen.gate.votes} if seen.gate else set()
        out = {actor.id, seen.run.requester.id} | voted
        try:
            members = await self._installation.directory.members(group_id)
        except Unavailable:
            return Offer(note="The directory does not answer right now: type the name.")
        names = [p.name for p in members if p.id not in out and p.is_enabled and not p.is_guest]
        if not names:
            return Offer(note=f"There is nobody else in {seen.run.gate_rule.group}.")
        return _plain(names)


def _unlisted(field: Field) -> Offer:
    """What is offered where nobody says in time what there is."""
    return Offer(note=f"The {words(field)}s cannot be listed right now: type it.")


def _plain(values: Sequence[str]) -> Offer:
    shown = tuple(Choice(value=each, title=each) for each in values)
    return Offer(choices=shown, known=tuple(values))


def _concerns(asked: Command, run: Run, actor: Actor) -> bool:
    """Whether using the command on *run* could make sense."""
    match asked.decides_at:
        case GateKind.APPROVAL:
            waits = run.state is RunState.AWAITING_APPROVAL
            return waits and run.requester.id != actor.id
        case GateKind.CONFIRM:
            return run.state is RunState.AWAITING_CONFIRMATION and run.requester.id == actor.id
        case GateKind.NONE:
            return run.state in asked.makes_sense_in


def _is_decided(unit: UnitOfWork, asked: Command, run: Run, actor: Actor) -> bool:
    """Whether *actor* has said their word on *run*, where the command is a word."""
    if asked.decides_at is not GateKind.APPROVAL or asked.name == "withdraw":
        return False
    gate = unit.gates.latest(run.id)
    return gate is not None and any(vote.voter == actor.id for vote in gate.votes)


def _title(run: Run) -> str:
    return (
        f"{headline(run, with_place=True)} · {short_state(run)} · {run.requester.name} ({run.id})"
    )
