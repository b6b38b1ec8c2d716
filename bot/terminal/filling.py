"""Filling in a form, one input after the other."""

from collections.abc import Mapping, Sequence

from bot.card_form import Entry, EntryKind
from bot.card_values import CLEAR, Misfit, can_be_cleared, chosen, value_of
from bot.terminal.desk import Desk
from domain.errors import SignalboxError

GIVE_UP = ":cancel"
"""Typed to leave a form."""


class _GaveUp(Exception):
    """Somebody wants to fill in nothing more."""


async def filled_in(
    desk: Desk, message_id: str, entries: Sequence[Entry]
) -> Mapping[str, str] | None:
    """The values of *entries* by id, without those in which nothing stands.

    None where somebody gave up, or the input ended before all was filled in. But a script need
    not say anything: where it does not, what fits as it is stays as it is.
    """
    values: dict[str, str] = {}
    try:
        for entry in entries:
            value = await _value(desk, message_id, entry, values)
            if value is None:
                return None
            if value:
                values[entry.id] = value
    except _GaveUp:
        return None
    return values


async def _value(
    desk: Desk, message_id: str, entry: Entry, values: Mapping[str, str]
) -> str | None:
    """What goes into *entry*; None where the input ended, and something has to."""
    if entry.is_hidden:
        return entry.value
    if entry.dataset:
        value = await _looked_up(desk, message_id, entry, values)
    else:
        value = await _typed(desk, entry)
    if value is None and desk.may_be_silent:
        as_it_is = value_of(entry, "")
        return None if isinstance(as_it_is, Misfit) else as_it_is.value
    return value


async def _typed(desk: Desk, entry: Entry) -> str | None:
    """What goes into *entry*; None where the input ended."""
    if entry.kind is EntryKind.CHOICE:
        _list(desk, entry.choices)
    while (line := await _line(desk, entry)) is not None:
        read = value_of(entry, line)
        if not isinstance(read, Misfit):
            return read.value
        desk.screen.words(read.sentence)
    return None


async def _looked_up(
    desk: Desk, message_id: str, entry: Entry, values: Mapping[str, str]
) -> str | None:
    """What goes into *entry*, whose choices are searched for; None where the input ended."""
    found: Sequence[tuple[str, str]] = entry.choices
    taken: list[str] = []
    _list(desk, found)
    while (line := await _line(desk, entry)) is not None:
        typed = line.strip()
        if not typed and taken:
            return ",".join(dict.fromkeys(taken))
        if not typed or (typed == CLEAR and can_be_cleared(entry)):
            read = value_of(entry, typed)
            if not isinstance(read, Misfit):
                return read.value
            desk.screen.words(read.sentence)
            continue
        value = chosen(found, typed)
        if value is None:
            found = await _search(desk, message_id, entry, typed, values)
            value = next((value for title, value in found if title.lower() == typed.lower()), None)
        if value is None:
            _list(desk, found)
        elif entry.takes_several:
            taken.append(value)
            desk.screen.line("Another one? An empty line goes on.")
        else:
            return value
    return None


async def _search(
    desk: Desk, message_id: str, entry: Entry, text: str, values: Mapping[str, str]
) -> Sequence[tuple[str, str]]:
    """What *text* finds; that nothing was found is printed."""
    try:
        others = values if entry.sends_others else None
        found = await desk.talk.search(message_id, entry.dataset, text, others)
    except SignalboxError as error:
        desk.screen.line(error.words)
        return ()
    if not found:
        desk.screen.line(f"Nothing is found for {text}.")
    return found


def _list(desk: Desk, choices: Sequence[tuple[str, str]]) -> None:
    for number, (title, _) in enumerate(choices, start=1):
        desk.screen.line(f"  {number}. {title}")


async def _line(desk: Desk, entry: Entry) -> str | None:
    """What somebody types for *entry*, lines that end with a backslash joined.

    Raises:
        _GaveUp: they want to leave.
    """
    lines: list[str] = []
    prompt = _prompt(entry)
    while (line := await desk.ask(prompt)) is not None:
        if line.strip() == GIVE_UP:
            raise _GaveUp
        if not entry.is_multiline or not line.endswith("\\"):
            return "\n".join([*lines, line])
        lines.append(line[:-1])
        prompt = "… "
    return None


def _prompt(entry: Entry) -> str:
    """The label, what may be typed, and what an empty line means."""
    kinds = {
        EntryKind.TOGGLE: " (yes/no)",
        EntryKind.DATE: " (YYYY-MM-DD)",
        EntryKind.TIME: " (HH:MM)",
    }
    says = kinds.get(entry.kind, "")
    if entry.dataset:
        says = " (type to look for it)"
    elif entry.takes_several:
        says = " (several with commas between)"
    default = entry.shown_value.replace("\n", " ")
    shown = f" [{default}]" if default else ""
    return f"{entry.label}{says}{shown}: "
