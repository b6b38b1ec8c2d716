"""`make bench`: all benchmarks, as tables and in bench/results.json."""

from bench import parts, statements, whoami
from bench.figures import RESULTS, table, write

commands = whoami.main()
print(f"{table(commands)}\n")
costs = parts.main()
print(f"{table(costs)}\n")
counts = statements.main()
print(f"{table(counts)}\n")
write([*commands, *costs, *counts])
print(f"Also in {RESULTS}.")
