"""The release program of the demo: it makes a git tag the version that runs.

`<state>/release.program` names the executable that starts it. What it answers, and how it ends,
is described in `connectors/release_program.py`.

A switch puts the tag's files beside those of other releases, swaps a link, restarts the process
under supervisord, waits until the version answers, and then writes one line to
`<state>/effects.jsonl`. Killed in the middle, it does the rest when it is asked again with the
same key; a key that was applied changes nothing.

To see what happens when a deploy is slow, write a number of seconds to `<state>/release.pause`
(it waits that long right before the swap) or to `<state>/release.pause_after` (after the line
was written, before it answers).
"""

import argparse
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
import json
from pathlib import Path
import shlex
import sys
import time
from typing import Any

from connectors.effect_record import EffectRecord, Entry
from domain.errors import Refused, Unavailable
from sandbox.services.answering import await_version
from sandbox.services.installation import Installation, installation, installations
from sandbox.services.repository import Repository
from sandbox.services.supervisord import ROOT, Supervisord

ACTION = "switch"
PATIENCE = timedelta(seconds=90)  #: for another switch of the same installation to end

_COMES_UP = timedelta(seconds=5)
_LONGEST_PAUSE = 60.0  #: seconds
_DONE, _REFUSED, _UNAVAILABLE = 0, 3, 4


class Releases:
    """The releases under one state folder."""

    def __init__(self, state: Path, now: Callable[[], datetime]) -> None:
        self._state = state
        self._root = state / "services"
        self._now = now
        self._record = EffectRecord(state / "effects.jsonl")

    def current(self, service: str, environment: str) -> dict[str, Any]:
        """What runs, where it answers, and what runs in the other environments."""
        here = installation(self._root, service, environment)
        live = here.release()
        return {
            "version": live.version,
            "commit": live.commit,
            "url": self._url(here),
            "elsewhere": {
                other.environment: other.release().version
                for other in installations(self._root)
                if other.service == service and other != here
            },
        }

    def history(self, service: str, environment: str) -> dict[str, Any]:
        """What has run, oldest first, up to what runs."""
        here = installation(self._root, service, environment)
        versions = [here.first_version, *(entry.version for entry in self._switches(here))]
        live = here.release().version
        if versions[-1] != live:  # a switch that was not finished
            versions.append(live)
        return {"versions": versions}

    def tags(self, service: str) -> dict[str, Any]:
        """The versions that there are, newest first."""
        commits = self._repository(service).commits()
        return {"versions": [{"version": v, "commit": c} for v, c in commits.items()]}

    def applied(self, key: str, service: str, environment: str) -> dict[str, Any]:
        """What *key* did; empty if it did nothing yet."""
        here = installation(self._root, service, environment)
        entry = self._applied(key, here)
        return _answer(entry) if entry else {}

    def switch(self, service: str, environment: str, version: str, key: str) -> dict[str, Any]:
        """Make *version* what runs, once per *key*.

        Raises:
            Refused: there is no such thing, or the key stands for something else.
            Unavailable: not now; the same key again does the rest.
        """
        here = installation(self._root, service, environment)
        with here.locked(PATIENCE):
            entry = self._applied(key, here)
            if entry is None:
                entry = self._carry_out(here, version, key)
            elif entry.version != version:
                raise Refused(f"That key switched {here} to {entry.version}, not to {version}.")
        self._pause("release.pause_after")
        return _answer(entry)

    def _carry_out(self, here: Installation, version: str, key: str) -> Entry:
        repository = self._repository(here.service)
        commit = repository.commits().get(version)
        if commit is None:
            raise Refused(f"{here.service} has no version {version}.")
        supervisord = Supervisord(Path((self._state / "supervisor.path").read_text().strip()))
        if here.process not in supervisord.states():
            raise Unavailable(f"supervisord does not run {here}.")
        release = repository.export(commit, version, self._root / "releases" / here.service)
        self._pause("release.pause")
        here.swap(release)
        supervisord.restart(here.process)
        # A release that never answers was switched to all the same; a health check tells it.
        await_version(self._url(here), version, _COMES_UP)
        return self._record.append(
            Entry(
                at=self._now().isoformat(timespec="milliseconds").replace("+00:00", "Z"),
                service=here.service,
                environment=here.environment,
                action=ACTION,
                version=version,
                key=key,
            )
        )

    def _applied(self, key: str, here: Installation) -> Entry | None:
        entry = self._record.find(ACTION, key)
        if entry and (entry.service, entry.environment) != (here.service, here.environment):
            raise Refused(f"That key switched {entry.service} in {entry.environment}.")
        return entry

    def _switches(self, here: Installation) -> list[Entry]:
        return [
            entry
            for entry in self._record.entries()
            if entry.action == ACTION
            and (entry.service, entry.environment) == (here.service, here.environment)
        ]

    def _repository(self, service: str) -> Repository:
        for known in installations(self._root):
            if known.service == service:
                return Repository(self._root / "git" / f"{service}.git")
        raise Refused(f"There is no {service} here.")

    def _url(self, here: Installation) -> str:
        for each in json.loads((self._state / "services.json").read_text()):
            if (each["service"], each["environment"]) == (here.service, here.environment):
                return str(each["url"])
        raise Unavailable(f"services.json does not say where {here} answers.")

    def _pause(self, name: str) -> None:
        try:
            seconds = float((self._state / name).read_text())
        except (FileNotFoundError, ValueError):
            return
        time.sleep(min(max(seconds, 0.0), _LONGEST_PAUSE))


