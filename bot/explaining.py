"""Why the policy says what it says to a command line, for oneself or for somebody else."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

from bot.access.words import explanation, roles_held, verdict
from bot.command import Command, Installation, choices, question
from bot.parsing import bind_partly, head
from bot.permitted import decisions
from bot.replies import text
from bot.run_views import run_of
from domain.actor import Actor
from domain.command import Reply
from domain.field import FieldType
from domain.policy import Decision, Request
from storage.unit import UnitOfWork

_PLACE = (FieldType.SERVICE, FieldType.ENVIRONMENT)


def explain(line: str, actor: Actor, installation: Installation) -> Callable[[UnitOfWork], Reply]:
    """What the policy would say to *actor* typing *line*, which may be incomplete.

    Where it leaves open what it is about, there is an answer for each kind of place.

    Raises:
        UnknownCommand, BadArguments: *line* is nothing that could be said.
    """
    name, rest = head(line)
    asked = installation.commands.find(name)
    if asked.repeats:
        return lambda _: text(f"`{asked.name}` stands for what was said before: ask about that.")
    known = choices(asked, installation.catalogue)
    arguments = bind_partly(rest, asked.syntax, asked.fields, known)
    run_id = asked.argument(FieldType.RUN, arguments)

    def explained(unit: UnitOfWork) -> Reply:
        run = run_of(unit, run_id, actor.tenant) if run_id else None
        request = question(asked, arguments, actor, run)
        decision = installation.authorizer.decide(request)
        return text(*explanation(request, decision, installation.roles).splitlines())

    if not _is_open(asked, arguments):
        return explained
    verdicts = (verdict(*each) for each in _by_place(asked, arguments, actor, installation))
    told = [sentence for both in dict.fromkeys(verdicts) for sentence in both]
    reply = text(*told, roles_held(actor, installation.roles))
    return lambda _: reply


def _is_open(asked: Command, arguments: Mapping[str, str]) -> bool:
    """Whether the service or the environment has still to be said."""
    needed = (each for each in asked.fields if each.type in _PLACE and each.required)
    return any(each.name not in arguments for each in needed)


def _by_place(
    asked: Command, arguments: Mapping[str, str], actor: Actor, installation: Installation
) -> Iterator[tuple[Request, Decision]]:
    """What the policy says about the places that *arguments* leave open."""
    service, environment = (asked.argument(kind, arguments) for kind in _PLACE)
    if not service:
        for request, decision in decisions(asked, actor, installation):
            if environment in {"", request.environment}:
                yield replace(request, service=""), decision
        return
    for each in installation.catalogue.environments(service):
        request = replace(question(asked, arguments, actor), environment=each)
        yield request, installation.authorizer.decide(request)
