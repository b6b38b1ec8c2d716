"""How a command is used, by one person: its inputs, examples, gates and steps in words."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby

from bot.access.words import gate_in_words
from bot.command import Command, Commands, Installation
from bot.examples import A_RUN_ID, Subjects, examples
from bot.permitted import decisions, is_permitted_anywhere
from bot.run_views import about, is_cancellable
from cards.help import GateUsage, InputUsage, Usage
from domain.actor import Actor
from domain.command import Effect
from domain.field import Field, FieldType
from domain.policy import Decision, GateKind, Request
from domain.ports import Catalogue
from domain.run import Run, RunState
from storage.unit import UnitOfWork
from workflows.needed import AT_TIMES, need_in_words
from workflows.values import example, in_range

_MOST_LISTED = 10
_RUNS_LOOKED_AT = 25
_KINDS: Mapping[FieldType, str] = {
    FieldType.BOOLEAN: "yes or no",
    FieldType.REST: "the rest of the line",
    FieldType.TEXT: "text",
    FieldType.PERSON: "somebody's name",
    FieldType.SECRET: "the name of a secret, never the secret itself",
}
_A_CHOICE = 2  #: so few are joined by "or"

Answers = Sequence[tuple[Request, Decision]]
"""What the policy said about each kind of place and run."""


def usage(asked: Command, actor: Actor, installation: Installation, *, run_id: str = "") -> Usage:
    """How *actor* may use *asked*; *run_id* is a run that examples may be about, if any."""
    catalogue = installation.catalogue
    answers = tuple(decisions(asked, actor, installation))
    subjects = Subjects(
        person=actor.name,
        lines=lines_to_ask_about(actor, installation),
        run_id=run_id or A_RUN_ID,
    )
    gates = tuple(_gates(answers))
    is_gated = any(each.kind in {GateKind.CONFIRM, GateKind.APPROVAL} for each in gates)
    return Usage(
        name=asked.name,
        group=asked.group,
        summary=asked.summary,
        syntax=asked.syntax.text,
        aliases=asked.aliases,
        inputs=tuple(input_usage(each, catalogue) for each in asked.fields),
        examples=examples(asked, _places(answers), subjects, catalogue),
        gates=gates if asked.steps or is_gated else (),
        steps=asked.steps if len(asked.steps) > 1 or is_gated else (),
    )


def run_to_speak_of(
    unit: UnitOfWork, asked: Command, actor: Actor, installation: Installation
) -> str:
    """The id of a run that *actor* may look at, and that *asked* makes sense for; else empty.

    A command that changes runs is shown with what waits for this person, or is their own: an
    example is typed as it stands.
    """
    for run in unit.runs.latest(actor.tenant, _RUNS_LOOKED_AT):
        if (
            _suits(asked, run, actor)
            and installation.views.may_look(run, actor)
            and installation.authorizer.decide(about(run, asked.name, actor)).allowed
        ):
            return run.id
    return ""


def _suits(asked: Command, run: Run, actor: Actor) -> bool:
    is_own = run.requester.id == actor.id
    if asked.effect is Effect.READ:
        return True
    match asked.decides_at:
        case GateKind.APPROVAL:
            return run.state is RunState.AWAITING_APPROVAL and not is_own
        case GateKind.CONFIRM:
            return run.state is RunState.AWAITING_CONFIRMATION and is_own
        case GateKind.NONE:
            return is_cancellable(run) and is_own


def lines_to_ask_about(actor: Actor, installation: Installation) -> tuple[str, ...]:
    """Lines of *actor*'s for the examples of `why` and `can`: of a command that changes something.

    Where they may use none of those, of one that reads; where they may use none that is about a
    service, `help`.
    """
    for asked in _by_interest(installation.commands):
        if is_permitted_anywhere(asked, actor, installation):
            places = _places(tuple(decisions(asked, actor, installation)))
            subjects = Subjects(person=actor.name, lines=(asked.name,), run_id=A_RUN_ID)
            if made := examples(asked, places, subjects, installation.catalogue):
                return made
    return ("help",)


def _by_interest(commands: Commands) -> list[Command]:
    """The commands that are about a service, those whose runs change something first."""
    about = [each for each in commands if each.field_of(FieldType.SERVICE)]
    return sorted(about, key=lambda each: (each.effect is Effect.READ, not each.steps))


# -- inputs -------------------------------------------------------------------------------------


def input_usage(each: Field, catalogue: Catalogue) -> InputUsage:
    """What *each* takes, in words."""
    needed = "required" if each.required else "optional"
    takes = _joined(each.description.rstrip("."), _kind(each, catalogue))
    if when := need_in_words(each):
        needed = "required at times"
        takes += f"; required {when}" if when != AT_TIMES else ""
    return InputUsage(
        name=f"--{each.name.replace('_', '-')}" if each.flag_only else each.name,
        takes=takes,
        needed=needed if each.default is None else f"{each.default} if left out",
    )


def _joined(description: str, kind: str) -> str:
    if not (description and kind):
        return description or kind
    return f"{description}{',' if kind.startswith('such as') else ':'} {kind}"


def _kind(each: Field, catalogue: Catalogue) -> str:
    """The values that there are; empty where the description tells."""
    match each.type:
        case FieldType.SERVICE:
            return _one_of(catalogue.services())
        case FieldType.ENVIRONMENT:
            return _one_of(catalogue.environments())
        case FieldType.CHOICE:
            return _one_of(each.choices)
        case FieldType.MULTI_CHOICE if each.choices:
            return f"some of {_listed(each.choices)}, with commas between"
        case FieldType.NUMBER:
            return f"a number {in_range(each)}".rstrip()
        case FieldType.DATE | FieldType.TIME | FieldType.DURATION if in_range(each):
            return in_range(each)
        case kind if kind in _KINDS:
            return _KINDS[kind]
        case _:
            return "" if "such as" in each.description else f"such as {example(each)}"


def _one_of(names: Sequence[str]) -> str:
    if len(names) <= _A_CHOICE:
        return " or ".join(names)
    return f"one of {_listed(names)}"


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _MOST_LISTED} more" if len(names) > _MOST_LISTED else ""
    return f"{', '.join(names[:_MOST_LISTED])}{more}"


# -- gates --------------------------------------------------------------------------------------


def _places(answers: Answers) -> list[tuple[str, str]]:
    """Where it is allowed, the lightest gate first."""
    allowed = [(request, decision) for request, decision in answers if decision.allowed]
    allowed.sort(key=lambda answer: answer[1].gate.weight)
    return [(request.service, request.environment) for request, _ in allowed]


def _gates(answers: Answers) -> Iterator[GateUsage]:
    """What it takes in each environment, in the catalogue's order."""
    in_order: Mapping[str, int] = {
        place: number
        for number, place in enumerate(dict.fromkeys(asked.environment for asked, _ in answers))
    }
    ordered = sorted(answers, key=lambda answer: in_order[answer[0].environment])
    for place, members in groupby(ordered, key=lambda answer: answer[0].environment):
        said = [decision for _, decision in members]
        heaviest = max(said, key=lambda each: (not each.allowed, each.gate.weight))
        yield GateUsage(
            place=place,
            words=", or ".join(dict.fromkeys(map(_takes, said))),
            kind=heaviest.gate.kind if heaviest.allowed else None,
        )


def _takes(decision: Decision) -> str:
    if not decision.allowed:
        needed = f": that needs the role {decision.would_need[0]}" if decision.would_need else ""
        return f"not for you{needed}"
    if decision.gate.kind is GateKind.NONE:
        return "starts at once"
    return gate_in_words(decision.gate)
