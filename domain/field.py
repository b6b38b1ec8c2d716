"""An input of a command or workflow: what it is called, what it takes, and how it is asked for."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class FieldType(StrEnum):
    """What a field takes."""

    TEXT = "text"
    NUMBER = "number"
    BOOLEAN = "boolean"
    DATE = "date"  #: `2026-11-25`
    TIME = "time"  #: `14:30`
    DURATION = "duration"  #: `500ms`, `30s`, `10m`, `4h`, `3d`, `1h30m`
    CHOICE = "choice"
    MULTI_CHOICE = "multi_choice"  #: several of the choices, joined by commas
    SERVICE = "service"  #: a service of the catalogue
    ENVIRONMENT = "environment"  #: an environment of the catalogue
    VERSION = "version"  #: a release of a service
    RUN = "run"  #: a run id
    PERSON = "person"  #: somebody of the directory, by name
    SECRET = "secret"  # noqa: S105  #: the name of a secret; never the secret itself
    REST = "rest"  #: all that is left of the line, as it was typed


@dataclass(frozen=True, slots=True, kw_only=True)
class ChoicesFrom:
    """Where the choices of a field come from: a reading action's answer at the moment."""

    uses: str  #: the action's reference
    arguments: Mapping[str, Any]  #: for the action, with expressions over `inputs` in it
    list: str  #: which of its outputs is the list


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One input."""

    name: str
    type: FieldType = FieldType.TEXT
    description: str = ""
    required: bool = True
    required_if: str | None = None  #: an expression over other inputs: required where it holds
    default: str | None = None
    choices: tuple[str, ...] = ()
    choices_from: ChoicesFrom | None = None
    pattern: str | None = None  #: a regular expression the whole value must match
    minimum: float | None = None  #: of a number
    maximum: float | None = None
    least: str | None = None  #: of a date, a time or a duration, as a value of it
    most: str | None = None
    multiline: bool = False  #: a text that may be long
    flag_only: bool = False  #: given as `--name value`, never by position


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """Something to choose."""

    value: str
    title: str


def in_digits(number: float) -> str:
    """*number* as people write it: `7`, `0.25`, `1234567`."""
    return str(int(number)) if float(number).is_integer() else repr(number)
