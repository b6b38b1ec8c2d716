"""`make bench`: all benchmarks, as tables and in bench/results.json; more with `ARGS=--long`."""

import sys

from bench import parts, statements, whoami
from bench.engine.parts import measure
from bench.figures import RESULTS, Figure, table, write

found: list[Figure] = []


def take(figures: list[Figure]) -> None:
    """Print *figures*, and keep them."""
    print(f"{table(figures)}\n", flush=True)
    found.extend(figures)


take([*whoami.main()])
take([*parts.main()])
take([*statements.main()])
for each in measure(sys.argv[1:]):
    take(each)
write(found)
print(f"Also in {RESULTS}.")
