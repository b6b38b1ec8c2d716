"""What starts a workflow besides people: the part of its file under `on`.

on:
schedule:
- cron: "30 7 * * 2"
timezone: Europe/Berlin
with: {service: shop, environment: staging}
owner: 00000000-0000-4000-8000-000000000001
channel: "19:ops@thread.tacv2"
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
import re
from typing import Any

from domain.actor import ObjectId
from domain.errors import BadArguments
from domain.field import Field
from domain.schedule import MAY_BE_LATE
from workflows.definition_reader import Reader
from workflows.nearest import did_you_mean
from workflows.values import accepted, words
from workflows.when import check_cron
from workflows.yaml_source import Place
from workflows.zones import zone

ON_KEYS = ("schedule",)
SCHEDULE_KEYS = ("cron", "timezone", "with", "owner", "channel", "late")
SCHEDULE_REQUIRED_KEYS = ("cron", "owner", "channel")
OBJECT_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
MOST_SCHEDULES = 20
LONGEST_LATE = timedelta(days=7)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scheduled:
    """One entry of `on: {schedule: […]}`: for whom the workflow is carried out, where and when."""

    cron: str
    owner: ObjectId  #: whose rights count
    channel: str  #: where its card is posted
    zone: str = ""  #: empty: that of the installation
    inputs: Mapping[str, str] = field(default_factory=dict)
    may_be_late: timedelta = MAY_BE_LATE


class On:
    """Reads that part."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    def schedules(self, data: Any, inputs: Sequence[Field]) -> tuple[Scheduled, ...]:
        """The schedules under `on`; where there are faults, as much of them as could be read."""
        entry = self._reader.mapping(("on",), data)
        self._reader.known_keys(("on",), entry, ON_KEYS)
        listed = entry.get("schedule")
        place = ("on", "schedule")
        if listed is None:
            return ()
        if not isinstance(listed, list):
            self._reader.fault(*place, sentence="`schedule` is a list of entries with a `cron`.")
            return ()
        if len(listed) > MOST_SCHEDULES:
            sentence = f"A workflow has at most {MOST_SCHEDULES} schedules."
            self._reader.fault(*place, sentence=sentence)
        known = {each.name: each for each in inputs}
        return tuple(
            self._entry((*place, index), each, known) for index, each in enumerate(listed)
        )

    def _entry(self, place: Place, data: Any, inputs: Mapping[str, Field]) -> Scheduled:
        if not isinstance(data, dict):
            self._reader.fault(*place, sentence="A schedule is a mapping with a `cron`.")
            data = {}
        self._reader.known_keys(place, data, SCHEDULE_KEYS)
        for key in SCHEDULE_REQUIRED_KEYS:
            if data and data.get(key) is None:
                self._reader.fault(*place, sentence=f"A schedule says its `{key}`.")
        texts = {
            key: self._reader.optional_text((*place, key), data.get(key))
            for key in ("cron", "timezone", "owner", "channel")
        }
        late = self._reader.duration((*place, "late"), data.get("late"))
        if late is not None and late > LONGEST_LATE:
            sentence = "What is missed runs within a week, or not at all."
            self._reader.fault(*place, "late", sentence=sentence)
        return Scheduled(
            cron=self._checked((*place, "cron"), texts["cron"], check_cron),
            zone=self._checked((*place, "timezone"), texts["timezone"], _zone),
            owner=ObjectId(self._owner((*place, "owner"), texts["owner"])),
            channel=texts["channel"],
            inputs=self._inputs((*place, "with"), data.get("with"), inputs),
            may_be_late=MAY_BE_LATE if late is None else late,
        )

    def _checked(self, place: Place, text: str, check: Callable[[str], str]) -> str:
        """*text* as *check* gives it; empty where it is not right."""
        try:
            return check(text) if text.strip() else ""
        except BadArguments as error:
            self._reader.fault(*place, sentence=error.words)
            return ""

    def _owner(self, place: Place, text: str) -> str:
        owner = text.lower()
        if owner and not OBJECT_ID.fullmatch(owner):
            sentence = "An owner is given by the object id in Entra: names can be changed."
            self._reader.fault(*place, sentence=sentence)
        return owner

    def _inputs(self, place: Place, data: Any, inputs: Mapping[str, Field]) -> dict[str, str]:
        """What is given for *inputs*: all that they need, and no expressions: nobody is asked."""
        given: dict[str, str] = {}
        for name, value in self._reader.mapping(place, data).items():
            if name not in inputs:
                guess = did_you_mean(name, list(inputs)) or f" There are {', '.join(inputs)}."
                self._reader.key_fault(
                    *place, name, sentence=f"The workflow has no input `{name}`.{guess}"
                )
                continue
            try:
                given[name] = accepted(inputs[name], _text(value))
            except BadArguments as error:
                self._reader.fault(*place, name, sentence=error.words)
        for each in inputs.values():
            if each.required and each.default is None and each.name not in (data or {}):
                at = place if data is not None else place[:-1]
                sentence = f"The {words(each)} is missing: nobody will be there to be asked."
                self._reader.fault(*at, sentence=sentence)
        return given


def _zone(name: str) -> str:
    return zone(name).key


def _text(value: Any) -> str:
    """A YAML scalar as somebody would type it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else str(value)
