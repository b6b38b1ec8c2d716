"""`diagnose <service> in <environment>`: look at what may be wrong, and offer what may help."""

import asyncio
from collections.abc import Mapping
from typing import Any

from bot.card_tokens import Press
from bot.command import Context, Work, command, question
from bot.live import look
from cards.diagnosis import Finding, diagnosis_card
from cards.view import Button
from connectors.connector import Actions
from dialogs.diagnose import SYMPTOMS, Look, complaint, findings, looks, remedies
from dialogs.flow import title
from domain.actor import Actor
from domain.command import Card, Effect, Invocation, Reply
from domain.dialog import Move
from domain.errors import Refused, Unavailable, UnknownCommand
from domain.field import Field, FieldType
from storage.unit import UnitOfWork
from workflows.values import SEPARATOR


@command(
    "diagnose <service> in <environment> [--symptoms …]",
    group="Services",
    effect=Effect.READ,
    fields=(
        Field(name="service", type=FieldType.SERVICE, description="What is not well"),
        Field(name="environment", type=FieldType.ENVIRONMENT, description="Where"),
        Field(
            name="symptoms",
            type=FieldType.MULTI_CHOICE,
            choices=tuple(SYMPTOMS),
            required=False,
            flag_only=True,
            description="What you have noticed",
        ),
    ),
)
async def diagnose(invocation: Invocation, context: Context) -> Work:
    """Look at what may be wrong with a service, changing nothing, and offer what may help."""
    given, actions = invocation.arguments, context.installation.actions
    symptoms = given["symptoms"].split(SEPARATOR) if "symptoms" in given else []
    place = {"service": given["service"], "environment": given["environment"]}
    asked = looks(symptoms)
    found = await asyncio.gather(*(_answer(actions, each, place) for each in asked))
    answers = {each.uses: answer for each, answer in zip(asked, found, strict=True)}

    def told(unit: UnitOfWork) -> Reply:
        told_of = findings(asked, answers, unit.now)
        return Card(
            diagnosis_card(
                f"{place['service']} in {place['environment']}",
                told_of,
                complaint=complaint(symptoms),
                buttons=_buttons(told_of, place, invocation.actor, context),
            )
        )

    return told


async def _answer(
    actions: Actions, one: Look, place: Mapping[str, str]
) -> Mapping[str, Any] | str:
    """What the look finds; a sentence where it finds nothing."""
    what = f"{place['service']} in {place['environment']}"
    try:
        return await look(actions, one.uses, {**place, **one.arguments}, what=what)
    except (Refused, Unavailable) as problem:
        return problem.words


def _buttons(
    found: tuple[Finding, ...], place: Mapping[str, str], actor: Actor, context: Context
) -> list[Button]:
    """What may help and the policy would let *actor* do; each is asked about before it is done."""
    installation = context.installation
    made: list[Button] = []
    for name in remedies(found):
        try:
            remedy = installation.commands.find(name)
        except UnknownCommand:  # an installation need not have all of them
            continue
        if installation.authorizer.decide(question(remedy, place, actor)).allowed:
            # What only reads is done at once; the rest is asked about first.
            move = "" if remedy.effect is Effect.READ else Move.BEGIN.value
            press = Press(verb=remedy.name, move=move, arguments=place)
            token = installation.tokens.sign(press)
            made.append(Button(title=title(remedy.name), verb=remedy.name, token=token))
    return made
