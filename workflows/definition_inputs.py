"""The inputs of a workflow's file: what they take, and how they are asked for."""

from collections.abc import Mapping
from dataclasses import replace
import re
from typing import Any

from domain.errors import BadArguments
from domain.field import ChoicesFrom, Field, FieldType
from workflows.definition_reader import Reader
from workflows.expressions import ExpressionFault, matches
from workflows.nearest import did_you_mean
from workflows.values import SEPARATOR, accepted
from workflows.yaml_source import Place

INPUT_KEYS = (
    *("type", "description", "required", "required_if", "default", "choices", "choices_from"),
    *("pattern", "min", "max", "multiline"),
)
CHOICES_KEYS = ("uses", "with", "list")
_CHOOSING = frozenset({FieldType.CHOICE, FieldType.MULTI_CHOICE})
_LISTED = _CHOOSING | {FieldType.TEXT, FieldType.VERSION}  #: what a live list may offer
_BOUNDED = frozenset({FieldType.DATE, FieldType.TIME, FieldType.DURATION})
HELD_BACK = frozenset({FieldType.REST})  #: what only built-in commands take
_RESERVED_INPUTS = frozenset({"t", "verb"})  #: what a card's button carries beside its inputs

PART = re.compile(r"[a-z][a-z0-9_]{0,39}")
"""What an input or a step is called."""


