"""The cards that teach: all that somebody may say, and how one command is used."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from adaptive_cards import types as t

from cards import elements as e
from cards import teams
from cards.limits import size_bytes
from cards.text import escape, plain
from cards.view import Button
from domain.policy import GateKind

_MAX_BYTES = 40 * 1024
_MOST_STEPS = 15
_MOST_GATES = 12
_LONGEST_LINE = 500

_GATES: Mapping[GateKind | None, e.Glyph] = {
    GateKind.NONE: e.DONE,
    GateKind.CONFIRM: e.WAITING,
    GateKind.APPROVAL: e.LOCKED,
    None: e.REFUSED,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """A command in the list of all."""

    syntax: str
    summary: str


@dataclass(frozen=True, slots=True, kw_only=True)
class InputUsage:
    """One input of a command, in words."""

    name: str  #: as it is typed: `service`, `--reason`
    takes: str  #: "What to deploy: one of shop, billing"
    needed: str  #: "required", "optional", "30 if left out"


@dataclass(frozen=True, slots=True, kw_only=True)
class GateUsage:
    """What stands before a run in one place."""

    place: str  #: an environment; empty where the command has none
    words: str
    kind: GateKind | None  #: None: this person may not do it there


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """How one person may use one command."""

    name: str
    group: str
    summary: str
    syntax: str
    aliases: tuple[str, ...] = ()
    inputs: tuple[InputUsage, ...] = ()
    examples: tuple[str, ...] = ()
    gates: tuple[GateUsage, ...] = ()
    steps: tuple[str, ...] = ()


def help_card(groups: Sequence[tuple[str, Sequence[Listed]]], hidden: int) -> dict[str, Any]:
    """The commands somebody may use: per group, their syntax and what they do.

    *hidden* is how many more there are that this person may not use. A list that is too long for
    a message is shortened: first the summaries go, then the inputs, and at last commands.
    """
    for shown in (_described, _written, _named):
        card = _all(groups, hidden, shown)
        if size_bytes(card) <= _MAX_BYTES:
            return card
    kept = [(name, list(commands)) for name, commands in groups]
    while size_bytes(card) > _MAX_BYTES:
        longest = max(kept, key=lambda group: len(group[1]))[1]
        del longest[-max(1, len(longest) // 4) :]
        card = _all(kept, hidden, _named, total=_count(groups))
    return card


def usage_card(usage: Usage, *, buttons: Sequence[Button] = ()) -> dict[str, Any]:
    """How a command is used: its inputs, examples, gates and steps; *buttons* go below."""
    said: list[teams.Element] = [line(usage.syntax)]
    if usage.aliases:
        aliases = ", ".join(f"**{escape(each, limit=60)}**" for each in usage.aliases)
        said.append(e.meta(f"Also: {aliases}", spacing=t.Spacing.SMALL))
    blocks: list[teams.Element] = [e.body(escape(usage.summary)), e.box(said)]
    if usage.examples:
        blocks.append(_section("For example", [line(each) for each in usage.examples]))
    if usage.inputs:
        blocks.append(_section("Inputs", [_input(each) for each in usage.inputs]))
    if usage.gates:
        blocks.append(_section("What it takes", _gates(usage.gates)))
    if usage.steps:
        blocks.append(_section("What it does", _steps(usage.steps)))
    return _card(
        e.header(escape(usage.name, limit=60), kicker=f"Help · {escape(usage.group, limit=60)}"),
        blocks,
        speak=plain(f"{usage.name}: {usage.summary} Say {usage.syntax}."),
        buttons=buttons,
    )


def line(text: str, *, limit: int = _LONGEST_LINE) -> teams.TextBlock:
    """*text* as something that can be typed."""
    return teams.TextBlock(
        text=escape(text, limit=limit),
        font_type=t.FontType.MONOSPACE,
        size=t.FontSize.SMALL,
        spacing=t.Spacing.SMALL,
    )


# -- all commands -------------------------------------------------------------------------------

_Group = tuple[str, Sequence[Listed]]


def _all(
    groups: Sequence[_Group],
    hidden: int,
    shown: Callable[[Sequence[Listed]], list[teams.Element]],
    *,
    total: int | None = None,
) -> dict[str, Any]:
    count = _count(groups) if total is None else total
    blocks = [
        e.group([e.label(escape(name)), *shown(commands)]) for name, commands in groups if commands
    ]
    foot = []
    if left_out := count - _count(groups):
        foot.append(f"{_commands(left_out)} of yours did not fit.")
    if hidden:
        verb = "exists" if hidden == 1 else "exist"
        foot.append(f"{_commands(hidden, 'more ')} {verb} for other roles.")
        foot.append("Say **whoami** for yours.")
    return _card(
        e.header("What you can say", kicker="Help", subtitle=_commands(count)),
        [
            e.body(
                "Say a command without its inputs and I ask for them. "
                "Say **help** and a command to see how it is used.",
                spacing=t.Spacing.SMALL,
            ),
            *blocks,
            *([e.meta(" ".join(foot), spacing=t.Spacing.MEDIUM)] if foot else []),
        ],
        speak=f"Help: {_commands(count)}.",
    )


def _count(groups: Sequence[_Group]) -> int:
    return sum(len(commands) for _, commands in groups)


def _commands(count: int, more: str = "") -> str:
    return f"1 {more}command" if count == 1 else f"{count} {more}commands"


def _described(commands: Sequence[Listed]) -> list[teams.Element]:
    return [
        e.group(
            [line(each.syntax, limit=300), e.meta(escape(each.summary))], spacing=t.Spacing.SMALL
        )
        for each in commands
    ]


def _written(commands: Sequence[Listed]) -> list[teams.Element]:
    return [line(each.syntax, limit=300) for each in commands]


def _named(commands: Sequence[Listed]) -> list[teams.Element]:
    names = ", ".join(escape(each.syntax.partition(" ")[0], limit=60) for each in commands)
    return [teams.TextBlock(text=names, size=t.FontSize.SMALL, spacing=t.Spacing.NONE)]


# -- one command --------------------------------------------------------------------------------


def _section(title: str, items: Sequence[teams.Element]) -> teams.Container:
    return e.group([e.label(title), *items])


def _input(each: InputUsage) -> teams.ColumnSet:
    name = teams.TextBlock(
        text=escape(each.name, limit=60),
        font_type=t.FontType.MONOSPACE,
        size=t.FontSize.SMALL,
        weight=t.FontWeight.BOLDER,
        spacing=t.Spacing.NONE,
    )
    return teams.ColumnSet(
        columns=[
            teams.Column(width="stretch", items=[name, e.meta(escape(each.takes))]),
            teams.Column(width="auto", items=[e.aside(escape(each.needed, limit=24))]),
        ],
        spacing=t.Spacing.SMALL,
    )


def _gates(gates: Sequence[GateUsage]) -> list[teams.Element]:
    rows: list[teams.Element] = []
    for each in gates[:_MOST_GATES]:
        place = f"In {escape(each.place, limit=60)}: " if each.place else ""
        rows.append(e.row(_GATES[each.kind], [e.body(f"{place}{escape(each.words)}")]))
    if len(gates) > _MOST_GATES:
        rows.append(e.meta(f"and {len(gates) - _MOST_GATES} more environments"))
    return rows


def _steps(steps: Sequence[str]) -> list[teams.Element]:
    """The steps' titles, a line each, numbered without being a list of Markdown's."""
    titles = list(_numbered(steps[:_MOST_STEPS]))
    if len(steps) > _MOST_STEPS:
        titles.append(f"and {len(steps) - _MOST_STEPS} more")
    return [e.meta(each) for each in titles]


def _numbered(steps: Sequence[str]) -> Iterator[str]:
    for number, title in enumerate(steps, start=1):
        yield f"{number} · {escape(title, limit=120)}"


def _card(
    header: teams.Container,
    items: Sequence[teams.Element],
    *,
    speak: str,
    buttons: Sequence[Button] = (),
) -> dict[str, Any]:
    actions = e.actions(buttons, reader="") or None
    card = teams.Card(
        lang="en", speak=speak, fallback_text=speak, body=[header, *items], actions=actions
    )
    return card.content()
