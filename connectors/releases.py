"""Releases: which version of a service runs where, switching to another, and whether it is well.

The switching is done by a release program (see `release_program.py`), which belongs to the
operator; the health check is ours.
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
import time
from typing import Any

import aiohttp
from pydantic import BaseModel, ConfigDict, Field
from rapidfuzz.distance import OSA

from connectors.connector import Action, Inputs, Output
from connectors.health import Health, health, probe
from connectors.reference import Setting
from connectors.release_program import ReleaseProgram
from domain.command import Effect
from domain.errors import Refused, Unavailable
from domain.plan import ActionPlan, Change

NAME = r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$"
VERSION = r"^[A-Za-z0-9][A-Za-z0-9_.+-]{0,127}$"

_QUICK = timedelta(seconds=10)
_SWITCH = timedelta(minutes=2)
_LONGEST_HEALTH = 120  #: seconds
_LAST_WORDS = timedelta(seconds=5)  #: for a switch under way when we stop
_NEAREST = 3
_CLOSE_ENOUGH = 0.4


class ReleasesSettings(BaseModel):
    """A connection to one release program."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    program: Setting = Field(description="Path of the release program.")


class ServiceInputs(Inputs):
    """A service."""

    service: str = Field(description="The service, such as `shop`.", pattern=NAME)


class InstallationInputs(ServiceInputs):
    """A service in an environment."""

    environment: str = Field(description="Where it runs, such as `prod`.", pattern=NAME)

    def __str__(self) -> str:
        return f"{self.service} in {self.environment}"


class SwitchInputs(InstallationInputs):
    """What to switch to."""

    version: str = Field(description="The git tag to run, such as `v1.1.0`.", pattern=VERSION)


class HealthInputs(SwitchInputs):
    """What to wait for."""

    version: str = Field(description="The version that must answer.", pattern=VERSION)
    within: int = Field(
        8,
        description="How many seconds it may take to become healthy.",
        ge=1,
        le=_LONGEST_HEALTH,
    )


