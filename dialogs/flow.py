"""What a dialog asks, derived from a command's inputs as they are now.

Required inputs are asked for one by one, in their order, and what may be left out at the end,
together. Where little is missing, all of it is asked at once. No step is counted: what is asked
next follows from which fields have a value, so a dialog goes on under a new version of its flow.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from domain.actor import Actor
from domain.conversation import Conversation
from domain.dialog import PATIENCE, Dialog, DialogState, Style
from domain.field import Field
from workflows.choices import depends_on
from workflows.needed import as_needed

SHORT = 3
"""So many questions fit into one form."""


def opened(
    dialog_id: str,
    *,
    command: str,
    fields: Sequence[Field],
    values: Mapping[str, str],
    owner: Actor,
    conversation: Conversation,
    now: datetime,
) -> Dialog:
    """A new dialog for what *values* do not answer."""
    return Dialog(
        id=dialog_id,
        owner=owner,
        conversation=conversation,
        command=command,
        style=style(fields, values),
        values=dict(values),
        drafts={},
        state=DialogState.OPEN,
        rev=1,
        opened_at=now,
        expires_at=now + PATIENCE,
    )


def style(fields: Sequence[Field], values: Mapping[str, str]) -> Style:
    """One form for a few questions, unless what there is to choose depends on one of them."""
    missing = [each for each in fields if each.name not in values]
    names = {each.name for each in missing}
    is_linked = any(each.choices_from and depends_on(each, fields) & names for each in missing)
    return Style.FORM if len(missing) <= SHORT and not is_linked else Style.GUIDED


def asked(dialog: Dialog, fields: Sequence[Field]) -> tuple[Field, ...]:
    """What is asked now; nothing where all has been answered.

    What is required only with certain answers is so once they were given.
    """
    fields = as_needed(fields, dialog.values)
    missing = [each for each in fields if _is_missing(dialog, each)]
    required = [each for each in missing if each.required]
    if dialog.style is Style.GUIDED and required:
        return (required[0],)
    return tuple(missing)


def question_id(fields: Sequence[Field]) -> str:
    """What names a question in its buttons: an answer to another one is not taken for its own."""
    return ",".join(each.name for each in fields)


def is_last(dialog: Dialog, fields: Sequence[Field]) -> bool:
    """Whether nothing is asked after the question at hand."""
    now = asked(dialog, fields)
    needed = as_needed(fields, dialog.values)
    return sum(_is_missing(dialog, each) for each in needed) == len(now)


def answered(dialog: Dialog, values: Mapping[str, str], now: datetime) -> Dialog:
    """*dialog* with *values*; empty ones for what may be left out, and was."""
    drafts = {name: text for name, text in dialog.drafts.items() if name not in values}
    return _moved(dialog, now, values={**dialog.values, **values}, drafts=drafts)


def before(dialog: Dialog, fields: Sequence[Field]) -> Field | None:
    """The field that was answered before the question at hand; None for the first."""
    now = {each.name for each in asked(dialog, fields)}
    behind: Field | None = None
    for each in _in_order(dialog, fields):
        if each.name in now:
            return behind
        behind = each
    return behind


def back(dialog: Dialog, fields: Sequence[Field], now: datetime) -> Dialog:
    """*dialog* one question earlier; what was answered there is kept as a draft."""
    last = before(dialog, fields)
    if last is None:
        return dialog
    values = {name: text for name, text in dialog.values.items() if name != last.name}
    drafts = {**dialog.drafts, last.name: dialog.values[last.name]}
    return _moved(dialog, now, values=values, drafts=drafts)


def ended(dialog: Dialog, state: DialogState) -> Dialog:
    """*dialog* at an end at which nothing came of it."""
    return replace(dialog, state=state, rev=dialog.rev + 1)


def done(last: Dialog, *, run_id: str = "", result: Mapping[str, object] | None = None) -> Dialog:
    """*last*, the dialog with its last answer, at the end at which the command was used."""
    return replace(last, state=DialogState.DONE, run_id=run_id, result=result)


def title(command: str) -> str:
    """What a dialog for *command* is called."""
    return command.replace("-", " ").replace("_", " ").capitalize()


def summary(dialog: Dialog, fields: Sequence[Field]) -> tuple[tuple[str, str], ...]:
    """What was answered so far: labels and values, in the order of the questions."""
    pairs = ((each, dialog.values.get(each.name, "")) for each in fields)
    return tuple(
        (each.name.replace("_", " ").capitalize(), value) for each, value in pairs if value
    )


def _is_missing(dialog: Dialog, field: Field) -> bool:
    """Whether *field* has no answer yet; what was left out may be needed by now."""
    return field.name not in dialog.values or (field.required and not dialog.values[field.name])


def _in_order(dialog: Dialog, fields: Sequence[Field]) -> list[Field]:
    """*fields* in the order in which they are asked."""
    fields = as_needed(fields, dialog.values)
    if dialog.style is Style.FORM:
        answered_first = [each for each in fields if not _is_missing(dialog, each)]
        return [*answered_first, *(each for each in fields if each not in answered_first)]
    return sorted(fields, key=lambda each: not each.required)


def _moved(
    dialog: Dialog, now: datetime, *, values: Mapping[str, str], drafts: Mapping[str, str]
) -> Dialog:
    return replace(
        dialog, values=values, drafts=drafts, rev=dialog.rev + 1, expires_at=now + PATIENCE
    )
