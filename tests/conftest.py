"""For all tests: in CI, a skipped test is a failed run."""

import os

import pytest


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
