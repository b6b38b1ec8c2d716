"""What a run that has finished leaves behind: rows, and bytes on disk with their indexes."""

import asyncio
from collections.abc import Iterator, Mapping

import sqlalchemy as sa

from bench.engine.databases import Server
from bench.engine.fill import Filled, fill
from bench.engine.growth import finished
from bench.figures import Figure
from storage.database import parse_url

COPIES = 2000

_SQLITE = """
SELECT m.tbl_name, sum(s.pgsize) FROM dbstat s JOIN sqlite_schema m ON m.name = s.name
GROUP BY m.tbl_name
"""
_POSTGRESQL = "SELECT relname, pg_total_relation_size(relid) FROM pg_stat_user_tables"


async def measure(server: Server) -> list[Figure]:
    """The figures on a database of *server*."""
    url = await finished(server, 0)
    run_id = await asyncio.to_thread(_only_run, url)
    before = await asyncio.to_thread(_bytes, server, url)
    filled = await asyncio.to_thread(fill, url, run_id, COPIES)
    after = await asyncio.to_thread(_bytes, server, url)
    server.drop(url)
    return list(_figures(server.name, filled, before, after))


def _figures(
    name: str, filled: Filled, before: Mapping[str, int], after: Mapping[str, int]
) -> Iterator[Figure]:
    total = 0.0
    for table, rows in filled.rows.items():
        if not rows:
            continue
        own = table.rpartition(".")[2]
        size = (after[own] - before.get(own, 0)) / COPIES
        total += size
        yield Figure(f"{name}, a run of five steps: rows of {own}", rows / COPIES, "rows")
        yield Figure(f"{name}, a run of five steps: bytes of {own}", size, "bytes")
    yield Figure(f"{name}, a run of five steps: bytes in all", total, "bytes")


def _only_run(url: str) -> str:
    engine = sa.create_engine(parse_url(url))
    with engine.connect() as connection:
        found = connection.exec_driver_sql("SELECT id FROM runs").scalar_one()
    engine.dispose()
    return str(found)


def _bytes(server: Server, url: str) -> dict[str, int]:
    engine = sa.create_engine(parse_url(url))
    with engine.connect() as connection:
        sizes = connection.exec_driver_sql(_SQLITE if server.is_sqlite else _POSTGRESQL).all()
    engine.dispose()
    return {str(table): int(size) for table, size in sizes}
