"""`confirm <id>`: the requester has seen the plan and says yes."""

from bot.command import Context, Work, command
from domain.command import Effect, Invocation, Reply, RunCard
from domain.errors import Bug
from domain.field import Field, FieldType
from domain.policy import GateKind
from storage.unit import UnitOfWork


@command(
    "confirm <id>",
    group="Decisions",
    effect=Effect.WRITE,
    fields=(Field(name="id", type=FieldType.RUN, description="The run's id"),),
    decides_at=GateKind.CONFIRM,
)
async def confirm(invocation: Invocation, context: Context) -> Work:
    """Let a run of yours go on, once you have seen its plan."""
    run, installation = context.run, context.installation
    if run is None:
        raise Bug("`confirm` was carried out without a run.")

    def confirmed(unit: UnitOfWork) -> Reply:
        installation.lifecycle.confirm(
            unit, run.id, actor=invocation.actor, gate_id=context.gate_id
        )
        return RunCard(run.id, note=f"You confirmed run {run.id}; it goes on.")

    return confirmed
