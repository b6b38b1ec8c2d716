"""All that a database holds about one run, read without a bot: what is told, and what is."""

from dataclasses import dataclass

from domain.approval import Gate
from domain.audit import Entry
from domain.errors import UnknownRun
from domain.run import Run
from domain.step import StepRun
from storage.audit import entries_of_run, newest_of, reading
from storage.gates import Gates
from storage.runs import Runs, Steps


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRecord:
    """A run, and what the audit log tells of it."""

    run: Run
    steps: tuple[StepRun, ...]
    gates: tuple[Gate, ...]
    entries: tuple[Entry, ...]  #: about it, in order
    newest: int  #: the number of the log's newest event


def run_record(url: str, run_id: str) -> RunRecord:
    """What the database at *url* holds about the run. Nothing is changed, and no key needed.

    Raises:
        UnknownRun: there is none.
        Refused, Damaged, Unavailable: as `storage.audit.stored_events`.
    """
    with reading(url) as connection:
        run = Runs(connection).get(run_id)
        if run is None:
            raise UnknownRun(run_id)
        return RunRecord(
            run=run,
            steps=Steps(connection).of(run_id),
            gates=Gates(connection).of(run_id),
            entries=tuple(entries_of_run(connection, run_id)),
            newest=newest_of(connection)[0],
        )
