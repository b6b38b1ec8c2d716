"""How rehearsals are told in a terminal: each case, what is not as expected, and coverage."""

from collections.abc import Iterator, Sequence
from datetime import timedelta

from workflows.durations import text_of
from workflows.rehearsal.coverage import Coverage, Kind
from workflows.rehearsal.rehearse import Rehearsed

_WIDEST = 60


def told(rehearsed: Sequence[Rehearsed], seconds: float) -> Iterator[str]:
    """The lines that tell of *rehearsed*, which took so many *seconds*."""
    for one in rehearsed:
        name, files = one.tested.workflow.name, one.tested.files
        if not files:
            yield f"{name}: no tests; write {one.tested.definition.stem}.test.yaml"
            continue
        yield f"{name}: {', '.join(str(each.path) for each in files)}"
        width = min(max(len(each.case.name) for each in one.performed), _WIDEST)
        for each in one.performed:
            mark = "FAILS" if each.faults else "ok"
            yield f"  {mark:<5}  {each.case.name:<{width}}  {text_of(each.played.took)}"
            yield from map(str, each.faults)
    yield ""
    yield from coverage_table([each.coverage for each in rehearsed])
    yield ""
    cases = [case for one in rehearsed for case in one.performed]
    failed = sum(bool(each.faults) for each in cases)
    time = sum((each.played.took for each in cases), timedelta())
    words = (
        f"{failed} of {len(cases)} cases fail" if failed else f"{_cases(len(cases))} as expected"
    )
    yield f"{words}: {text_of(time)} of virtual time in {seconds:.2f} s."


def coverage_table(coverages: Sequence[Coverage]) -> Iterator[str]:
    """A line for each workflow, and one for each way that no case goes."""
    width = max([len("coverage"), *(len(each.workflow) for each in coverages)])
    kinds = [kind for kind in Kind if any(each.of(kind)[1] for each in coverages)]
    yield "  ".join([f"{'coverage':<{width}}", *(f"{kind.value:>8}" for kind in kinds), "   all"])
    for each in coverages:
        cells = [f"{_of(*each.of(kind)):>8}" for kind in kinds]
        yield "  ".join([f"{each.workflow:<{width}}", *cells, f"{each.percent:>4} %"])
    missed = [(each.workflow, way) for each in coverages for way in each.ways if not way.cases]
    if missed:
        yield "no case reaches:"
    for workflow, way in missed:
        yield f"  {workflow}: {way.what} {way.how}"


def _of(reached: int, there_are: int) -> str:
    return f"{reached} of {there_are}" if there_are else "-"


def _cases(count: int) -> str:
    return "1 case is" if count == 1 else f"{count} cases are"
