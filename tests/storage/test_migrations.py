from concurrent.futures import ThreadPoolExecutor

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
import pytest
import sqlalchemy as sa

from domain.errors import Refused
from storage.database import parse_url, writing_engine
from storage.migrate import upgrade
from storage.schema import metadata
from storage.store import Store


def test_the_migrations_make_the_tables_that_the_code_expects(url):
    engine = writing_engine(parse_url(url))
    upgrade(engine)

    with engine.connect() as connection:
        differences = compare_metadata(MigrationContext.configure(connection), metadata)
    engine.dispose()

    assert differences == []


def test_many_processes_may_open_a_new_database_at_once(url, open_store):
    with ThreadPoolExecutor(4) as pool:
        stores = list(pool.map(lambda _: open_store(), range(4)))

    assert all(isinstance(each, Store) for each in stores)


def test_a_database_of_a_newer_version_is_refused(url, open_store):
    engine = writing_engine(parse_url(url))
    upgrade(engine)
    with engine.begin() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    engine.dispose()

    with pytest.raises(Refused, match="another version"):
        open_store()


async def test_sqlite_is_opened_durable_and_strict(store):
    if not store.url.startswith("sqlite"):
        return

    def pragmas(unit):
        return [
            unit.connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        ]

    assert await store.transaction(pragmas) == ["wal", 2, 1, 30_000]
    assert await store.read(pragmas) == ["wal", 2, 1, 30_000]
