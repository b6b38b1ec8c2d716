"""What the bot's answers to invokes mean to the person who pressed or searched. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from http import HTTPStatus
from typing import Any

from sandbox.channel.bot_line import Answer
from sandbox.channel.message import CARD

WORDS = "application/vnd.microsoft.activity.message"
RESULTS = "application/vnd.microsoft.search.searchResponse"

_UNREACHABLE = "Unable to reach app. Please try again."  # Teams' own words
_SIZES = ("small", "medium", "large")
_MOST_CHOICES = 15
"""https://learn.microsoft.com/microsoftteams/platform/task-modules-and-cards/cards/dynamic-search"""


class OutcomeKind(StrEnum):
    """What became of a pressed button."""

    CARD = "card"  #: a card takes the place of the one that was pressed
    DIALOG = "dialog"  #: a Teams dialog opens, or takes the place of the one that is open
    NOTICE = "notice"  #: words
    NOTHING = "nothing"  #: the bot took it, and says nothing here
    FAILURE = "failure"  #: words, and nothing was done


@dataclass(frozen=True, slots=True, kw_only=True)
class TeamsDialog:
    """Teams' modal window, with a card in it."""

    title: str
    width: int | str  #: pixels, or `small`, `medium`, `large`
    height: int | str
    card: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What the person who pressed gets to see."""

    kind: OutcomeKind
    text: str = ""
    card: Mapping[str, Any] | None = None
    dialog: TeamsDialog | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """One line of a list to choose from."""

    title: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What a search in a card found."""

    choices: tuple[Choice, ...] = ()
    failure: str = ""  #: a sentence; empty where the bot searched


def card_outcome(answer: Answer) -> Outcome:
    """What *answer*, to a pressed `Action.Execute`, shows to whoever pressed.

    https://learn.microsoft.com/adaptive-cards/authoring-cards/universal-action-model#response-format
    """
    if answer.failure:
        return Outcome(kind=OutcomeKind.FAILURE, text=answer.failure)
    body = _object(answer.body)
    status, value = body.get("statusCode", HTTPStatus.OK), body.get("value")
    if status == HTTPStatus.OK:
        match body.get("type"):
            case kind if kind == CARD and isinstance(value, Mapping):
                return Outcome(kind=OutcomeKind.CARD, card=value)
            case kind if kind == WORDS and isinstance(value, str):
                return Outcome(kind=OutcomeKind.NOTICE, text=value)
            case None:
                return Outcome(kind=OutcomeKind.NOTHING)
            case _:
                pass  # a kind of answer that Teams would not show either
    return Outcome(kind=OutcomeKind.FAILURE, text=_error(value) or _UNREACHABLE)


def dialog_outcome(answer: Answer) -> Outcome:
    """What *answer*, to `task/fetch` or `task/submit`, shows; `NOTHING` closes the dialog.

    https://learn.microsoft.com/microsoftteams/platform/task-modules-and-cards/task-modules/task-modules-bots
    """
    if answer.failure:
        return Outcome(kind=OutcomeKind.FAILURE, text=answer.failure)
    task = _object(answer.body).get("task")
    if task is None:
        return Outcome(kind=OutcomeKind.NOTHING)
    kind, value = _object(task).get("type"), _object(task).get("value")
    if kind == "message" and isinstance(value, str):
        return Outcome(kind=OutcomeKind.NOTICE, text=value)
    dialog = _dialog(_object(value)) if kind == "continue" else None
    if dialog is None:
        return Outcome(kind=OutcomeKind.FAILURE, text=_UNREACHABLE)
    return Outcome(kind=OutcomeKind.DIALOG, dialog=dialog)


def found(answer: Answer) -> Found:
    """What *answer*, to `application/search`, lists.

    https://learn.microsoft.com/microsoftteams/platform/task-modules-and-cards/cards/dynamic-search
    """
    if answer.failure:
        return Found(failure=answer.failure)
    body = _object(answer.body)
    if body.get("statusCode") == HTTPStatus.NO_CONTENT:
        return Found()
    value = body.get("value")
    results = _object(value).get("results")
    if body.get("type") != RESULTS or not isinstance(results, list):
        return Found(failure=_error(value) or _UNREACHABLE)
    choices = (_choice(_object(each)) for each in results[:_MOST_CHOICES])
    return Found(choices=tuple(choice for choice in choices if choice.value))


def _dialog(value: Mapping[str, Any]) -> TeamsDialog | None:
    """The dialog that the bot describes; None where there is no card, such as for a web page."""
    attachment = _object(value.get("card"))
    card = _object(attachment.get("content"))
    if attachment.get("contentType") != CARD or card.get("type") != "AdaptiveCard":
        return None
    title = value.get("title")
    return TeamsDialog(
        title=title if isinstance(title, str) else "",
        width=_size(value.get("width")),
        height=_size(value.get("height")),
        card=card,
    )


def _size(value: Any) -> int | str:
    is_size = type(value) is int or value in _SIZES
    return value if is_size else "medium"


def _choice(result: Mapping[str, Any]) -> Choice:
    title, value = (_word(result.get(key)) for key in ("title", "value"))
    return Choice(title=title or value, value=value)


def _word(value: Any) -> str:
    return str(value) if isinstance(value, str | int | float) else ""


def _error(value: Any) -> str:
    """The sentence of an `application/vnd.microsoft.error`; empty where there is none."""
    said = _object(value).get("message")
    return said if isinstance(said, str) else ""


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
