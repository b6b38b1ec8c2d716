"""The parts every card is laid out with: one header, three sizes of text, state as icon and word.

Texts that arrive here are Markdown: whoever builds a card escapes what comes from outside.
Sizes: 18 px for the title, 14 for the body, 12 subtle for what goes with it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from adaptive_cards import types as t

from cards import teams
from cards.text import escape, plain
from cards.view import Button

Colour = Literal["Default", "Accent", "Good", "Warning", "Attention"]

_EXTRA_BUTTON = 3
"""From here on, buttons go behind "…": three fit into a row on a phone."""

COMMENT = "in.comment"
"""The id of the field that asks for a comment."""

REASON = "in.reason"
"""The id of a second such field: ids are unique in a card."""


@dataclass(frozen=True, slots=True)
class Glyph:
    """A state's picture: colour and form say the same, and an emoji where there are no icons."""

    name: str
    color: Colour
    emoji: str
    style: Literal["Regular", "Filled"] = "Filled"


DONE = Glyph("CheckmarkCircle", "Good", "✅")
MOVING = Glyph("ArrowSyncCircle", "Accent", "🔄")
WAITING = Glyph("Clock", "Warning", "⏳")
UNDONE = Glyph("ArrowUndo", "Warning", "↩️")
BROKEN = Glyph("DismissCircle", "Attention", "❌")
STOPPED = Glyph("SubtractCircle", "Default", "\N{HEAVY MINUS SIGN}")
OPEN = Glyph("Circle", "Default", "▫️", "Regular")
LOCKED = Glyph("LockClosed", "Warning", "🔒")
PAUSED = Glyph("PauseCircle", "Warning", "⏸️")
REFUSED = Glyph("Prohibited", "Attention", "🚫")
LAPSED = Glyph("History", "Default", "⌛")
ALARM = Glyph("ErrorCircle", "Attention", "❗")
APPROVED = Glyph("ShieldCheckmark", "Good", "✅")
NOTE = Glyph("Info", "Accent", "\N{INFORMATION SOURCE}")
UNKNOWN = Glyph("QuestionCircle", "Default", "❔")


def icon(glyph: Glyph) -> teams.Icon:
    """*glyph* at the size of a line of text."""
    return teams.Icon(
        name=glyph.name,
        color=glyph.color,
        style=glyph.style,
        fallback=teams.TextBlock(text=glyph.emoji, wrap=False),
    )


def badge(text: str, style: Literal["Informative", "Good", "Attention"]) -> teams.Badge:
    """A label at the right of the header; *text* is as it came: a badge knows no Markdown."""
    color = t.Colors.ATTENTION if style == "Attention" else t.Colors.DEFAULT
    return teams.Badge(
        text=plain(text, limit=24),
        style=style,
        icon="ShieldError" if style == "Attention" else None,
        fallback=teams.TextBlock(
            text=escape(text, limit=24),
            size=t.FontSize.SMALL,
            weight=t.FontWeight.BOLDER,
            color=color,
            wrap=False,
        ),
    )


def body(text: str, *, spacing: t.Spacing = t.Spacing.NONE, max_lines: int = 4) -> teams.TextBlock:
    """Running text."""
    return teams.TextBlock(text=text, spacing=spacing, max_lines=max_lines)


def strong(text: str, *, spacing: t.Spacing = t.Spacing.NONE) -> teams.TextBlock:
    """Text that one looks for."""
    return teams.TextBlock(text=text, weight=t.FontWeight.BOLDER, spacing=spacing, max_lines=3)


def quiet(text: str) -> teams.TextBlock:
    """Text that matters less than its neighbours."""
    return teams.TextBlock(text=text, is_subtle=True, spacing=t.Spacing.NONE, max_lines=3)


def meta(text: str, *, spacing: t.Spacing = t.Spacing.NONE, max_lines: int = 3) -> teams.TextBlock:
    """Small subtle text that goes with what stands over it."""
    return teams.TextBlock(
        text=text, size=t.FontSize.SMALL, is_subtle=True, spacing=spacing, max_lines=max_lines
    )


def label(text: str, *, spacing: t.Spacing = t.Spacing.NONE) -> teams.TextBlock:
    """The small heading of a group."""
    return teams.TextBlock(
        text=text, size=t.FontSize.SMALL, weight=t.FontWeight.BOLDER, spacing=spacing
    )


def aside(text: str) -> teams.TextBlock:
    """A short text at the right edge, which is never broken."""
    return teams.TextBlock(
        text=text,
        size=t.FontSize.SMALL,
        is_subtle=True,
        wrap=False,
        horizontal_alignment=t.HorizontalAlignment.RIGHT,
    )


def header(
    title: str, *, kicker: str, subtitle: str = "", mark: teams.Badge | None = None
) -> teams.Container:
    """Kicker and badge, then the title and a subtle line, each on the full width of the card."""
    top: teams.Element = meta(kicker)
    if mark is not None:
        top = teams.ColumnSet(
            columns=[
                teams.Column(
                    width="stretch",
                    items=[meta(kicker)],
                    vertical_content_alignment=t.VerticalAlignment.CENTER,
                ),
                teams.Column(
                    width="auto",
                    items=[mark],
                    vertical_content_alignment=t.VerticalAlignment.CENTER,
                ),
            ]
        )
    heading = teams.TextBlock(
        text=title,
        size=t.FontSize.LARGE,
        weight=t.FontWeight.BOLDER,
        style=t.TextBlockStyle.HEADING,
        spacing=t.Spacing.SMALL,
        max_lines=2,
    )
    return teams.Container(items=[top, heading, *([meta(subtitle)] if subtitle else [])])


