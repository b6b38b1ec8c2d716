"""What Teams accepts of a card, and what we ask of ours beyond that.

`lint` is for tests: no schema knows these rules. Each was a card that a client showed wrongly.
"""

from collections.abc import Callable, Iterator, Mapping
import json
from typing import Any

MAX_BYTES = 80 * 1024
"""Teams refuses messages at about 100 KB, counted in UTF-16, mentions and all; stay below.

https://learn.microsoft.com/microsoftteams/platform/bots/how-to/format-your-bot-messages
"""

MAX_PRIMARY_ACTIONS = 6
MAX_TITLE = 20  # phones cut longer button titles
MAX_COLUMNS = 3
MAX_USER_IDS = 60
TEAMS_ONLY = frozenset({"Badge", "Icon", "ProgressBar", "ProgressRing", "CodeBlock"})

_Node = Mapping[str, Any]
_Rule = Callable[[_Node], Iterator[str]]


def size_bytes(card: Mapping[str, Any]) -> int:
    """The size of *card* as Teams counts it: compact JSON in UTF-16."""
    text = json.dumps(card, ensure_ascii=False, separators=(",", ":"))
    return len(text.encode("utf-16-le"))


def lint(card: Mapping[str, Any]) -> list[str]:
    """What is wrong with *card*: "path: sentence" for each fault, none for a good card."""
    nodes = list(_walk(card, "card"))
    faults = [f"card: {fault}" for fault in _whole(card)]
    faults += [f"{path}: {fault}" for path, node in nodes for fault in _node_faults(node)]
    return faults + _duplicates(nodes)


def _node_faults(node: _Node) -> Iterator[str]:
    kind = node["type"]
    for applies, rule in _RULES:
        if applies(kind):
            yield from rule(node)


def _whole(card: _Node) -> Iterator[str]:
    if card.get("version") != "1.5":
        yield "the version is not 1.5"
    for key in ("fallbackText", "speak", "lang"):
        if not card.get(key):
            yield f"there is no {key}"
    if (size := size_bytes(card)) > MAX_BYTES:
        yield f"{size} bytes are more than {MAX_BYTES}"
    headings = [node for _, node in _walk(card, "") if node.get("style") == "heading"]
    if len(headings) != 1:
        yield f"there are {len(headings)} headings, not one"
    refresh = card.get("refresh", {})
    if len(refresh.get("userIds", ())) > MAX_USER_IDS:
        yield f"more than {MAX_USER_IDS} people refresh"


def _duplicates(nodes: list[tuple[str, _Node]]) -> list[str]:
    seen: dict[str, str] = {}
    faults = []
    for path, node in nodes:
        name = node.get("id")
        if name is None:
            continue
        if name in seen:
            faults.append(f"{path}: the id {name} is taken by {seen[name]}")
        seen[name] = path
    return faults


def _holder(node: _Node) -> Iterator[str]:
    actions = node.get("actions", ())
    primary = [action for action in actions if action.get("mode") != "secondary"]
    if len(primary) > MAX_PRIMARY_ACTIONS:
        yield f"{len(primary)} primary actions, Teams shows {MAX_PRIMARY_ACTIONS}"
    if sum(action.get("style") == "positive" for action in actions) > 1:
        yield "more than one positive action"


def _input(node: _Node) -> Iterator[str]:
    if not str(node.get("id", "")).startswith("in."):
        yield "the id does not start with in."
    if not node.get("label"):
        yield "there is no label"
    constrained = any(key in node for key in ("isRequired", "regex", "min", "max"))
    if constrained and not node.get("errorMessage"):
        yield "it is constrained, and no errorMessage says how"


def _text(node: _Node) -> Iterator[str]:
    if node.get("wrap") is False and len(node["text"]) > 2 * MAX_TITLE:
        yield "a long text does not wrap"
    if node.get("color") in {"warning", "good"}:
        yield "classic Teams shows this colour at less than 2.5:1"
    if node.get("size") in {"medium", "extraLarge"}:
        yield "there are three sizes: small, default, large"


def _teams_only(node: _Node) -> Iterator[str]:
    if "fallback" not in node:
        yield "it is not in schema 1.5 and has no fallback"


def _action(node: _Node) -> Iterator[str]:
    if node["type"] != "Action.OpenUrl" and len(node.get("title", "")) > MAX_TITLE:
        yield "the title is cut on phones"
    if "iconUrl" in node:
        yield "icons on actions are grey boxes on iOS"


def _open_dialog(node: _Node) -> Iterator[str]:
    data = node.get("data", {})
    if "msteams" in data and set(data) != {"t", "msteams"}:
        yield "what opens a dialog carries the token alone"


def _execute(node: _Node) -> Iterator[str]:
    if set(node.get("data", {})) != {"t"}:
        yield "the data is not the token alone"
    if node.get("title") == "Refresh":
        return
    fallback = node.get("fallback", {})
    if fallback.get("type") != "Action.Submit" or fallback.get("data") != node.get("data"):
        yield "there is no Action.Submit with the same data to fall back to"


def _columns(node: _Node) -> Iterator[str]:
    if len(node.get("columns", ())) > MAX_COLUMNS:
        yield f"more than {MAX_COLUMNS} columns do not fit 320 px"


_RULES: tuple[tuple[Callable[[str], bool], _Rule], ...] = (
    ({"AdaptiveCard", "ActionSet"}.__contains__, _holder),
    (lambda kind: kind.startswith("Input."), _input),
    ("TextBlock".__eq__, _text),
    (TEAMS_ONLY.__contains__, _teams_only),
    (lambda kind: kind.startswith("Action."), _action),
    ("Action.Execute".__eq__, _execute),
    ("Action.Submit".__eq__, _open_dialog),
    ("ColumnSet".__eq__, _columns),
)


def _walk(node: Any, path: str) -> Iterator[tuple[str, _Node]]:
    """Every typed node, with where it is; what an action carries is not looked into."""
    if isinstance(node, Mapping):
        if isinstance(node.get("type"), str):
            yield path, node
        for key, value in node.items():
            if key != "data":
                yield from _walk(value, f"{path}.{key}")
    elif isinstance(node, list):
        for position, value in enumerate(node):
            yield from _walk(value, f"{path}[{position}]")
