"""Settings that are kept elsewhere: in a file, or in the environment.

`file://NAME` is a file of the state folder (an absolute path is taken as it is), `env://NAME` an
environment variable; any other text is the value itself. So the config folder has no machine's
paths in it, and no secret.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
import os
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import GetPydanticSchema, ValidationInfo
from pydantic_core import core_schema

from domain.errors import Refused

_FILE = "file://"
_ENVIRONMENT = "env://"


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """Where references are looked up, given to the validation of settings as its context."""

    state: Path
    environment: Mapping[str, str] = field(default_factory=lambda: os.environ, repr=False)


@dataclass(frozen=True, slots=True)
class Reference:
    """A setting, as the operator wrote it. What it stands for is looked up when it is needed."""

    text: str
    surroundings: Surroundings

    @classmethod
    def parse(cls, text: str, info: ValidationInfo) -> Self:
        """*text* as a reference.

        Raises:
            ValueError: it can stand for nothing.
        """
        if not isinstance(info.context, Surroundings):
            raise TypeError("settings are validated with their surroundings")
        name = text.removeprefix(_FILE).removeprefix(_ENVIRONMENT)
        if not name.strip() or "\0" in name:
            raise ValueError("is empty")
        if text.startswith(_FILE) and ".." in Path(name).parts:
            raise ValueError("leads out of the state folder")
        return cls(text, info.context)

    def value(self) -> str:
        """What the setting stands for now, without space around it.

        Raises:
            Refused: the file or the variable is not there, or is empty.
        """
        if self.text.startswith(_FILE):
            value = self._from_file(self.text.removeprefix(_FILE))
        elif self.text.startswith(_ENVIRONMENT):
            value = self.surroundings.environment.get(self.text.removeprefix(_ENVIRONMENT), "")
        else:
            value = self.text
        if not value.strip():
            raise Refused(f"{self.text} is needed by a connection, and is not set.")
        return value.strip()

    def _from_file(self, name: str) -> str:
        path = self.surroundings.state / name
        try:
            return path.read_text(encoding="utf-8")
        except FileNotFoundError:
            return ""
        except (OSError, UnicodeDecodeError) as error:
            raise Refused(f"{path}, needed by a connection, cannot be read.") from error

    def __repr__(self) -> str:
        """What was written only: the text itself may be a secret."""
        is_elsewhere = self.text.startswith((_FILE, _ENVIRONMENT))
        return f"Reference({self.text if is_elsewhere else '…'})"


def _schema(_source: Any, _handler: Any) -> core_schema.CoreSchema:
    return core_schema.with_info_after_validator_function(
        Reference.parse, core_schema.str_schema(max_length=4096)
    )


Setting = Annotated[Reference, GetPydanticSchema(_schema)]
"""The type of a connector's setting that may be kept elsewhere."""
