"""Filling in a form, one input after the other."""

from collections.abc import Mapping, Sequence

from bot.card_form import Entry, EntryKind
from bot.card_values import CLEAR, Misfit, can_be_cleared, chosen, value_of
from bot.terminal.desk import Desk
from domain.errors import SignalboxError

GIVE_UP = ":cancel"
"""Typed to leave a form."""


async def filled_in(
    desk: Desk, message_id: str, entries: Sequence[Entry]
) -> Mapping[str, str] | None:
    """The values of *entries* by id, without those in which nothing stands.

    None where somebody gave up, or the input ended.
    """
    values: dict[str, str] = {}
    for entry in entries:
        if entry.is_hidden:
            value: str | None = entry.value
        elif entry.dataset:
            value = await _looked_up(desk, message_id, entry, values)
        else:
            value = await _typed(desk, entry)
        if value is None:
            return None
        if value:
            values[entry.id] = value
    return values


async def _typed(desk: Desk, entry: Entry) -> str | None:
    """What goes into *entry*; None where somebody gave up."""
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
    """What goes into *entry*, whose choices are searched for; None where somebody gave up."""
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
        found = await desk.talk.search(message_id, entry.dataset, text, values)
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
    """What somebody types for *entry*, lines that end with a backslash joined."""
    lines: list[str] = []
    prompt = _prompt(entry)
    while (line := await desk.ask(prompt)) is not None:
        if line.strip() == GIVE_UP:
            return None
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
