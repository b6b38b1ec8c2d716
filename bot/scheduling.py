"""What may be scheduled, by whom, and who may change a schedule: for commands and for alarms."""

from collections.abc import Mapping
from dataclasses import replace

from bot.access.words import denial, gate_in_words
from bot.command import Command, Installation, choices, question
from bot.parsing import bind, head
from domain.actor import Actor, ActorKind
from domain.errors import (
    BadArguments,
    MissingArguments,
    NotPermitted,
    Refused,
    Unavailable,
    UnknownCommand,
)
from domain.field import FieldType
from domain.policy import Decision, GateKind, Request
from domain.schedule import Schedule

GROUP = "Schedules"
"""The help's heading over the commands that are about schedules, none of which can be one."""


def scheduled(line: str, installation: Installation) -> tuple[Command, Mapping[str, str]]:
    """The command that *line* calls, and all of its arguments.

    Raises:
        UnknownCommand: it calls none.
        BadArguments: they do not fit, or one is missing.
        Refused: it is none that could be carried out while nobody is there.
    """
    name, rest = head(line)
    command = installation.commands.find(name)
    is_word = command.decides_at is not GateKind.NONE
    about_a_run = command.field_of(FieldType.RUN)
    is_about_a_run = about_a_run is not None and about_a_run.required
    if command.repeats or command.group == GROUP or is_word or is_about_a_run:
        raise Refused(
            f"`{command.name}` cannot be scheduled.",
            hint="What can is what reads something, or begins a run.",
        )
    known = choices(command, installation.catalogue)
    try:
        return command, bind(rest, command.syntax, command.fields, known)
    except MissingArguments as missing:  # nobody will be there to be asked for it
        raise BadArguments(
            f"`{command.name}` cannot be scheduled like that: {_lowered(str(missing))}",
            hint=f'Say all of it, in quotes: `schedule "{command.name} …" every tue 07:30`.',
        ) from missing


def _lowered(sentence: str) -> str:
    return sentence[:1].lower() + sentence[1:]


def for_a_schedule(actor: Actor) -> Actor:
    """*actor* as the one for whom a schedule acts: what the policy sees when it is due."""
    return replace(actor, kind=ActorKind.SCHEDULE)


async def permitted(
    command: Command, arguments: Mapping[str, str], actor: Actor, installation: Installation
) -> Decision:
    """The policy's yes to a schedule of *actor*'s carrying out *command*.

    Raises:
        NotPermitted: it says no.
    """
    request = question(command, arguments, for_a_schedule(actor))
    decision = installation.authorizer.decide(request)
    if decision.allowed:
        return decision
    try:
        names = await installation.identity.helpers(decision, installation.roles)
    except Unavailable:
        names = ()
    raise denial(request, decision, names)


def needs(decision: Decision) -> str:
    """What each run waits for, in words; empty where it waits for nobody."""
    return "" if decision.gate.kind is GateKind.NONE else gate_in_words(decision.gate)


def may_see(schedule: Schedule, actor: Actor, installation: Installation) -> bool:
    """Whether the policy lets *actor* see the runs of *schedule*."""
    return _may("run", schedule, actor, installation)


def may_change(schedule: Schedule, actor: Actor, installation: Installation) -> bool:
    """Whether *actor* may pause, resume or delete it: whoever may cancel its runs may."""
    return _may("cancel", schedule, actor, installation)


def changing(schedule: Schedule, actor: Actor, installation: Installation) -> None:
    """Refuse where *actor* may not change *schedule*.

    Raises:
        NotPermitted: the policy says so.
    """
    request = _about("cancel", schedule, actor, installation)
    decision = installation.authorizer.decide(request)
    if not decision.allowed:
        raise NotPermitted(
            f"{actor.name} may not change schedule {schedule.id}.",
            hint=f"That is for {schedule.owner.name}, and for those who may cancel its runs.",
            rule=decision.rule,
            reason=denial(request, decision).reason,
        )


def _may(action: str, schedule: Schedule, actor: Actor, installation: Installation) -> bool:
    request = _about(action, schedule, actor, installation)
    return installation.authorizer.decide(request).allowed


def _about(action: str, schedule: Schedule, actor: Actor, installation: Installation) -> Request:
    """The question whether *actor* may do *action* to runs of *schedule*, its owner's."""
    plain = Request(actor=actor, action=action, requester=schedule.owner.id)
    try:
        command = installation.commands.find(schedule.command)
    except UnknownCommand:  # a workflow that is gone: it has no place any more
        return plain
    return replace(
        plain,
        service=command.argument(FieldType.SERVICE, schedule.arguments),
        environment=command.argument(FieldType.ENVIRONMENT, schedule.arguments),
    )
