"""Services that run: started, adopted, stopped.

<state>/services.json    where they answer
<state>/supervisor.path  the socket of their supervisord
<state>/release.program  how to switch versions
<state>/effects.jsonl    what was done to them
<state>/services/        all the rest
"""

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
import json
import os
from pathlib import Path
import shutil
import stat
import subprocess
import tempfile
import time
from typing import Self
from urllib.parse import urlsplit

import psutil

from domain.errors import Refused, Unavailable
from sandbox import release
from sandbox.services import ports, supervisord
from sandbox.services.answering import version_at
from sandbox.services.installation import FIRST_VERSIONS, SERVICES, Installation, installations
from sandbox.services.repository import Repository
from sandbox.services.supervisord import Supervisord

_LONGEST_SOCKET = 96
"""Bytes. The system takes 107, and supervisord first adds its process id to the name."""

_START = timedelta(seconds=30)
_STOP = timedelta(seconds=10)
_LOOK = timedelta(milliseconds=30)
_UP = frozenset({"STARTING", "RUNNING"})
_SOCKET_FOLDER = "signalbox-"


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """One service and where it answers."""

    service: str
    environment: str
    url: str


class Services:
    """The services under one state folder, between `start` and `stop`."""

    def __init__(self, state: Path, running: tuple[Running, ...], *, adopted: bool) -> None:
        self.running = running
        self.adopted = adopted  #: whether they ran already
        self._state = state
        self._child: subprocess.Popen[bytes] | None = None

    @classmethod
    async def start(cls, state: Path) -> Self:
        """Bring them up, or adopt those that a previous start on *state* left running.

        What runs is not touched: not restarted, and its ports stay.

        Raises:
            Refused: something is missing on this machine.
            Unavailable: they do not come up. Nothing is left running.
        """
        state = await asyncio.to_thread(state.absolute)
        adopted = await asyncio.to_thread(_adopted, state)
        if adopted:
            return cls(state, adopted, adopted=True)
        services = cls(state, await asyncio.to_thread(_laid_out, state), adopted=False)
        try:
            services._child = supervisord.start(state / "services")
            async with asyncio.timeout(_START.total_seconds()):
                await services._come_up()
        except TimeoutError:
            await services.stop()
            raise Unavailable(
                "The demo's services do not come up.",
                hint=f"Look at {state / 'services' / 'supervisord.log'}.",
            ) from None
        except BaseException:
            await services.stop()
            raise
        return services

    async def stop(self) -> None:
        """Stop them all, supervisord last. Nothing is left running."""
        await asyncio.to_thread(_stop, self._state, self._child)
        self._child = None

    async def _come_up(self) -> None:
        await asyncio.gather(*(self._answers(each) for each in self.running))
        # What answers may be another program, if it took the port in the last moment.
        socket_path = _known_socket(self._state) or Path()
        states = await asyncio.to_thread(Supervisord(socket_path).states)
        down = [name for name, state in states.items() if state not in _UP]
        if down:
            raise Unavailable(f"The demo's services do not start: {', '.join(down)}.")

    async def _answers(self, each: Running) -> None:
        """Wait until *each* says anything at all: a broken release may run, and be ill."""
        while not await asyncio.to_thread(version_at, each.url):
            if self._child is not None and self._child.poll() is not None:
                raise Unavailable(
                    "The demo's supervisord ended.",
                    hint=f"Look at {self._state / 'services' / 'supervisord.log'}.",
                )
            await asyncio.sleep(_LOOK.total_seconds())


def _adopted(state: Path) -> tuple[Running, ...]:
    """What runs on *state*; empty if nothing does."""
    if not _pid(state):
        return ()
    return _known(state)


def _known(state: Path) -> tuple[Running, ...]:
    """What `services.json` says; empty where there is none."""
    try:
        listed = json.loads((state / "services.json").read_text())
    except FileNotFoundError:
        return ()
    return tuple(Running(**each) for each in listed)


def _laid_out(state: Path) -> tuple[Running, ...]:
    """Put everything in place for a cold start; what is there is kept."""
    root = state / "services"
    root.mkdir(parents=True, exist_ok=True)
    _end(_left(root))  # one that cannot be reached any more: its socket was removed
    for service in SERVICES:
        repository = Repository(root / "git" / f"{service}.git")
        repository.create()
        commits = repository.commits()
        for environment, version in FIRST_VERSIONS.items():
            here = Installation(root=root, service=service, environment=environment)
            if not here.current.is_symlink():
                here.install(
                    repository.export(commits[version], version, root / "releases" / service)
                )
    return _listed(state, root)


