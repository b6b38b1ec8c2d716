"""Reads the parts that all definition files are made of, and collects what is wrong with them."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from workflows.durations import parse as parse_duration
from workflows.nearest import did_you_mean
from workflows.yaml_source import Fault, Place, Source


class Reader:
    """One file, and its faults so far."""

    def __init__(self, source: Source) -> None:
        self.data = source.data
        self.faults: list[Fault] = []
        self._source = source

    def fault(self, *place: str | int, sentence: str) -> None:
        """Note what is wrong with the value at *place*."""
        self.faults.append(self._source.fault(*place, sentence=sentence))

    def key_fault(self, *place: str | int, sentence: str) -> None:
        """Note what is wrong with the key at *place*."""
        self.faults.append(self._source.key_fault(*place, sentence=sentence))

    def known_keys(self, place: Place, keys: Iterable[str], known: tuple[str, ...]) -> None:
        """Note each of *keys* that is none of *known*."""
        for key in keys:
            if key not in known:
                guess = did_you_mean(key, known) or f" There are {', '.join(known)}."
                sentence = f"`{key}` is no key here.{guess}"
                self.key_fault(*place, key, sentence=sentence)

    def mapping(self, place: Place, value: Any) -> dict[str, Any]:
        """The mapping at *place*; an empty one where there is none."""
        if value is None:
            return {}
        if isinstance(value, dict):
            return value
        self.fault(*place, sentence=f"`{place[-1]}` is a mapping: `name: value`.")
        return {}

    def texts(self, place: Place, value: Any) -> tuple[str, ...]:
        """The list of texts at *place*; an empty one where there is none."""
        if value is None:
            return ()
        if isinstance(value, list):
            return tuple(self.text((*place, index), each) for index, each in enumerate(value))
        self.fault(*place, sentence=f"`{place[-1]}` is a list: `[one, two]`.")
        return ()

    def text(self, place: Place, value: Any) -> str:
        """The text at *place*; empty where something else is there."""
        if not isinstance(value, str):
            self.fault(*place, sentence="This is a text; put it in quotes.")
            return ""
        if not value.strip():
            self.fault(*place, sentence="This is empty.")
        return value

    def optional_text(self, place: Place, value: Any) -> str:
        """As `text`, and empty where *value* is None."""
        return "" if value is None else self.text(place, value)

    def condition(self, place: Place, value: Any) -> str | None:
        """The condition at *place*, one expression and nothing else; None where there is none.

        What is written around an expression makes a text of it, which would always be true.
        """
        if value is None:
            return None
        said = self.text(place, value).strip()
        if said and not (said.startswith("${") and said.endswith("}")):
            sentence = f"A condition is one expression: `${{ {said[:40]} }}`."
            self.fault(*place, sentence=sentence)
            return None
        return said

    def duration(self, place: Place, value: Any) -> timedelta | None:
        """The duration at *place*; None where there is none."""
        if value is None:
            return None
        try:
            return parse_duration(str(value))
        except ValueError as error:
            self.fault(*place, sentence=str(error))
            return None

    def truth(self, place: Place, value: Any) -> bool:
        """The truth value at *place*; false where something else is there."""
        if not isinstance(value, bool):
            self.fault(*place, sentence=f"`{place[-1]}` is true or false.")
            return False
        return value
