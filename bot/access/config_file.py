"""A file of the config folder as a model: what it may say, and its faults in our words."""

from collections.abc import Iterable, Mapping
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError

from bot.access.fault import ConfigFaults
from workflows.nearest import did_you_mean
from workflows.yaml_source import Fault, Place, Source

Guid = Annotated[
    str,
    StringConstraints(
        to_lower=True, pattern=r"^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$"
    ),
]
"""An object id of the directory, in lower case."""

Slug = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$", max_length=60)]
"""A name in lower case, its words joined by hyphens."""


class Entry(BaseModel):
    """A part of a file: nothing unknown in it, nothing changes it."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class ConfigFile(Entry):
    """A whole file."""

    def problems(self) -> Iterable[tuple[Place, str]]:
        """What no single value shows: where it is, and a sentence."""
        return ()


_File = TypeVar("_File", bound=ConfigFile)


def validated(source: Source, kind: type[_File]) -> _File:
    """What *source* says, as a *kind*.

    Raises:
        ConfigFaults: all that is wrong with it.
    """
    try:
        model = kind.model_validate({} if source.data is None else source.data)
    except ValidationError as error:
        faults = {_fault(source, kind, dict(detail)) for detail in error.errors()}
        raise ConfigFaults(faults) from error
    problems = [source.fault(*place, sentence=words) for place, words in model.problems()]
    if problems:
        raise ConfigFaults(problems)
    return model


def _fault(source: Source, kind: type[ConfigFile], detail: Mapping[str, Any]) -> Fault:
    """What pydantic found, in our words.

    https://docs.pydantic.dev/latest/errors/validation_errors/
    """
    place: Place = tuple(part for part in detail["loc"] if part != "[key]")
    name = place[-1] if place else ""
    if detail["type"] == "missing":
        return source.fault(*place[:-1], sentence=f"`{name}` is missing.")
    if detail["type"] == "extra_forbidden":
        hint = did_you_mean(str(name), kind.model_fields, limit=1) if len(place) == 1 else ""
        return source.fault(*place, sentence=f"`{name}` is no setting I know.{hint}")
    words = str(detail["msg"]).removeprefix("Value error, ")
    return source.fault(*place, sentence=f"`{name}`: {words}." if place else f"{words}.")
