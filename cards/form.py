"""A form from the inputs of a command: as a card in a conversation, or as a Teams dialog.

One description gives both. What clients check is a courtesy to whoever fills it in; what was sent
is checked again, and what is wrong with it comes back in the form, with all that was typed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
import re
from typing import Any

from adaptive_cards import card as ac
from adaptive_cards import types as t

from cards import elements as e
from cards import teams
from cards.text import clean, escape, plain
from cards.view import Button
from domain.field import Choice, Field, FieldType, in_digits

INPUT = "in."
"""What the ids of all inputs begin with."""

_AT_A_GLANCE = 6  #: choices that are shown at once; more of them fold away
_LISTED = 60  #: choices of a field in a card; of more, clients are asked to search
_LISTED_CHARACTERS = 15_000  #: in all fields of a card, which has a size that Teams takes
_CHOICE_CHARACTERS = 40  #: of a choice in JSON, besides title and value
_LONGEST_TITLE = 100  #: of a choice
_BETWEEN = ","  #: chosen values: https://adaptivecards.io/explorer/Input.ChoiceSet.html
_LONGEST_TEXT = 1000
_NUMBER = re.compile(r"-?[0-9]{1,15}(?:\.[0-9]{1,15})?")

# What RE2 and JavaScript do not read alike; what has it in it is checked by us alone.
_OURS_ALONE = re.compile(r"\(\?|\\[ACQEpPz]|\[\[:")

_NAMES = {
    FieldType.SERVICE: "Which service?",
    FieldType.ENVIRONMENT: "Which environment?",
    FieldType.VERSION: "Which version?",
    FieldType.RUN: "Which run?",
    FieldType.PERSON: "Who?",
    FieldType.DATE: "On which day?",
    FieldType.TIME: "At what time?",
    FieldType.DURATION: "How long?",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class FormField:
    """An input that is asked for."""

    field: Field
    choices: tuple[Choice, ...] | None = None  #: None: anything of its form
    dataset: str = ""  #: where clients search for choices; empty for nowhere
    value: str = ""
    error: str = ""  #: what is wrong with the value
    note: str = ""  #: why there is nothing to choose from


@dataclass(frozen=True, slots=True, kw_only=True)
class FormView:
    """What somebody is asked."""

    title: str  #: what it is for: "Deploy"
    asked: str  #: who is asked
    fields: tuple[FormField, ...]
    answered: tuple[tuple[str, str], ...] = ()  #: labels and values, in order
    note: str = ""  #: for whoever looks, before everything else
    outlook: str = ""  #: what follows the last answer
    until: str = ""  #: how long there is time


@dataclass(frozen=True, slots=True, kw_only=True)
class FormButtons:
    """What can be pressed in a form that is a card."""

    submit: Button
    others: tuple[Button, ...] = ()
    window: Button | None = None  #: opens it as a Teams dialog


def listed(
    choices: Sequence[Choice] | None, *, value: str, fields: int
) -> tuple[Choice, ...] | None:
    """Those of *choices* that a card lists, where *fields* fields have some; None of None.

    What *value* says is among them, or clients would show that nothing is chosen.
    """
    if choices is None:
        return None
    room = _LISTED_CHARACTERS // max(fields, 1)
    chosen = {value, *value.split(_BETWEEN)}
    shown: list[Choice] = []
    for each in sorted(choices, key=lambda one: one.value not in chosen)[:_LISTED]:
        title = min(len(each.title), _LONGEST_TITLE)
        room -= title + len(each.value) + _CHOICE_CHARACTERS
        if room < 0:
            break
        shown.append(each)
    return tuple(each for each in choices if each in shown)


def form_card(view: FormView, buttons: FormButtons) -> dict[str, Any]:
    """The form as a card in a conversation."""
    heading = question(view)
    header = e.header(
        escape(heading, limit=120),
        kicker=f"{_kind(view)} · asked of {escape(view.asked, limit=60)}",
        subtitle=escape(_description(view)),
    )
    foot = [each for each in (view.outlook, view.until) if each]
    said = (
        f"{plain(view.title, limit=60)}: {plain(view.asked, limit=60)} is asked {_asked_for(view)}"
    )
    card = teams.Card(
        lang="en",
        speak=said,
        fallback_text=f"{said} Say it, and mention me.",
        body=[
            *([e.note(_unquoted(view.note))] if view.note else []),
            header,
            *e.facts([(escape(k, limit=60), escape(v, limit=200)) for k, v in view.answered]),
            *_inputs(view),
            *([e.meta(" ".join(map(escape, foot)), spacing=t.Spacing.MEDIUM)] if foot else []),
        ],
        actions=[
            e.press(buttons.submit, inputs=t.AssociatedInputs.AUTO),
            *(e.press(each) for each in buttons.others),
            *([_open(buttons.window)] if buttons.window else []),
        ],
    )
    return card.content()


def window_card(view: FormView, submit: Button) -> dict[str, Any]:
    """The form as the card of a Teams dialog, which has a title bar of its own."""
    said = f"{plain(view.title, limit=60)}: a form of {len(view.fields)} fields."
    title = plain(submit.title, limit=20)
    card = teams.Card(
        lang="en",
        speak=said,
        fallback_text=said,
        body=[
            *([e.note(_unquoted(view.note))] if view.note else []),
            e.header(escape(question(view), limit=120), kicker=_kind(view)),
            *_inputs(view),
            *([e.meta(escape(view.outlook), spacing=t.Spacing.MEDIUM)] if view.outlook else []),
        ],
        # Teams dialogs know no Action.Execute.
        actions=[
            teams.Submit(title=title, data={"t": submit.token}, style=t.ActionStyle(submit.style))
        ],
    )
    return card.content()


def _kind(view: FormView) -> str:
    return escape(view.title, limit=60) if len(view.fields) == 1 else "Form"


def question(view: FormView) -> str:
    """What is asked, in words: "Which version?", or the form's title for several fields."""
    if len(view.fields) != 1:
        return view.title
    field = view.fields[0].field
    if field.name == "reason":
        return "Why?"
    return _NAMES.get(field.type) or f"{_label(field)}?"


