"""`runs`: the latest runs, as a list; `runs shop in prod --mine`: some of them."""

from collections.abc import Callable, Iterable, Iterator, Mapping

from bot.command import Context, Work, command
from bot.run_views import target_of, waits_of
from cards.answers import runs_card
from domain.actor import TenantId
from domain.command import Card, Effect, Invocation, Reply
from domain.field import Field, FieldType
from domain.run import Run
from storage.unit import UnitOfWork

_SHOWN = 15
_PAGE = 30
_LOOKED_AT = 300  #: a run is one row of JSON: what it is about cannot be asked of the database


@command(
    "runs [service] [in environment] [--mine]",
    group="Runs",
    effect=Effect.READ,
    fields=(
        Field(
            name="service",
            type=FieldType.SERVICE,
            required=False,
            description="Only runs of this one",
        ),
        Field(
            name="environment",
            type=FieldType.ENVIRONMENT,
            required=False,
            description="Only runs in this one",
        ),
        Field(
            name="mine",
            type=FieldType.BOOLEAN,
            required=False,
            flag_only=True,
            description="Only those that you asked for",
        ),
    ),
)
async def runs(invocation: Invocation, context: Context) -> Work:
    """The latest runs."""
    actor, installation, given = invocation.actor, context.installation, invocation.arguments
    is_mine = given.get("mine") == "true"
    wanted = (given.get("service", ""), given.get("environment", ""))
    words = [f"{word} {name}" for word, name in zip(("of", "in"), wanted, strict=True) if name]
    about = " ".join([*words, *(["that you asked for"] if is_mine else [])])

    def is_asked_for(run: Run) -> bool:
        if is_mine and run.requester.id != actor.id:
            return False
        fits = (want in {"", has} for want, has in zip(wanted, target_of(run), strict=True))
        return all(fits) and installation.views.may_look(run, actor)

    def listed(unit: UnitOfWork) -> Reply:
        found, looked_at = _found(unit, actor.tenant, is_asked_for)
        is_all = len(found) == _SHOWN or looked_at < _LOOKED_AT
        return Card(
            runs_card(
                found,
                now=unit.now,
                zone=installation.zone,
                about=about,
                looked_at=0 if is_all else looked_at,
                in_line=_in_line(unit, found),
            )
        )

    return listed


def _in_line(unit: UnitOfWork, runs: Iterable[Run]) -> Mapping[str, int]:
    """Where those of *runs* stand that wait for their turn."""
    return {
        run.id: waits.line.position(run.id)
        for run in runs
        if (waits := waits_of(unit, run)) is not None
    }


def _found(
    unit: UnitOfWork, tenant: TenantId, is_asked_for: Callable[[Run], bool]
) -> tuple[list[Run], int]:
    """The newest runs that are asked for, and how many had to be looked at."""
    found: list[Run] = []
    looked_at = 0
    for run in _newest(unit, tenant):
        looked_at += 1
        if is_asked_for(run):
            found.append(run)
        if len(found) == _SHOWN or looked_at == _LOOKED_AT:
            break
    return found, looked_at


def _newest(unit: UnitOfWork, tenant: TenantId) -> Iterator[Run]:
    """All runs, page by page."""
    page = unit.runs.latest(tenant, _PAGE)
    while page:
        yield from page
        page = unit.runs.latest(tenant, _PAGE, before=page[-1])
