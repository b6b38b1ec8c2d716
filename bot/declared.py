"""Schedules that workflow files say: what is in the table is made what is in the files.

An entry is known by all that it says: one that is changed is another one, and the old one ends.
So two processes that start at once, with the same files, make nothing twice.
"""

import base64
from collections.abc import Iterable, Mapping
from datetime import datetime
import hashlib

import structlog

from bot.command import Command, Installation, choices
from bot.parsing import complete
from domain.actor import Actor, TenantId
from domain.canonical import canonical
from domain.errors import BadArguments, Refused, Unavailable
from domain.ports import Clock
from domain.schedule import Schedule, ScheduleId, ScheduleState, When
from storage.store import Store
from storage.unit import UnitOfWork
from workflows.definition import Workflow
from workflows.definition_on import Scheduled
from workflows.when import next_after

log = structlog.get_logger(__name__)

_OVER = frozenset({ScheduleState.DONE, ScheduleState.DELETED})


async def declare(
    workflows: Iterable[Workflow],
    installation: Installation,
    store: Store,
    tenant: TenantId,
    clock: Clock,
) -> None:
    """Have what the files of *workflows* say carried out, and nothing else that files said.

    Raises:
        Refused: an entry's inputs do not fit this installation.
        Unavailable: the database did not answer.
    """
    now = clock.now()
    wanted = {
        each.id: each
        for workflow in workflows
        for entry in workflow.schedules
        for each in [await _schedule(workflow, entry, installation, tenant, now)]
    }
    await store.transaction(lambda unit: _reconcile(unit, wanted, installation, tenant))


async def _schedule(
    workflow: Workflow,
    entry: Scheduled,
    installation: Installation,
    tenant: TenantId,
    now: datetime,
) -> Schedule:
    """What *entry* says, as a schedule that begins *now*."""
    command = installation.commands.find(workflow.name)
    when = When(
        text=f"cron {entry.cron}", zone=entry.zone or str(installation.zone), cron=entry.cron
    )
    try:
        known = choices(command, installation.catalogue)
        arguments = complete(entry.inputs, command.syntax, command.fields, known)
    except BadArguments as error:
        raise Refused(
            f"The workflow {workflow.name} has a schedule whose inputs do not fit: {error}"
        ) from error
    identity = {
        "workflow": workflow.name,
        "when": when.text,
        "zone": when.zone,
        "arguments": dict(arguments),
        "owner": entry.owner,
        "channel": entry.channel,
        "late": entry.may_be_late.total_seconds(),
        "tenant": tenant,
    }
    return Schedule(
        id=ScheduleId(_id(canonical(identity))),
        owner=await _owner(entry, installation, tenant),
        channel=entry.channel,
        conversation=None,
        command=workflow.name,
        arguments=arguments,
        line=_line(command, arguments),
        when=when,
        may_be_late=entry.may_be_late,
        state=ScheduleState.ACTIVE,
        rev=1,
        created_at=now,
        next_at=next_after(when, now),
        source=f"workflow/{workflow.name}",
    )


def _id(identity: str) -> str:
    """Eight base-32 characters that follow from *identity*."""
    return base64.b32encode(hashlib.sha256(identity.encode()).digest())[:8].decode().lower()


def _line(command: Command, arguments: Mapping[str, str]) -> str:
    return " ".join([command.name, *arguments.values()])


async def _owner(entry: Scheduled, installation: Installation, tenant: TenantId) -> Actor:
    """Who it is for, by name where the directory says it: who they are counts when it is due."""
    try:
        return await installation.identity.actor(tenant, entry.owner)
    except Unavailable:
        return Actor(tenant=tenant, id=entry.owner, name=entry.owner)


def _reconcile(
    unit: UnitOfWork,
    wanted: Mapping[ScheduleId, Schedule],
    installation: Installation,
    tenant: TenantId,
) -> None:
    """Make the table say *wanted*, as far as files are concerned."""
    transitions = installation.schedules
    for found in unit.schedules.of_files(tenant):
        if found.id not in wanted:
            transitions.remove(unit, found)
            log.info("schedule is not in its file any more", schedule=found.id)
    for each in wanted.values():
        known = unit.schedules.get(each.id)
        if known is None:
            transitions.declare(unit, each)
        elif known.state in _OVER:
            transitions.declare_again(unit, known, each)
