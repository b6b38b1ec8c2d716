"""The supervisord of the demo: its configuration, its process, and calls to it.

Blocking, and standard library only: the release program uses it, and has to start fast.
"""

from collections.abc import Iterable
from http.client import HTTPConnection, HTTPException
import os
from pathlib import Path
import shlex
import socket
import subprocess
import sys
from typing import Any
from xml.parsers.expat import ExpatError
from xmlrpc.client import Fault, ServerProxy, Transport

from domain.errors import Unavailable
from sandbox.services.installation import Installation

ROOT = Path(__file__).parents[2]
"""Where our packages are: the programs that we start look for them here."""

_NOT_RUNNING = 70
_ALREADY_STARTED = 60
_TIMEOUT_SECONDS = 20


class Supervisord:
    """Calls to the one that listens on *path*."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def pid(self) -> int:
        """Its process id; proof that it is alive."""
        return int(self._call("supervisor.getPID"))

    def states(self) -> dict[str, str]:
        """The state of each process, by its name."""
        return {p["name"]: p["statename"] for p in self._call("supervisor.getAllProcessInfo")}

    def restart(self, process: str) -> None:
        """Stop *process*, wait until it is gone, and start it."""
        self._call("supervisor.stopProcess", process, True, expecting=_NOT_RUNNING)
        self._call("supervisor.startProcess", process, False, expecting=_ALREADY_STARTED)

    def stop_all(self) -> None:
        """Stop all processes at once: when it ends, it stops one after the other."""
        self._call("supervisor.stopAllProcesses", True)

    def _call(self, method: str, *arguments: Any, expecting: int = 0) -> Any:
        """The answer; None in place of the fault that is *expecting*.

        Raises:
            Unavailable: there is none.
        """
        try:
            with ServerProxy("http://supervisord", transport=_UnixTransport(self._path)) as server:
                return getattr(server, method)(*arguments)
        except Fault as fault:
            if fault.faultCode == expecting:
                return None
            raise Unavailable(f"supervisord says {fault.faultString}.") from fault
        except (OSError, HTTPException, ExpatError) as error:
            raise Unavailable("supervisord does not answer.") from error


def environment(root: Path) -> dict[str, str]:
    """What the programs that we start have of our environment: none of its secrets."""
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "LC_ALL": "C.UTF-8",
        "PYTHONPATH": str(ROOT),
        "INSTALLATIONS": str(root.absolute()),
    }


def configuration(socket_path: Path, ports: Iterable[tuple[Installation, int]]) -> str:
    """The text of `supervisord.conf`. Relative paths are relative to where it is started.

    https://supervisord.org/configuration.html
    """
    python = shlex.quote(sys.executable).replace("%", "%%")
    sections = [
        f"""\
[unix_http_server]
file = {str(socket_path).replace("%", "%%")}
chmod = 0600

[supervisord]
logfile = supervisord.log
logfile_maxbytes = 1MB
pidfile = supervisord.pid
minfds = 256
silent = true

[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface

[rpcinterface:signalbox]
supervisor.rpcinterface_factory = connectors.supervisor_keys:make_interface
record = ../effects.jsonl
"""
    ]
    sections += [
        f"""\
[program:{each.process}]
command = {python} -I -S service.py
directory = {each.service}/{each.environment}/current
environment = SERVICE="{each.service}",ENVIRONMENT="{each.environment}",PORT="{port}"
autorestart = true
stopwaitsecs = 3
redirect_stderr = true
stdout_logfile = {each.service}/{each.environment}/log.jsonl
stdout_logfile_maxbytes = 1MB
stdout_logfile_backups = 1
"""
        for each, port in ports
    ]
    return "\n".join(sections)


def start(root: Path) -> subprocess.Popen[bytes]:
    """Start supervisord with the configuration in *root*, where it works.

    It has a session of its own, so neither a Ctrl-C nor our death reaches it.
    """
    return subprocess.Popen(
        [sys.executable, "-P", "-m", "supervisor.supervisord", "-n", "-c", "supervisord.conf"],
        cwd=root,
        env=environment(root),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


class _UnixTransport(Transport):
    """XML-RPC over a unix socket."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = str(path)

    def make_connection(self, host: Any) -> HTTPConnection:
        connection = _UnixConnection(self._path)
        self._connection = host, connection  # where `close` finds it
        return connection


class _UnixConnection(HTTPConnection):
    def __init__(self, path: str) -> None:
        super().__init__("localhost", timeout=_TIMEOUT_SECONDS)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)
