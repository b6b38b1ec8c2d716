"""One attempt at an action, and what its end means: done, try again, or give up.

An attempt never raises: what went wrong is an outcome. A writing action that may have been
reached before is asked first whether its effect is there already (`reconcile`).
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import structlog

from connectors.connector import Action
from domain.errors import Ambiguous, Bug, Refused, Unavailable
from domain.step import Done, Fail, Outcome, Retry
from workflows.parts import Retry as RetryRule

log = structlog.get_logger(__name__)

_LONGEST_BACKOFF = timedelta(minutes=5)
_LAST_QUESTION = timedelta(seconds=10)
"""How long a target that hung is asked whether it has done what it was to do."""


async def attempt(
    action: Action[Any],
    arguments: Mapping[str, Any],
    key: str,
    *,
    within: timedelta,
    was_begun: bool,
    in_doubt: bool,
    is_settling: bool,
    correlation_id: Callable[[], str],
) -> Outcome:
    """Carry out *action* once, under the idempotency *key*; at most *within*.

    *in_doubt*: nobody knows whether an attempt before had its effect. That stays so until the
    target has been asked. *is_settling*: it is only asked. A `Retry` says no more than that it
    may work later: see `decide`.
    """
    is_write = action.reconcile is not None
    in_doubt = in_doubt and is_write
    try:
        async with asyncio.timeout(within.total_seconds()):
            inputs = action.parse(arguments)
            found = None
            if was_begun and action.reconcile is not None:
                found = await action.reconcile(inputs, key)
                in_doubt = False
            if found is None and is_settling:
                return Fail("The run was stopped before this was done.", in_doubt)
            output = found if found is not None else await action.apply(inputs, key)
    except TimeoutError:
        return await _cut_off(action, arguments, key, within=within)
    except Ambiguous as error:
        return Retry(error.words, error.retry_after or timedelta(), may_have_happened=is_write)
    except Unavailable as error:
        after = error.retry_after or timedelta()
        return Retry(error.words, after, may_have_happened=in_doubt)
    except Refused as error:
        return Fail(error.words, may_have_happened=in_doubt)
    except Exception as error:  # the connector's mistake: no traceback may reach people
        correlation = correlation_id()
        log.exception("action failed", action=action.reference, correlation=correlation)
        blame = str(error) if isinstance(error, Bug) else "That was our mistake"
        return Fail(f"{blame}; it is logged as {correlation}.", may_have_happened=is_write)
    detail = output.get("detail", "")
    return Done(output, detail if isinstance(detail, str) else "")


async def _cut_off(
    action: Action[Any], arguments: Mapping[str, Any], key: str, *, within: timedelta
) -> Outcome:
    """What became of an attempt that hung: its target is told to stop, and asked where it is."""
    reason = f"{action.name} gave no answer within {within.total_seconds():g} s."
    if action.reconcile is None:
        return Retry(reason, timedelta(), because="timeout")
    try:
        async with asyncio.timeout(_LAST_QUESTION.total_seconds()):
            inputs = action.parse(arguments)
            if action.cancel is not None:
                await action.cancel(inputs, key)
            found = await action.reconcile(inputs, key)
    except Exception as error:  # noqa: BLE001 - a connector's mistake, too, is no answer
        log.warning("asked in vain", action=action.reference, problem=repr(error))
        found = None
    if found is not None:
        return Done(found, f"{reason} It was done all the same.")
    return Retry(reason, timedelta(), may_have_happened=True, because="timeout")


def decide(outcome: Outcome, *, number: int, rule: RetryRule, jitter: float = 0.0) -> Outcome:
    """What to do after attempt *number*, from 1, ended with *outcome*.

    The pause doubles with every attempt, is cut short by up to half of itself (*jitter* is from
    0 to 1), and is never shorter than what the target asked for.
    """
    if not isinstance(outcome, Retry):
        return outcome
    if number >= rule.attempts or outcome.because not in rule.on:
        tries = f" It was tried {number} times." if number > 1 else ""
        return Fail(outcome.reason + tries, may_have_happened=outcome.may_have_happened)
    doubled = rule.backoff * 2 ** min(number - 1, 16)
    after = max(min(doubled, _LONGEST_BACKOFF) * (1 - jitter / 2), outcome.after)
    return replace(outcome, after=after)
