"""`signalbox workflows`: look at workflow files before anybody runs them."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import click

from bot.settings import DEMO_WORLD, BadSettings, read_settings
from domain.errors import Refused
from workflows.definition import Step, Workflow
from workflows.yaml_source import Fault


@click.group()
def workflows() -> None:
    """Check workflow files, or print what they do.

    PATH is a file, or a folder of files.
    """


@workflows.command()
@click.argument("paths", nargs=-1, type=click.Path(exists=True, path_type=Path), metavar="[PATH]…")
def lint(*, paths: tuple[Path, ...]) -> int:
    """Check workflow files; without PATH, those that ship and those of the config folder.

    Which actions there are depends on the connections of the config folder: the one that is set,
    or the one around the files, or the demo's.

    Prints one line for each fault, FILE:LINE:COLUMN: sentence, and exits 1 if there is one.
    """
    from bot.command import callings, discover
    from bot.config import load
    from bot.offline import actions_of
    from workflows.definition import CATALOG, DefinitionFaults
    from workflows.definition_file import load_all
    from workflows.lint import lint as faults_of

    settings = read_settings()
    folder = settings.config if not paths else settings.config_dir or _around(paths[0])
    actions = actions_of(load(folder), settings.state_dir)
    taken = callings(discover())
    faults: Sequence[Fault] = ()
    if paths:
        faults = faults_of(_files(paths), actions, taken=taken)
    else:
        try:
            load_all((CATALOG, folder / "workflows"), actions, taken=taken)
        except DefinitionFaults as error:
            faults = error.faults
    for fault in faults:
        click.echo(str(fault))
    if not faults:
        click.echo("Nothing is wrong.")
    return 1 if faults else 0


def _around(path: Path) -> Path:
    """The config folder in which *path* lies; where it lies in none, the demo's."""
    folders = (path.absolute(), *path.absolute().parents)
    return next((each for each in folders if (each / "signalbox.yaml").is_file()), DEMO_WORLD)


@workflows.command()
@click.option("--mermaid", is_flag=True, help="As graphs that Markdown pages can draw.")
@click.argument("path", required=False, type=click.Path(exists=True, path_type=Path))
def show(*, path: Path | None, mermaid: bool) -> None:
    """Print what workflows do, step by step; without PATH, those that can be run here."""
    from workflows.definition import CATALOG
    from workflows.definition_file import read_definition
    from workflows.graph import mermaid_graph

    if path is None:
        try:
            own = read_settings().config / "workflows"
        except BadSettings:
            own = None
        paths: tuple[Path, ...] = (CATALOG, own) if own and own.is_dir() else (CATALOG,)
    else:
        paths = (path,)
    found = [read_definition(file) for file in _files(paths)]
    if mermaid:
        click.echo("\n\n".join(map(mermaid_graph, found)))
    else:
        click.echo("\n\n".join("\n".join(_described(each)) for each in found))


@workflows.command()
def schema() -> None:
    """Print the JSON Schema of workflow files, with the actions of the config folder.

    Editors that know YAML complete and check a file that begins with
    `# yaml-language-server: $schema=` and where the schema is.
    """
    import json

    from bot.config import load
    from bot.offline import actions_of
    from workflows.schema import workflow_schema

    settings = read_settings()
    actions = actions_of(load(settings.config), settings.state_dir)
    click.echo(json.dumps(workflow_schema(actions), indent=2, ensure_ascii=False))


def _files(paths: tuple[Path, ...]) -> list[Path]:
    """The workflow files at *paths*, a folder's by name.

    Raises:
        Refused: there is none.
    """
    files = [
        file
        for path in paths
        for file in (sorted(path.glob("*.yaml")) if path.is_dir() else [path])
    ]
    if not files:
        raise Refused(f"There is no workflow file in {' or '.join(map(str, paths))}.")
    return files


def _described(workflow: Workflow) -> Iterator[str]:
    yield f"{workflow.name}: {workflow.title}"
    yield f"  command  {workflow.command}"
    if workflow.aliases:
        yield f"  aliases  {', '.join(workflow.aliases)}"
    if workflow.lock:
        yield f"  lock     {workflow.lock}"
    for each in workflow.schedules:
        yield f"  begins   cron {each.cron} {each.zone}".rstrip()
    for number, step in enumerate(workflow.steps, start=1):
        yield f"  {number:>2}. {step.name}: {'; '.join(_facts(step))}"


def _facts(step: Step) -> Iterator[str]:
    """What there is to know of a step, in the order in which it matters."""
    from workflows.durations import text_of

    yield f"wait {text_of(step.wait)}" if step.wait is not None else str(step.uses)
    if step.needs:
        yield f"after {', '.join(step.needs)}"
    if step.timeout is not None:
        yield f"within {text_of(step.timeout)}"
    if step.retry.attempts > 1:
        yield f"{step.retry.attempts} attempts, {text_of(step.retry.backoff)} apart at first"
    if step.undo is not None:
        yield f"undone by {step.undo.uses}"
