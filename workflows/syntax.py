"""A command's syntax line: `deploy <service> <version> to <environment> [--reason "…"]`.

`<x>` must be given and `[x]` may be; `<x…>` takes the rest of the line. A filler word before a
placeholder marks it; people may leave fillers out, or use one to name what follows out of order.
`--x`, or `--x "…"`, is an input that is given by name.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
import re

FILLERS = ("to", "in", "on", "from", "with")

_TOKEN = re.compile(r'\[[^\[\]]*\]|--\S+ "…"|\S+')
_NAME = re.compile(r"[a-z][a-z0-9_-]*")
_FLAG = re.compile(r"--([a-z][a-z0-9_-]*)(?: .*)?")
_REQUIRED = re.compile(r"<([a-z][a-z0-9_]*)(…|\.\.\.)?>")
_OPTIONAL = re.compile(
    rf"(?:({'|'.join(FILLERS)}) +)?(?:<([a-z][a-z0-9_]*)(…|\.\.\.)?>|([a-z][a-z0-9_]*)(…|\.\.\.)?)"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Placeholder:
    """An input that is given by position."""

    name: str
    filler: str | None = None  #: the word before it, if any
    is_required: bool = True
    takes_rest: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Syntax:
    """A syntax line, taken apart."""

    text: str
    name: str
    placeholders: tuple[Placeholder, ...] = ()
    flags: tuple[str, ...] = ()  #: names of inputs, so with `_` for `-`

    @property
    def marks(self) -> Mapping[str, str]:
        """The filler words, each with the placeholder that it announces."""
        return {p.filler: p.name for p in self.placeholders if p.filler}

    def only(self, names: Collection[str]) -> "Syntax":
        """The same line with no other inputs than *names*."""
        return replace(
            self,
            placeholders=tuple(each for each in self.placeholders if each.name in names),
            flags=tuple(each for each in self.flags if each in names),
        )


def parse(text: str) -> Syntax:
    """The parts of the syntax line *text*.

    Raises:
        ValueError: it is none; the message is a sentence.
    """
    name, _, rest = text.strip().partition(" ")
    if not _NAME.fullmatch(name):
        raise ValueError("A command begins with its name.")
    placeholders: list[Placeholder] = []
    flags: list[str] = []
    filler: str | None = None
    for token in _TOKEN.findall(rest):
        inside = token[1:-1].strip() if token.startswith("[") and token.endswith("]") else None
        if flag := _FLAG.fullmatch(token if inside is None else inside):
            flags.append(flag[1].replace("-", "_"))
        elif inside is None and token in FILLERS and filler is None:
            filler = token
        else:
            placeholders.append(_placeholder(token, inside, filler))
            filler = None
    if filler:
        raise ValueError(f"`{filler}` stands before nothing.")
    _check_order(placeholders, flags)
    return Syntax(
        text=" ".join(text.split()),
        name=name,
        placeholders=tuple(placeholders),
        flags=tuple(flags),
    )


def _placeholder(token: str, inside: str | None, filler: str | None) -> Placeholder:
    if inside is None:
        if match := _REQUIRED.fullmatch(token):
            return Placeholder(name=match[1], filler=filler, takes_rest=bool(match[2]))
    elif match := _OPTIONAL.fullmatch(inside):
        return Placeholder(
            name=match[2] or match[4],
            filler=match[1] or filler,
            is_required=False,
            takes_rest=bool(match[3] or match[5]),
        )
    raise ValueError(
        f"`{token}` is not part of a syntax line: write <name>, [name], --name,"
        f" or one of {', '.join(FILLERS)}."
    )


def _check_order(placeholders: list[Placeholder], flags: list[str]) -> None:
    names = [*(p.name for p in placeholders), *flags]
    fillers = [p.filler for p in placeholders if p.filler]
    for each in (*names, *fillers):
        if names.count(each) > 1 or fillers.count(each) > 1:
            raise ValueError(f"`{each}` stands there twice.")
    for before, after in pairwise(placeholders):
        if before.takes_rest:
            raise ValueError(f"`{before.name}` takes the rest of the line, so it comes last.")
        if after.is_required and not before.is_required:
            raise ValueError(f"`{before.name}` may be left out, so it comes after `{after.name}`.")
