"""What a typed line means to somebody who is being asked: an answer, a way back, or neither."""

from collections.abc import Mapping

from bot.command import Command, Installation, choices
from bot.parsing import bind_partly, given, head
from dialogs import flow
from dialogs.form import answered, is_whole, said
from domain.dialog import Dialog, Move
from domain.errors import BadArguments, UnknownCommand
from domain.field import Field, FieldType

_MOVES = {"back": Move.BACK, "cancel": Move.CANCEL, "stop": Move.CANCEL, "help": Move.HELP}
"""What is no answer, unless it is one of the choices."""

_SKIP = "skip"
"""Leaves out what may be left out. With a run and a step it is a command of its own."""


def stands_by_itself(line: str, dialog: Dialog, installation: Installation) -> bool:
    """Whether *line* is a command of its own, and no answer.

    A command is one with half of its inputs, too, and where any words would be an answer:
    somebody who begins anew must not set going what they were asked about.
    """
    if line.strip().lower() in {*_MOVES, _SKIP} or _is_choice(line, dialog, installation):
        return False
    asks = flow.asked(dialog, installation.commands.find(dialog.command).fields)
    if [each.type for each in asks] == [FieldType.REST]:  # it asks for a command
        return False
    name, rest = head(line)
    try:
        command = installation.commands.find(name)
    except UnknownCommand:
        return False
    known = choices(command, installation.catalogue)
    try:
        bind_partly(rest, command.syntax, command.fields, known)
    except BadArguments:
        return False
    return True


def move_of(line: str, dialog: Dialog, installation: Installation) -> Move:
    """What somebody does who types *line* into *dialog*."""
    if _is_choice(line, dialog, installation):
        return Move.ANSWER
    return _MOVES.get(line.strip().lower(), Move.ANSWER)


def answers(
    line: str, dialog: Dialog, command: Command, asks: tuple[Field, ...]
) -> tuple[tuple[Field, ...], Mapping[str, str]]:
    """The fields that *line* answers, and what it says for each.

    Several words may answer several questions at once, as in the command's own line.

    Raises:
        BadArguments: they cannot be told apart.
    """
    is_one = len(asks) == 1
    if is_one and (len(line.split()) == 1 or is_whole(asks[0], line)):
        return asks, said(asks, line)
    if not any(each.required for each in asks) and line.strip().lower() == _SKIP:
        return asks, {}
    missing = tuple(each for each in command.fields if each.name not in dialog.values)
    syntax = command.syntax.only({each.name for each in missing})
    values = given(line, syntax, missing)
    if not is_one:
        return answered(asks, values), values
    return tuple(each for each in missing if each in asks or each.name in values), values


def _is_choice(line: str, dialog: Dialog, installation: Installation) -> bool:
    """Whether *line* is one of those that there are to choose from, whatever else it means."""
    command = installation.commands.find(dialog.command)
    asks = flow.asked(dialog, command.fields)
    if len(asks) != 1:
        return False
    listed = asks[0].choices or choices(command, installation.catalogue)(asks[0], dialog.values)
    return line.strip().lower() in {each.lower() for each in listed or ()}
