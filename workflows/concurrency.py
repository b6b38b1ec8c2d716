"""`concurrency: {group, limit}`: how many runs that have something in common go on at once."""

from collections.abc import Mapping
from typing import Any

from domain.errors import Refused
from workflows.definition import Concurrency, Workflow
from workflows.definition_reader import Reader
from workflows.expressions import evaluate

CONCURRENCY_KEYS = ("group", "limit")
MOST_AT_ONCE = 100

_PLACE = ("concurrency",)


def read_concurrency(reader: Reader, value: Any) -> Concurrency | None:
    """What a definition file says; None where it says nothing, or nothing right."""
    if value is None:
        return None
    entry = reader.mapping(_PLACE, value)
    reader.known_keys(_PLACE, entry, CONCURRENCY_KEYS)
    group = entry.get("group")
    if group is None and isinstance(value, dict):
        reader.key_fault(*_PLACE, sentence="`group` is missing: what have the runs in common?")
    limit = entry.get("limit", 1)
    if not isinstance(limit, int) or isinstance(limit, bool) or not 1 <= limit <= MOST_AT_ONCE:
        sentence = f"`limit` is a number from 1 to {MOST_AT_ONCE}."
        reader.fault(*_PLACE, "limit", sentence=sentence)
        limit = 1
    text = "" if group is None else reader.text((*_PLACE, "group"), group)
    return Concurrency(group=text, limit=limit) if text.strip() else None


def group_of(workflow: Workflow, inputs: Mapping[str, str]) -> str:
    """The group that a run of *workflow* belongs to; empty where it belongs to none.

    Raises:
        Refused: its name is no text.
    """
    if workflow.concurrency is None:
        return ""
    group = evaluate(workflow.concurrency.group, {"inputs": workflow.input_values(inputs)})
    if not isinstance(group, str) or not group:
        raise Refused(
            "The concurrency group of this workflow is no text, so it would limit nothing.",
            hint="Whoever looks after the workflow can correct it.",
        )
    return group
