"""`signalbox init`: a config folder to begin with."""

from pathlib import Path
import shlex

import click


@click.command()
@click.argument("folder", type=click.Path(path_type=Path), metavar="DIR")
def init(*, folder: Path) -> None:
    """Write a config folder to begin with to DIR, which is new or empty.

    Its files tell what each key and each rule is for, and what to change first.

    `signalbox serve` accepts it as it is.
    """
    from bot.starter_folder import FILES, write_starter

    write_starter(folder)
    width = max(map(len, FILES))
    listed = "\n".join(f"  {name:<{width}}  {words}" for name, words in FILES.items())
    at = shlex.quote(str(folder))
    people = shlex.quote(str(folder / "directory.yaml"))
    click.echo(
        f"A config folder, in {folder}:\n{listed}\n\n"
        "Look for CHANGE FIRST in it. Next:\n"
        f"  signalbox policy test {at}\n"
        f"  signalbox workflows lint {shlex.quote(str(folder / 'workflows'))}\n"
        f"  signalbox workflows test {shlex.quote(str(folder / 'workflows'))}\n"
        f"  cp {shlex.quote(str(folder / 'directory.yaml.example'))} {people} && "
        f"SIGNALBOX_CONFIG_DIR={at} signalbox demo"
    )
