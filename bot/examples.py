"""Lines that somebody could type: made of what there is, and read back before they are shown."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from bot.command import Command, choices
from bot.parsing import bind, head
from domain.errors import BadArguments
from domain.field import Field, FieldType, in_digits
from domain.ports import Catalogue
from workflows.syntax import Placeholder
from workflows.values import example

Place = tuple[str, str]
"""A service and an environment of it."""

A_RUN_ID = "k7f3q2ma"
"""What a run's id looks like, where there is no run to speak of."""

_WORDS = {"reason": "fixes the rounding", "comment": "checked the dashboards"}
"""What one might write into inputs that are everywhere the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Subjects:
    """What examples speak of besides places."""

    person: str  #: whom `can` is asked about
    lines: tuple[str, ...]  #: what `why` is asked about: examples themselves
    run_id: str


def examples(
    asked: Command, places: Sequence[Place], subjects: Subjects, catalogue: Catalogue
) -> tuple[str, ...]:
    """One or two lines for *asked*: the shortest, and one with all that its syntax line shows.

    The first is about the first of *places*, the second about the last. What would not be
    understood is left out.
    """
    spots = [place for place in places if all(place)] or [("", "")]
    last = replace(subjects, lines=subjects.lines[-1:])
    made = (
        _line(asked, spots[0], subjects, is_full=False),
        _line(asked, spots[-1], last, is_full=True),
    )
    return tuple(line for line in dict.fromkeys(made) if _is_understood(line, asked, catalogue))


def _line(asked: Command, place: Place, subjects: Subjects, *, is_full: bool) -> str:
    fields = {each.name: each for each in asked.fields}
    words = [asked.name]
    for each in asked.syntax.placeholders:
        if each.is_required or is_full:
            words += _placed(each, fields[each.name], place, subjects)
    flags = [each for each in asked.fields if each.flag_only and each.required]
    if is_full:
        flags += [each for each in asked.fields if each.flag_only and not each.required][:1]
    for flag in flags:
        words += _flag(flag, place, subjects)
    return " ".join(words)


def _placed(spot: Placeholder, each: Field, place: Place, subjects: Subjects) -> Iterator[str]:
    if spot.filler:
        yield spot.filler
    yield _typed(each, place, subjects)


def _flag(each: Field, place: Place, subjects: Subjects) -> Iterator[str]:
    yield f"--{each.name.replace('_', '-')}"
    if each.type is not FieldType.BOOLEAN:
        yield _typed(each, place, subjects)


def _typed(each: Field, place: Place, subjects: Subjects) -> str:
    """A value of *each* as one types it."""
    of_type = {
        FieldType.SERVICE: place[0],
        FieldType.ENVIRONMENT: place[1],
        FieldType.RUN: subjects.run_id,
        FieldType.REST: subjects.lines[0],
        FieldType.PERSON: _quoted(subjects.person),
    }
    if each.type in of_type:
        return of_type[each.type]
    usual = (each.default, *each.choices)
    if each.type is FieldType.NUMBER and each.minimum is not None:
        usual = (*usual, in_digits(each.minimum))
    usual = (*usual, *filter(None, (each.least, each.most)))
    if each.type is FieldType.TEXT:
        usual = (*usual, {**_WORDS, **_named(subjects)}.get(each.name))
    return next((_quoted(value) for value in usual if value is not None), example(each))


def _named(subjects: Subjects) -> Mapping[str, str]:
    """What goes into the inputs of `help` and `can`, by name."""
    return {"command": head(subjects.lines[0])[0], "person": subjects.person}


def _quoted(words: str) -> str:
    """*words* as one word of a line."""
    if words and not any(sign.isspace() or sign in '"\\' for sign in words):
        return words
    return '"' + words.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _is_understood(line: str, asked: Command, catalogue: Catalogue) -> bool:
    try:
        bind(head(line)[1], asked.syntax, asked.fields, choices(asked, catalogue))
    except BadArguments:
        return False
    return True
