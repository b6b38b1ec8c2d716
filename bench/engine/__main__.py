"""`python -m bench.engine [--long] [PART…]`: the engine's benchmarks alone, or some of them."""

import sys

from bench.engine.parts import measure
from bench.figures import table

for figures in measure(sys.argv[1:]):
    print(f"{table(figures)}\n", flush=True)
