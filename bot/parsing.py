"""A typed line, bound to what a command takes. Pure.

    deploy shop v1.1.0 to prod --reason "PAY-812 refund fix"

Words fill the placeholders of the syntax line in order. One that may be left out is passed over
where the word is none of its values, but a later one's: `status prod`. `to`, `in`, `on`, `from`
and `with` may be left out, or name what follows out of order. `--name value`, `--name=value` and,
for a truth value, `--name` alone give an input by name. Quotes are those that keyboards and phones
make of them: "…", “…”, „…“, «…».
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
import re

from domain.errors import BadArguments, MissingArguments
from domain.field import Field, FieldType
from workflows.nearest import did_you_mean
from workflows.needed import as_needed, is_missing
from workflows.syntax import FILLERS, Placeholder, Syntax
from workflows.values import accepted, shown, words

LONGEST_LINE = 8000

_OPENING = '"\u201c\u201d\u201e\u00ab'
_CLOSING = '"\u201c\u201d\u00bb'
_FLAG = re.compile(r"(?:--|[\u2013\u2014])([A-Za-z][A-Za-z0-9_-]*)(=?)(.*)", re.DOTALL)
"""Phones write one long dash for two short ones."""

_PROSE = frozenset({FieldType.TEXT, FieldType.REST})
"""May have been written over several lines."""

Choices = Callable[[Field, Mapping[str, str]], Sequence[str] | None]
"""What there is to choose from for a field, given the values before it; None: anything of its
form."""


def head(line: str) -> tuple[str, str]:
    """The first word of *line*, and the rest; both empty for an empty line."""
    first, *rest = line.split(maxsplit=1) or [""]
    return first, rest[0].strip() if rest else ""


def bind(
    line: str, syntax: Syntax, fields: Sequence[Field], choices: Choices
) -> Mapping[str, str]:
    """What *line*, the command's name taken off, gives for *fields*; all that must be is there.

    Raises:
        BadArguments: something is missing, too much, given twice, or no value of its field.
    """
    return complete(given(line, syntax, fields, choices), syntax, fields, choices)


def bind_partly(
    line: str, syntax: Syntax, fields: Sequence[Field], choices: Choices
) -> Mapping[str, str]:
    """As `bind`, for a question about a command: what is missing is left out.

    Raises:
        BadArguments: as `bind`, but for what is missing.
    """
    return _accepted(given(line, syntax, fields, choices), fields, choices)


def complete(
    values: Mapping[str, str], syntax: Syntax, fields: Sequence[Field], choices: Choices
) -> Mapping[str, str]:
    """*values* as *fields* accept them, with the defaults of those that are not given.

    Raises:
        BadArguments: one is no value of its field.
        MissingArguments: one is missing, and the others fit.
    """
    bound = _accepted(values, fields, choices)
    for each in as_needed(fields, bound):
        if each.required and each.default is None and each.name not in values:
            sentence = is_missing(each)
            given = {name: text for name, text in bound.items() if name in values}
            raise MissingArguments(sentence, hint=_usage(syntax), values=given)
    return bound


def _anything(field: Field, before: Mapping[str, str]) -> None:
    """Nothing is known of what there is to choose from."""


def given(
    line: str, syntax: Syntax, fields: Sequence[Field], choices: Choices = _anything
) -> Mapping[str, str]:
    """The texts that *line* gives, by field name, as they were typed.

    Raises:
        BadArguments: a flag is unknown or has no value, a quote does not end; something is given
            twice, or too much.
    """
    if len(line) > LONGEST_LINE:
        raise BadArguments(f"That is longer than {LONGEST_LINE} characters.")
    return _Reader(line, syntax, {each.name: each for each in fields}, choices).read()


def _accepted(
    values: Mapping[str, str], fields: Sequence[Field], choices: Choices
) -> Mapping[str, str]:
    bound: dict[str, str] = {}
    for each in fields:
        text = values.get(each.name, each.default)
        if text is not None:
            if each.type in _PROSE:
                text = " ".join(text.splitlines())
            bound[each.name] = accepted(each, text, choices=choices(each, bound))
    return bound


def _usage(syntax: Syntax) -> str:
    return f"The command is `{syntax.text}`."


@dataclass(frozen=True, slots=True)
class _Word:
    text: str
    is_quoted: bool  #: then it is a value, whatever it looks like

    @property
    def flag(self) -> re.Match[str] | None:
        return None if self.is_quoted else _FLAG.fullmatch(self.text)


@dataclass(slots=True)
class _Reader:
    """Goes through one line, word by word."""

    line: str
    syntax: Syntax
    fields: Mapping[str, Field]
    choices: Choices
    values: dict[str, str] = field(default_factory=dict)
    at: int = 0

    def read(self) -> Mapping[str, str]:
        while self._is_more():
            free = self._free()
            if free is not None and free.takes_rest and not self._is_flag_next(free):
                self._put(free.name, self._rest(free))
                break
            self._take(self._word(), free)
        return self.values

    def _is_flag_next(self, free: Placeholder) -> bool:
        """Whether an input is given by name where words for *free* might begin.

        What takes a line as it was typed, such as another command, takes its flags, too.
        """
        if self.fields[free.name].type is FieldType.REST:
            return False
        begin = self.at
        flag = self._word().flag
        self.at = begin
        return flag is not None and flag[1].lower().replace("-", "_") in self.fields

    def _rest(self, free: Placeholder) -> str:
        """All that is left of the line; of words that are quoted as a whole, those within."""
        begin, rest = self.at, self.line[self.at :].strip()
        if self.fields[free.name].type is FieldType.REST or rest[0] not in _OPENING:
            return rest
        word = self._word()
        is_whole = not self._is_more()
        self.at = begin
        return word.text if is_whole else rest

    def _take(self, word: _Word, free: Placeholder | None) -> None:
        filler = "" if word.is_quoted else word.text.lower()
        marked = self.syntax.marks.get(filler)
        if word.flag:
            self._take_flag(word.flag)
        elif marked is not None and self._is_more():
            self._put(marked, self._word().text)
        elif marked is not None or (filler in FILLERS and self._is_more()):
            return  # it says nothing by itself
        elif free is not None:
            self._put(self._meant(word.text, free).name, word.text)
        else:
            quotes = ""
            if any(self.fields[name].flag_only for name in self.values):
                quotes = " Put several words in quotes."
            raise BadArguments(
                f"{shown(word.text)} is more than it takes.",
                hint=f"{_usage(self.syntax)}{quotes}",
            )

    def _take_flag(self, flag: re.Match[str]) -> None:
        name = flag[1].lower().replace("-", "_")
        if name not in self.fields:
            known = [f"--{each}" for each in self.fields]
            guess = did_you_mean(f"--{name}", known, limit=1)
            raise BadArguments(
                f"There is no {shown('--' + flag[1])} here.{guess}",
                hint=_usage(self.syntax),
            )
        if flag[2]:
            self._put(name, flag[3])
        elif self.fields[name].type is FieldType.BOOLEAN:
            self._put(name, "true")
        else:
            value = self._word() if self._is_more() else None
            if value is None or value.flag:
                raise BadArguments(
                    f"What comes after `--{flag[1]}`?", hint=f'Write `--{flag[1]} "…"`.'
                )
            self._put(name, value.text)

    def _put(self, name: str, text: str) -> None:
        if name in self.values:
            raise BadArguments(
                f"The {words(self.fields[name])} is given twice:"
                f" {shown(self.values[name])} and {shown(text)}."
            )
        self.values[name] = text

    def _free(self) -> Placeholder | None:
        """The next placeholder that nothing fills yet."""
        return next((p for p in self.syntax.placeholders if p.name not in self.values), None)

    def _meant(self, text: str, free: Placeholder) -> Placeholder:
        """*free*; but a later placeholder, where only that one has *text* among its values."""
        if free.is_required or self._is_listed(text, free) is not False:
            return free
        later = (p for p in self.syntax.placeholders if p.name not in self.values)
        return next((p for p in later if self._is_listed(text, p)), free)

    def _is_listed(self, text: str, place: Placeholder) -> bool | None:
        """Whether *text* is one of the values of *place*; None where there is no list of them."""
        listed = self.choices(self.fields[place.name], self.values)
        return None if listed is None else text.lower() in {each.lower() for each in listed}

    def _is_more(self) -> bool:
        while self.at < len(self.line) and self.line[self.at].isspace():
            self.at += 1
        return self.at < len(self.line)

    def _word(self) -> _Word:
        """The next word, its quotes taken off. A quote may also follow `--name=`."""
        text, begins_quoted = "", self.line[self.at] in _OPENING
        is_value = begins_quoted
        while self.at < len(self.line) and not self.line[self.at].isspace():
            if is_value and self.line[self.at] in _OPENING:
                text += self._quoted()
                is_value = False
                continue
            text += self.line[self.at]
            self.at += 1
            flag = _FLAG.fullmatch(text) if text.endswith("=") else None
            is_value = flag is not None and not flag[3]
        return _Word(text, begins_quoted)

    def _quoted(self) -> str:
        start, text = self.at, ""
        self.at += 1
        while self.at < len(self.line):
            sign, following = self.line[self.at], self.line[self.at + 1 : self.at + 2]
            if sign == "\\" and following in {'"', "\\"}:
                text += following
                self.at += 2
            elif sign in _CLOSING:
                self.at += 1
                return text
            else:
                text += sign
                self.at += 1
        raise BadArguments(f"The quote that begins at {shown(self.line[start:])} does not end.")