class Inputs:
    """Reads the inputs of one file."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    def read(self, data: Any) -> tuple[Field, ...]:
        """The inputs in *data*, in their order."""
        entries = self._reader.mapping(("inputs",), data)
        return tuple(
            self._input(("inputs", name), name, self._reader.mapping(("inputs", name), entry))
            for name, entry in entries.items()
        )

    def _input(self, place: Place, name: str, entry: Mapping[str, Any]) -> Field:
        if not PART.fullmatch(name):
            sentence = "An input's name is at most 40 lower-case letters, digits and `_`."
            self._reader.key_fault(*place, sentence=sentence)
        elif name in _RESERVED_INPUTS:
            self._reader.key_fault(*place, sentence=f"`{name}` is what buttons carry: rename it.")
        self._reader.known_keys(place, entry, INPUT_KEYS)
        kind = self._kind(place, entry.get("type", "text"))
        choices = self._reader.texts((*place, "choices"), entry.get("choices"))
        choices_from = self._choices_from((*place, "choices_from"), entry.get("choices_from"))
        self._check_choices(place, kind, choices, choices_from)
        required_if = self._required_if((*place, "required_if"), entry)
        required = entry.get("required", "default" not in entry and required_if is None)
        if not isinstance(required, bool):
            self._reader.fault(*place, "required", sentence="`required` is true or false.")
            required = True
        field = Field(
            name=name,
            type=kind,
            description=self._reader.optional_text(
                (*place, "description"), entry.get("description")
            ),
            required=required,
            required_if=required_if,
            choices=choices,
            choices_from=choices_from,
            pattern=self._pattern(place, entry.get("pattern")),
            minimum=self._limit(place, "min", kind, entry),
            maximum=self._limit(place, "max", kind, entry),
            multiline=self._multiline(place, kind, entry),
        )
        field = replace(
            field,
            least=self._bound(place, "min", field, entry),
            most=self._bound(place, "max", field, entry),
        )
        low, high = field.minimum, field.maximum
        is_empty = low is not None and high is not None and low > high
        if is_empty or (field.most is not None and not _accepts(field, field.most)):
            self._reader.fault(*place, "max", sentence="`max` is less than `min`.")
        return self._with_default(place, field, entry)

    def _required_if(self, place: Place, entry: Mapping[str, Any]) -> str | None:
        """The condition under which the input is required; None where there is none."""
        condition = self._reader.condition(place, entry.get("required_if"))
        for key in ("required", "default") if condition is not None else ():
            if key in entry:
                sentence = f"`required_if` says when it is required: leave out `{key}`."
                self._reader.key_fault(*place[:-1], key, sentence=sentence)
        return condition

    def _check_choices(
        self,
        place: Place,
        kind: FieldType,
        choices: tuple[str, ...],
        choices_from: ChoicesFrom | None,
    ) -> None:
        if choices and choices_from:
            sentence = "What is to choose stands in `choices` or comes from `choices_from`."
            self._reader.fault(*place, sentence=sentence)
        elif kind in _CHOOSING and not choices and not choices_from:
            self._reader.fault(*place, sentence="A choice needs `choices`, or `choices_from`.")
        elif choices and kind not in _CHOOSING:
            sentence = "Only an input of the type `choice` or `multi_choice` has `choices`."
            self._reader.fault(*place, sentence=sentence)
        elif choices_from and kind not in _LISTED:
            listed = ", ".join(f"`{each}`" for each in sorted(_LISTED))
            sentence = f"`choices_from` is for inputs of the type {listed}."
            self._reader.fault(*place, "choices_from", sentence=sentence)
        if kind is FieldType.MULTI_CHOICE:
            for index, each in enumerate(choices):
                if SEPARATOR in each:
                    sentence = "A comma parts several choices, so none has one in it."
                    self._reader.fault(*place, "choices", index, sentence=sentence)

    def _choices_from(self, place: Place, data: Any) -> ChoicesFrom | None:
        if data is None:
            return None
        entry = self._reader.mapping(place, data)
        self._reader.known_keys(place, entry, CHOICES_KEYS)
        for key in ("uses", "list"):
            if isinstance(data, dict) and entry.get(key) is None:
                self._reader.fault(*place, sentence=f"Live choices need `{key}`.")
        return ChoicesFrom(
            uses=self._reader.optional_text((*place, "uses"), entry.get("uses")),
            arguments=self._reader.mapping((*place, "with"), entry.get("with")),
            list=self._reader.optional_text((*place, "list"), entry.get("list")),
        )

    def _limit(
        self, place: Place, key: str, kind: FieldType, entry: Mapping[str, Any]
    ) -> float | None:
        value = entry.get(key)
        if value is None or kind in _BOUNDED:
            return None
        if kind is not FieldType.NUMBER:
            sentence = f"Only a number, a date, a time or a duration has a `{key}`."
            self._reader.fault(*place, key, sentence=sentence)
            return None
        if isinstance(value, bool) or not isinstance(value, int | float):
            self._reader.fault(*place, key, sentence=f"`{key}` is a number.")
            return None
        return float(value)

    def _bound(self, place: Place, key: str, field: Field, entry: Mapping[str, Any]) -> str | None:
        """The first, or the last, value of a date, a time or a duration."""
        value = entry.get(key)
        if value is None or field.type not in _BOUNDED:
            return None
        try:
            return accepted(replace(field, name=key, pattern=None), str(value))
        except BadArguments as error:
            self._reader.fault(*place, key, sentence=str(error))
            return None

    def _multiline(self, place: Place, kind: FieldType, entry: Mapping[str, Any]) -> bool:
        value = entry.get("multiline", False)
        if not isinstance(value, bool):
            self._reader.fault(*place, "multiline", sentence="`multiline` is true or false.")
            return False
        if value and kind is not FieldType.TEXT:
            self._reader.fault(*place, "multiline", sentence="Only a text may be `multiline`.")
        return bool(value)

    def _kind(self, place: Place, value: Any) -> FieldType:
        known = [each.value for each in FieldType if each not in HELD_BACK]
        if value in known:
            return FieldType(value)
        guess = did_you_mean(str(value), known)
        listed = ", ".join(known)
        sentence = f"There is no type `{value}`: {listed}.{guess}"
        self._reader.fault(*place, "type", sentence=sentence)
        return FieldType.TEXT

    def _pattern(self, place: Place, value: Any) -> str | None:
        if value is None:
            return None
        pattern = self._reader.text((*place, "pattern"), value)
        try:
            matches(pattern, "")
        except ExpressionFault as fault:
            self._reader.fault(*place, "pattern", sentence=str(fault))
            return None
        return pattern

    def _with_default(self, place: Place, field: Field, entry: Mapping[str, Any]) -> Field:
        """*field* with the default in *entry*; a field that has one may be left out."""
        default = entry.get("default")
        if default is None:
            return field
        if entry.get("required") is True:
            sentence = "What has a default is not required: leave out one of the two."
            self._reader.fault(*place, "required", sentence=sentence)
        if isinstance(default, dict | list):
            self._reader.fault(*place, "default", sentence="A default is one value.")
            return field
        text = str(default).lower() if isinstance(default, bool) else str(default)
        try:
            return replace(field, required=False, default=accepted(field, text))
        except BadArguments as error:
            self._reader.fault(*place, "default", sentence=str(error))
            return field


def _accepts(field: Field, text: str) -> bool:
    try:
        accepted(replace(field, pattern=None), text)
    except BadArguments:
        return False
    return True
