"""A config folder as the offline commands look at it: everything loaded, nothing contacted."""

from dataclasses import dataclass
from pathlib import Path

from bot.command import Commands, callings, discover
from bot.config import Config, load
from bot.workflow_command import workflow_command
from connectors.connector import Actions
from connectors.registry import connect, offers
from workflows.definition import CATALOG
from workflows.definition_file import load_all


@dataclass(frozen=True, slots=True, kw_only=True)
class Folder:
    """What a config folder says, and what follows from it."""

    config: Config
    commands: Commands  #: with those of the workflows that ship, and of its own


def open_folder(folder: Path, state: Path) -> Folder:
    """The config folder *folder*; connections look up files in the state folder *state*.

    Raises:
        ConfigFaults, DefinitionFaults: a file does not validate.
        Refused: a connection is not set up right, or two commands have one name.
    """
    config = load(folder)
    actions = actions_of(config, state)
    own = discover()
    workflows = load_all((CATALOG, config.workflows), actions, taken=callings(own))
    commands = (workflow_command(each, actions) for each in workflows.values())
    return Folder(
        config=config,
        commands=Commands([*own, *commands]),
    )


def actions_of(config: Config, state: Path) -> Actions:
    """What the connections of *config* can do.

    Raises:
        Refused: a connection is not set up right.
    """
    return Actions(connect(config.connections, state, offers()))
