"""Teams' dialect of Adaptive Cards, as an element layer over adaptive-cards-py.

The library knows the public schema 1.5; it has no badge, no mention and no usable refresh, and
a field it does not know vanishes without a word. The classes here forbid what they do not know,
keep the fields of subclasses when they are dumped, and add what Teams has. Build cards from these
only: a container of the library itself drops our elements. Children are a `list`: pydantic dumps
a `Sequence` in Python, which takes three times as long.

Elements: https://learn.microsoft.com/microsoftteams/platform/task-modules-and-cards/cards/cards-reference
"""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from adaptive_cards import card as ac
from adaptive_cards import types
from pydantic import ConfigDict, Field, SerializeAsAny

Element = ac.ComponentBaseModel
"""Anything that may stand in a card."""

_STRICT = ConfigDict(extra="forbid", validate_assignment=True)

_Child = SerializeAsAny[Element]
_Fallback = SerializeAsAny[Element] | Literal["drop"]


# Containers ------------------------------------------------------------------------------------


class Container(ac.Container):
    """A group of elements."""

    model_config = _STRICT
    items: list[_Child]  # type: ignore[assignment]  # the library's union is closed
    rounded_corners: bool | None = None


class Column(ac.Column):
    """One column of a `ColumnSet`."""

    model_config = _STRICT
    items: list[_Child]  # type: ignore[assignment]  # the library's union is closed


class ColumnSet(ac.ColumnSet):
    """Elements side by side. At most three: four do not fit 320 px."""

    model_config = _STRICT
    columns: list[Column]  # type: ignore[assignment]  # only our columns keep their children


# Elements --------------------------------------------------------------------------------------


class TextBlock(ac.TextBlock):
    """Text in Teams' Markdown. It wraps: cutting off is the wrong default at 320 px."""

    model_config = _STRICT
    wrap: bool | None = True


class _TeamsOnly(ac.CardElement):
    """An element outside schema 1.5, which therefore must say what old clients show."""

    model_config = _STRICT
    fallback: _Fallback  # type: ignore[assignment]  # required here, and open for our elements


class Badge(_TeamsOnly):
    """A short coloured label."""

    type: Literal["Badge"] = Field(default="Badge", frozen=True)
    text: str
    style: Literal["Default", "Informative", "Accent", "Good", "Attention", "Warning"]
    appearance: Literal["Filled", "Tint"] = "Filled"
    size: Literal["Medium", "Large", "ExtraLarge"] = "Large"
    icon: str | None = None  #: a Fluent icon's name


class Icon(_TeamsOnly):
    """A Fluent icon, by name."""

    type: Literal["Icon"] = Field(default="Icon", frozen=True)
    name: str
    size: Literal["xxSmall", "xSmall", "Small", "Standard", "Medium", "Large"] = "xSmall"
    style: Literal["Regular", "Filled"] = "Filled"
    color: Literal["Default", "Accent", "Good", "Warning", "Attention"] = "Default"


class ProgressBar(_TeamsOnly):
    """How far something is."""

    type: Literal["ProgressBar"] = Field(default="ProgressBar", frozen=True)
    value: float | None = None  #: None where nobody can say how far
    max: float | None = None
    color: Literal["Accent", "Good", "Warning", "Attention"] = "Accent"


class CodeBlock(_TeamsOnly):
    """Lines exactly as they are: no Markdown, monospaced."""

    type: Literal["CodeBlock"] = Field(default="CodeBlock", frozen=True)
    code_snippet: str
    language: Literal["PlainText", "Json", "Bash"] = "PlainText"


# Inputs ----------------------------------------------------------------------------------------


class TextInput(ac.InputText):
    """A field for text."""

    model_config = _STRICT


class NumberInput(ac.InputNumber):
    """A field for a number."""

    model_config = _STRICT
    min: int | float | None = None  # type: ignore[assignment]  # the library takes whole ones
    max: int | float | None = None  # type: ignore[assignment]  # the same
    value: int | float | None = None  # type: ignore[assignment]  # the same


class DataQuery(Element):
    """Has the client ask us for choices while somebody types: the invoke `application/search`.

    https://learn.microsoft.com/microsoftteams/platform/task-modules-and-cards/cards/dynamic-search
    """

    model_config = _STRICT
    type: Literal["Data.Query"] = Field(default="Data.Query", frozen=True)
    dataset: str
    associated_inputs: Literal["auto", "none"] = "auto"  #: whether the other inputs come along


class ChoiceInput(ac.InputChoiceSet):
    """A field for one of several values, or several of them."""

    model_config = _STRICT
    choices_data: DataQuery | None = Field(default=None, serialization_alias="choices.data")


class DateInput(ac.InputDate):
    """A field for a date, `2026-11-25`."""

    model_config = _STRICT

    min: str | None = None  #: which the library leaves out


class TimeInput(ac.InputTime):
    """A field for a time of day, `14:30`."""

    model_config = _STRICT


