"""`run <id>`: the card of one run, as it is now."""

from bot.command import Context, Work, command
from domain.command import Card, Effect, Invocation, Reply, RunCard, Trigger
from domain.conversation import ConversationKind
from domain.errors import Bug
from domain.field import Field, FieldType
from storage.unit import UnitOfWork


@command(
    "run <id>",
    group="Runs",
    effect=Effect.READ,
    fields=(Field(name="id", type=FieldType.RUN, description="The run's id"),),
)
async def run(invocation: Invocation, context: Context) -> Work:
    """One run: its plan, its approvals and its steps."""
    asked, actor, views = context.run, invocation.actor, context.installation.views
    if asked is None:
        raise Bug("`run` was carried out without a run.")
    approvers = await views.approvers(await views.rule(asked.id))

    def shown(unit: UnitOfWork) -> Reply:
        if invocation.trigger is not Trigger.COMMAND:
            return RunCard(asked.id)
        if invocation.conversation.kind is ConversationKind.PERSONAL:
            return Card(views.personal(unit, asked.id, actor))
        # Everybody reads it here: no buttons, but a refresh for those who may press some.
        return Card(views.shared_card(unit, asked.id, approvers))

    return shown
