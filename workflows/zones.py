"""Time zones by name, as people write them."""

from functools import cache
from zoneinfo import ZoneInfo, available_timezones

from domain.errors import BadArguments
from workflows.nearest import did_you_mean


def zone_called(name: str) -> str | None:
    """The zone called *name*, in upper or lower case; None where there is none."""
    return _by_lower_case().get(name.lower())


def zone(name: str) -> ZoneInfo:
    """The time zone called *name*.

    Raises:
        BadArguments: there is none.
    """
    found = zone_called(name)
    if found is None:
        guess = did_you_mean(name, list(_by_lower_case().values()), limit=1)
        raise BadArguments(
            f"I know no time zone `{name[:40]}`.{guess}", hint="Write one such as `Europe/Berlin`."
        )
    return ZoneInfo(found)


@cache
def _by_lower_case() -> dict[str, str]:
    return {each.lower(): each for each in sorted(available_timezones())}
