"""`signalbox policy`: what may be done, asked of the files. Needs no bot and no directory."""

from dataclasses import replace
from pathlib import Path

import click

from bot.access.fault import ConfigFaults
from bot.settings import read_settings
from domain.errors import Refused, UnknownCommand

_ONE_WORD = {"ignore_unknown_options": True, "allow_interspersed_args": False}
_FOLDER = click.argument(
    "folder",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    required=False,
    metavar="[FOLDER]",
)


@click.group()
def policy() -> None:
    """Check the policy, test it, or ask it.

    FOLDER is a config folder. Default: SIGNALBOX_CONFIG_DIR.
    """


@policy.command()
@_FOLDER
def lint(*, folder: Path | None) -> int:
    """Check the config folder, its policy above all.

    Prints one line for each fault, and exits 1 if there is one.
    """
    from bot.config import build_authorizer
    from bot.offline import open_folder
    from workflows.definition import DefinitionFaults

    settings = read_settings(config_dir=folder)
    try:
        opened = open_folder(settings.config, settings.state_dir)
        build_authorizer(opened.config, opened.commands.effects)
    except (ConfigFaults, DefinitionFaults) as error:
        click.echo(str(error))
        return 1
    click.echo(f"The policy is right for all {len(opened.commands.effects)} commands.")
    return 0


@policy.command()
@_FOLDER
def test(*, folder: Path | None) -> int:
    """Ask the policy every question of policy/cases.yaml.

    Prints one line for each other answer than expected, and exits 1 if there is one.
    """
    from bot.access.cases import run_cases
    from bot.config import build_authorizer
    from bot.offline import open_folder

    settings = read_settings(config_dir=folder)
    opened = open_folder(settings.config, settings.state_dir)
    authorizer = build_authorizer(opened.config, opened.commands.effects)
    failures = run_cases(opened.config.cases, authorizer)
    for failure in failures:
        click.echo(str(failure))
    total = len(opened.config.cases)
    click.echo(f"{total - len(failures)} of {total} cases are answered as expected.")
    return 1 if failures else 0


@policy.command(context_settings=_ONE_WORD)
@click.option(
    "--config",
    "folder",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    metavar="FOLDER",
    help="The config folder. Default: SIGNALBOX_CONFIG_DIR.",
)
@click.option(
    "--as",
    "who",
    required=True,
    metavar="WHO",
    help="A person of directory.yaml, a role, several roles joined by +, guest, or stranger.",
)
@click.option(
    "--own-run/--other-run",
    "is_own",
    default=None,
    help="For a command about a run: whether the same person asked for it.",
)
@click.argument("words", nargs=-1, required=True, metavar="COMMAND…")
def why(*, folder: Path | None, who: str, is_own: bool | None, words: tuple[str, ...]) -> None:
    """Explain what the policy says to WHO about COMMAND.

    For example: signalbox policy why --as dev-1 deploy shop v1.1.0 to prod
    """
    from bot.access.cases import actor_called
    from bot.access.words import explanation
    from bot.command import question, unknown
    from bot.config import build_authorizer
    from bot.offline import open_folder
    from bot.parsing import bind_partly

    settings = read_settings(config_dir=folder)
    opened = open_folder(settings.config, settings.state_dir)
    config = opened.config
    names = tuple(who.split("+")) if "+" in who else who
    actor = actor_called(names, config.roles, config.directory)
    if actor is None:
        raise Refused(f"`{who}` is no role, and nobody in directory.yaml.")
    try:
        asked = opened.commands.find(words[0])
    except UnknownCommand as error:
        near = [each.name for each in opened.commands.near(words[0])]
        raise unknown(words[0], near[:3]) from error
    line = " ".join(_quoted(word) for word in words[1:])
    arguments = bind_partly(line, asked.syntax, asked.fields, lambda *_: None)
    request = question(asked, arguments, actor)
    if is_own is not None:
        request = replace(request, requester=actor.id if is_own else "somebody else")
    decision = build_authorizer(config, opened.commands.effects).decide(request)
    click.echo(explanation(request, decision, config.roles))


def _quoted(word: str) -> str:
    """*word*, which the shell made one, as one in a line that is typed."""
    if word.startswith("--") or not any(each.isspace() for each in word):
        return word
    return '"' + word.replace("\\", "\\\\").replace('"', '\\"') + '"'
