"""What somebody may run at all, somewhere: for the help, and for who mistypes.

The policy is asked about each kind of place rather than each place: of all services with the same
owner, tier and environment one stands for the others. A rule that names a service may be missed
here, so this decides nothing but what is shown.
"""

from collections.abc import Iterator
from itertools import islice

from bot.command import Command, Installation, unknown
from domain.actor import Actor
from domain.errors import UnknownCommand
from domain.field import FieldType
from domain.policy import Decision, Request
from domain.ports import Catalogue

_MOST_GUESSES = 3
_SOMEBODY_ELSE = "somebody-else"  # no object id: a run of another person


def is_permitted_anywhere(asked: Command, actor: Actor, installation: Installation) -> bool:
    """Whether there is a place, or a run, for which *actor* may use *asked*."""
    return any(each.may_be_allowed for _, each in decisions(asked, actor, installation))


def guessed(error: UnknownCommand, actor: Actor, installation: Installation) -> UnknownCommand:
    """*error* with what may have been meant; of other commands *actor* learns nothing."""
    near = installation.commands.near(error.word)
    mine = (each.name for each in near if is_permitted_anywhere(each, actor, installation))
    return unknown(error.word, tuple(islice(mine, _MOST_GUESSES)))


def denied_everywhere(
    asked: Command, actor: Actor, installation: Installation
) -> tuple[Request, Decision] | None:
    """The question and the policy's no, if there is no place for which *actor* may use *asked*.

    Of several noes it is one that tells which role would do.
    """
    answers = [decision for _, decision in decisions(asked, actor, installation)]
    if any(each.may_be_allowed for each in answers):
        return None
    telling = next((each for each in answers if each.would_need), answers[0])
    return Request(actor=actor, action=asked.name), telling


def decisions(
    asked: Command, actor: Actor, installation: Installation
) -> Iterator[tuple[Request, Decision]]:
    """What the policy says to *actor* using *asked*, for each kind of place and run."""
    for service, environment in _places(asked, installation.catalogue):
        for requester in _requesters(asked, actor):
            request = Request(
                actor=actor,
                # What repeats other commands asks for nothing by itself.
                action="help" if asked.repeats else asked.name,
                service=service,
                environment=environment,
                requester=requester,
            )
            yield request, installation.authorizer.decide(request)


def _requesters(asked: Command, actor: Actor) -> tuple[str, ...]:
    about_a_run = asked.field_of(FieldType.RUN) is not None
    return (actor.id, _SOMEBODY_ELSE) if about_a_run else ("",)


def _places(asked: Command, catalogue: Catalogue) -> Iterator[tuple[str, str]]:
    service = asked.field_of(FieldType.SERVICE)
    environment = asked.field_of(FieldType.ENVIRONMENT)
    is_bound = (service is not None and service.required) or (
        environment is not None and environment.required
    )
    if not is_bound:
        yield "", ""
    if not is_bound and asked.field_of(FieldType.RUN) is None and service is None:
        return
    seen: set[tuple[str, ...]] = set()
    for name in catalogue.services():
        for place in catalogue.environments(name):
            known = catalogue.attributes(name, place)
            kind = (place, known.get("owner", ""), known.get("tier", ""))
            if kind not in seen:
                seen.add(kind)
                yield name, place
