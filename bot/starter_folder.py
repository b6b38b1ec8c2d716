"""The config folder that an installation begins with, written whole or not at all.

Its files lie in `bot/starter`. What is the same for everybody comes from the demo's world: the
shape of what the policy may speak of, and the people to try it with.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
import shutil
import tempfile

from bot.settings import DEMO_WORLD
from domain.errors import Refused

STARTER = Path(__file__).parent / "starter"

FILES: Mapping[str, str] = {
    "signalbox.yaml": "name, time zone, connections, how long runs are kept",
    "services.yaml": "what you operate, and where",
    "policy/roles.yaml": "which groups give which role",
    "policy/policy.cedar": "who may do what",
    "policy/schema.cedarschema": "what the policy may speak of; leave it",
    "policy/cases.yaml": "what the policy is expected to say",
    "workflows/recycle.yaml": "a workflow to learn from",
    "workflows/recycle.test.yaml": "its tests, to write yours after",
    "directory.yaml.example": "people to try it with; see its first lines",
}
"""What the folder holds, and what each file is for."""


def starter_text(name: str) -> str:
    """What the file *name* of a new folder says."""
    match name:
        case "policy/schema.cedarschema":
            return (DEMO_WORLD / name).read_text(encoding="utf-8")
        case "directory.yaml.example":
            people = (DEMO_WORLD / "directory.yaml").read_text(encoding="utf-8")
            return f"{(STARTER / name).read_text(encoding='utf-8')}\n{_without_head(people)}"
        case _:
            return (STARTER / name).read_text(encoding="utf-8")


def write_starter(folder: Path) -> None:
    """Write a config folder to *folder*, which is new or empty.

    Raises:
        Refused: it holds something already, or cannot be written. Nothing is left of the attempt.
    """
    target = folder.resolve()
    try:
        if target.exists() and not target.is_dir():
            raise Refused(f"{folder} is a file.", hint="Name a folder that is new or empty.")
        if target.exists() and any(target.iterdir()):
            raise Refused(
                f"{folder} holds something already.", hint="Name a folder that is new or empty."
            )
        if target.exists():
            _fill(target)
        else:
            target.parent.mkdir(parents=True, exist_ok=True)
            with _written(beside=target.parent) as made:
                made.rename(target)
    except OSError as error:
        raise Refused(f"{folder} cannot be written: {error.strerror}.") from error


def _fill(target: Path) -> None:
    """Move a new folder's entries into *target*, which stays the same folder for who is in it."""
    with _written(beside=target) as made:
        moved: list[Path] = []
        try:
            for entry in sorted(made.iterdir()):
                moved.append(entry.rename(target / entry.name))  # noqa: PERF401  # kept if the next one fails
        except OSError:
            for entry in moved:
                shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
            raise


@contextmanager
def _written(*, beside: Path) -> Iterator[Path]:
    """A complete folder in a place of its own in *beside*; what is left of it goes in the end."""
    place = Path(tempfile.mkdtemp(prefix=".signalbox-init-", dir=beside))
    try:
        made = place / "folder"
        for name in FILES:
            file = made / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(starter_text(name), encoding="utf-8")
        yield made
    finally:
        shutil.rmtree(place)


def _without_head(text: str) -> str:
    """*text* without the comment that it begins with."""
    lines = text.splitlines(keepends=True)
    while lines and lines[0].startswith("#"):
        del lines[0]
    return "".join(lines)
