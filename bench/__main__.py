"""`make bench`: all benchmarks, as tables and in bench/results.json."""

from bench import parts, whoami
from bench.figures import RESULTS, table, write

commands = whoami.main()
print(f"{table(commands)}\n")
costs = parts.main()
print(f"{table(costs)}\n")
write([*commands, *costs])
print(f"Also in {RESULTS}.")
