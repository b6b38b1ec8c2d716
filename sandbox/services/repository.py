"""The git repository of a service: its releases are tags.

git is told to read nobody's configuration, so a repository is the same on every machine.
"""

from io import BytesIO
import os
from pathlib import Path
import shutil
import subprocess
from zipfile import ZipFile

from domain.errors import Refused, Unavailable
from sandbox.services.history import fast_import_stream

_TIMEOUT_SECONDS = 20


class Repository:
    """A bare repository in *folder*."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def create(self) -> None:
        """Make it, with all releases, unless it is there."""
        if self._folder.exists():
            return
        unfinished = self._folder.with_suffix(".new")
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.parent.mkdir(parents=True, exist_ok=True)
        _git("init", "--quiet", "--bare", "--template=", "--initial-branch=main", str(unfinished))
        _git("--git-dir", str(unfinished), "fast-import", "--quiet", feed=fast_import_stream())
        unfinished.replace(self._folder)

    def commits(self) -> dict[str, str]:
        """The commit of each tag, the newest version first.

        Raises:
            Unavailable: git does not say.
        """
        listing = _git(
            "--git-dir",
            str(self._folder),
            "for-each-ref",
            "--sort=-version:refname",
            "--format=%(refname:strip=2) %(objectname) %(*objectname)",
            "refs/tags",
        )
        # An annotated tag is an object of its own: the commit is what it points to.
        rows = (line.split() for line in listing.decode().splitlines())
        return {row[0]: row[-1] for row in rows}

    def export(self, commit: str, version: str, releases: Path) -> Path:
        """The folder with the files of *commit*, under *releases*; made if it is not there."""
        folder = releases / commit / version
        if folder.is_dir():
            return folder
        archive = _git("--git-dir", str(self._folder), "archive", "--format=zip", commit)
        unfinished = releases / commit / f"{version}.{os.getpid()}"
        with ZipFile(BytesIO(archive)) as files:
            files.extractall(unfinished)
        try:
            unfinished.replace(folder)
        except OSError:  # somebody else was faster: it is the same
            shutil.rmtree(unfinished)
        return folder


def _git(*arguments: str, feed: bytes = b"") -> bytes:
    """What git says.

    Raises:
        Refused: git is not installed.
        Unavailable: it failed.
    """
    try:
        done = subprocess.run(  # noqa: S603 - git, with arguments that nobody typed
            ["git", *arguments],  # noqa: S607 - wherever the machine has it
            input=feed,
            capture_output=True,
            check=True,
            timeout=_TIMEOUT_SECONDS,
            env=_environment(),
        )
    except FileNotFoundError as error:
        raise Refused("The demo needs git.", hint="Install git, and start again.") from error
    except subprocess.TimeoutExpired as error:
        raise Unavailable("git takes too long.") from error
    except subprocess.CalledProcessError as error:
        why = error.stderr.decode(errors="replace").strip()
        raise Unavailable(f"git {arguments[0]} failed: {why}.") from error
    return done.stdout


def _environment() -> dict[str, str]:
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "LC_ALL": "C",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_TERMINAL_PROMPT": "0",
        # The state folder may belong to another user, as under sudo.
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": "safe.directory",
        "GIT_CONFIG_VALUE_0": "*",
    }
