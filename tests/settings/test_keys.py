"""Keys: given, or made once for everybody who looks."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
import stat
import threading

import pytest

from bot.keys import Keys, audit_key, installation_keys
from bot.settings import BadSettings
from tests.settings.environments import AUDIT_KEY, DEMO, NEW_KEY, OLD_KEY, PRODUCTION, TEST

GIVEN = Keys(audit=AUDIT_KEY.encode(), ring=(NEW_KEY.encode(), OLD_KEY.encode()))
KEYS = {"AUDIT_KEY": AUDIT_KEY, "SECRET_KEYS": f"{NEW_KEY},{OLD_KEY}"}


@pytest.mark.parametrize("variables", [PRODUCTION, TEST | KEYS, DEMO | KEYS])
def test_given_keys_are_taken_and_none_are_made(read, variables):
    settings = read(**variables)

    assert installation_keys(settings) == GIVEN
    assert audit_key(settings) == GIVEN.audit
    assert not settings.state_dir.exists()


@pytest.mark.parametrize("variables", [TEST, DEMO])
def test_missing_keys_are_made_once(read, variables):
    settings = read(**variables)

    made = installation_keys(settings)

    assert installation_keys(settings) == made
    assert audit_key(settings) == made.audit
    assert made.audit not in made.ring
    assert [len(key) for key in (made.audit, *made.ring)] == [64, 64]  # 32 bytes in hex


def test_a_made_key_is_for_its_owner_alone(read):
    settings = read(**DEMO)
    installation_keys(settings)

    files = sorted(settings.state_dir.iterdir())

    assert [file.name for file in files] == ["audit.key", "secret.keys"]  # no draft is left
    assert [stat.S_IMODE(file.stat().st_mode) for file in files] == [0o600, 0o600]
    assert stat.S_IMODE(settings.state_dir.stat().st_mode) == 0o700


def test_what_a_file_holds_can_be_set_as_a_variable(read):
    made = installation_keys(read(**DEMO))
    texts = {
        "AUDIT_KEY": Path(".signalbox/audit.key").read_text(),
        "SECRET_KEYS": Path(".signalbox/secret.keys").read_text(),
    }

    assert installation_keys(read(**DEMO, **texts, STATE_DIR="elsewhere")) == made


def test_whoever_makes_them_at_once_gets_the_same(read):
    settings = read(**DEMO)
    start = threading.Barrier(8)

    def make(_: int) -> Keys:
        start.wait()
        return installation_keys(settings)

    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(make, range(8)))) == 1


@pytest.mark.parametrize("content", ["", "\n", "half-a-key", "ключ" * 20])
def test_a_damaged_key_is_refused(read, content):
    settings = read(**DEMO)
    settings.state_dir.mkdir()
    (settings.state_dir / "audit.key").write_text(content)

    with pytest.raises(BadSettings, match=r"key in .*audit\.key"):
        installation_keys(settings)
    with pytest.raises(BadSettings, match=r"key in .*audit\.key"):
        audit_key(settings)


def test_production_does_not_go_on_with_a_demos_state(read):
    installation_keys(read(**DEMO))

    with pytest.raises(BadSettings, match=r"is a demo's or a test's; set SIGNALBOX_STATE_DIR"):
        installation_keys(read(**PRODUCTION, PROFILE="production"))


def test_no_key_is_made_for_who_only_wants_to_verify(read):
    settings = read()

    with pytest.raises(BadSettings, match="SIGNALBOX_AUDIT_KEY is not set, and there is no key"):
        audit_key(settings)

    assert not settings.state_dir.exists()


def test_keys_do_not_show(read):
    keys = installation_keys(read(**PRODUCTION))

    assert repr(keys) == "Keys()"
