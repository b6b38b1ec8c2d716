"""`make bench`: all benchmarks, as tables and in bench/results.json."""

from bench import whoami
from bench.figures import RESULTS, table, write

figures = whoami.main()
print(table(figures))
write(figures)
print(f"\nAlso in {RESULTS}.")
