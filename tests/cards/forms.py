"""Forms in every state a card can show, and diagnoses."""

from collections.abc import Callable, Mapping
from typing import Any

from cards import elements as e
from cards.diagnosis import Finding, Verdict, diagnosis_card
from cards.form import (
    FormButtons,
    FormField,
    FormView,
    ended_card,
    form_card,
    said_card,
    window_card,
)
from cards.view import Button
from domain.field import Choice, Field, FieldType

SERVICE = Field(name="service", type=FieldType.SERVICE, description="What to deploy")
VERSION = Field(
    name="version", type=FieldType.VERSION, description="Which version, such as v1.1.0"
)
ENVIRONMENT = Field(name="environment", type=FieldType.ENVIRONMENT, description="Where to")
REASON = Field(name="reason", description="Why", required=False)
VERSIONS = ("v1.2.1", "v1.2.0", "v1.1.0", "v1.0.0")
UNTIL = "Open until 14:32 CET, in 30 min."


def button(title: str, style: Any = "default") -> Button:
    return Button(title=title, verb="deploy", token=f"tok-{title.lower()}", style=style)


def buttons(submit: str, *others: str, window: bool = True) -> FormButtons:
    return FormButtons(
        submit=button(submit, "positive"),
        others=tuple(map(button, others)),
        window=button("All in one form") if window else None,
    )


def choices(*values: str) -> tuple[Choice, ...]:
    return tuple(Choice(value=each, title=each) for each in values)


def question() -> dict[str, Any]:
    """The second question of a guided dialog."""
    view = FormView(
        title="Deploy",
        asked="dev-1",
        fields=(FormField(field=VERSION, choices=choices(*VERSIONS)),),
        answered=(("Service", "shop"),),
        outlook="Nothing is changed before you have seen the plan.",
        until=UNTIL,
    )
    return form_card(view, buttons("Next", "Back", "Cancel", "Help"))


def last_question() -> dict[str, Any]:
    """The last question, which may be left out; with help."""
    view = FormView(
        title="Deploy",
        asked="dev-1",
        fields=(FormField(field=REASON),),
        answered=(("Service", "shop"), ("Version", "v1.1.0"), ("Environment", "prod")),
        note="Why. Choose here, or mention me and type the answer; back and skip work, too.",
        outlook="Then I show the plan, which needs 2 approvals from prod-approvers.",
        until=UNTIL,
    )
    return form_card(view, buttons("Deploy", "Back", "Cancel", "Help"))


def form_with_errors() -> dict[str, Any]:
    """A short flow as one form, sent with something wrong in it."""
    view = FormView(
        title="Deploy",
        asked="dev-1",
        fields=(
            FormField(
                field=VERSION,
                choices=choices(*(f"v1.{minor}.0" for minor in range(12, 0, -1))),
                value="v1.9.9",
                error="I know no version `v1.9.9`. Known: v1.12.0, v1.11.0 and 10 more.",
            ),
            FormField(
                field=ENVIRONMENT,
                choices=choices("staging", "prod"),
                value="prod",
                error="dev-1 may not deploy shop in prod. That needs the role operator.",
            ),
            FormField(field=REASON, value="PAY-812 refund fix"),
        ),
        answered=(("Service", "shop"),),
        until=UNTIL,
    )
    return form_card(view, buttons("Deploy", "Back", "Cancel", "Help"))


def form_of_every_kind() -> dict[str, Any]:
    """An input of every type."""
    fields = (
        Field(name="title", description="In a few words", pattern="[A-Z].*"),
        Field(name="replicas", type=FieldType.NUMBER, minimum=1, maximum=200),
        Field(name="drain", type=FieldType.BOOLEAN, description="Let requests end first"),
        Field(name="day", type=FieldType.DATE),
        Field(name="at", type=FieldType.TIME),
        Field(name="secret", type=FieldType.SECRET, description="The name of a secret"),
        Field(name="notes", multiline=True, required=False, description="Anything else"),
    )
    values = {"replicas": "3", "drain": "true", "day": "2026-11-25", "at": "14:30"}
    zones = Field(name="zones", type=FieldType.MULTI_CHOICE, choices=("a", "b", "c"))
    view = FormView(
        title="Recycle",
        asked="sre-1",
        fields=(
            *(FormField(field=each, value=values.get(each.name, "")) for each in fields),
            FormField(field=zones, choices=choices("a", "b", "c"), value="a,c"),
        ),
        until=UNTIL,
    )
    return form_card(view, buttons("Recycle", "Cancel", "Help", window=False))


def window() -> dict[str, Any]:
    """The whole form as a Teams dialog; versions are searched for."""
    view = FormView(
        title="Deploy",
        asked="dev-1",
        fields=(
            FormField(field=SERVICE, choices=choices("shop", "billing"), value="shop"),
            FormField(field=VERSION, dataset="tok-search", choices=choices(*VERSIONS)),
            FormField(field=ENVIRONMENT, choices=choices("staging", "prod")),
            FormField(field=REASON),
        ),
        outlook="Nothing is changed before you have seen the plan.",
    )
    return window_card(view, button("Deploy", "positive"))


def unlisted() -> dict[str, Any]:
    """Nothing could be listed to choose from."""
    view = FormView(
        title="Deploy",
        asked="dev-1",
        fields=(
            FormField(field=VERSION, note="The versions cannot be listed right now: type it."),
        ),
        answered=(("Service", "shop"),),
        until=UNTIL,
    )
    return form_card(view, buttons("Next", "Back", "Cancel", "Help"))


def cancelled() -> dict[str, Any]:
    """A dialog that somebody left."""
    return ended_card(
        title="Deploy",
        state="Cancelled · asked of dev-1",
        words="Nothing was done.",
        answered=(("Service", "shop"), ("Version", "v1.1.0")),
        glyph=e.STOPPED,
    )


def said() -> dict[str, Any]:
    """An answer in words, in a dialog's place."""
    return said_card("Why", "dev-1 may deploy shop in prod.\n\nIt takes **2 approvals**.")


def diagnosis() -> dict[str, Any]:
    """A service that is not well."""
    findings = (
        Finding(
            title="Process",
            verdict=Verdict.DOUBTFUL,
            sentence="It runs, but was started less than two minutes ago.",
            detail="pid 4711, uptime 0:00:41",
        ),
        Finding(
            title="Health check",
            verdict=Verdict.ILL,
            sentence="It answers 503 with status failing, as v1.2.0.",
        ),
        Finding(
            title="Version",
            verdict=Verdict.WELL,
            sentence="v1.2.0 is installed, and answers.",
            detail="Commit 0123456789ab",
        ),
        Finding(title="Log", verdict=Verdict.UNKNOWN, sentence="supervisord did not answer."),
    )
    return diagnosis_card(
        "shop in prod",
        findings,
        complaint="Somebody says that it answers with errors and it is slow",
        buttons=[button("Restart"), button("Rollback"), button("Logs")],
    )


FORMS: Mapping[str, Callable[[], dict[str, Any]]] = {
    "form-question": question,
    "form-last-question": last_question,
    "form-with-errors": form_with_errors,
    "form-of-every-kind": form_of_every_kind,
    "form-unlisted": unlisted,
    "form-window": window,
    "form-cancelled": cancelled,
    "form-said": said,
    "diagnosis": diagnosis,
}
