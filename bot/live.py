"""A look at live systems for an answer: somebody is waiting, so it takes a second or nothing."""

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from connectors.connector import Actions, Output
from domain.command import Effect
from domain.errors import Bug, Unavailable

PATIENCE = timedelta(seconds=1.3)


async def look(
    actions: Actions, reference: str, arguments: Mapping[str, Any], *, what: str
) -> Output:
    """What the reading action *reference* gives for *arguments*; *what* names it in a sentence.

    Raises:
        Unavailable: the system did not answer, or not in time.
        Refused: no connection offers the action, or it cannot take the arguments.
    """
    action = actions.get(reference)
    if action.effect is not Effect.READ:
        raise Bug(f"{reference} does not only read.")
    try:
        async with asyncio.timeout(PATIENCE.total_seconds()):
            return await action.apply(action.parse(arguments), "")
    except TimeoutError as error:
        seconds = f"{PATIENCE.total_seconds():g}"
        raise Unavailable(
            f"{what} did not answer within {seconds} s.", hint="Try again in a moment."
        ) from error