def write_launcher(state: Path) -> None:
    """Make the program startable: an executable in *state*, and its path in `release.program`."""
    launcher = state.absolute() / "services" / "release"
    words = ["exec", sys.executable, "-P", "-m", "sandbox.release", str(state.absolute())]
    launcher.write_text(
        "#!/bin/sh\n"
        f"export PYTHONPATH={shlex.quote(str(ROOT))}\n"
        f'{" ".join(map(shlex.quote, words))} "$@"\n'
    )
    launcher.chmod(0o700)
    (state / "release.program").write_text(f"{launcher}\n")


def main(arguments: list[str]) -> int:
    """Carry out one command; its answer goes to standard output."""
    given = _parser().parse_args(arguments)
    releases = Releases(given.state, lambda: datetime.now(UTC))  # noqa: TID251 - the program's edge
    try:
        answer, code = _carry_out(releases, given), _DONE
    except Refused as refusal:
        answer, code = {"refused": str(refusal), "hint": refusal.hint}, _REFUSED
    except Unavailable as fault:
        answer, code = {"unavailable": str(fault)}, _UNAVAILABLE
    sys.stdout.write(json.dumps(answer) + "\n")
    try:
        sys.stdout.flush()
    except BrokenPipeError:  # who asked is gone; what was done is in the record
        sys.stderr.close()
    return code


def _carry_out(releases: Releases, given: argparse.Namespace) -> dict[str, Any]:
    match given.command:
        case "current":
            return releases.current(given.service, given.environment)
        case "history":
            return releases.history(given.service, given.environment)
        case "tags":
            return releases.tags(given.service)
        case "applied":
            return releases.applied(given.key, given.service, given.environment)
        case _:
            return releases.switch(given.service, given.environment, given.version, given.key)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="release", description="Switch services to a git tag.")
    parser.add_argument("state", type=Path)
    commands = parser.add_subparsers(dest="command", required=True)
    for name in ("current", "history"):
        command = commands.add_parser(name)
        command.add_argument("service")
        command.add_argument("environment")
    commands.add_parser("tags").add_argument("service")
    switch = commands.add_parser("switch")
    switch.add_argument("service")
    switch.add_argument("environment")
    switch.add_argument("version")
    switch.add_argument("--key", required=True)
    applied = commands.add_parser("applied")
    applied.add_argument("key")
    applied.add_argument("service")
    applied.add_argument("environment")
    return parser


def _answer(entry: Entry) -> dict[str, Any]:
    return {"version": entry.version, "at": entry.at}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
