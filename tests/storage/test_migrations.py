from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
import time

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
import pytest
import sqlalchemy as sa

from domain.errors import Refused
import storage
from storage import migrate
from storage.database import parse_url, writing_engine
from storage.migrate import upgrade
from storage.schema import metadata
from storage.store import Store
from tests.databases import KINDS, new_database


@pytest.fixture(params=KINDS)
def database_url(request, tmp_path):
    """Without any tables: here they are to be made."""
    with new_database(request, tmp_path, migrated=False) as made:
        yield made


def test_the_migrations_make_the_tables_that_the_code_expects(database_url):
    engine = writing_engine(parse_url(database_url))
    upgrade(engine)

    with engine.connect() as connection:
        differences = compare_metadata(MigrationContext.configure(connection), metadata)
    engine.dispose()

    assert differences == []


def test_many_processes_may_open_a_new_database_at_once(database_url, open_store):
    with ThreadPoolExecutor(4) as pool:
        stores = list(pool.map(lambda _: open_store(), range(4)))

    assert all(isinstance(each, Store) for each in stores)


def test_a_migration_may_take_longer_than_other_transactions(database_url, monkeypatch):
    """Whoever comes second waits for as long as the first one takes."""
    if not database_url.startswith("postgresql"):
        return  # SQLite has no such limits
    monkeypatch.setattr("storage.database._LONGEST_TRANSACTION_MS", 500)
    monkeypatch.setattr("storage.database._LONGEST_SILENCE_MS", 500)
    patient, hasty = (
        sa.create_engine(parse_url(database_url)),
        writing_engine(parse_url(database_url)),
    )
    with ThreadPoolExecutor(1) as pool, patient.connect() as holder:
        holder.execute(migrate._ONE_MIGRATION)
        waiting = pool.submit(upgrade, hasty)
        time.sleep(1)
        holder.rollback()
        waiting.result(10)
    patient.dispose()
    hasty.dispose()


def test_a_database_of_a_newer_version_is_refused(database_url, open_store):
    engine = writing_engine(parse_url(database_url))
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


def test_what_was_held_before_locks_had_lines_is_held_and_waited_for_after(url, open_store):
    engine = writing_engine(parse_url(url))
    with engine.begin() as connection:
        config = Config()
        folder = Path(storage.__file__).parent / "migrations"
        config.set_main_option("script_location", str(folder))
        config.attributes["connection"] = connection
        command.upgrade(config, "0004")
        for run_id, state, queued_at in (
            ("a", "running", "2026-01-02T03:04:05.000000+00:00"),
            ("b", "queued", "2026-01-02T03:04:06.000000+00:00"),
            ("c", "queued", "2026-01-02T03:04:07.000000+00:00"),
        ):
            connection.execute(
                sa.text(
                    "INSERT INTO runs (id, tenant, workflow, title, definition, inputs, reason,"
                    " requester, conversation, gate_rule, state, rev, generation, created_at,"
                    " lock, outcome, queued_at) VALUES (:id, 't', 'deploy', 'Deploy', '{}', '{}',"
                    " '', :who, '{}', '{}', :state, 1, 1, :at, 'shop/prod', '', :at)"
                ),
                {"id": run_id, "state": state, "at": queued_at, "who": '{"id": "dev"}'},
            )
        connection.execute(
            sa.text("INSERT INTO locks (name, run_id, since) VALUES ('shop/prod', 'a', :at)"),
            {"at": "2026-01-02T03:04:05.000000+00:00"},
        )
    engine.dispose()

    line = open_store()._read(lambda unit: unit.locks.line("shop/prod"))

    assert [(each.run_id, each.place) for each in line.held] == [("a", 0)]
    assert [(each.run_id, each.requester) for each in line.waiting] == [("b", "dev"), ("c", "dev")]
