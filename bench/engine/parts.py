"""The engine's benchmarks, one after the other, on each kind of database."""

import asyncio
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from bench.engine import growth, parked, sizes, throughput
from bench.engine.databases import Server, servers
from bench.figures import Figure

LONG = "--long"
"""Takes half an hour and 60 GB of disk: a million finished runs, a hundred thousand parked."""

Part = Callable[[Server], Coroutine[Any, Any, list[Figure]]]

PARTS: Mapping[str, Part] = {
    "throughput": throughput.measure,
    "sizes": sizes.measure,
    "growth": growth.measure,
}
LONG_PARTS: Mapping[str, Part] = {
    **PARTS,
    "growth": partial(growth.measure, sizes=(*growth.SIZES, growth.MOST)),
    "parked": parked.measure,
}


def measure(arguments: Sequence[str]) -> Iterator[list[Figure]]:
    """The figures of the parts that *arguments* name, or of all; with `--long` of more."""
    parts = LONG_PARTS if LONG in arguments else PARTS
    wanted = [each for each in arguments if each in parts] or list(parts)
    with servers() as kinds:
        for name in wanted:
            for server in kinds:
                yield asyncio.run(parts[name](server))
