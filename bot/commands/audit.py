"""`audit`: what happened, from the log that nobody can change unseen."""

from collections.abc import Mapping
import json
from typing import Any

from bot.command import Context, Work, command
from cards.answers import lines_card
from domain.audit import Entry
from domain.command import Card, Effect, Invocation, Reply
from domain.field import Field, FieldType
from storage.unit import UnitOfWork

_SHOWN = 40


@command(
    "audit [id]",
    group="Audit",
    effect=Effect.READ,
    looks_back=True,
    fields=(
        Field(name="id", type=FieldType.RUN, required=False, description="A run's id: all of it"),
    ),
)
async def audit(invocation: Invocation, _context: Context) -> Work:
    """The newest events of the audit log, or all about one run."""
    tenant, run_id = invocation.actor.tenant, invocation.arguments.get("id", "")

    def listed(unit: UnitOfWork) -> Reply:
        entries = unit.audit.of_run(run_id) if run_id else unit.audit.latest(_SHOWN)
        lines = [
            _line(entry, cloud)
            for entry in entries
            if (cloud := _cloud(entry, tenant)) is not None
        ]
        title = f"Audit log of run {run_id}" if run_id else "Audit log"
        return Card(lines_card(title, "oldest first, times in UTC", lines))

    return listed


def _cloud(entry: Entry, tenant: str) -> Mapping[str, Any] | None:
    """The event in *entry*, if it is one of *tenant*'s; an empty one if it cannot be read."""
    try:
        cloud = json.loads(entry.text)
        return cloud if cloud["data"]["tenant"] == tenant else None
    except (ValueError, LookupError, TypeError):
        return {}


def _line(entry: Entry, cloud: Mapping[str, Any]) -> str:
    if not cloud:
        return f"{entry.seq} cannot be read: verify the log"
    happened = cloud["data"]
    facts = (
        str(entry.seq),
        str(cloud.get("time", "")),
        str(cloud.get("type", "")).removeprefix("signalbox."),
        str(happened.get("actor", {}).get("name", "")),
        str(cloud.get("subject", "")),
        str(happened.get("outcome", "")),
        str(happened.get("reason", "")),
    )
    return " ".join(fact for fact in facts if fact)
