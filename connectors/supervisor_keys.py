"""Restarts with a key, for supervisord: an extension that supervisord itself loads.

Its own API restarts again whenever it is asked again. With this in its configuration

    [rpcinterface:signalbox]
    supervisor.rpcinterface_factory = connectors.supervisor_keys:make_interface
    record = /var/lib/signalbox/effects.jsonl

`signalbox.restart` restarts once per key, and keeps what it did in the file *record*. A restart
that was begun goes on though the one who asked is gone.
https://supervisord.org/xmlrpc.html#rpc-interface-factory
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from enum import Enum, auto
import os
from pathlib import Path
from typing import Any

from supervisor import events
from supervisor.http import NOT_DONE_YET
from supervisor.rpcinterface import SupervisorNamespaceRPCInterface
from supervisor.states import RUNNING_STATES, ProcessStates
from supervisor.xmlrpc import Faults, RPCError

from connectors.effect_record import EffectRecord, Entry

ACTION = "restart"

_LONGEST = 200  #: characters of a name or key


class _Stage(Enum):
    STOPPING = auto()
    STARTING = auto()
    DONE = auto()
    FAILED = auto()


@dataclass(slots=True)
class _Restart:
    """A restart under way. Changed by what supervisord tells of the process."""

    process: Any
    service: str
    environment: str
    key: str
    stage: _Stage
    entry: Entry | None = None  #: what was recorded, when it is done
    fault: str = ""  #: why it failed


class KeyedRestarts:
    """The methods of the namespace. supervisord calls them in its one thread."""

    def __init__(self, supervisord: Any, record: EffectRecord) -> None:
        self._log: Callable[[str], None] = supervisord.options.logger.error
        self._processes = SupervisorNamespaceRPCInterface(supervisord)
        self._record = record
        self._under_way: dict[int, _Restart] = {}  #: by identity of the process
        events.subscribe(events.ProcessStateEvent, self._process_changed)

    def restart(self, name: str, key: str, service: str, environment: str) -> Callable[[], Any]:
        """Restart a process and wait until it runs; a key that was applied changes nothing.

        @param string name         the process
        @param string key          what this restart is known by
        @param string service      what the process is, for the record
        @param string environment  where it runs, for the record
        @return struct entry       what was recorded
        """
        self._processes._update("restart")  # noqa: SLF001 - the check that every method makes
        if not all(0 < len(each) <= _LONGEST for each in (key, service, environment)):
            raise RPCError(Faults.INCORRECT_PARAMETERS, "key, service, environment")
        _group, process = self._processes._getGroupAndProcess(name)  # noqa: SLF001 - no other way
        if process is None:
            raise RPCError(Faults.BAD_NAME, name)
        mine: _Restart | None = None

        def answer() -> Any:
            nonlocal mine
            if mine is None:
                known = self._record.find(ACTION, key)
                if known is not None:
                    return _answer(known, service, environment)
                mine = self._joined(process, name, key, service, environment)
                if mine is None:  # another one is under way: ours comes after it
                    return NOT_DONE_YET
            if mine.stage is _Stage.STARTING and process.get_state() == ProcessStates.STOPPED:
                self._start(mine, name)
            if mine.stage is _Stage.FAILED:
                raise RPCError(Faults.FAILED, mine.fault)
            return NOT_DONE_YET if mine.entry is None else asdict(mine.entry)

        answer.delay = 0.05  # type: ignore[attr-defined]  # how supervisord wants it
        answer.rpcinterface = self  # type: ignore[attr-defined]
        return answer

    def applied(self, key: str) -> dict[str, str]:
        """What the restart under a key did.

        @param string key     what the restart is known by
        @return struct entry  what was recorded; empty if nothing was
        """
        entry = self._record.find(ACTION, key)
        return asdict(entry) if entry else {}

    def _joined(
        self, process: Any, name: str, key: str, service: str, environment: str
    ) -> _Restart | None:
        """The restart of that key, begun if need be; None while another one is under way."""
        other = self._under_way.get(id(process))
        if other is not None:
            return other if other.key == key else None
        state = process.get_state()
        is_up = state in RUNNING_STATES or state == ProcessStates.STOPPING
        restart = _Restart(
            process,
            service,
            environment,
            key,
            _Stage.STOPPING if is_up else _Stage.STARTING,
        )
        self._under_way[id(process)] = restart
        try:
            if state in RUNNING_STATES:
                self._processes.stopProcess(name, False)
            elif not is_up:
                self._processes.startProcess(name, False)
        except RPCError:
            self._under_way.pop(id(process), None)
            raise
        return restart

    def _start(self, restart: _Restart, name: str) -> None:
        """Start what is stopped: no `autostart` does it for us."""
        try:
            self._processes.startProcess(name, False)
        except RPCError as error:
            if restart.stage is _Stage.STARTING:
                self._fail(restart, restart.process.spawnerr or error.text)

    def _process_changed(self, event: Any) -> None:
        restart = self._under_way.get(id(event.process))
        if restart is None:
            return
        match event:
            case events.ProcessStateStoppedEvent() if restart.stage is _Stage.STOPPING:
                restart.stage = _Stage.STARTING
                # supervisord starts, at the next turn of its loop, what is stopped, has
                # `autostart` and was never started: no client has to be there for that.
                restart.process.laststart = 0
            case events.ProcessStateRunningEvent():
                if _has_ended(restart.process.pid):
                    self._fail(restart, "it ended at once")
                else:
                    self._finish(restart)
            case events.ProcessStateStoppedEvent():
                self._fail(restart, "somebody stopped it meanwhile")
            case events.ProcessStateFatalEvent() | events.ProcessStateUnknownEvent():
                self._fail(restart, restart.process.spawnerr or "it does not start")
            case _:  # on its way
                return

    def _finish(self, restart: _Restart) -> None:
        now = datetime.now(UTC)  # noqa: TID251 - a program of its own: supervisord passes no clock
        try:
            restart.entry = self._record.append(
                Entry(
                    at=now.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
                    service=restart.service,
                    environment=restart.environment,
                    action=ACTION,
                    version=_version(restart.process.config.directory),
                    key=restart.key,
                )
            )
        except OSError as error:  # would end supervisord, which is worse than a missing line
            self._log(f"signalbox: the record cannot be written: {error}")
            self._fail(restart, "it was restarted, but the record cannot be written")
            return
        restart.stage = _Stage.DONE
        del self._under_way[id(restart.process)]

    def _fail(self, restart: _Restart, fault: str) -> None:
        restart.stage = _Stage.FAILED
        restart.fault = fault
        del self._under_way[id(restart.process)]


def make_interface(supervisord: Any, record: str) -> KeyedRestarts:
    """The namespace `signalbox`, called by supervisord with the options of its section."""
    return KeyedRestarts(supervisord, EffectRecord(Path(record)))


def _answer(entry: Entry, service: str, environment: str) -> dict[str, str]:
    if (entry.service, entry.environment) != (service, environment):
        raise RPCError(
            Faults.INCORRECT_PARAMETERS,
            f"that key restarted {entry.service} in {entry.environment}",
        )
    return asdict(entry)


def _has_ended(pid: int) -> bool:
    """Whether a child of ours has ended, though nobody has taken notice yet.

    supervisord calls a process RUNNING before it looks for those that ended meanwhile.
    """
    if not hasattr(os, "waitid"):  # macOS before Python 3.13
        return False
    return os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


def _version(directory: str | None) -> str:
    """The name of the folder that a process' `directory` leads to: a release, by custom."""
    return Path(directory).resolve().name if directory else ""
