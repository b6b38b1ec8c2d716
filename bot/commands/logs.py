"""`logs <service> in <environment>`: the last lines that a service wrote."""

from bot.command import Context, Work, command
from bot.live import look
from cards.answers import lines_card
from domain.command import Card, Effect, Invocation
from domain.errors import BadArguments
from domain.field import Field, FieldType

_MOST = 200


@command(
    "logs <service> in <environment> [--lines n]",
    group="Services",
    effect=Effect.READ,
    fields=(
        Field(name="service", type=FieldType.SERVICE),
        Field(name="environment", type=FieldType.ENVIRONMENT),
        Field(
            name="lines",
            type=FieldType.NUMBER,
            default="30",
            required=False,
            flag_only=True,
            description=f"How many, at most {_MOST}",
        ),
    ),
)
async def logs(invocation: Invocation, context: Context) -> Work:
    """The last lines that a service wrote."""
    given = invocation.arguments
    count = given["lines"]
    if not count.isdecimal() or not 1 <= int(count) <= _MOST:
        raise BadArguments(f"The lines are a whole number from 1 to {_MOST}.")
    place = f"{given['service']} in {given['environment']}"
    found = await look(
        context.installation.actions,
        "supervisor.logs@1",
        {
            "service": given["service"],
            "environment": given["environment"],
            "lines": int(count),
        },
        what=place,
    )
    lines = [str(line) for line in found["lines"]][-int(count) :]
    card = lines_card(f"Logs of {place}", "", lines)
    return lambda _: Card(card)
