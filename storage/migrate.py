"""Bring a database to the newest schema, whoever else is about to do the same."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.util import CommandError
import sqlalchemy as sa

from domain.errors import Refused

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
            connection.execute(_ONE_MIGRATION)
        config.attributes["connection"] = connection
        try:
            command.upgrade(config, "head")
        except CommandError as error:
            raise Refused(
                "The database was made by another version of Signalbox.",
                hint="Install the version that made it, or a newer one.",
            ) from error
