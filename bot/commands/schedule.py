"""`schedule "<command>" <when…>`: have something carried out again and again, or once, later."""

from collections.abc import Mapping
from datetime import timedelta
import re

from bot.command import Context, Work, command
from bot.scheduling import GROUP, needs, permitted, scheduled
from domain.command import Effect, Invocation, Reply, ScheduleCard
from domain.errors import BadArguments
from domain.field import Field
from domain.schedule import MAY_BE_LATE, Schedule, ScheduleId, ScheduleState, When
from storage.unit import UnitOfWork
from workflows.durations import parse as parse_duration
from workflows.when import next_after
from workflows.when_text import read_when

_LATE_AT_THE_END = re.compile(r"(.*\S)\s+--late[ =]([0-9a-z]{1,20})", re.IGNORECASE | re.DOTALL)
_LONGEST_LATE = timedelta(days=7)


@command(
    "schedule <line> <when…> [--late …]",
    group=GROUP,
    effect=Effect.WRITE,
    fields=(
        Field(
            name="line",
            description='What you would type, in quotes, such as "restart shop in staging"',
        ),
        Field(
            name="when",
            description='When, such as "every tue 07:30"; a time zone may follow',
        ),
        Field(
            name="late",
            required=False,
            flag_only=True,
            description="How late it may still run where it was missed, such as 30m; 0s for never",
        ),
    ),
)
async def schedule(invocation: Invocation, context: Context) -> Work:
    """Have something carried out at times, or once, later; you see when before it is saved."""
    installation, given = context.installation, _tidied(invocation.arguments)
    line = " ".join(given["line"].split())
    asked, arguments = scheduled(line, installation)
    decision = await permitted(asked, arguments, invocation.actor, installation)
    late = _late(given.get("late"))

    def proposed(unit: UnitOfWork) -> Reply:
        when: When = read_when(given["when"], zone=str(installation.zone), now=unit.now)
        due = next_after(when, unit.now)
        if due is None:
            raise BadArguments("That is never due.")
        proposal = Schedule(
            id=ScheduleId(installation.schedules.new_id()),
            owner=invocation.actor,
            channel=invocation.conversation.roster_id,
            conversation=invocation.conversation,
            command=asked.name,
            arguments=arguments,
            line=line,
            when=when,
            may_be_late=late,
            state=ScheduleState.PROPOSED,
            rev=1,
            created_at=unit.now,
            next_at=due,
            reply_to=context.activity_id,
            gate=needs(decision),
        )
        installation.schedules.propose(unit, proposal)
        return ScheduleCard(proposal.id)

    return proposed


def _tidied(arguments: Mapping[str, str]) -> Mapping[str, str]:
    """*arguments*, but what takes the rest of the line does not take the flag at its end."""
    match = _LATE_AT_THE_END.fullmatch(arguments["when"])
    return {**arguments, "when": match[1], "late": match[2]} if match else arguments


def _late(text: str | None) -> timedelta:
    if text is None:
        return MAY_BE_LATE
    try:
        late = parse_duration(text)
    except ValueError as error:
        raise BadArguments(str(error)) from error
    if late > _LONGEST_LATE:
        raise BadArguments("What is missed runs within a week, or not at all.")
    return late
