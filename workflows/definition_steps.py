"""The steps of a workflow's file: what each does, when, and what comes of it."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from workflows.definition import Step, SubWorkflow
from workflows.definition_inputs import PART
from workflows.definition_reader import Reader
from workflows.nearest import did_you_mean
from workflows.parts import Approve, Canary, Limits, Notify, Retry, RetryOn, Undo, Until
from workflows.yaml_source import Place

KINDS = ("uses", "wait", "approve", "run", "notify")
"""What a step does: one of them."""

STEP_KEYS = (
    *("title", *KINDS, "with", "needs", "if", "for_each", "max_parallel", "limits", "canary"),
    *("timeout", "retry", "undo", "always", "outputs"),
)
RETRY_KEYS = ("attempts", "backoff", "on")
UNDO_KEYS = ("uses", "with")
UNTIL_KEYS = ("uses", "with", "until", "every", "timeout")
APPROVE_KEYS = ("by", "count", "expires", "escalate")
NOTIFY_KEYS = ("message", "to")
LIMITS_KEYS = ("max_targets", "max_percent", "of")
CANARY_KEYS = ("first", "wait", "approve")

MOST_STEPS = 100
MOST_ATTEMPTS = 20
MOST_VOTES = 10
_SHORTEST_BACKOFF = timedelta(milliseconds=100)
_SHORTEST_LOOK = timedelta(seconds=1)
_LATER_KEYS = frozenset({"secrets"})
"""Step keys of the language that this version does not carry out yet: refused, not ignored."""

_OF_KINDS: Mapping[str, frozenset[str]] = {
    "uses": frozenset({"with", "timeout", "retry", "undo", "outputs"}),
    "wait": frozenset({"outputs"}),
    "approve": frozenset(),
    "run": frozenset({"with"}),
    "notify": frozenset(),
}
"""The keys that not all kinds of steps have, by kind."""

_OF_SOME = frozenset[str]().union(*_OF_KINDS.values())
_OF_FANS = ("max_parallel", "limits", "canary")
_NEVER_ALWAYS = ("approve", "run", "undo", "for_each")


class Steps:
    """Reads the steps of one file."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    def read(self, data: Any) -> tuple[Step, ...]:
        """The steps in *data*, in their order."""
        entries = self._reader.mapping(("steps",), data)
        if data == {}:
            self._reader.fault("steps", sentence="A workflow has at least one step.")
        if len(entries) > MOST_STEPS:
            self._reader.fault("steps", sentence=f"A workflow has at most {MOST_STEPS} steps.")
        return tuple(
            self._step(("steps", name), name, self._reader.mapping(("steps", name), entry))
            for name, entry in entries.items()
        )

    def _step(self, place: Place, name: str, entry: Mapping[str, Any]) -> Step:
        if not PART.fullmatch(name):
            sentence = "A step's name is at most 40 lower-case letters, digits and `_`."
            self._reader.key_fault(*place, sentence=sentence)
        later = _LATER_KEYS & entry.keys()
        for key in later:
            sentence = f"`{key}` is not supported by this version."
            self._reader.key_fault(*place, key, sentence=sentence)
        self._reader.known_keys(place, [key for key in entry if key not in later], STEP_KEYS)
        self._check_kind(place, entry)
        self._check_fan(place, entry)
        timeout = self._reader.duration((*place, "timeout"), entry.get("timeout"))
        if timeout == timedelta():
            self._reader.fault(*place, "timeout", sentence="Nothing is done in no time.")
        uses, wait, run = (entry.get(key) for key in ("uses", "wait", "run"))
        return Step(
            name=name,
            title=self._reader.optional_text((*place, "title"), entry.get("title"))
            or name.replace("_", " ").capitalize(),
            uses=None if uses is None else self._reader.text((*place, "uses"), uses),
            arguments=self._reader.mapping((*place, "with"), entry.get("with")),
            needs=self._reader.texts((*place, "needs"), entry.get("needs")),
            timeout=timeout,
            retry=self._retry((*place, "retry"), entry.get("retry")),
            undo=self._undo((*place, "undo"), entry.get("undo")),
            wait=None if isinstance(wait, dict) else self._reader.duration((*place, "wait"), wait),
            until=self._until((*place, "wait"), wait) if isinstance(wait, dict) else None,
            approve=self._approve((*place, "approve"), entry.get("approve")),
            notify=self._notify((*place, "notify"), entry.get("notify")),
            run=None if run is None else SubWorkflow(name=self._text((*place, "run"), run)),
            condition=self._reader.condition((*place, "if"), entry.get("if")),
            for_each=self._items((*place, "for_each"), entry.get("for_each")),
            max_parallel=self._number((*place, "max_parallel"), entry.get("max_parallel")),
            limits=self._limits((*place, "limits"), entry.get("limits")),
            canary=self._canary((*place, "canary"), entry.get("canary")),
            always=self._reader.truth((*place, "always"), entry.get("always", False)),
            outputs=self._reader.mapping((*place, "outputs"), entry.get("outputs")),
        )

    # -- what fits with what --------------------------------------------------------------

    def _check_kind(self, place: Place, entry: Mapping[str, Any]) -> None:
        kinds = [key for key in KINDS if entry.get(key) is not None]
        if len(kinds) != 1:
            if not _LATER_KEYS & entry.keys():
                listed = ", ".join(f"`{each}`" for each in KINDS)
                self._reader.key_fault(*place, sentence=f"A step has one of {listed}.")
            return
        for key in sorted((_OF_SOME - _OF_KINDS[kinds[0]]) & entry.keys()):
            sentence = f"A step with `{kinds[0]}` has no `{key}`."
            self._reader.key_fault(*place, key, sentence=sentence)
        if entry.get("outputs") is not None and isinstance(entry.get("wait"), str):
            sentence = "A wait for some time gives nothing."
            self._reader.key_fault(*place, "outputs", sentence=sentence)
        if entry.get("always") is True:
            for key in _NEVER_ALWAYS:
                if entry.get(key) is not None:
                    sentence = f"What is done at the end, always, has no `{key}`."
                    self._reader.key_fault(*place, key, sentence=sentence)

    def _check_fan(self, place: Place, entry: Mapping[str, Any]) -> None:
        if entry.get("for_each") is not None:
            return
        for key in _OF_FANS:
            if entry.get(key) is not None:
                sentence = f"`{key}` is for a step with `for_each`."
                self._reader.key_fault(*place, key, sentence=sentence)

    # -- the parts ------------------------------------------------------------------------

    def _retry(self, place: Place, data: Any) -> Retry:
        entry = self._reader.mapping(place, data)
        self._reader.known_keys(place, entry, RETRY_KEYS)
        usual = Retry()
        attempts = self._number((*place, "attempts"), entry.get("attempts"), most=MOST_ATTEMPTS)
        backoff = self._reader.duration((*place, "backoff"), entry.get("backoff"))
        if backoff is not None and backoff < _SHORTEST_BACKOFF:
            sentence = "A pause of less than 100ms helps nobody."
            self._reader.fault(*place, "backoff", sentence=sentence)
        return Retry(
            attempts=usual.attempts if attempts is None else attempts,
            backoff=usual.backoff if backoff is None else backoff,
            on=self._retry_on((*place, "on"), entry["on"]) if "on" in entry else usual.on,
        )

    def _retry_on(self, place: Place, data: Any) -> tuple[RetryOn, ...]:
        known = [each.value for each in RetryOn]
        said = self._reader.texts(place, data)
        for index, each in enumerate(said):
            if each not in known:
                sentence = f"A step is tried again on {' or '.join(known)}."
                sentence += did_you_mean(each, known)
                self._reader.fault(*place, index, sentence=sentence)
        return tuple(each for each in RetryOn if each.value in said)

    def _undo(self, place: Place, data: Any) -> Undo | None:
        if data is None:
            return None
        entry = self._reader.mapping(place, data)
        self._reader.known_keys(place, entry, UNDO_KEYS)
        self._needed(place, data, "uses", "An undo says what it `uses`.")
        return Undo(
            uses=self._text((*place, "uses"), entry.get("uses")),
            arguments=self._reader.mapping((*place, "with"), entry.get("with")),
        )

    def _until(self, place: Place, entry: Mapping[str, Any]) -> Until:
        self._reader.known_keys(place, entry, UNTIL_KEYS)
        self._needed(place, entry, "uses", "A condition says what it `uses` to look.")
        self._needed(place, entry, "until", "A condition says `until` when to wait.")
        usual = Until(uses="", holds="")
        every = self._reader.duration((*place, "every"), entry.get("every"))
        timeout = self._reader.duration((*place, "timeout"), entry.get("timeout"))
        if every is not None and every < _SHORTEST_LOOK:
            self._reader.fault(*place, "every", sentence="Once a second is often enough.")
        return Until(
            uses=self._text((*place, "uses"), entry.get("uses")),
            holds=self._reader.condition((*place, "until"), entry.get("until")) or "",
            arguments=self._reader.mapping((*place, "with"), entry.get("with")),
            every=usual.every if every is None else every,
            timeout=usual.timeout if timeout is None else timeout,
        )

    def _approve(self, place: Place, data: Any) -> Approve | None:
        if data is None:
            return None
        entry = self._reader.mapping(place, data)
        self._reader.known_keys(place, entry, APPROVE_KEYS)
        self._needed(place, data, "by", "An approval says `by` which group.")
        usual = Approve(by="")
        count = self._number((*place, "count"), entry.get("count"), most=MOST_VOTES)
        expires = self._reader.duration((*place, "expires"), entry.get("expires"))
        if expires == timedelta():
            self._reader.fault(*place, "expires", sentence="Nobody can approve in no time.")
        return Approve(
            by=self._text((*place, "by"), entry.get("by")),
            count=usual.count if count is None else count,
            expires=usual.expires if expires is None else expires,
            escalate=self._text((*place, "escalate"), entry.get("escalate")),
        )

    def _notify(self, place: Place, data: Any) -> Notify | None:
        if data is None:
            return None
        if isinstance(data, str):
            return Notify(message=self._reader.text(place, data))
        entry = self._reader.mapping(place, data)
        self._reader.known_keys(place, entry, NOTIFY_KEYS)
        self._needed(place, data, "message", "A notification has a `message`.")
        return Notify(
            message=self._text((*place, "message"), entry.get("message")),
            to=self._text((*place, "to"), entry.get("to")),
        )

    def _limits(self, place: Place, data: Any) -> Limits | None:
        if data is None:
            return None
        entry = self._reader.mapping(place, data)
        self._reader.known_keys(place, entry, LIMITS_KEYS)
        percent = entry.get("max_percent")
        is_number = isinstance(percent, int | float) and not isinstance(percent, bool)
        most = 100
        if percent is not None and not (is_number and 0 < percent <= most):
            sentence = f"`max_percent` is a number up to {most}."
            self._reader.fault(*place, "max_percent", sentence=sentence)
            percent = None
        if (percent is None) != (entry.get("of") is None):
            sentence = "`max_percent` and `of` go together: how many percent of how many."
            self._reader.fault(*place, sentence=sentence)
        return Limits(
            max_targets=self._number((*place, "max_targets"), entry.get("max_targets")),
            max_percent=percent,
            of=entry.get("of"),
        )

    def _canary(self, place: Place, data: Any) -> Canary | None:
        if data is None:
            return None
        entry = self._reader.mapping(place, data)
        self._reader.known_keys(place, entry, CANARY_KEYS)
        if (entry.get("wait") is None) == (entry.get("approve") is None):
            sentence = "After a canary there is either a `wait` or an `approve`."
            self._reader.fault(*place, sentence=sentence)
        first = self._number((*place, "first"), entry.get("first"))
        return Canary(
            first=Canary().first if first is None else first,
            wait=self._reader.duration((*place, "wait"), entry.get("wait")),
            approve=self._approve((*place, "approve"), entry.get("approve")),
        )

    def _items(self, place: Place, data: Any) -> Any:
        if data is None:
            return None
        if isinstance(data, list) and not data:
            self._reader.fault(*place, sentence="There is nothing in this list to do it for.")
            return None
        return data if isinstance(data, list) else self._reader.condition(place, data)

    # -- small things ---------------------------------------------------------------------

    def _needed(self, place: Place, data: Any, key: str, sentence: str) -> None:
        if isinstance(data, dict) and data.get(key) is None:
            self._reader.fault(*place, sentence=sentence)

    def _text(self, place: Place, value: Any) -> str:
        return self._reader.optional_text(place, value)

    def _number(self, place: Place, value: Any, *, most: int = 1000) -> int | None:
        """A whole number from 1 to *most*; None where there is none."""
        if value is None:
            return None
        if isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= most:
            return value
        sentence = f"`{place[-1]}` is a number from 1 to {most}."
        self._reader.fault(*place, sentence=sentence)
        return None
