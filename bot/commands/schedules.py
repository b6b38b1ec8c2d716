"""`schedules`: what is carried out when; `schedules pause <id>` and the like change one."""

from bot.command import Context, Work, command
from bot.scheduling import GROUP, changing, may_change, may_see, permitted
from cards.schedule import schedules_card
from domain.actor import Actor
from domain.command import Card, Effect, Invocation, Reply, ScheduleCard
from domain.errors import BadArguments, UnknownCommand
from domain.field import Field, FieldType
from domain.schedule import Schedule, UnknownSchedule
from storage.unit import UnitOfWork

_PAGE = 200


@command(
    "schedules [change] [id] [--mine] [--list]",
    group=GROUP,
    effect=Effect.WRITE,  # listing is the least of it
    fields=(
        Field(
            name="change",
            type=FieldType.CHOICE,
            choices=("show", "save", "pause", "resume", "delete"),
            required=False,
            description="What to do with one of them",
        ),
        Field(
            name="id",
            pattern="(?i)[a-z2-7]{8}",
            required=False,
            description="Which one, such as m4x7q2ka",
        ),
        Field(
            name="mine",
            type=FieldType.BOOLEAN,
            required=False,
            flag_only=True,
            description="Only those that are for you",
        ),
        Field(
            name="list",
            type=FieldType.BOOLEAN,
            required=False,
            flag_only=True,
            description="Answer with the list, whatever was changed",
        ),
    ),
)
async def schedules(invocation: Invocation, context: Context) -> Work:
    """What is carried out when; show, save, pause, resume or delete one of them."""
    given = invocation.arguments
    change, schedule_id = given.get("change", ""), given.get("id", "").lower()
    if not change:
        return lambda unit: _list(unit, invocation, context)
    if not schedule_id:
        raise BadArguments("Which one?", hint="`schedules` lists them with their ids.")
    actor = invocation.actor
    if change in {"save", "resume"}:
        await _check_permitted(schedule_id, actor, context)

    def done(unit: UnitOfWork) -> Reply:
        reply = _changed(unit, change, schedule_id, actor, context)
        return _list(unit, invocation, context) if given.get("list") == "true" else reply

    return done


async def _check_permitted(schedule_id: str, actor: Actor, context: Context) -> None:
    """Refuse to begin what its owner may not do, or not any more.

    Raises:
        UnknownSchedule: there is none.
        NotPermitted: the policy says no.
        Unavailable: the directory or the database does not answer.
    """
    installation = context.installation
    found = await installation.schedule_views.found(schedule_id)
    if found.owner.tenant != actor.tenant:
        raise UnknownSchedule(schedule_id)
    owner = actor
    if found.owner.id != actor.id:
        owner = await installation.identity.actor(actor.tenant, found.owner.id, fresh=True)
    try:
        command = installation.commands.find(found.command)
    except UnknownCommand as error:
        raise BadArguments(f"There is no command `{found.command}` any more.") from error
    await permitted(command, found.arguments, owner, installation)


def _changed(
    unit: UnitOfWork, change: str, schedule_id: str, actor: Actor, context: Context
) -> Reply:
    """What comes of *change*."""
    installation = context.installation
    transitions = installation.schedules
    found = unit.schedules.of(schedule_id, actor.tenant)
    if change == "show":
        if not may_see(found, actor, installation):
            raise UnknownSchedule(schedule_id)
        last = unit.runs.get(found.last_run_id) if found.last_run_id else None
        return Card(installation.schedule_views.shown(found, last))
    if change == "save":
        after = transitions.save(unit, schedule_id, actor)
        return ScheduleCard(after.id, note=f"Saved: {after.line}, {after.when.text}.")
    changing(found, actor, installation)
    match change:
        case "pause":
            why = "" if actor.id == found.owner.id else f"by {actor.name}"
            transitions.pause(unit, schedule_id, actor, why=why)
        case "resume":
            transitions.resume(unit, schedule_id, actor)
        case _:
            transitions.delete(unit, schedule_id, actor)
    words = {"pause": "Paused", "resume": "Resumed"}.get(change, "Deleted")
    return ScheduleCard(schedule_id, note=f"{words}: {found.line} ({schedule_id}).")


def _list(unit: UnitOfWork, invocation: Invocation, context: Context) -> Reply:
    actor, installation = invocation.actor, context.installation
    is_mine = invocation.arguments.get("mine") == "true"

    def is_asked_for(each: Schedule) -> bool:
        return each.owner.id == actor.id or (not is_mine and may_see(each, actor, installation))

    every = unit.schedules.listed(actor.tenant, _PAGE)
    views = [
        installation.schedule_views.row(
            each,
            unit.runs.get(each.last_run_id) if each.last_run_id else None,
            may_change=may_change(each, actor, installation),
        )
        for each in every
        if is_asked_for(each)
    ]
    about = " that are for you" if is_mine else ""
    return Card(schedules_card(views, about=about))
