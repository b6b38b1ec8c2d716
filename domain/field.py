"""An input of a command or workflow: what it is called, what it takes, and how it is asked for."""

from dataclasses import dataclass
from enum import StrEnum


class FieldType(StrEnum):
    """What a field takes."""

    TEXT = "text"
    NUMBER = "number"
    BOOLEAN = "boolean"
    CHOICE = "choice"
    SERVICE = "service"  #: a service of the catalogue
    ENVIRONMENT = "environment"  #: an environment of the catalogue
    VERSION = "version"  #: a release of a service
    RUN = "run"  #: a run id
    REST = "rest"  #: all that is left of the line, as it was typed


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One input."""

    name: str
    type: FieldType = FieldType.TEXT
    description: str = ""
    required: bool = True
    default: str | None = None
    choices: tuple[str, ...] = ()
    pattern: str | None = None  #: a regular expression the whole value must match
    flag_only: bool = False  #: given as `--name value`, never by position
