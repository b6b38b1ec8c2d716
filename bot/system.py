"""The real clock, and real ids: the only place that asks the system for either."""

from datetime import UTC, datetime
import secrets
import uuid

from domain.run import RUN_ID_ALPHABET, RUN_ID_LENGTH


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """The current moment, in UTC."""
        return datetime.now(UTC)  # noqa: TID251 - this is the clock that everybody else is given


class RandomIds:
    """Ids that nobody can guess."""

    def uuid(self) -> str:
        """A random UUID, as text."""
        return str(uuid.uuid4())  # noqa: TID251 - this is what everybody else is given

    def run_id(self) -> str:
        """Eight base-32 characters, random: 40 bits."""
        return "".join(secrets.choice(RUN_ID_ALPHABET) for _ in range(RUN_ID_LENGTH))
