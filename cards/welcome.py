"""The card with which we introduce ourselves, once in each conversation."""

from collections.abc import Sequence
from typing import Any

from adaptive_cards import types as t

from cards import elements as e
from cards import teams
from cards.help import Listed, line
from cards.text import escape, plain
from cards.view import Button

_WHAT_FOR = (
    "I carry out operations from this conversation: with a plan before, the approvals that it"
    " takes, and a record of it all."
)


def welcome_card(
    examples: Sequence[Listed], *, is_personal: bool, buttons: Sequence[Button] = ()
) -> dict[str, Any]:
    """What we are for, and *examples* of what can be said, with what each does.

    Where the chat is not *is_personal*, nothing that does not mention us is for us.
    """
    how = "Say one of these" if is_personal else "Mention me and say one of these"
    tried = [
        e.group([line(each.syntax), e.meta(escape(each.summary))], spacing=t.Spacing.SMALL)
        for each in examples
    ]
    lines = " or ".join(f"“{each.syntax}”" for each in examples)
    spoken = plain(f"I am Signalbox. {_WHAT_FOR} {how}: {lines}.", limit=500)
    return teams.Card(
        lang="en",
        speak=spoken,
        fallback_text=spoken,
        body=[
            e.header("I am Signalbox", kicker="Welcome"),
            e.body(_WHAT_FOR, spacing=t.Spacing.SMALL),
            *([e.group([e.label(how), *tried])] if tried else []),
        ],
        actions=e.actions(buttons, reader="") or None,
    ).content()