class ToggleInput(ac.InputToggle):
    """A yes or no."""

    model_config = _STRICT


# Actions ---------------------------------------------------------------------------------------


class Submit(ac.ActionSubmit):
    """A button for clients that do not know `Execute`; it arrives as a message."""

    model_config = _STRICT
    mode: types.ActionMode | None = None


class Execute(ac.ActionExecute):
    """A button; it arrives as the invoke `adaptiveCard/action`, and its answer replaces the card.

    https://learn.microsoft.com/microsoftteams/platform/task-modules-and-cards/cards/universal-actions-for-adaptive-cards/overview
    """

    model_config = _STRICT
    verb: str
    data: Mapping[str, str]
    mode: types.ActionMode | None = None
    fallback: SerializeAsAny[Submit] | None = None


class TaskFetch(Element):
    """What makes Teams ask for a dialog, and open it, when an `Action.Submit` is pressed."""

    model_config = _STRICT
    type: Literal["task/fetch"] = Field(default="task/fetch", frozen=True)


class OpenDialogData(Element):
    """What the button of a Teams dialog carries."""

    model_config = _STRICT
    msteams: TaskFetch = TaskFetch()
    t: str  #: the token


class OpenDialog(ac.ActionSubmit):
    """A button that opens a Teams dialog; it arrives as the invoke `task/fetch`.

    https://learn.microsoft.com/microsoftteams/platform/task-modules-and-cards/task-modules/invoking-task-modules
    """

    model_config = _STRICT
    data: OpenDialogData  # type: ignore[assignment]  # the library takes any data
    mode: types.ActionMode | None = None


class OpenUrl(ac.ActionOpenUrl):
    """A link."""

    model_config = _STRICT
    mode: types.ActionMode | None = None


class ShowCard(ac.ActionShowCard):
    """A button that opens a card below this one."""

    model_config = _STRICT
    mode: types.ActionMode | None = None
    card: "SerializeAsAny[Card]"


class ActionSet(ac.ActionSet):
    """Buttons between other elements."""

    model_config = _STRICT
    actions: list[_Child]  # type: ignore[assignment]  # the library's union is closed


# The card --------------------------------------------------------------------------------------


class Mentioned(Element):
    """Who is mentioned."""

    model_config = _STRICT
    id: str  #: the person's Teams id, `29:…`, or their object id
    name: str


class Mention(Element):
    """Turns `<at>name</at>` in the card's text into a mention."""

    model_config = _STRICT
    type: Literal["mention"] = Field(default="mention", frozen=True)
    text: str
    mentioned: Mentioned


class MSTeams(Element):
    """What only Teams reads."""

    model_config = _STRICT
    width: Literal["Full"] | None = None
    entities: Sequence[Mention] | None = None


class RefreshAction(Element):
    """Makes the client of each of *user_ids* ask for a card of their own."""

    model_config = _STRICT
    action: Execute
    user_ids: Sequence[str] | None = None  #: None: everybody, in conversations of up to 60


class Card(ac.AdaptiveCard):
    """A card. Teams supports 1.5 for bots, and declares its own elements under that number too."""

    model_config = _STRICT
    version: Literal["1.5"] = "1.5"
    body: list[_Child]  # type: ignore[assignment]  # the library's union is closed
    actions: list[_Child] | None = None  # type: ignore[assignment]  # the same
    refresh: RefreshAction | None = None  # type: ignore[assignment]  # the library says str: a bug
    msteams: MSTeams | None = None  # type: ignore[assignment]  # the library has no entities

    def content(self) -> dict[str, Any]:
        """The card as JSON, with a fixed order of keys: `type` first."""
        dumped = self.model_dump(mode="json", exclude_none=True, by_alias=True)
        return {key: _canonical(dumped[key]) for key in _ordered(dumped)}


_FIRST = ("type", "$schema", "version", "id", "title", "text", "label")


def _canonical(node: Any) -> Any:
    if isinstance(node, list):
        return [_canonical(each) for each in node]
    if isinstance(node, dict):
        return {key: _canonical(node[key]) for key in _ordered(node)}
    return node


def _ordered(node: dict[str, Any]) -> list[str]:
    first = [key for key in _FIRST if key in node]
    return first + [key for key in node if key not in first]


# Inherited fields carry forward references of the library ("ElementAnnotated", …), which resolve
# only in its namespace; without this the first card dies with "class not fully defined".
for _model in (
    *(Container, Column, ColumnSet, TextBlock, Badge, Icon, ProgressBar, CodeBlock),
    *(TextInput, NumberInput, DateInput, TimeInput, DataQuery, ChoiceInput, ToggleInput),
    *(Submit, Execute, TaskFetch, OpenDialogData, OpenDialog, OpenUrl),
    *(ActionSet, Mentioned, Mention, MSTeams, RefreshAction, Card, ShowCard),
):
    _model.model_rebuild(force=True, _types_namespace={**vars(ac), **globals()})
