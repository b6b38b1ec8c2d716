"""What is wrong with workflow files, without running anything."""

from collections.abc import Iterable
from pathlib import Path

from connectors.connector import Actions
from workflows.definition import DefinitionFaults
from workflows.definition_file import load_files
from workflows.yaml_source import Fault


def lint(files: Iterable[Path], actions: Actions | None = None) -> tuple[Fault, ...]:
    """All faults of *files*; *actions* as in `read_definition`."""
    try:
        load_files(files, actions)
    except DefinitionFaults as error:
        return error.faults
    return ()