def _asked_for(view: FormView) -> str:
    """The question in a spoken sentence."""
    if len(view.fields) == 1:
        return f"{question(view)[:1].lower()}{question(view)[1:]}"
    names = [_label(each.field).lower() for each in view.fields]
    return f"for {', '.join(names[:-1])} and {names[-1]}." if names else "nothing."


def _description(view: FormView) -> str:
    if len(view.fields) != 1:
        names = [_label(each.field).lower() for each in view.fields if each.field.required]
        return f"Still missing: {', '.join(names)}" if names else "May be left out"
    one = view.fields[0].field
    said = clean(one.description)
    return said if one.required else f"{said}{' · ' if said else ''}May be left out"


def _inputs(view: FormView) -> list[teams.Element]:
    made: list[teams.Element] = []
    for each in view.fields:
        short = replace(each, value=each.value[:_LONGEST_TEXT])  # no client of Teams' sends more
        made.append(_input(short, is_alone=len(view.fields) == 1))
        if each.error:
            made.append(_error(each.error))
        elif each.note:
            made.append(e.meta(_unquoted(each.note)))
        elif len(view.fields) > 1 and not _describes_itself(each):
            made.append(e.meta(escape(each.field.description)))
    return made


def _describes_itself(one: FormField) -> bool:
    """Whether the input shows its description within, or has none."""
    is_list = bool(one.dataset or one.choices)
    listless = {FieldType.NUMBER, FieldType.DATE, FieldType.TIME}
    return not clean(one.field.description) or not (is_list or one.field.type in listless)


def _unquoted(sentence: str) -> str:
    """*sentence* escaped, without the backticks that stand for quotes in a message."""
    return escape(sentence.replace("`", ""))


def _error(sentence: str) -> teams.Element:
    return teams.TextBlock(
        text=_unquoted(sentence),
        color=t.Colors.ATTENTION,
        weight=t.FontWeight.BOLDER,
        spacing=t.Spacing.SMALL,
        max_lines=4,
    )


def _input(one: FormField, *, is_alone: bool) -> teams.Element:
    field = one.field
    common: Mapping[str, Any] = {
        "id": f"{INPUT}{field.name}",
        "label": _label_of(field, is_alone=is_alone),
        "is_required": field.required or None,
        "error_message": _hint(one),
        "spacing": t.Spacing.MEDIUM,
    }
    if one.dataset or one.choices:
        return _choice(one, common)
    match field.type:
        case FieldType.NUMBER:
            return teams.NumberInput(
                **common,
                min=_number(field.minimum),
                max=_number(field.maximum),
                value=_number(float(one.value)) if _NUMBER.fullmatch(one.value) else None,
            )
        case FieldType.BOOLEAN:
            return teams.ToggleInput(
                **{**common, "is_required": None, "error_message": None},
                title=plain(field.description or _label(field), limit=120),
                value_on="true",
                value_off="false",
                value=one.value or "false",
                wrap=True,
            )
        case FieldType.DATE:
            return teams.DateInput(
                **common, min=field.least, max=field.most, value=one.value or None
            )
        case FieldType.TIME:
            return teams.TimeInput(
                **common, min=field.least, max=field.most, value=one.value or None
            )
        case _:
            return teams.TextInput(
                **common,
                is_multiline=field.multiline or field.name == "reason" or None,
                max_length=_LONGEST_TEXT,
                regex=_regex(field),
                placeholder=plain(field.description, limit=120) or None,
                value=one.value or None,
            )


