"""`help`: what somebody may say; `help deploy`: how one command is used."""

import asyncio
from itertools import groupby

from bot.access.words import denial
from bot.card_tokens import Press
from bot.command import Command, Context, Installation, Work, command
from bot.permitted import denied_everywhere, is_permitted_anywhere
from bot.replies import markdown
from bot.usage import run_to_speak_of, usage
from cards.help import Listed, help_card, usage_card
from cards.view import Button
from domain.actor import Actor
from domain.command import Card, Effect, Invocation, Reply, Text
from domain.errors import Unavailable
from domain.field import Field, FieldType
from storage.unit import UnitOfWork

_UNSURE = (
    "I cannot check your groups right now, so I cannot say what you may do. "
    "Say `help` again in a moment."
)


@command(
    "help [command]",
    group="About",
    aliases=("?", "commands"),
    effect=Effect.READ,
    fields=(Field(name="command", required=False, description="A command's name"),),
    needs_identity=False,
)
async def help_(invocation: Invocation, context: Context) -> Work:
    """What you may say; with a command's name, how it is used."""
    actor, installation = invocation.actor, context.installation
    name = invocation.arguments.get("command")
    if not actor.is_known:
        return lambda _: Text(markdown(_UNSURE))
    if name is None:
        # Some hundred questions to the policy: not on the loop that answers everybody.
        everything = await asyncio.to_thread(_all, actor, installation)
        return lambda _: everything
    asked = installation.commands.find(name)
    await _check(asked, actor, installation)

    if asked.field_of(FieldType.RUN) is not None:
        return lambda unit: _about_runs(unit, asked, actor, installation)
    told = await asyncio.to_thread(usage, asked, actor, installation)
    return lambda _: Card(usage_card(told, buttons=_try_it(asked, installation)))


def _about_runs(
    unit: UnitOfWork, asked: Command, actor: Actor, installation: Installation
) -> Reply:
    run_id = run_to_speak_of(unit, asked, actor, installation)
    told = usage(asked, actor, installation, run_id=run_id)
    return Card(usage_card(told, buttons=_try_it(asked, installation)))


def _try_it(asked: Command, installation: Installation) -> list[Button]:
    """What asks for the inputs, where there are some that it cannot do without."""
    if not any(each.required for each in asked.fields):
        return []
    token = installation.tokens.sign(Press(verb=asked.name))
    return [Button(title="Try it", verb=asked.name, token=token, style="positive")]


def _all(actor: Actor, installation: Installation) -> Reply:
    mine = [
        each for each in installation.commands if is_permitted_anywhere(each, actor, installation)
    ]
    hidden = sum(1 for _ in installation.commands) - len(mine)
    order = list(dict.fromkeys(each.group for each in mine))
    mine.sort(key=lambda each: order.index(each.group))
    groups = [
        (group, [Listed(syntax=each.syntax.text, summary=each.summary) for each in members])
        for group, members in groupby(mine, key=lambda each: each.group)
    ]
    return Card(help_card(groups, hidden))


async def _check(asked: Command, actor: Actor, installation: Installation) -> None:
    """Nothing, if there is a place for which *actor* may use *asked*.

    Raises:
        NotPermitted: there is none; it says which role it takes, and who has it.
    """
    denied = await asyncio.to_thread(denied_everywhere, asked, actor, installation)
    if denied is None:
        return
    request, decision = denied
    try:
        names = await installation.identity.helpers(decision, installation.roles)
    except Unavailable:
        names = ()
    raise denial(request, decision, names)
