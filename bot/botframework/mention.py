"""What was typed, without the mention of us, as plain text.

The SDK's `remove_recipient_mention` removes the bot's name wherever it occurs: a bot called "e"
reads `release everything` as `rlas vrything`.
https://learn.microsoft.com/microsoftteams/platform/bots/how-to/conversations/channel-and-group-conversations#work-with-mentions
"""

from collections.abc import Iterator, Mapping
from html import unescape
import re
from typing import Any

# Bounded repeats without `<` inside: linear on hostile text.
_AT = re.compile(r"<at\b[^<>]{0,200}>([^<>]{0,400})</at>", re.IGNORECASE)
_SPACES = str.maketrans(dict.fromkeys("\u00a0\u2007\u202f", " "))


def without_us(text: str, entities: Any, bot_id: str) -> tuple[str, bool]:
    """*text* as plain text without the mentions of *bot_id*, and whether there was one.

    *entities* is the activity's field as it came. Others' mentions stay as their names.
    """
    is_mentioned = False
    for entity in _mentions(entities, bot_id):
        is_mentioned = True
        text = _cut(text, entity)
    plain = _AT.sub(lambda tag: tag[1], text)
    return unescape(plain).translate(_SPACES).strip(), is_mentioned


def _mentions(entities: Any, bot_id: str) -> Iterator[Mapping[str, Any]]:
    for entity in entities if isinstance(entities, list) else []:
        if not isinstance(entity, Mapping) or entity.get("type") != "mention":
            continue
        mentioned = entity.get("mentioned")
        if isinstance(mentioned, Mapping) and mentioned.get("id") == bot_id:
            yield entity


def _cut(text: str, entity: Mapping[str, Any]) -> str:
    """*text* without the first occurrence of what *entity* says it is about."""
    words = entity.get("text")
    if not isinstance(words, str) or not words:
        return text
    start = text.find(words)
    if start >= 0:
        return _join(text[:start], text[start + len(words) :])
    # Some clients number the tags in the text, not in the entity: `<at id="0">`.
    name = _name(words)
    for tag in _AT.finditer(text):
        if tag[1] == name:
            return _join(text[: tag.start()], text[tag.end() :])
    return text


def _name(words: str) -> str:
    tag = _AT.fullmatch(words)
    return tag[1] if tag else words


def _join(before: str, after: str) -> str:
    """Both sides of what was cut, apart: a mention ends a word."""
    return f"{before.rstrip(' ')} {after.lstrip(' ')}"