def _choice(one: FormField, common: Mapping[str, Any]) -> teams.Element:
    field, choices = one.field, one.choices or ()
    at_a_glance = not one.dataset and len(choices) <= _AT_A_GLANCE
    style = t.ChoiceInputStyle.EXPANDED if at_a_glance else t.ChoiceInputStyle.COMPACT
    if one.dataset:
        style = t.ChoiceInputStyle.FILTERED
    # Folded away, clients show titles as they are; at a glance, as Markdown.
    words = escape if at_a_glance else plain
    return teams.ChoiceInput(
        **common,
        style=style,
        is_multi_select=field.type is FieldType.MULTI_CHOICE or None,
        choices=[
            ac.InputChoice(title=words(each.title, limit=_LONGEST_TITLE), value=each.value)
            for each in choices
        ],
        choices_data=teams.DataQuery(dataset=one.dataset) if one.dataset else None,
        placeholder=None if at_a_glance else "Type to search" if one.dataset else "Choose one",
        value=one.value or None,
        wrap=True,
    )


def _label(field: Field) -> str:
    if field.type is FieldType.RUN:
        return "Run"
    name = plain(field.name.replace("_", " "), limit=60)
    return name[:1].upper() + name[1:]


def _label_of(field: Field, *, is_alone: bool) -> str:
    optional = "" if field.required or is_alone else " (optional)"
    return f"{_label(field)}{optional}"


def _hint(one: FormField) -> str | None:
    """What clients say of a value that breaks a rule of theirs; None where they know none."""
    field, name = one.field, escape(one.field.name.replace("_", " "))
    if one.dataset or one.choices:
        return f"Choose the {name}." if field.required else None
    if field.least is not None or field.most is not None:
        return _between(field.least, field.most)
    rules = [field.required, field.minimum is not None, field.maximum is not None]
    if not any(rules) and _regex(field) is None:
        return None
    low, high = field.minimum, field.maximum
    if low is None:
        return f"Fill in the {name}." if high is None else f"A number, {in_digits(high)} or less."
    if high is None:
        return f"A number, {in_digits(low)} or more."
    return f"A number from {in_digits(low)} to {in_digits(high)}."


def _between(low: str | None, high: str | None) -> str:
    if low is None:
        return f"At most {high}."
    return f"At least {low}." if high is None else f"From {low} to {high}."


def _regex(field: Field) -> str | None:
    """The field's pattern for clients; None for one that they might read otherwise than we."""
    if field.pattern is None or _OURS_ALONE.search(field.pattern):
        return None
    return f"^(?:{field.pattern})$"


def _number(number: float | None) -> float | None:
    """*number* as JSON has it: without a fraction, where it has none."""
    return int(number) if number is not None and float(number).is_integer() else number


def _open(button: Button) -> teams.OpenDialog:
    return teams.OpenDialog(
        title=plain(button.title, limit=20),
        data=teams.OpenDialogData(t=button.token),
        mode=t.ActionMode.SECONDARY,
        associated_inputs=t.AssociatedInputs.NONE,
    )


def ended_card(
    *, title: str, state: str, words: str, answered: Sequence[tuple[str, str]], glyph: e.Glyph
) -> dict[str, Any]:
    """What is left of a dialog that came to nothing: *state* as a word, *words* as a sentence."""
    said = f"{plain(title, limit=60)}: {plain(words)}"
    card = teams.Card(
        lang="en",
        speak=said,
        fallback_text=said,
        body=[
            e.header(escape(title, limit=120), kicker=escape(state, limit=60)),
            e.group([e.row(glyph, [e.body(escape(words))])]),
            *e.facts([(escape(k, limit=60), escape(v, limit=200)) for k, v in answered]),
        ],
    )
    return card.content()


def said_card(title: str, markdown: str) -> dict[str, Any]:
    """An answer in words, which are Markdown already, in a dialog's place."""
    said = plain(title, limit=60)
    card = teams.Card(
        lang="en",
        speak=said,
        fallback_text=said,
        body=[
            e.header(escape(title, limit=120), kicker="Answer"),
            *(e.body(each, spacing=t.Spacing.SMALL) for each in markdown.split("\n\n")),
        ],
    )
    return card.content()
