"""The JSON Schema of a workflow's file, so that editors complete and check it as it is written.

It says no more than `definition_file` does, and not all of it: whether the parts fit together is
for `signalbox workflows lint`. Draft 2020-12: https://json-schema.org/draft/2020-12
"""

from collections.abc import Iterable, Mapping
from typing import Any

from connectors.connector import Action, Actions
from domain.approval import CommentRule
from domain.command import Effect
from domain.field import FieldType
from workflows.concurrency import CONCURRENCY_KEYS, MOST_AT_ONCE
from workflows.definition_file import KEYS, NAME, REQUIRED_KEYS
from workflows.definition_inputs import CHOICES_KEYS, HELD_BACK, INPUT_KEYS, PART
from workflows.definition_on import (
    MOST_SCHEDULES,
    OBJECT_ID,
    ON_KEYS,
    SCHEDULE_KEYS,
    SCHEDULE_REQUIRED_KEYS,
)
from workflows.definition_steps import (
    APPROVE_KEYS,
    CANARY_KEYS,
    KINDS,
    LIMITS_KEYS,
    MOST_ATTEMPTS,
    MOST_STEPS,
    MOST_VOTES,
    NOTIFY_KEYS,
    RETRY_KEYS,
    STEP_KEYS,
    UNDO_KEYS,
    UNTIL_KEYS,
)
from workflows.parts import RetryOn

_EXPRESSION = {"type": "string", "pattern": r"\$\{"}
_SCALAR = {"type": ["string", "number", "boolean"]}
_TEXT = {"type": "string", "minLength": 1}
_DURATION = {
    "type": "string",
    "pattern": r"^(?=.)(\d+d)?(\d+h)?(\d+m(?!s))?(\d+s)?(\d+ms)?$",
    "examples": ["500ms", "30s", "10m", "4h", "3d"],
}

Schema = dict[str, Any]


def workflow_schema(actions: Actions) -> Schema:
    """The schema of a file whose steps may use *actions*."""
    by_name = sorted(actions, key=lambda each: each.reference)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A workflow of Signalbox",
        **_object(_workflow_properties(by_name), KEYS, REQUIRED_KEYS),
    }


def _workflow_properties(actions: list[Action[Any]]) -> Mapping[str, Schema]:
    steps = {
        "type": "object",
        "description": "In the order in which they may begin.",
        "propertyNames": {"pattern": f"^{PART.pattern}$"},
        "minProperties": 1,
        "maxProperties": MOST_STEPS,
        "additionalProperties": _step(actions),
    }
    reading = [each for each in actions if each.effect is Effect.READ]
    return {
        "name": {
            "type": "string",
            "pattern": f"^{NAME.pattern}$",
            "description": "The workflow's name, which its command begins with.",
        },
        "title": {**_TEXT, "description": "What it does, in a few words."},
        "description": {**_TEXT, "description": "What it does, in a sentence for the help."},
        "command": {
            **_TEXT,
            "description": "What people type: the name, <inputs>, [inputs that may be left out].",
            "examples": ["recycle <service> in <environment>"],
        },
        "aliases": {
            "type": "array",
            "items": {"type": "string", "pattern": f"^{NAME.pattern}$"},
            "description": "What the command is called, too.",
        },
        "inputs": {
            "type": "object",
            "propertyNames": {"pattern": f"^{PART.pattern}$"},
            "additionalProperties": _input(reading),
            "description": "What the command takes, in the order in which it is asked for.",
        },
        "lock": {**_TEXT, "description": "Of the runs with the same lock, one runs at a time."},
        "concurrency": {
            **_object(
                {
                    "group": {**_TEXT, "description": "What the runs have in common."},
                    "limit": {"type": "integer", "minimum": 1, "maximum": MOST_AT_ONCE},
                },
                CONCURRENCY_KEYS,
                ("group",),
            ),
            "description": "Of the runs of a group, so many are under way at once.",
        },
        "approval": _object(
            {"comment": {"enum": [each.value for each in CommentRule]}}, ("comment",)
        ),
        "on": _on(),
        "steps": steps,
        "outputs": {
            "type": "object",
            "description": "What it gives to a workflow that runs it.",
        },
    }


def _on() -> Schema:
    """What begins a workflow besides people."""
    entry: Mapping[str, Schema] = {
        "cron": {
            **_TEXT,
            "description": "Minute, hour, day of the month, month, day of the week.",
            "examples": ["30 7 * * 2"],
        },
        "timezone": {**_TEXT, "examples": ["Europe/Berlin"]},
        "with": {"type": "object", "additionalProperties": _SCALAR, "description": "The inputs."},
        "owner": {
            "type": "string",
            "pattern": f"^{OBJECT_ID.pattern}$",
            "description": "The object id in Entra of the person whose rights count.",
        },
        "channel": {**_TEXT, "description": "Where its card is posted: the channel's id."},
        "late": {**_DURATION, "description": "How late it may still run where it was missed."},
    }
    schedule = {
        "type": "array",
        "maxItems": MOST_SCHEDULES,
        "items": _object(entry, SCHEDULE_KEYS, SCHEDULE_REQUIRED_KEYS),
        "description": "When it is begun by itself.",
    }
    return _object({"schedule": schedule}, ON_KEYS)


