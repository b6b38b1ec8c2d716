"""How a reply is put: sentences as Markdown without anybody's markup, and invokes' answers."""

from collections.abc import Iterable, Mapping
import re
from typing import Any

from bot.inbound import InvokeAnswer
from cards.text import escape, plain
from domain.command import Text
from domain.field import Choice

_LONGEST = 2000

_PART = r"""
    [A-Za-z0-9][\w.-]*                                  # a word
  | [0-9]{1,2}:[0-9]{2}                                 # a time
  | [A-Z][A-Za-z]+/[A-Z][A-Za-z_]+                      # a time zone
  | \*                                                  # any, in a cron line
  | --[A-Za-z][A-Za-z0-9_-]*                            # a flag
  | "[\w\ .…-]*"                                        # a value of several words
  | <[a-z][a-z0-9_]*…?>                                 # what must be given
  | \[(?:[a-z]+\ )?[a-z][a-z0-9_]*…?\]                  # what may be
  | \[--[a-z][a-z0-9_-]*(?:\ [a-z0-9]+|\ …|\ "[\w\ .…-]*")?\]  # the same, by name
"""
_HARMLESS = re.compile(
    rf"(?<!`)`(?:[A-Za-z0-9][A-Za-z0-9 _.-]{{0,60}}|(?:{_PART})(?:\ (?:{_PART})){{0,30}})`(?!`)",
    re.ASCII | re.VERBOSE,
)
"""What may stay code: nothing in it could be a link, a mention or the end of the code.

A name, a line that can be typed, or a syntax line.
"""
_LONGEST_CODE = 300

CARD = "application/vnd.microsoft.card.adaptive"
WORDS = "application/vnd.microsoft.activity.message"
"""https://learn.microsoft.com/adaptive-cards/authoring-cards/universal-action-model#response-format"""


def text(*sentences: str) -> Text:
    """*sentences* as a reply, each a paragraph. They may repeat what somebody typed."""
    return Text("\n\n".join(map(markdown, sentences)))


def markdown(sentence: str) -> str:
    """*sentence* as Markdown that reads as it was written; names in backticks become code."""
    return "".join(_parts(sentence))


def card_answer(card: Mapping[str, Any]) -> InvokeAnswer:
    """The answer to a press that puts *card* in the pressed one's place."""
    return _answer(CARD, card)


def words_answer(words: str) -> InvokeAnswer:
    """The answer to a press that is told in *words*, Markdown, to whoever pressed."""
    return _answer(WORDS, words)


def window_answer(title: str, card: Mapping[str, Any]) -> InvokeAnswer:
    """The answer that opens a Teams dialog with *card*, or puts it into the open one.

    https://learn.microsoft.com/microsoftteams/platform/task-modules-and-cards/task-modules/task-modules-bots#respond-to-the-user-submission
    """
    attachment = {"contentType": CARD, "content": card}
    value = {"title": title, "height": "medium", "width": "medium", "card": attachment}
    return InvokeAnswer(body={"task": {"type": "continue", "value": value}})


def window_words(words: str) -> InvokeAnswer:
    """The answer that closes a Teams dialog and says *words*, which are no Markdown."""
    return InvokeAnswer(body={"task": {"type": "message", "value": words}})


def found_answer(found: Iterable[Choice]) -> InvokeAnswer:
    """The answer to somebody who types into a field: what there is to choose.

    https://learn.microsoft.com/microsoftteams/platform/task-modules-and-cards/cards/dynamic-search#response-format
    """
    results = [{"title": plain(each.title), "value": each.value} for each in found]
    kind = "application/vnd.microsoft.search.searchResponse"
    return _answer(kind, {"results": results})


def _answer(kind: str, value: Any) -> InvokeAnswer:
    return InvokeAnswer(status=200, body={"statusCode": 200, "type": kind, "value": value})


def _parts(sentence: str) -> list[str]:
    parts: list[str] = []
    at = 0
    for code in _HARMLESS.finditer(sentence):
        # Without "<": whoever does not know code would take what follows for a tag.
        parts += [_escaped(sentence[at : code.start()]), plain(code.group(), limit=_LONGEST_CODE)]
        at = code.end()
    return [*parts, _escaped(sentence[at:])]


def _escaped(part: str) -> str:
    """*part* escaped, with the spaces at its ends, as it stands beside others."""
    body = escape(part, limit=_LONGEST)
    if not body:
        return " " if part else ""
    before = " " if part[0].isspace() else ""
    after = " " if part[-1].isspace() else ""
    return f"{before}{body}{after}"
