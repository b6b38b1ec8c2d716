"""`signalbox chat`: talks in a running demo's simulated Teams, from a terminal.

An HTTP client of the simulated Teams' chat API, as the page in the browser is one.
"""

from dataclasses import dataclass, replace
import sys
from typing import TextIO
from urllib.parse import parse_qs, urlencode, urlsplit

from bot.chat_client import Talk, connected
from bot.terminal.desk import Desk
from bot.terminal.keyboard import Ask
from bot.terminal.pen import Pen, PlainPen
from bot.terminal.prompt import first_of, talk_on
from bot.terminal.screen import Screen
from bot.terminal.shot import USUAL, Patience, shoot
from bot.terminal.threads import Threads
from domain.errors import SignalboxError

__all__ = ["Patience", "converse"]


async def converse(
    url: str,
    user: str,
    text: str | None,
    out: TextIO,
    ask: Ask,
    *,
    err: TextIO | None = None,
    patience: Patience = USUAL,
    pen: Pen | None = None,
) -> int:
    """Say *text* as *user* and print what comes back; without *text*, talk until the input ends.

    *url* is the chat page's; `?conversation=` in it names a channel, the group chat, or `chat`
    for the one with the bot; `ops` unless it is said. An empty *user* is the first person there.
    A *text* such as `:1` presses a button, and one such as `> shop` answers in the latest thread.
    *pen* writes instead of plain text on *out*. The exit code comes back: 0, 1 where it was not
    taken, 2 where nobody listens or there is no such person or conversation, with a sentence on
    *err*.
    """
    code, writes, is_read = 2, pen or PlainPen(out), True
    try:
        if text is None:
            await _talk(url, user, ask, patience, writes)
            code = 0
        else:
            async with connected(url, user) as talk:
                desk = replace(_desk(talk, Screen(writes), ask), may_be_silent=True)
                code = await shoot(desk, text, patience)
    except* SignalboxError as errors:
        print(first_of(errors).words, file=err or sys.stderr)
    except* BrokenPipeError:  # it comes in a group, which nobody above would know
        is_read = False
    if not is_read:
        raise BrokenPipeError
    return code


@dataclass(frozen=True, slots=True, kw_only=True)
class _Seat:
    """Who talks where, and what they have on the screen."""

    url: str
    user: str
    screen: Screen


async def _talk(url: str, user: str, ask: Ask, patience: Patience, pen: Pen) -> None:
    """Talk, as one person after the other, until the input ends.

    Raises:
        Unavailable, Refused: it did not even begin.
    """
    seat, before = _Seat(url=url, user=user, screen=Screen(pen)), None
    while True:
        try:
            async with connected(seat.url, seat.user) as talk:
                before = seat = replace(seat, user=talk.user)
                following = await talk_on(_desk(talk, seat.screen, ask), patience.prompt)
        except SignalboxError as error:
            if before is None or before is seat:
                raise
            seat = before
            seat.screen.line(error.words)
            continue
        if following is None:
            return
        seat = _Seat(
            url=_address(seat.url, following.conversation) if following.conversation else seat.url,
            user=following.user or seat.user,
            screen=Screen(pen),
        )


def _desk(talk: Talk, screen: Screen, ask: Ask) -> Desk:
    return Desk(talk=talk, screen=screen, ask=ask, threads=Threads(talk.user, talk.bot))


def _address(url: str, conversation: str) -> str:
    """*url*, with another conversation in it."""
    parts = urlsplit(url if "://" in url else f"http://{url}")
    query = {key: values[-1] for key, values in parse_qs(parts.query).items()}
    return parts._replace(query=urlencode(query | {"conversation": conversation})).geturl()