def _input(reading: list[Action[Any]]) -> Schema:
    kinds = [each.value for each in FieldType if each not in HELD_BACK]
    choices_from = _object(
        {"uses": _uses(reading), "with": {"type": "object"}, "list": _TEXT},
        CHOICES_KEYS,
        ("uses", "list"),
    )
    properties: Mapping[str, Schema] = {
        "type": {"enum": kinds, "default": FieldType.TEXT.value},
        "description": {**_TEXT, "description": "What is asked for."},
        "required": {"type": "boolean"},
        "required_if": {**_EXPRESSION, "description": "It is required where this holds."},
        "default": {**_SCALAR, "description": "What counts where nothing is given."},
        "choices": {"type": "array", "items": {"type": "string"}, "minItems": 1},
        "choices_from": {**choices_from, "description": "Choices that a live system lists."},
        "pattern": {**_TEXT, "description": "RE2, for the whole of the text."},
        "min": {"type": ["number", "string"]},
        "max": {"type": ["number", "string"]},
        "multiline": {"type": "boolean"},
    }
    return _object(properties, INPUT_KEYS)


def _step(actions: list[Action[Any]]) -> Schema:
    reading = [each for each in actions if each.effect is Effect.READ]
    writing = [each for each in actions if each.effect is not Effect.READ]
    undo = _object({"uses": _uses(writing), "with": {"type": "object"}}, UNDO_KEYS, ("uses",))
    properties = {
        "title": {**_TEXT, "description": "What the card calls it."},
        "uses": _uses(actions),
        "wait": {"anyOf": [_DURATION, _until(reading)]},
        "approve": _approve(),
        "run": {**_TEXT, "description": "Another workflow, whose steps become part of the run."},
        "notify": {"anyOf": [_TEXT, _object(_NOTIFY, NOTIFY_KEYS, ("message",))]},
        "with": {"type": "object", "description": "The action's or the workflow's inputs."},
        "needs": {"type": "array", "items": {"type": "string", "pattern": f"^{PART.pattern}$"}},
        "if": {**_EXPRESSION, "description": "The step is skipped where this does not hold."},
        "for_each": {
            "anyOf": [{"type": "array", "minItems": 1}, _EXPRESSION],
            "description": "It is done for each `item`.",
        },
        "max_parallel": {"type": "integer", "minimum": 1},
        "limits": _object(_LIMITS, LIMITS_KEYS),
        "canary": _canary(),
        "timeout": _DURATION,
        "retry": _retry(),
        "undo": {**undo, "allOf": [_with_inputs(each) for each in writing]},
        "always": {"type": "boolean", "description": "Done at the end, whatever came before."},
        "outputs": {"type": "object", "description": "What it gives, over `result`."},
    }
    return {
        **_object(properties, STEP_KEYS),
        "oneOf": [{"required": [each]} for each in KINDS],
        "allOf": [_with_inputs(each) for each in actions],
    }


_NOTIFY: Mapping[str, Schema] = {
    "message": _TEXT,
    "to": {**_TEXT, "description": "A group; without it, the requester."},
}
_LIMITS: Mapping[str, Schema] = {
    "max_targets": {"type": "integer", "minimum": 1},
    "max_percent": {"type": "number", "exclusiveMinimum": 0, "maximum": 100},
    "of": {"anyOf": [{"type": "integer"}, _EXPRESSION]},
}


def _retry() -> Schema:
    kinds = {"enum": [each.value for each in RetryOn]}
    return _object(
        {
            "attempts": {"type": "integer", "minimum": 1, "maximum": MOST_ATTEMPTS},
            "backoff": _DURATION,
            "on": {"type": "array", "items": kinds, "minItems": 1},
        },
        RETRY_KEYS,
    )


def _until(reading: list[Action[Any]]) -> Schema:
    properties = {
        "uses": _uses(reading),
        "with": {"type": "object"},
        "until": _EXPRESSION,
        "every": _DURATION,
        "timeout": _DURATION,
    }
    return _object(properties, UNTIL_KEYS, ("uses", "until"))


def _approve() -> Schema:
    properties: Mapping[str, Schema] = {
        "by": {**_TEXT, "description": "The group whose members may approve."},
        "count": {"type": "integer", "minimum": 1, "maximum": MOST_VOTES},
        "expires": _DURATION,
        "escalate": {**_TEXT, "description": "The group that is called at half time."},
    }
    return _object(properties, APPROVE_KEYS, ("by",))


def _canary() -> Schema:
    properties: Mapping[str, Schema] = {
        "first": {"type": "integer", "minimum": 1},
        "wait": _DURATION,
        "approve": _approve(),
    }
    either = {"oneOf": [{"required": ["wait"]}, {"required": ["approve"]}]}
    return {**_object(properties, CANARY_KEYS), **either}


def _uses(actions: Iterable[Action[Any]]) -> Schema:
    """A reference to one of *actions*, each with what it does."""
    return {
        "description": "An action and its major version.",
        "oneOf": [{"const": each.reference, "description": each.summary} for each in actions],
    }


def _with_inputs(action: Action[Any]) -> Schema:
    """What `with` may hold where *action* is used: its inputs, each as it is or an expression."""
    declared = action.inputs.model_json_schema()
    properties = {
        name: {
            "description": one.get("description", ""),
            "anyOf": [{k: v for k, v in one.items() if k != "description"}, _EXPRESSION],
        }
        for name, one in declared.get("properties", {}).items()
    }
    required = declared.get("required", [])
    inputs = {
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": False,
    }
    then: Schema = {"properties": {"with": inputs}}
    if required:
        then["required"] = ["with"]
    if "$defs" in declared:
        inputs["$defs"] = declared["$defs"]
    return {
        "if": {"properties": {"uses": {"const": action.reference}}, "required": ["uses"]},
        "then": then,
    }


def _object(
    properties: Mapping[str, Schema], keys: Iterable[str], required: Iterable[str] = ()
) -> Schema:
    """An object with these *properties*, in the order of *keys*, and no others."""
    made: Schema = {
        "type": "object",
        "properties": {key: properties[key] for key in keys},
        "additionalProperties": False,
    }
    needed = list(required)
    return {**made, "required": needed} if needed else made
