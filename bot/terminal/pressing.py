"""Pressing a button, with all that follows at once: a form, a Teams dialog, a sentence."""

from collections.abc import Mapping
from typing import Any

from bot.card_form import Button, card_buttons
from bot.terminal.desk import Desk
from bot.terminal.filling import filled_in
from bot.terminal.screen import pressable


async def press(desk: Desk, number: int) -> str:
    """Press the button of that number; the id of its message, empty where nothing came of it."""
    found = desk.screen.button(number)
    if found is None:
        desk.screen.line(f"There is no button {number}.")
        return ""
    message_id, button = found
    values = await filled_in(desk, message_id, button.entries)
    if values is None:
        desk.screen.line(f"{button.title}: not pressed.")
        return ""
    became = await desk.talk.press(message_id, button.pressed(values))
    desk.screen.words(became.get("text", ""))
    if became["kind"] == "dialog":
        return message_id if await _in_dialog(desk, message_id, became["dialog"]) else ""
    return "" if became["kind"] == "failure" else message_id


async def _in_dialog(desk: Desk, message_id: str, dialog: Mapping[str, Any]) -> bool:
    """Fill in a Teams dialog, and those that follow it; whether it was sent and taken."""
    while True:
        title, card = str(dialog.get("title") or "Dialog"), dialog.get("card")
        if not isinstance(card, Mapping):
            desk.screen.line(f"{title} is a web page; open it in Teams.")
            return False
        buttons = card_buttons(card)
        desk.screen.card(title, card, buttons)
        button = await _picked(desk, pressable(buttons))
        values = await filled_in(desk, message_id, button.entries) if button else None
        if button is None or values is None:
            desk.screen.line(f"{title}: closed.")
            return False
        became = await desk.talk.submit_dialog(message_id, button.pressed(values))
        desk.screen.words(became.get("text", ""))
        if became["kind"] != "dialog":
            return bool(became["kind"] != "failure")
        dialog = became["dialog"]


async def _picked(desk: Desk, buttons: list[Button]) -> Button | None:
    """The button that somebody wants; the only one where its form is to be filled in anyway."""
    if len(buttons) == 1 and buttons[0].entries:
        return buttons[0]
    while buttons and (line := await desk.ask("Button (an empty line closes it): ")) is not None:
        typed = line.strip().removeprefix(":")
        if not typed:
            return None
        if typed.isdecimal() and 0 < int(typed) <= len(buttons):
            return buttons[int(typed) - 1]
        desk.screen.line(f"There is no button {typed}.")
    return None
