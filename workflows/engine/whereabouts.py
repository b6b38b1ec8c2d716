"""Where a process runs, and whether another one there still lives.

A process can look up another one by its number only where the two see the same processes. A name
does not say that: two containers may well have the same, and in each the other's processes are
not to be seen, dead or alive.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
import socket
import sys

import psutil

_BOOT = Path("/proc/sys/kernel/random/boot_id")
_PROCESSES = Path("/proc/self/ns/pid")
"""https://man7.org/linux/man-pages/man7/pid_namespaces.7.html"""

_CLOCK_SLACK = timedelta(seconds=2)
"""How far a process's start, as the system tells it, may lie behind what it wrote down itself."""


def whereabouts(
    uuid: Callable[[], str], *, boot: Path = _BOOT, processes: Path = _PROCESSES
) -> str:
    """What two processes have in common only if they see each other.

    Where that cannot be known it is like no other, and nobody is looked up.
    """
    name = socket.gethostname()
    if sys.platform == "darwin":  # it has no containers of its own
        return f"{name} {psutil.boot_time():.0f}"
    try:
        return f"{name} {boot.read_text().strip()} {processes.readlink()}"
    except OSError:
        return f"{name} {uuid()}"


def lives(pid: int, started_at: datetime) -> bool:
    """Whether the process that wrote *started_at* down still lives: pids are used again."""
    try:
        process = psutil.Process(pid)
        if process.status() == psutil.STATUS_ZOMBIE:  # dead, and nobody has looked after it
            return False
        created = process.create_time()
    except psutil.NoSuchProcess:
        return False
    except psutil.AccessDenied:
        return True
    return bool(created <= (started_at + _CLOCK_SLACK).timestamp())
