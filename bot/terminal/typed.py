"""What a typed line means. Pure."""

from dataclasses import dataclass
import re

_NUMBER = re.compile(r"(:?)([0-9]{1,4})", re.ASCII)

HELP = """\
A line            is said to the bot; in a channel it begins a new post
1 or :1           presses that button
> a line          is said in the thread of the latest card
:new              begins a new post with the next line; `:new a line` with this one
:as NAME          be somebody else
:in CONVERSATION  go to a channel, to the group chat, or to `chat`, the one with the bot
:help             shows this
:quit             ends it; so does Ctrl-D\
"""


@dataclass(frozen=True, slots=True)
class Say:
    """To the bot: an answer where one is expected, else something new."""

    text: str


@dataclass(frozen=True, slots=True)
class Answer:
    """In the thread of the latest card."""

    text: str


@dataclass(frozen=True, slots=True)
class Begin:
    """A new post; an empty text is one that follows."""

    text: str


@dataclass(frozen=True, slots=True)
class Press:
    """A button."""

    number: int
    text: str  #: as it was typed
    is_certain: bool  #: with a colon it can mean nothing else


@dataclass(frozen=True, slots=True)
class Become:
    """Somebody else; an empty name asks who there is."""

    name: str


@dataclass(frozen=True, slots=True)
class Enter:
    """Another conversation; an empty name asks which there are."""

    name: str


@dataclass(frozen=True, slots=True)
class Help:
    """How all this goes."""


@dataclass(frozen=True, slots=True)
class Quit:
    """Enough."""


@dataclass(frozen=True, slots=True)
class Unknown:
    """A word with a colon that means nothing."""

    word: str


Typed = Say | Answer | Begin | Press | Become | Enter | Help | Unknown
"""What there is to do."""


def typed(line: str) -> Typed | Quit | None:
    """What *line* means; None where nothing is said."""
    text = line.strip()
    if number := _NUMBER.fullmatch(text):
        return Press(int(number[2]), text, is_certain=bool(number[1]))
    if text.startswith(":"):
        return _command(text)
    is_answer = text.startswith(">")
    words = text.removeprefix(">").lstrip()
    if not words:
        return None
    return Answer(words) if is_answer else Say(words)


def _command(text: str) -> Typed | Quit:
    word, _, rest = text.partition(" ")
    first = rest.strip()
    known: dict[str, Typed | Quit] = {
        ":as": Become(first),
        ":help": Help(),
        ":in": Enter(first),
        ":new": Begin(first),
        ":quit": Quit(),
    }
    return known.get(word.lower(), Unknown(word))
