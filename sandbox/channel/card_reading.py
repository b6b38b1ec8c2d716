"""An Adaptive Card as a person reads it: words, buttons, inputs. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
import re
from typing import Any

PREFIX = "in."
"""What the ids of our inputs start with; the kit's users leave it out."""

_SAID = ("text", "title", "label", "codeSnippet", "placeholder")
_UNREAD = frozenset({"data", "fallback", "speak", "fallbackText", "choices", "refresh", "msteams"})
_MARKDOWN = re.compile(r"\\([!-/:-@\[-`{-~])|\*\*|__")


@dataclass(frozen=True, slots=True, kw_only=True)
class Input:
    """Something to fill in."""

    id: str
    label: str
    value: str  #: what stands in it already
    is_required: bool
    choices: tuple[str, ...]  #: values; empty for free text
    dataset: str  #: what a typeahead asks the bot for; empty where it asks nothing
    sends_others: bool  #: the other inputs' values go with a search

    @property
    def name(self) -> str:
        """The id without the prefix."""
        return self.id.removeprefix(PREFIX)


@dataclass(frozen=True, slots=True, kw_only=True)
class Button:
    """Something to press."""

    titles: tuple[str, ...]  #: its own last, those of the forms that it stands behind before
    action: Mapping[str, Any]
    inputs: tuple[Input, ...]  #: that go with it

    def pressed(self, values: Mapping[str, str]) -> Mapping[str, Any]:
        """The action, with *values* by id in its data."""
        known = {key: self.action[key] for key in ("type", "id", "verb") if key in self.action}
        data = self.action.get("data")
        own = data if isinstance(data, Mapping) else {}
        return {**known, "data": {**own, **values}}


def words(card: Mapping[str, Any]) -> str:
    """All that can be read on *card*, forms behind buttons included, a line for each text."""
    return "\n".join(_plain(text) for text in _texts(card) if text)


def plain(markdown: str) -> str:
    """*markdown* as it reads."""
    return _plain(markdown)


def buttons(card: Mapping[str, Any]) -> tuple[Button, ...]:
    """What can be pressed on *card*, in its order; not what only opens a form or a page."""
    return tuple(_buttons(card, (), ()))


def inputs(card: Mapping[str, Any]) -> tuple[Input, ...]:
    """What can be filled in on *card*, forms behind buttons included."""
    return tuple(_input(each) for each in _every(card) if _is_input(each))


def _buttons(
    card: Mapping[str, Any], titles: tuple[str, ...], outer: tuple[Input, ...]
) -> Iterator[Button]:
    own = tuple(_input(each) for each in _every(card, is_deep=False) if _is_input(each))
    entries = (*outer, *own)
    for action in _every(card, is_deep=False):
        title = (*titles, str(action.get("title", "")))
        match action.get("type"):
            case "Action.ShowCard" if isinstance(action.get("card"), Mapping):
                yield from _buttons(action["card"], title, entries)
            case "Action.Execute" | "Action.Submit":
                takes_none = str(action.get("associatedInputs", "")).lower() == "none"
                yield Button(titles=title, action=action, inputs=() if takes_none else entries)
            case _:
                pass


def _every(node: Any, *, is_deep: bool = True) -> Iterator[Mapping[str, Any]]:
    """All objects in *node* that can be seen; those of inner cards only where *is_deep*."""
    if isinstance(node, list):
        for each in node:
            yield from _every(each, is_deep=is_deep)
    elif isinstance(node, Mapping) and node.get("isVisible") is not False:
        yield node
        for key, value in node.items():
            if key not in _UNREAD and (is_deep or key != "card"):
                yield from _every(value, is_deep=is_deep)


def _texts(card: Mapping[str, Any]) -> Iterator[str]:
    for element in _every(card):
        for key in _SAID:
            if isinstance(element.get(key), str):
                yield element[key]
        if element.get("type") == "FactSet":
            facts = element.get("facts")
            yield from (str(each.get("value", "")) for each in facts or [])


def _is_input(element: Mapping[str, Any]) -> bool:
    return str(element.get("type")).startswith("Input.") and bool(element.get("id"))


def _input(element: Mapping[str, Any]) -> Input:
    query = element.get("choices.data")
    query = query if isinstance(query, Mapping) else {}
    listed = element.get("choices")
    choices = [str(each["value"]) for each in listed or [] if "value" in each]
    value = element.get("value", "")
    if element["type"] == "Input.Toggle":
        choices = [str(element.get("valueOn", "true")), str(element.get("valueOff", "false"))]
        value = value or choices[1]
    return Input(
        id=str(element["id"]),
        label=_plain(str(element.get("label") or element.get("title") or element["id"])),
        value=str(value),
        is_required=element.get("isRequired") is True,
        choices=tuple(choices) if not query else (),
        dataset=str(query.get("dataset", "")),
        sends_others=query.get("associatedInputs") == "auto",
    )


def _plain(markdown: str) -> str:
    return _MARKDOWN.sub(lambda sign: sign[1] or "", markdown)
