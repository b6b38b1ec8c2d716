"""`status`: what runs where, as the live systems say."""

import asyncio

from bot.command import Context, Work, command
from bot.live import look
from cards.answers import StatusRow, status_card
from connectors.connector import Actions
from domain.command import Card, Effect, Invocation
from domain.errors import Refused, Unavailable
from domain.field import Field, FieldType


@command(
    "status [service] [in environment]",
    group="Services",
    aliases=("ps",),
    effect=Effect.READ,
    fields=(
        Field(name="service", type=FieldType.SERVICE, required=False, description="Only this one"),
        Field(
            name="environment",
            type=FieldType.ENVIRONMENT,
            required=False,
            description="Only in this one",
        ),
    ),
)
async def status(invocation: Invocation, context: Context) -> Work:
    """What runs where, and how it is."""
    given, catalogue = invocation.arguments, context.installation.catalogue
    services = [given["service"]] if "service" in given else catalogue.services()
    places = [
        (service, environment)
        for service in services
        for environment in catalogue.environments(service)
        if environment == given.get("environment", environment)
    ]
    actions = context.installation.actions
    rows = await asyncio.gather(*(_row(actions, *place) for place in places))
    card = status_card(rows)
    return lambda _: Card(card)


async def _row(actions: Actions, service: str, environment: str) -> StatusRow:
    """One installation: what does not answer is said to be unknown."""
    place = {"service": service, "environment": environment}
    what = f"{service} in {environment}"
    release, process = await asyncio.gather(
        look(actions, "releases.current@1", place, what=what),
        look(actions, "supervisor.status@1", place, what=what),
        return_exceptions=True,
    )
    problems: list[str] = []
    for each in (release, process):
        if isinstance(each, Refused | Unavailable):
            problems.append(str(each))
        elif isinstance(each, BaseException):
            raise each
    runs = release if not isinstance(release, BaseException) else {}
    lives = process if not isinstance(process, BaseException) else {}
    return StatusRow(
        service=service,
        environment=environment,
        version=str(runs.get("version", "")),
        url=str(runs.get("url", "")),
        state=str(lives.get("state", "unknown")),
        detail=" ".join(dict.fromkeys(problems)) or str(lives.get("description", "")),
    )
