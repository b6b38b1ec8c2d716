"""`handover <id> to <person>`: have somebody else decide in one's place."""

from bot.command import Context, Work, command
from bot.voting import RUN, or_standing, run_in_question
from domain.actor import Person
from domain.command import Effect, Invocation, Reply, RunCard
from domain.errors import BadArguments
from domain.field import Field, FieldType
from domain.policy import GateKind
from storage.unit import UnitOfWork
from workflows.values import shown


@command(
    'handover <id> to <person> [--note "…"]',
    group="Decisions",
    aliases=("hand-over",),
    effect=Effect.WRITE,
    fields=(
        RUN,
        Field(name="person", type=FieldType.PERSON, description="Who is to decide"),
        Field(name="note", required=False, flag_only=True, description="What they should know"),
    ),
    decides_at=GateKind.APPROVAL,
)
async def handover(invocation: Invocation, context: Context) -> Work:
    """Ask somebody else who may decide on a run to do it; your own right to decide stays."""
    run, installation = run_in_question(context), context.installation
    group = (await installation.views.rule(run.id)).group
    group_id = installation.authorizer.group_id(group)
    named = invocation.arguments["person"].removeprefix("@")
    person = _named(named, await installation.directory.members(group_id), group)

    def handed_over(unit: UnitOfWork) -> Reply:
        installation.lifecycle.hand_over(
            unit,
            run.id,
            by=invocation.actor,
            to=person,
            note=invocation.arguments.get("note", ""),
            group_id=group_id,
            gate_id=context.gate_id,
        )
        return RunCard(run.id, note=f"You asked {person.name} to decide on run {run.id}.")

    return or_standing(handed_over, context, GateKind.APPROVAL)


def _named(name: str, members: tuple[Person, ...], group: str) -> Person:
    """The one of *members* who is called *name*, or has that object id.

    Raises:
        BadArguments: nobody is, or several are.
    """
    found = [each for each in members if name.lower() in {each.name.lower(), each.id}]
    if len(found) == 1:
        return found[0]
    if found:
        raise BadArguments(f"Several people are called {shown(name)}.", hint="Give the object id.")
    listed = ", ".join(each.name for each in members)
    raise BadArguments(
        f"Nobody in {group} is called {shown(name)}.",
        hint=f"There are {listed}." if listed else "",
    )
