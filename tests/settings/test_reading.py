"""What the environment may say, name by name."""

from pathlib import Path

import pytest

from bot.settings import (
    DEMO_TENANT,
    DEMO_WORLD,
    VARIABLES,
    AppType,
    BadSettings,
    Level,
    Profile,
    Settings,
    read_settings,
)
from tests.settings.environments import (
    APP,
    AUDIT_KEY,
    DEMO,
    OTHER,
    PASSWORD,
    PRODUCTION,
    SECRETS,
    TENANT,
    TEST,
)


def test_nothing_set_is_production_with_defaults(read):
    settings = read()

    assert settings.profile is Profile.PRODUCTION
    assert settings.app_type is AppType.SINGLE_TENANT
    assert (settings.host, settings.port) == ("127.0.0.1", 3978)
    assert (settings.admin_host, settings.admin) == ("127.0.0.1", 3980)
    assert settings.state_dir == Path.cwd() / ".signalbox"
    assert settings.database == f"sqlite:///{Path.cwd()}/.signalbox/signalbox.db"
    assert settings.checkpoints == Path.cwd() / ".signalbox" / "audit"
    assert settings.log_level is Level.INFO
    assert settings.tenants == frozenset()


@pytest.mark.parametrize(
    ("variables", "field", "expected"),
    [
        ({"APP_ID": APP.upper()}, "app_id", APP),
        ({"APP_ID": " \n"}, "app_id", None),
        ({"APP_ID": ""}, "app_id", None),
        ({"APP_ID": APP}, "bot_id", f"28:{APP}"),
        ({}, "bot_id", "28:00000000-0000-4000-8000-00000000b07a"),
        ({"ALLOWED_TENANTS": f" {TENANT.upper()} ,{OTHER},"}, "tenants", {TENANT, OTHER}),
        ({"APP_TENANT_ID": TENANT}, "tenants", {TENANT}),
        ({"APP_TENANT_ID": TENANT, "ALLOWED_TENANTS": OTHER}, "tenants", {OTHER}),
        ({"PROFILE": "demo"}, "tenants", {DEMO_TENANT}),
        ({"PROFILE": "test"}, "tenants", {DEMO_TENANT}),
        ({"PROFILE": "test", "ALLOWED_TENANTS": TENANT}, "tenants", {TENANT}),
        ({"SECRET_KEYS": "new,old"}, "ring", ("new", "old")),
        ({"SECRET_KEYS": ","}, "ring", ()),
        ({"STATE_DIR": "/var/lib/signalbox"}, "state_dir", Path("/var/lib/signalbox")),
        ({"STATE_DIR": "~/state"}, "state_dir", Path.home() / "state"),
        ({"STATE_DIR": "/s"}, "database", "sqlite:////s/signalbox.db"),
        ({"DATABASE_URL": "postgresql://db/x"}, "database", "postgresql://db/x"),
        ({"DATABASE_URL": "postgresql://db/x"}, "is_on_sqlite", False),
        ({"DATABASE_URL": "sqlite:////s.db"}, "is_on_sqlite", True),
        ({}, "is_on_sqlite", True),
        ({"PROFILE": "demo"}, "config", DEMO_WORLD),
        ({"PROFILE": "test"}, "config", DEMO_WORLD),
        ({"PROFILE": "demo", "CONFIG_DIR": "/c"}, "config", Path("/c")),
        ({"CONFIG_DIR": "here"}, "config_dir", "cwd/here"),
        ({"PROFILE": "demo"}, "admin", 0),
        ({"PROFILE": "demo", "ADMIN_PORT": "3980"}, "admin", 3980),
        ({"PROFILE": "test"}, "admin", 3980),
        ({"ADMIN_PORT": "0"}, "admin", 0),
        ({"PUBLIC_URL": "https://bot.example.com/"}, "public_url", "https://bot.example.com"),
        (
            {"CHANNEL_HOSTS": "127.0.0.1:4000, LocalHost:5000,[::1]:6000"},
            "channel_hosts",
            ("127.0.0.1:4000", "localhost:5000", "[::1]:6000"),
        ),
        ({"LOG_LEVEL": "debug"}, "log_level", Level.DEBUG),
    ],
)
def test_a_value_is_read(read, variables, field, expected):
    settings = read(**variables)

    if expected == "cwd/here":
        expected = Path.cwd() / "here"
    assert getattr(settings, field) == expected


