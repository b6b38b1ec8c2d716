"""`signalbox workflows`: look at workflow files before anybody runs them."""

from collections.abc import Iterator
from pathlib import Path

import click

from bot.settings import DEMO_WORLD, BadSettings, read_settings
from domain.errors import Refused
from workflows.definition import Workflow


@click.group()
def workflows() -> None:
    """Check workflow files, or print what they do.

    PATH is a file, or a folder of files.
    """


@workflows.command()
@click.argument("paths", nargs=-1, type=click.Path(exists=True, path_type=Path), metavar="[PATH]…")
def lint(*, paths: tuple[Path, ...]) -> int:
    """Check workflow files and their tests; without PATH, all that can be run here.

    Which actions there are depends on the connections of the config folder: the one that is set,
    or the one around the files, or the demo's.

    Prints one line for each fault, FILE:LINE:COLUMN: sentence, and exits 1 if there is one.
    """
    from bot.command import callings, discover
    from bot.config import load
    from bot.offline import actions_of
    from workflows.lint import lint as faults_of
    from workflows.rehearsal.rehearse import faults_of_tests

    settings = read_settings()
    folder = settings.config if not paths else settings.config_dir or _around(paths[0])
    actions = actions_of(load(folder), settings.state_dir)
    places = paths or _own(folder)
    files, around = _files(places), _neighbours(places, folder)
    found = faults_of([*files, *around], actions, taken=callings(discover()))
    asked = {str(each) for each in files}
    faults = [each for each in found if each.file in asked]
    faults = faults or [*faults_of_tests(_with_tests(places), actions, around=around)]
    for fault in faults:
        click.echo(str(fault))
    if not faults:
        click.echo("Nothing is wrong.")
    return 1 if faults else 0


def _own(folder: Path) -> tuple[Path, ...]:
    """Where the workflows are that can be run with the config folder *folder*."""
    from workflows.definition import CATALOG

    own = folder / "workflows"
    return (CATALOG, own) if own.is_dir() else (CATALOG,)


def _neighbours(paths: tuple[Path, ...], folder: Path) -> list[Path]:
    """The workflow files that those at *paths* may run: what lies beside them, and `_own`."""
    from workflows.definition_folder import definition_of, definitions_in, is_test

    beside = [
        path if path.is_dir() else (definition_of(path) if is_test(path) else path).parent
        for path in paths
    ]
    return [file for each in (*beside, *_own(folder)) for file in definitions_in(each)]


def _around(path: Path) -> Path:
    """The config folder in which *path* lies; where it lies in none, the demo's."""
    folders = (path.absolute(), *path.absolute().parents)
    return next((each for each in folders if (each / "signalbox.yaml").is_file()), DEMO_WORLD)


@workflows.command()
@click.option("--mermaid", is_flag=True, help="As graphs that Markdown pages can draw.")
@click.argument("path", required=False, type=click.Path(exists=True, path_type=Path))
def show(*, path: Path | None, mermaid: bool) -> None:
    """Draw what workflows do; without PATH, those that can be run here.

    Each step stands below all that it needs, and a rail leads to it from there: ○ uses an
    action, ◇ asks people, ◌ waits, ▷ runs another workflow, · tells people something.
    """
    from workflows.definition import CATALOG
    from workflows.definition_file import read_definition
    from workflows.graph import mermaid_graph

    if path is not None:
        places: tuple[Path, ...] = (path,)
    else:
        try:
            places = _own(read_settings().config)
        except BadSettings:
            places = (CATALOG,)
    found = [read_definition(file) for file in _files(places)]
    if mermaid:
        click.echo("\n\n".join(map(mermaid_graph, found)))
    else:
        click.echo("\n\n".join("\n".join(_described(each)) for each in found))


@workflows.command()
@click.option(
    "--min-coverage",
    type=click.IntRange(0, 100),
    default=0,
    metavar="N",
    help="Fail if the cases reach less than N % of what a workflow can do.",
)
@click.argument("paths", nargs=-1, type=click.Path(exists=True, path_type=Path), metavar="[PATH]…")
def test(*, paths: tuple[Path, ...], min_coverage: int) -> int:
    """Perform the tests of workflows; without PATH, of those that can be run here.

    The tests of `deploy.yaml` are `deploy.test.yaml`, beside it or in the folder `tests` there.

    The engine is the real one; actions, people and time are those of the tests.

    Prints one line for each case and for each thing that is not as expected, FILE:LINE:COLUMN:
    sentence, and then what no case has reached; exits 1 if anything is wrong.
    """
    from time import perf_counter

    from bot.config import load
    from bot.offline import actions_of
    from workflows.definition import DefinitionFaults
    from workflows.rehearsal.rehearse import rehearse, with_tests
    from workflows.rehearsal.report import told

    settings = read_settings()
    folder = settings.config if not paths else settings.config_dir or _around(paths[0])
    actions = actions_of(load(folder), settings.state_dir)
    places = paths or _own(folder)
    began = perf_counter()
    try:
        rehearsed = rehearse(
            with_tests(_with_tests(places), actions, around=_neighbours(places, folder)), actions
        )
    except DefinitionFaults as error:
        click.echo(str(error))
        return 1
    if not any(each.performed for each in rehearsed):
        raise Refused(
            f"There is no test in {' or '.join(map(str, places))}.",
            hint="The tests of deploy.yaml are in deploy.test.yaml, beside it.",
        )
    for line in told(rehearsed, perf_counter() - began):
        click.echo(line)
    is_enough = all(each.coverage.percent >= min_coverage for each in rehearsed)
    return 0 if is_enough and all(each.is_fine for each in rehearsed) else 1


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
    """The workflow files at *paths*, a folder's by name; for a file with tests, its workflow's.

    Raises:
        Refused: there is none.
    """
    from workflows.definition_folder import definition_of, definitions_in, is_test

    files: list[Path] = []
    for path in paths:
        if path.is_dir():
            files += definitions_in(path)
        else:
            files.append(definition_of(path) if is_test(path) else path)
    if not files:
        raise Refused(f"There is no workflow file in {' or '.join(map(str, paths))}.")
    return files


def _with_tests(paths: tuple[Path, ...]) -> list[Path]:
    """The workflow files at *paths*, and the files with tests."""
    from workflows.definition_folder import case_files_in, definitions_in

    files: list[Path] = []
    for path in paths:
        files += [*definitions_in(path), *case_files_in(path)] if path.is_dir() else [path]
    return files


def _described(workflow: Workflow) -> Iterator[str]:
    from workflows.text_graph import text_graph

    yield f"{workflow.name}: {workflow.title}"
    yield f"  command  {workflow.command}"
    if workflow.aliases:
        yield f"  aliases  {', '.join(workflow.aliases)}"
    if workflow.lock:
        yield f"  lock     {workflow.lock}"
    for each in workflow.schedules:
        yield f"  begins   cron {each.cron} {each.zone}".rstrip()
    if workflow.concurrency:
        yield f"  group    {workflow.concurrency.group}, {workflow.concurrency.limit} at once"
    yield ""
    yield from (f"  {line}" for line in text_graph(workflow))
