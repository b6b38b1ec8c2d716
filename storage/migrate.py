"""Bring a database to the newest schema, whoever else is about to do the same."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.util import CommandError
import sqlalchemy as sa

from domain.errors import Refused

_HAS_TRANSACTION_TIMEOUT = (17,)
_ONE_MIGRATION = sa.text("SELECT pg_advisory_xact_lock(7521014312)")


def upgrade(engine: sa.Engine) -> None:
    """Run the migrations that are missing, all in one transaction.

    Raises:
        Refused: the database is of a newer version than this program.
    """
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    with engine.begin() as connection:
        if connection.dialect.name == "postgresql":
            _without_haste(connection)
            connection.execute(_ONE_MIGRATION)
        config.attributes["connection"] = connection
        try:
            command.upgrade(config, "head")
        except CommandError as error:
            raise Refused(
                "The database was made by another version of Signalbox.",
                hint="Install the version that made it, or a newer one.",
            ) from error


def _without_haste(connection: sa.Connection) -> None:
    """Let this transaction last as long as it takes: tables may be large, and others first."""
    limits = ["idle_in_transaction_session_timeout"]
    if (connection.dialect.server_version_info or ()) >= _HAS_TRANSACTION_TIMEOUT:
        limits.append("transaction_timeout")
    for limit in limits:
        connection.execute(sa.text(f"SET LOCAL {limit} = 0"))
