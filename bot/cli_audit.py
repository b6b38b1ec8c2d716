"""`signalbox audit`: look at the audit log, and prove it. Needs no bot, and changes nothing."""

from pathlib import Path

import click

from bot.keys import audit_key
from bot.settings import read_settings

_FORMATS = ("jsonl", "cloudevents", "ocsf")

_STATE = click.option(
    "--state",
    "state_dir",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="The state folder. Default: SIGNALBOX_STATE_DIR, or .signalbox.",
)


@click.group()
def audit() -> None:
    """Verify, export or read the audit log."""


@audit.command()
@_STATE
def verify(*, state_dir: Path | None) -> int:
    """Check that nothing in the audit log was changed.

    Exits 1 if something was, and tells the sequence number of the first bad event.
    """
    from bot.audit import verify as verify_log

    settings = read_settings(state_dir=state_dir)
    verdict = verify_log(settings.database, audit_key(settings), settings.checkpoints)
    if not verdict.ok:
        first = f"First bad event: {verdict.first_bad_seq}. " if verdict.first_bad_seq else ""
        click.echo(f"{first}{verdict.problem}", err=True)
        return 1
    covered = verdict.events - verdict.uncovered
    click.echo(f"Nothing was changed: {_events(verdict.events)} from the first to the last.")
    click.echo(f"Covered by a signed checkpoint: {covered}; not covered yet: {verdict.uncovered}.")
    return 0


@audit.command()
@_STATE
@click.option(
    "--format",
    "form",
    type=click.Choice(_FORMATS),
    default=_FORMATS[0],
    show_default=True,
    help="JSON lines as they were hashed, a CloudEvents batch, or OCSF API Activity.",
)
@click.option(
    "--after",
    "after_seq",
    type=click.IntRange(min=0),
    default=0,
    metavar="SEQ",
    help="Only what stands behind this sequence number.",
)
def export(*, state_dir: Path | None, form: str, after_seq: int) -> None:
    """Print the audit log for other programs, oldest first."""
    from bot.audit_export import Format
    from bot.audit_export import export as lines_of

    settings = read_settings(state_dir=state_dir)
    for line in lines_of(settings.database, Format(form), after_seq=after_seq):
        click.echo(line)


@audit.command()
@_STATE
@click.option(
    "-n",
    "--lines",
    type=click.IntRange(1, 10_000),
    default=20,
    show_default=True,
    help="How many events.",
)
def tail(*, state_dir: Path | None, lines: int) -> None:
    """Print the newest events in words, the newest last."""
    from bot.audit_export import tail as newest

    settings = read_settings(state_dir=state_dir)
    for line in newest(settings.database, lines):
        click.echo(_printable(line))


@audit.command()
@click.argument("run")
@_STATE
@click.option(
    "--at",
    "seq",
    type=click.IntRange(min=1),
    metavar="SEQ",
    help="All that is known of the run at that event of the log.",
)
def replay(*, run: str, state_dir: Path | None, seq: int | None) -> int:
    """Print what became of a run, event by event; or what it was at one.

    Exits 1 if the run is not what the log says that became of it.
    """
    from bot.history import line, listing
    from storage.run_record import run_record
    from workflows.replay import disagreements, moment_at
    from workflows.replay import replay as moments_of

    record = run_record(read_settings(state_dir=state_dir).database, run)
    moments = list(moments_of(record.entries))
    if seq is not None:
        moment = moment_at(moments, seq, newest=record.newest)
        for each in (line(moment), *listing(moment)):
            click.echo(_printable(each))
        return 0
    for moment in moments:
        click.echo(_printable(line(moment)))
    if not moments or not moments[-1].is_whole:
        click.echo("It began before the log told what becomes of runs: not all of it is known.")
        return 0
    wrong = disagreements(moments[-1], record.run, record.steps, record.gates)
    for each in wrong:
        click.echo(_printable(each), err=True)
    if not wrong:
        click.echo("The run is what the log says that became of it.")
    return 1 if wrong else 0


def _printable(text: str) -> str:
    return "".join(each if each.isprintable() else "�" for each in text)


def _events(count: int) -> str:
    return "1 event" if count == 1 else f"{count} events"
