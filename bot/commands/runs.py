"""`runs`: the latest runs, as a list."""

from bot.command import Context, Work, command
from cards.answers import runs_card
from domain.command import Card, Effect, Invocation, Reply
from storage.unit import UnitOfWork

_SHOWN = 15


@command("runs", group="Runs", effect=Effect.READ)
async def runs(invocation: Invocation, context: Context) -> Work:
    """The latest runs."""
    actor, installation = invocation.actor, context.installation

    def listed(unit: UnitOfWork) -> Reply:
        latest = unit.runs.latest(actor.tenant, _SHOWN)
        seen = [run for run in latest if installation.views.may_look(run, actor)]
        return Card(runs_card(seen, now=unit.now, zone=installation.zone))

    return listed