def _listed(state: Path, root: Path) -> tuple[Running, ...]:
    """Choose ports and socket, and write down what the others have to know."""
    before = {(each.service, each.environment): each.url for each in _known(state)}
    all_of_them = installations(root)
    wanted = [
        urlsplit(before.get((each.service, each.environment), "")).port for each in all_of_them
    ]
    chosen = ports.choose(wanted, state)
    running = tuple(
        Running(
            service=each.service,
            environment=each.environment,
            url=f"http://{ports.HOST}:{port}",
        )
        for each, port in zip(all_of_them, chosen, strict=True)
    )
    socket_path = _socket_path(state)
    _write(
        root / "supervisord.conf",
        supervisord.configuration(_from(root, socket_path), zip(all_of_them, chosen, strict=True)),
    )
    _write(state / "supervisor.path", f"{socket_path}\n")
    listing = [
        {"service": each.service, "environment": each.environment, "url": each.url}
        for each in running
    ]
    _write(state / "services.json", json.dumps(listing, indent=2) + "\n")
    (state / "effects.jsonl").touch()
    release.write_launcher(state)
    return running


def _socket_path(state: Path) -> Path:
    """A path that is short enough, in a folder that is ours alone."""
    path = state / "services" / "supervisor.sock"
    if len(bytes(path)) <= _LONGEST_SOCKET:
        return path
    known = _known_socket(state)
    if known is not None and _is_private(known.parent):
        return known
    short = Path(tempfile.mkdtemp(prefix=_SOCKET_FOLDER)) / "s"
    if len(bytes(short)) > _LONGEST_SOCKET:
        raise Refused(
            "The paths of the state folder and of the folder for temporary files are too long.",
            hint="Set TMPDIR to a short one, such as /tmp.",
        )
    return short


def _known_socket(state: Path) -> Path | None:
    """The socket of a previous start; None if there was none."""
    try:
        return Path((state / "supervisor.path").read_text().strip())
    except FileNotFoundError:
        return None


def _from(root: Path, path: Path) -> Path:
    """*path* as supervisord, which works in *root*, is told: relative if it is in there.

    What its configuration would take for a comment may then stand in the name of a state folder.
    """
    return path.relative_to(root) if path.is_relative_to(root) else path


def _is_private(folder: Path) -> bool:
    """Whether *folder* is one that we made, and nobody else may enter."""
    try:
        found = folder.lstat()
    except FileNotFoundError:
        return False
    return (
        folder.name.startswith(_SOCKET_FOLDER)
        and stat.S_ISDIR(found.st_mode)
        and stat.S_IMODE(found.st_mode) == stat.S_IRWXU
        and found.st_uid == os.getuid()
    )


def _pid(state: Path) -> int:
    """The process id of the supervisord of *state*; 0 if it does not answer."""
    path = _known_socket(state)
    try:
        return Supervisord(path).pid() if path is not None else 0
    except Unavailable:
        return 0


def _left(root: Path) -> psutil.Process | None:
    """The supervisord that works in *root*, by its pid file; None if there is none."""
    try:
        process = psutil.Process(int((root / "supervisord.pid").read_text()))
        return process if Path(process.cwd()) == root.resolve() else None
    except (OSError, ValueError, psutil.Error):
        return None


def _stop(state: Path, child: subprocess.Popen[bytes] | None) -> None:
    """End what runs on *state*: switches under way first, which the same key would complete."""
    for each in psutil.process_iter():
        if _is_release_program(each, state):
            _end(each)
    socket_path = _known_socket(state)
    if socket_path is not None:
        with suppress(Unavailable):  # it is gone, or is made to go below
            Supervisord(socket_path).stop_all()
    if child is not None and child.poll() is None:
        _end(psutil.Process(child.pid))
        child.wait()
    _end(_left(state / "services"))
    if socket_path is not None and _is_private(socket_path.parent):
        shutil.rmtree(socket_path.parent, ignore_errors=True)


def _is_release_program(process: psutil.Process, state: Path) -> bool:
    try:
        words = process.cmdline()
    except psutil.Error:
        return False
    return "sandbox.release" in words and str(state) in words


def _end(process: psutil.Process | None) -> None:
    """Ask *process* to end, and wait; make it, if it does not."""
    if process is None:
        return
    for ask in (process.terminate, process.kill):
        try:
            ask()
        except psutil.NoSuchProcess:
            return
        deadline = time.monotonic() + _STOP.total_seconds()
        while time.monotonic() < deadline:
            if not process.is_running() or process.status() == psutil.STATUS_ZOMBIE:
                return
            time.sleep(_LOOK.total_seconds())


def _write(path: Path, text: str) -> None:
    """Put *text* in place of what *path* had, in one go."""
    fresh = path.with_name(f"{path.name}.new")
    fresh.write_text(text)
    fresh.replace(path)
