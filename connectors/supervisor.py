"""Processes under supervisord: what runs, its log, and restarts."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from connectors.connector import Action, Inputs, Output
from connectors.reference import Setting
from connectors.supervisor_rpc import Fault, SupervisorRpc
from domain.command import Effect
from domain.errors import Ambiguous, Refused, SignalboxError, Unavailable
from domain.plan import ActionPlan, Change

NAME = r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$"

_QUICK = timedelta(seconds=5)
_RESTART = timedelta(seconds=45)  #: an unwilling process is given time to stop, then to start
_USUAL_LINE = 400  #: bytes, counted on when a log is read
_LEAST_LOG = 16 * 1024
_MOST_LOG = 128 * 1024

# https://supervisord.org/api.html, and supervisor/xmlrpc.py for the numbers
_UNKNOWN_METHOD = 1
_SHUTDOWN_STATE = 6
_BAD_NAME = 10
_FAILED = 30
_SPAWN_ERRORS = frozenset({20, 21, 40, 50})  #: no file, not executable, ended at once, no fork

_DOWN = frozenset({"stopped", "fatal", "exited", "unknown"})


class SupervisorSettings(BaseModel):
    """A connection to one supervisord."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    socket: Setting = Field(description="Path of supervisord's unix socket.")
    process: str = Field(
        "{service}-{environment}",
        description="What the process of a service in an environment is called.",
        pattern=r"^([A-Za-z0-9_.:-]|\{service\}|\{environment\})+$",
    )


class Target(Inputs):
    """A service in an environment."""

    service: str = Field(description="The service, such as `shop`.", pattern=NAME)
    environment: str = Field(description="Where it runs, such as `prod`.", pattern=NAME)

    def __str__(self) -> str:
        return f"{self.service} in {self.environment}"


class LogInputs(Target):
    """What to show of a log."""

    lines: int = Field(20, description="How many lines, the last ones.", ge=1, le=200)


class Supervisor:
    """A supervisord, through its unix socket."""

    Settings = SupervisorSettings

    def __init__(self, settings: SupervisorSettings) -> None:
        self._process = settings.process
        self._rpc = SupervisorRpc(settings.socket.value)

    def actions(self) -> Iterable[Action[Any]]:
        """What it can do."""
        return (
            Action(
                name="supervisor.status",
                major=1,
                summary="Tells whether a process runs, and since when.",
                effect=Effect.READ,
                inputs=Target,
                apply=self._status,
                timeout=_QUICK,
            ),
            Action(
                name="supervisor.logs",
                major=1,
                summary="Shows the last lines that a process wrote.",
                effect=Effect.READ,
                inputs=LogInputs,
                apply=self._logs,
                timeout=_QUICK,
            ),
            Action(
                name="supervisor.restart",
                major=1,
                summary="Stops a process and starts it again; done when it runs.",
                effect=Effect.WRITE,
                inputs=Target,
                apply=self._restart,
                plan=self._plan_restart,
                reconcile=self._reconcile_restart,
                timeout=_RESTART,
            ),
        )

    async def close(self) -> None:
        """Let go of the socket."""
        await self._rpc.close()

    async def _status(self, target: Target, _key: str = "") -> Output:
        info = await self._ask(target, "supervisor.getProcessInfo", self._name(target))
        pid, start = int(info["pid"]), int(info["start"])
        since = datetime.fromtimestamp(start, UTC) if pid and start else None
        return {
            "state": str(info["statename"]).lower(),
            "pid": pid or None,
            "since": since.isoformat().replace("+00:00", "Z") if since else None,
            "description": str(info["description"]),
        }

    async def _logs(self, inputs: LogInputs, _key: str) -> Output:
        name = self._name(inputs)
        size = min(_LEAST_LOG + inputs.lines * _USUAL_LINE, _MOST_LOG)
        for fewer in range(4):  # the cut may be inside a character, at which supervisord stumbles
            try:
                text, end, _overflow = await self._ask(
                    inputs, "supervisor.tailProcessStdoutLog", name, 0, size - fewer
                )
                break
            except Unavailable:
                if fewer == 3:  # noqa: PLR2004 - a character has at most four bytes
                    raise
        lines = str(text).splitlines()
        if int(end) > size:
            del lines[:1]  # it began before what was read
        return {"lines": lines[-inputs.lines :]}

    async def _plan_restart(self, target: Target) -> ActionPlan:
        status = await self._status(target)
        await self._applied(target, "plan")  # tells now that keyed restarts are missing
        # A process that starts and ends all the time is up: supervisord keeps trying. Its very
        # state and pid change by themselves, and are no drift.
        state = "stopped" if status["state"] in _DOWN else "running"
        return ActionPlan(
            summary=f"Restart {target} ({status['description'] or status['state']}).",
            changes=(
                Change(target=str(target), what="process", before=state, after="running anew"),
            ),
            untouched=(f"the version of {target}", f"the data of {target}"),
            rollback=f"A restart of {target} needs no way back: the same version runs afterwards.",
            before={"state": state},
        )

    async def _restart(self, target: Target, key: str) -> Output:
        try:
            entry = await self._rpc.tell(
                "signalbox.restart",
                self._name(target),
                key,
                target.service,
                target.environment,
                within=_RESTART,
            )
        except Fault as fault:
            raise self._meaning(fault, target) from fault
        return _outcome(entry)

    async def _reconcile_restart(self, target: Target, key: str) -> Output | None:
        entry = await self._applied(target, key)
        return _outcome(entry) if entry else None

    async def _applied(self, target: Target, key: str) -> Any:
        return await self._ask(target, "signalbox.applied", key)

    async def _ask(self, target: Target, method: str, *arguments: Any) -> Any:
        try:
            return await self._rpc.ask(method, *arguments, within=_QUICK)
        except Fault as fault:
            raise self._meaning(fault, target) from fault

    def _name(self, target: Target) -> str:
        return self._process.format(service=target.service, environment=target.environment)

    def _meaning(self, fault: Fault, target: Target) -> SignalboxError:
        match fault.code:
            case code if code == _BAD_NAME:
                return Refused(f"supervisord has no process {self._name(target)}.")
            case code if code == _UNKNOWN_METHOD:
                return Refused(
                    "This supervisord cannot restart once per key.",
                    hint="Load connectors.supervisor_keys in its configuration.",
                )
            case code if code in _SPAWN_ERRORS:
                return Refused(f"{target} does not start.", hint="Look at its log.")
            case code if code == _FAILED:
                return Refused(
                    f"{target} was not restarted: {fault.text.removeprefix('FAILED: ')}.",
                    hint="Look at its log.",
                )
            case code if code == _SHUTDOWN_STATE:
                return Unavailable("supervisord is shutting down.")
            case _:
                return Ambiguous(f"supervisord answered {fault.text}.")


def _outcome(entry: Any) -> Output:
    return {"version": str(entry["version"]), "at": str(entry["at"])}
