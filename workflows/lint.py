"""What is wrong with workflow files, without running anything."""

from collections.abc import Container, Iterable
from pathlib import Path

from workflows.definition import DefinitionFaults
from workflows.definition_file import read_definition
from workflows.yaml_source import Fault


def lint(files: Iterable[Path], actions: Container[str] | None = None) -> list[Fault]:
    """All faults of *files*, in their order; *actions* as in `read_definition`."""
    faults: list[Fault] = []
    for file in files:
        try:
            read_definition(file, actions=actions)
        except DefinitionFaults as error:
            faults += error.faults
    return faults
