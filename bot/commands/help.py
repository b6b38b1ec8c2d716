"""`help`: what somebody may say; `help deploy`: how one command is used."""

import asyncio
from itertools import groupby

from bot.access.words import denial, gate_in_words
from bot.command import Command, Context, Installation, Work, command
from bot.permitted import decisions, denied_everywhere, is_permitted_anywhere
from bot.replies import markdown
from cards.answers import help_card
from domain.actor import Actor
from domain.command import Card, Effect, Invocation, Reply, Text
from domain.errors import Unavailable
from domain.field import Field, FieldType
from domain.policy import GateKind
from workflows.values import example

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
    reply = await _reply(invocation, context.installation)
    return lambda _: reply


async def _reply(invocation: Invocation, installation: Installation) -> Reply:
    actor = invocation.actor
    if not actor.is_known:
        return Text(markdown(_UNSURE))
    name = invocation.arguments.get("command")
    if name is not None:
        asked = installation.commands.find(name)
        return await _about(asked, actor, installation)
    # Some hundred questions to the policy: not on the loop that answers everybody.
    return await asyncio.to_thread(_all, actor, installation)


def _all(actor: Actor, installation: Installation) -> Reply:
    mine = [
        each for each in installation.commands if is_permitted_anywhere(each, actor, installation)
    ]
    hidden = sum(1 for _ in installation.commands) - len(mine)
    order = list(dict.fromkeys(each.group for each in mine))
    mine.sort(key=lambda each: order.index(each.group))
    groups = [
        (group, [(each.syntax.text, each.summary) for each in members])
        for group, members in groupby(mine, key=lambda each: each.group)
    ]
    return Card(help_card(groups, hidden))


async def _about(asked: Command, actor: Actor, installation: Installation) -> Reply:
    denied = denied_everywhere(asked, actor, installation)
    if denied is not None:
        request, decision = denied
        try:
            names = await installation.identity.helpers(decision, installation.roles)
        except Unavailable:
            names = ()
        raise denial(request, decision, names)
    answers = decisions(asked, actor, installation)
    allowed = [(request, decision) for request, decision in answers if decision.allowed]
    gates: dict[str, set[str]] = {}
    for request, decision in allowed:
        gates.setdefault(request.environment, set()).add(gate_in_words(decision.gate))
    is_gated = any(decision.gate.kind is not GateKind.NONE for _, decision in allowed)
    lines = [
        f"**{asked.name}**: {markdown(asked.summary)}",
        markdown(f"Say: {asked.syntax.text}"),
        *(f"- {markdown(_input(each))}" for each in asked.fields),
    ]
    if is_gated:
        lines += [
            f"- {markdown(f'in {place}: ' if place else '')}{markdown(' or '.join(sorted(words)))}"
            for place, words in gates.items()
        ]
    return Text("\n\n".join(lines[:2]) + "\n\n" + "\n".join(lines[2:]))


def _input(each: Field) -> str:
    name = f"--{each.name.replace('_', '-')}" if each.flag_only else each.name
    kind = "" if "such as" in each.description else f"such as {example(each)}"
    if each.choices:
        kind = f"one of {', '.join(each.choices)}"
    if each.type in {FieldType.REST, FieldType.BOOLEAN}:
        kind = "the rest of the line" if each.type is FieldType.REST else "yes or no"
    facts = [each.description, kind, "" if each.required else "may be left out"]
    return f"{name}: {', '.join(fact for fact in facts if fact)}"