class Releases:
    """The releases of what a release program knows."""

    Settings = ReleasesSettings

    def __init__(self, settings: ReleasesSettings) -> None:
        self._program = ReleaseProgram(settings.program.value)
        self._session: aiohttp.ClientSession | None = None

    def actions(self) -> Iterable[Action[Any]]:
        """What it can do."""
        return (
            Action(
                name="releases.current",
                major=1,
                summary="Tells which version runs, of which commit, and where it answers.",
                effect=Effect.READ,
                inputs=InstallationInputs,
                apply=self._current,
                timeout=_QUICK,
            ),
            Action(
                name="releases.previous",
                major=1,
                summary="Tells which version a rollback goes back to.",
                effect=Effect.READ,
                inputs=InstallationInputs,
                apply=self._previous,
                timeout=_QUICK,
            ),
            Action(
                name="releases.tags",
                major=1,
                summary="Lists the versions that there are, newest first.",
                effect=Effect.READ,
                inputs=ServiceInputs,
                apply=self._tags,
                timeout=_QUICK,
            ),
            Action(
                name="releases.switch",
                major=1,
                summary="Makes a version the one that runs.",
                effect=Effect.WRITE,
                inputs=SwitchInputs,
                apply=self._switch,
                plan=self._plan_switch,
                reconcile=self._reconcile_switch,
                timeout=_SWITCH,
            ),
            Action(
                name="releases.health",
                major=1,
                summary="Waits until a version answers that it is well, three times in a row.",
                effect=Effect.READ,
                inputs=HealthInputs,
                apply=self._health,
                timeout=timedelta(seconds=_LONGEST_HEALTH) + _QUICK,
            ),
            Action(
                name="releases.probe",
                major=1,
                summary="Asks a service once how it is, and how long the answer takes.",
                effect=Effect.READ,
                inputs=InstallationInputs,
                apply=self._probe,
                timeout=_QUICK,
            ),
        )

    async def close(self) -> None:
        """Let go of connections, and give a switch under way a moment to end."""
        await self._program.close(_LAST_WORDS)
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def _current(self, target: InstallationInputs, _key: str = "") -> Output:
        live = await self._live(target)
        return {name: str(live[name]) for name in ("version", "commit", "url")}

    async def _previous(self, target: InstallationInputs, _key: str) -> Output:
        answer = await self._program.ask(
            "history", target.service, target.environment, within=_QUICK
        )
        versions = [str(each) for each in _list(answer, "versions")]
        back = ran_before(versions)
        if back is None:
            raise Refused(
                f"{target} has nothing to roll back to: nothing ran before "
                f"{versions[-1] if versions else 'what runs now'}.",
                hint="Deploy the version that you want.",
            )
        return {"version": back}

    async def _tags(self, target: ServiceInputs, _key: str) -> Output:
        return {"versions": list(await self._commits(target.service))}

    async def _switch(self, target: SwitchInputs, key: str) -> Output:
        answer = await self._program.tell(
            "switch", target.service, target.environment, target.version, "--key", key
        )
        return _outcome(answer)

    async def _reconcile_switch(self, target: SwitchInputs, key: str) -> Output | None:
        answer = await self._program.ask(
            "applied", key, target.service, target.environment, within=_QUICK
        )
        return _outcome(answer) if answer else None

    async def _plan_switch(self, target: SwitchInputs) -> ActionPlan:
        live, commits = await asyncio.gather(self._live(target), self._commits(target.service))
        if target.version not in commits:
            raise Refused(
                f"{target.service} has no version {target.version}.",
                hint=_nearest(target.version, list(commits)),
            )
        version = str(live["version"])
        elsewhere = live.get("elsewhere")
        return ActionPlan(
            summary=f"Switch {target} from {version} to {target.version}.",
            changes=(
                Change(target=str(target), what="version", before=version, after=target.version),
            ),
            untouched=(
                *(
                    f"{target.service} in {place} ({runs})"
                    for place, runs in (elsewhere if isinstance(elsewhere, dict) else {}).items()
                ),
                f"the orders database of {target}",
            ),
            rollback=f"Switch {target} back to {version}.",
            before={
                "version": version,
                "commit of what runs": str(live["commit"]),
                f"commit of {target.version}": commits[target.version],
            },
        )

    async def _health(self, target: HealthInputs, _key: str) -> Output:
        live = await self._live(target)
        within = timedelta(seconds=target.within)
        found = await health(
            self._http(), f"{live['url'].rstrip('/')}/healthz", target.version, within
        )
        if not found.is_good:
            raise Refused(
                f"{target} {_words(found, target.version)}; it was given {target.within} s."
            )
        return {"status": found.status, "version": found.version}

    async def _probe(self, target: InstallationInputs, _key: str) -> Output:
        live = await self._live(target)
        begun = time.perf_counter()
        found = await probe(self._http(), f"{live['url'].rstrip('/')}/healthz")
        return {
            "is_good": found.is_good,
            "http_status": found.http_status,
            "status": found.status,
            "version": found.version,
            "fault": found.fault,
            "milliseconds": round(1000 * (time.perf_counter() - begun)),
        }

    async def _live(self, target: InstallationInputs) -> Mapping[str, Any]:
        live = await self._program.ask(
            "current", target.service, target.environment, within=_QUICK
        )
        if not all(isinstance(live.get(name), str) for name in ("version", "commit", "url")):
            raise Unavailable("The release program does not say what runs.")
        return live

    async def _commits(self, service: str) -> dict[str, str]:
        """The commit of each version, newest first."""
        answer = await self._program.ask("tags", service, within=_QUICK)
        return {str(e["version"]): str(e["commit"]) for e in _list(answer, "versions")}

    def _http(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(trust_env=False)
        return self._session


def ran_before(versions: Sequence[str]) -> str | None:
    """The version to roll back to, where *versions* ran one after the other; None for none.

    Going back to a version undoes all that was switched to since: what was rolled back, by a
    person or because it was broken, is never what somebody means by "the version before".
    """
    kept: list[str] = []
    for each in versions:
        if each in kept:
            del kept[kept.index(each) + 1 :]
        else:
            kept.append(each)
    return kept[-2] if len(kept) > 1 else None


def _words(found: Health, wanted: str) -> str:
    """What is wrong, to follow the name of the installation."""
    if found.fault:
        return found.fault
    if found.version != wanted:
        return f"answers as {found.version}, not as {wanted}"
    return f"answers {found.http_status} with status {found.status} as {found.version}"


def _nearest(version: str, versions: list[str]) -> str:
    """Which of *versions*, the newest first, to say instead of *version*."""
    likeness = {each: _likeness(version, each) for each in versions}
    close = [each for each in versions if likeness[each] >= _CLOSE_ENOUGH]
    if close:
        close.sort(key=likeness.__getitem__, reverse=True)
        return f"The nearest are {', '.join(close[:_NEAREST])}."
    return f"The newest are {', '.join(versions[:_NEAREST])}." if versions else ""


def _likeness(wanted: str, known: str) -> float:
    """Between 0 and 1; a beginning is as good as it gets."""
    return 1 if known.startswith(wanted) else OSA.normalized_similarity(wanted, known)


def _list(answer: Mapping[str, Any], name: str) -> list[Any]:
    value = answer.get(name)
    if not isinstance(value, list):
        raise Unavailable(f"The release program gives no {name}.")
    return value


def _outcome(answer: Mapping[str, Any]) -> Output:
    return {"version": str(answer["version"]), "at": str(answer["at"])}
