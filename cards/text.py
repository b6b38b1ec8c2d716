"""Words from outside, made safe to stand in a card.

A reason, a comment, a log line or a name may hold Markdown, HTML, a forged mention, a date macro,
terminal codes or characters that turn the line around. In a card they are letters, no more.
"""

import re
import unicodedata

LIMIT = 300
"""How many characters of a foreign text a card shows, unless told otherwise."""

_TERMINAL = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]"  # colours, cursor: ECMA-48 §5.4
    r"|\x1b\][^\x07\x1b\n]{0,2000}(?:\x07|\x1b\\)"  # window titles, links
    r"|\x9b[0-?]*[ -/]*[@-~]"
)

_INVISIBLE = frozenset("\u115f\u1160\u3164\uffa0\u2800\u034f")
"""Letters by category, blank on screen: Hangul fillers, the empty Braille cell, a joiner."""

_ANGLES = str.maketrans("<>", "\u2039\u203a")
"""Where `speak` is taken for SSML, "<" would begin a tag; these look alike and begin nothing."""

_ALWAYS = re.compile(r"[\\`*_\[\]{}<&|~]")
_LEADING = re.compile(r"^(?:[#>]|[-+](?=[-+\s]|$)|\d{1,9}(?=[.)](?:\s|$)))")
_HALF_ESCAPE = re.compile(r"(?<!\\)((?:\\\\)*)\\$")
_LINKABLE = re.compile(r"(?<=\w)\.(?=[^\W\d_])|(?<=\S)@(?=\S)|/(?=/)")


def escape(untrusted: str, *, limit: int = LIMIT) -> str:
    """*untrusted* as Markdown that reads exactly as it was written, on one line.

    What Markdown would take for a sign is escaped where it would be one, and nowhere else: not
    every client hides every backslash. No link, no mention, no macro, no HTML comes of it. *limit*
    counts the backslashes too: it bounds the card.
    """
    text = _LINKABLE.sub(r"\\\g<0>", _ALWAYS.sub(r"\\\g<0>", clean(untrusted, limit=limit)))
    text = _LEADING.sub(_escape_leading, text)
    return (
        text if len(text) <= limit else _HALF_ESCAPE.sub(r"\1", text[: limit - 1]).rstrip() + "…"
    )


def plain(untrusted: str, *, limit: int = LIMIT) -> str:
    """*untrusted* for a place that knows no Markdown: a badge, a button, spoken words."""
    return cut(clean(untrusted, limit=limit).translate(_ANGLES).replace("{{", "{ {"), limit)


def clean(untrusted: str, *, limit: int = LIMIT) -> str:
    """*untrusted* on one line, without what cannot be seen, at most *limit* characters."""
    return cut(" ".join(_visible(untrusted[: 8 * limit]).split()), limit)


def clean_line(untrusted: str, *, limit: int = LIMIT) -> str:
    """As `clean`, with its indentation: a line of a log."""
    return cut(_visible(untrusted[: 8 * limit]).expandtabs(4).rstrip(), limit)


def cut(text: str, limit: int) -> str:
    """*text*, ended with "…" where it is longer than *limit* characters."""
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"


def _visible(text: str) -> str:
    if text.isascii() and text.isprintable():  # most texts: nothing to look for
        return text
    return "".join(_shown(char) for char in _TERMINAL.sub("", text))


def _shown(char: str) -> str:
    if char in "\t ":
        return char
    match unicodedata.category(char):
        case "Zl" | "Zp" | "Zs":
            return " "
        case "Cc":
            return " " if char in "\n\r\x0b\x0c\x85" else ""
        case "Cf" | "Cs" | "Co":  # bidi, zero-width and tag characters; lone surrogates
            return ""
        case _:
            return "" if char in _INVISIBLE else char


def _escape_leading(sign: re.Match[str]) -> str:
    found = sign.group()
    return f"{found}\\" if found.isdigit() else f"\\{found}"
