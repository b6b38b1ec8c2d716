"""The log: one event, one line, and no secret in it."""

from collections.abc import Iterator
import json
import logging
import warnings

from hypothesis import given
from hypothesis import strategies as st
import pytest
import structlog

from bot.logs import MASK, mask, set_up_logs, set_up_quiet_logs
from tests.settings.environments import DEMO, PASSWORD, PRODUCTION, SECRETS


@pytest.fixture(autouse=True)
def _restored() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    yield
    logging.captureWarnings(capture=False)
    root.handlers, root.level = handlers, level
    structlog.reset_defaults()


def test_a_line_is_one_json_object(read, capsys):
    set_up_logs(read(**PRODUCTION))

    structlog.get_logger("bot.dispatch").info("step finished", run="k7f3q2ma", seconds=1.5)

    line = json.loads(capsys.readouterr().err)
    assert line.pop("timestamp").endswith("Z")
    assert line == {
        "event": "step finished",
        "level": "info",
        "logger": "bot.dispatch",
        "run": "k7f3q2ma",
        "seconds": 1.5,
    }


def test_what_somebody_sends_makes_no_second_line(read, capsys):
    for variables in (PRODUCTION, DEMO):
        set_up_logs(read(**variables))
        text = '\r\n{"level":"info","event":"approved"}\x1b[2K'

        structlog.get_logger("bot").warning("refused", text=text)

        captured = capsys.readouterr().err
        assert captured.count("\n") == 1
        assert "\x1b[2K" not in captured


def test_libraries_speak_in_the_same_way_from_warnings_on(read, capsys):
    set_up_logs(read(**PRODUCTION))

    logging.getLogger("aiohttp").info("chatter")
    logging.getLogger("aiohttp").warning("the password is %s", PASSWORD)
    with warnings.catch_warnings(action="always"):
        warnings.warn("odd", UserWarning, stacklevel=1)

    first, second = map(json.loads, capsys.readouterr().err.splitlines())
    assert (first["logger"], first["event"]) == ("aiohttp", f"the password is {MASK}")
    assert "odd" in second["event"]


def test_a_level_can_be_asked_for(read, capsys):
    set_up_logs(read(**PRODUCTION, LOG_LEVEL="error"))
    structlog.get_logger("bot").warning("not said")
    assert capsys.readouterr().err == ""

    set_up_quiet_logs()
    structlog.get_logger("bot").info("not said")
    assert capsys.readouterr().err == ""
    structlog.get_logger("bot").warning("said")
    assert "said" in capsys.readouterr().err


def test_a_secret_in_a_traceback_is_masked(read, capsys):
    set_up_logs(read(**PRODUCTION))

    try:
        int(PASSWORD)  # ValueError quotes it
    except ValueError:
        structlog.get_logger("bot").exception("failed", why=[{PASSWORD: PASSWORD.encode()}])

    captured = capsys.readouterr().err
    assert "ValueError" in captured
    assert PASSWORD not in captured


class Holder:
    """A value that shows a secret when it is printed."""

    def __str__(self) -> str:
        return f"<{PASSWORD}>"


VALUES = st.recursive(
    st.sampled_from([*SECRETS, Holder()]) | st.text() | st.integers() | st.none(),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(SECRETS) | st.text(), inner),
)


@given(VALUES, st.text(), st.text())
def test_no_secret_gets_through_whatever_is_around_it(value, before, after):
    event = {"event": f"{before}{PASSWORD}{after}", "value": value}

    masked = mask(SECRETS)(None, "info", event)

    shown = json.dumps(masked, default=str, ensure_ascii=False)
    assert not any(secret in shown for secret in SECRETS)
    assert MASK in masked["event"]


def test_a_word_too_short_to_be_a_secret_is_left_alone():
    assert mask(["", "x"])(None, "info", {"event": "x y"}) == {"event": "x y"}
