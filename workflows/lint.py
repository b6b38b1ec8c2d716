"""What is wrong with workflow files, without running anything."""

from collections.abc import Collection, Iterable
from pathlib import Path

from connectors.connector import Actions
from workflows.definition import DefinitionFaults
from workflows.definition_file import load_files
from workflows.yaml_source import Fault


def lint(
    files: Iterable[Path], actions: Actions | None = None, *, taken: Collection[str] = ()
) -> tuple[Fault, ...]:
    """All faults of *files*; *actions* and *taken* as in `load_files`."""
    try:
        load_files(files, actions, taken=taken)
    except DefinitionFaults as error:
        return error.faults
    return ()
