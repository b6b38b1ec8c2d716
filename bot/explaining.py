"""Why the policy says what it says to a command line, for oneself or for somebody else."""

from collections.abc import Callable

from bot.access.words import explanation
from bot.command import Installation, choices, question
from bot.parsing import bind_partly, head
from bot.replies import text
from bot.run_views import run_of
from domain.actor import Actor
from domain.command import Reply
from domain.field import FieldType
from storage.unit import UnitOfWork


def explain(line: str, actor: Actor, installation: Installation) -> Callable[[UnitOfWork], Reply]:
    """What the policy would say to *actor* typing *line*, which may be incomplete.

    Raises:
        UnknownCommand, BadArguments: *line* is nothing that could be said.
    """
    name, rest = head(line)
    asked = installation.commands.find(name)
    known = choices(asked, installation.catalogue)
    arguments = bind_partly(rest, asked.syntax, asked.fields, known)
    run_id = asked.argument(FieldType.RUN, arguments)

    def explained(unit: UnitOfWork) -> Reply:
        run = run_of(unit, run_id, actor.tenant) if run_id else None
        request = question(asked, arguments, actor, run)
        decision = installation.authorizer.decide(request)
        return text(*explanation(request, decision, installation.roles).splitlines())

    return explained