@pytest.mark.parametrize(
    ("variables", "sentence"),
    [
        ({"APPID": APP}, "SIGNALBOX_APPID is no setting I know; did you mean SIGNALBOX_APP_ID?"),
        (
            {"PROFIL": "x"},
            "SIGNALBOX_PROFIL is no setting I know; did you mean SIGNALBOX_PROFILE?",
        ),
        ({"XYZZY": ""}, "SIGNALBOX_XYZZY is no setting I know."),
        ({"": "x"}, "SIGNALBOX_ is no setting I know."),
        (
            {"app_password": PASSWORD},
            "SIGNALBOX_app_password is no setting I know; did you mean SIGNALBOX_APP_PASSWORD?",
        ),
        ({"PROFILE": "staging"}, "SIGNALBOX_PROFILE must be 'production', 'test' or 'demo'."),
        (
            {"APP_TYPE": "MultiTenant"},
            "SIGNALBOX_APP_TYPE must be 'SingleTenant' or 'UserAssignedMSI'.",
        ),
        ({"APP_ID": "28:b07a"}, "SIGNALBOX_APP_ID is no app id."),
        (
            {"APP_TENANT_ID": "contoso"},
            "SIGNALBOX_APP_TENANT_ID is no GUID, such as 00000000-0000-4000-8000-00000000b07a.",
        ),
        (
            {"ALLOWED_TENANTS": f"{TENANT},*"},
            "SIGNALBOX_ALLOWED_TENANTS is no GUID, such as 00000000-0000-4000-8000-00000000b07a.",
        ),
        ({"PORT": "http"}, "SIGNALBOX_PORT must be a valid integer."),
        ({"PORT": "65536"}, "SIGNALBOX_PORT must be less than or equal to 65535."),
        ({"PORT": "-1"}, "SIGNALBOX_PORT must be greater than or equal to 0."),
        ({"PUBLIC_URL": "bot.example.com"}, "SIGNALBOX_PUBLIC_URL is no http(s) URL."),
        ({"LOGIN_URL": "http://u:p@localhost"}, "SIGNALBOX_LOGIN_URL is no http(s) URL."),
        ({"GRAPH_URL": "http://[bad"}, "SIGNALBOX_GRAPH_URL is no http(s) URL."),
        (
            {"CHANNEL_HOSTS": "localhost"},
            "SIGNALBOX_CHANNEL_HOSTS must be a list of host:port, separated by commas.",
        ),
        (
            {"CHANNEL_HOSTS": "localhost:99999"},
            "SIGNALBOX_CHANNEL_HOSTS must be a list of host:port, separated by commas.",
        ),
        (
            {"DATABASE_URL": "mysql://root@db/x"},
            "SIGNALBOX_DATABASE_URL must be sqlite:///<file> or postgresql://….",
        ),
        (
            {"LOG_LEVEL": "loud"},
            "SIGNALBOX_LOG_LEVEL must be 'debug', 'info', 'warning' or 'error'.",
        ),
    ],
)
def test_what_says_nothing_is_refused_in_one_sentence(read, variables, sentence):
    with pytest.raises(BadSettings) as error:
        read(**variables)

    assert error.value.words == sentence


def test_the_command_line_wins(read):
    read(PORT="4000", HOST="127.0.0.2")

    settings = read_settings(port=5000, host=None, state_dir=Path("/s"))

    assert (settings.host, settings.port) == ("127.0.0.2", 5000)
    assert settings.state_dir == Path("/s")


def test_production_that_was_told_no_config_folder_says_so(read):
    with pytest.raises(BadSettings, match="SIGNALBOX_CONFIG_DIR does not say where"):
        _ = read().config


@pytest.mark.parametrize("variables", [PRODUCTION, TEST, DEMO])
def test_no_secret_shows(read, variables):
    settings = read(**(variables | PRODUCTION), DATABASE_URL="postgresql://me:made-up-word@db/x")

    shown = repr(settings) + str(settings) + str(settings.model_dump())

    for secret in (*SECRETS, "made-up-word"):
        assert secret not in shown
        assert secret in settings.secrets


@pytest.mark.parametrize("name", ["APP_PASSWORD", "AUDIT_KEY", "SECRET_KEYS", "DATABASE_URL"])
def test_a_refusal_quotes_no_value(read, name):
    with pytest.raises(BadSettings) as error:
        read(**{name: PASSWORD}, PORT=AUDIT_KEY)

    assert PASSWORD not in error.value.words
    assert AUDIT_KEY not in error.value.words
    assert error.value.__cause__ is None


def test_every_setting_is_described():
    for name, field in VARIABLES.items():
        assert (Settings.model_fields[field].description or "").endswith("."), name