def row(
    glyph: Glyph,
    lines: Sequence[teams.Element],
    *,
    right: str = "",
    spacing: t.Spacing = t.Spacing.SMALL,
) -> teams.ColumnSet:
    """An icon, the lines beside it, and a short text at the right edge."""
    columns = [
        teams.Column(width="20px", items=[icon(glyph)]),
        teams.Column(width="stretch", items=list(lines), spacing=t.Spacing.SMALL),
    ]
    if right:
        columns.append(teams.Column(width="auto", items=[aside(right)], spacing=t.Spacing.SMALL))
    return teams.ColumnSet(columns=columns, spacing=spacing)


def pair(left: str, right: str) -> teams.ColumnSet:
    """A small heading with a short text at the right edge."""
    return teams.ColumnSet(
        columns=[
            teams.Column(width="stretch", items=[label(left)]),
            teams.Column(width="auto", items=[aside(right)]),
        ]
    )


def facts(
    pairs: Sequence[tuple[str, str]], *, spacing: t.Spacing = t.Spacing.SMALL
) -> list[teams.Element]:
    """Labels with their values under them, two side by side."""
    return [
        teams.ColumnSet(
            columns=[_fact(*each) for each in pairs[start : start + 2]], spacing=spacing
        )
        for start in range(0, len(pairs), 2)
    ]


def box(items: Sequence[teams.Element]) -> teams.Container:
    """A group set off from the rest."""
    return teams.Container(
        items=list(items),
        style=t.ContainerStyle.EMPHASIS,
        rounded_corners=True,
        spacing=t.Spacing.MEDIUM,
    )


def group(
    items: Sequence[teams.Element], *, spacing: t.Spacing = t.Spacing.MEDIUM
) -> teams.Container:
    """Things that belong together."""
    return teams.Container(items=list(items), spacing=spacing)


def note(text: str) -> teams.Container:
    """A line for whoever looks, before everything else."""
    return teams.Container(
        items=[row(NOTE, [body(text)])], style=t.ContainerStyle.ACCENT, rounded_corners=True
    )


def actions(
    buttons: Sequence[Button], *, reader: str, links: Sequence[tuple[str, str]] = ()
) -> list[teams.Element]:
    """The card's buttons, then *links* (title, URL), which go behind "…" where there are buttons.

    *reader* is who will read a comment, as it came. Buttons that send the card's own field (see
    `comment_field`) are a single press; one that insists on more asks in a card of its own.
    """
    shared = _shared(buttons)
    made: list[teams.Element] = []
    for position, button in enumerate(buttons):
        mode = t.ActionMode.SECONDARY if position >= _EXTRA_BUTTON else None
        if button.comment == "none":
            made.append(press(button, mode=mode))
        elif button.comment == shared:
            made.append(press(button, mode=mode, inputs=None))
        else:
            field = REASON if shared else COMMENT
            made.append(_asking(button, field=field, reader=reader, mode=mode))
    mode = t.ActionMode.SECONDARY if buttons else None
    made += [teams.OpenUrl(title=title, url=url, mode=mode) for title, url in links]
    return made


def comment_field(buttons: Sequence[Button], *, reader: str) -> list[teams.Element]:
    """The field over the buttons, where several of *buttons* take a comment.

    A decision without one is then a single press. *reader* is who will read it, as it came.
    """
    shared = _shared(buttons)
    if not shared:
        return []
    # One line high: most who decide write nothing.
    return [_comment(COMMENT, required=shared == "required", is_multiline=None, reader=reader)]


def _shared(buttons: Sequence[Button]) -> Literal["optional", "required", ""]:
    """What the field for all insists on; empty where each button asks for itself.

    It can be required only where it is for every button that sends it.
    """
    modes = [button.comment for button in buttons if button.comment != "none"]
    if "optional" in modes:
        return "optional"
    return "required" if len(modes) > 1 else ""


def press(
    button: Button,
    *,
    title: str = "",
    mode: t.ActionMode | None = None,
    inputs: t.AssociatedInputs | None = t.AssociatedInputs.NONE,
) -> teams.Execute:
    """*button*, with the `Action.Submit` that old clients need; both carry the token alone."""
    words = plain(title or button.title, limit=20)
    data = {"t": button.token}
    style = None if button.style == "default" else t.ActionStyle(button.style)
    return teams.Execute(
        title=words,
        verb=button.verb,
        data=data,
        style=style,
        mode=mode,
        associated_inputs=inputs,
        fallback=teams.Submit(title=words, data=data, style=style, associated_inputs=inputs),
    )


def _asking(
    button: Button, *, field: str, reader: str, mode: t.ActionMode | None
) -> teams.ShowCard:
    asked = _comment(
        field, required=button.comment == "required", is_multiline=True, reader=reader
    )
    confirm = f"{button.title} run"
    return teams.ShowCard(
        title=plain(button.title, limit=20),
        style=None if button.style == "default" else t.ActionStyle(button.style),
        mode=mode,
        card=teams.Card(body=[asked], actions=[press(button, title=confirm, inputs=None)]),
    )


def _comment(
    field: str, *, required: bool, is_multiline: bool | None, reader: str
) -> teams.TextInput:
    who = escape(reader, limit=40)  # clients read the errorMessage as Markdown
    return teams.TextInput(
        id=field,
        label="Why?" if required else "Comment (optional)",
        is_multiline=is_multiline,
        is_required=required or None,
        max_length=300,
        placeholder=f"Shown to {plain(reader, limit=40)} and kept in the audit log",
        error_message=f"Write a short reason: {who} will read it." if required else None,
    )


def _fact(name: str, value: str) -> teams.Column:
    return teams.Column(width=1, items=[meta(name), body(value)])  # weights: equal halves
