"""For all tests: the databases they run on; and in CI, a skipped test is a failed run."""

from collections.abc import Iterator
import os
from pathlib import Path

import pytest

from tests.databases import KINDS, Postgres, new_database, shared_postgres


def pytest_addoption(parser: pytest.Parser) -> None:
    """What `make crash` asks for."""
    parser.addoption(
        "--long",
        action="store_true",
        help="kill hundreds of processes instead of dozens, and carry out hundreds of runs",
    )


@pytest.fixture(scope="session")
def is_long(request: pytest.FixtureRequest) -> bool:
    """Whether the long form of a test is asked for."""
    return bool(request.config.getoption("long"))


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A PostgreSQL of the session's own; pytest's workers share it."""
    with shared_postgres(os.environ.get("PYTEST_XDIST_TESTRUNUID", f"{os.getpid()}")) as server:
        yield server


@pytest.fixture(params=KINDS)
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A database with nothing in its tables, of each kind in turn."""
    with new_database(request, tmp_path) as made:
        yield made


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail where tests were skipped in CI: nobody would notice that they never run there."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if reporter is None or not os.environ.get("CI"):
        return
    skipped = len(reporter.stats.get("skipped", ()))
    if skipped and session.exitstatus == pytest.ExitCode.OK:
        reporter.write_line(f"\n{skipped} skipped: in CI every test runs.", red=True)
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
