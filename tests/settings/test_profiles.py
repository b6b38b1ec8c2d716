"""What each profile asks for and refuses."""

from pathlib import Path

import pytest

from bot.profiles import Process, check, is_loopback
from bot.settings import BadSettings
from tests.settings.environments import DEMO, NEW_KEY, PRODUCTION, SECRETS, TEST

SERVING = list(Process)[:3]
POSTGRES = {"DATABASE_URL": "postgresql://db/signalbox"}
BY_MACHINE = {"APP_TYPE": "UserAssignedMSI", "APP_PASSWORD": None}


@pytest.mark.parametrize(
    ("variables", "process"),
    [
        (PRODUCTION, Process.SERVE),
        (PRODUCTION | POSTGRES, Process.SERVE),
        (PRODUCTION | POSTGRES, Process.SERVE_ALONE),
        (PRODUCTION | POSTGRES, Process.WORKER),
        (PRODUCTION | BY_MACHINE, Process.SERVE),
        (PRODUCTION | {"PUBLIC_URL": "https://bot.example.com"}, Process.SERVE),
        (PRODUCTION | {"HOST": "0.0.0.0"}, Process.SERVE),  # noqa: S104
        (TEST, Process.SERVE),
        (TEST, Process.WORKER),
        (TEST, Process.SERVE_ALONE),
        (TEST, Process.DEMO),
        (TEST | {"CHANNEL_OPENID_URL": "http://127.0.0.1:4000/openid"}, Process.SERVE),
        (TEST | {"CHANNEL_HOSTS": "localhost:4000,[::1]:4001"}, Process.SERVE),
        (TEST | {"GRAPH_URL": "http://localhost:4000/"}, Process.SERVE),
        (TEST | {"LOGIN_URL": "http://[::1]:4000", "APP_PASSWORD": "x"}, Process.SERVE),
        (TEST | {"AUDIT_KEY": "short", "SECRET_KEYS": "short"}, Process.SERVE),
        (DEMO, Process.DEMO),
        (DEMO, Process.SERVE),
        (DEMO | {"HOST": "localhost"}, Process.DEMO),
        (DEMO | {"HOST": "::1"}, Process.DEMO),
    ],
)
def test_what_is_right_may_start(read, variables, process):
    check(read(**variables), process)


ENDPOINT = "is for tests only; production goes to Microsoft's endpoints."


@pytest.mark.parametrize(
    ("variables", "sentence"),
    [
        ({"APP_ID": None}, "The production profile needs SIGNALBOX_APP_ID."),
        ({"APP_ID": "  "}, "The production profile needs SIGNALBOX_APP_ID."),
        ({"AUDIT_KEY": None}, "The production profile needs SIGNALBOX_AUDIT_KEY."),
        (
            {"SECRET_KEYS": None, "CONFIG_DIR": None, "APP_PASSWORD": None},
            (
                "The production profile needs SIGNALBOX_APP_PASSWORD, SIGNALBOX_CONFIG_DIR and "
                "SIGNALBOX_SECRET_KEYS."
            ),
        ),
        (
            {"APP_TENANT_ID": None},
            "The production profile needs SIGNALBOX_ALLOWED_TENANTS and SIGNALBOX_APP_TENANT_ID.",
        ),
        (
            BY_MACHINE | {"APP_TENANT_ID": None},
            "The production profile needs SIGNALBOX_ALLOWED_TENANTS.",
        ),
        ({"APP_ID": "bot"}, "SIGNALBOX_APP_ID is no GUID, as the app ids of Entra ID are."),
        (
            {"CHANNEL_OPENID_URL": "https://login.example.com"},
            f"SIGNALBOX_CHANNEL_OPENID_URL {ENDPOINT}",
        ),
        ({"CHANNEL_HOSTS": "localhost:1"}, f"SIGNALBOX_CHANNEL_HOSTS {ENDPOINT}"),
        ({"LOGIN_URL": "http://localhost:1"}, f"SIGNALBOX_LOGIN_URL {ENDPOINT}"),
        ({"GRAPH_URL": "https://graph.example.com"}, f"SIGNALBOX_GRAPH_URL {ENDPOINT}"),
        (
            {"PUBLIC_URL": "http://bot.example.com"},
            "SIGNALBOX_PUBLIC_URL must be an https URL in production.",
        ),
        ({"AUDIT_KEY": "short"}, "SIGNALBOX_AUDIT_KEY must have at least 32 characters."),
        (
            {"SECRET_KEYS": f"{NEW_KEY},short"},
            "Each key of SIGNALBOX_SECRET_KEYS must have at least 32 characters.",
        ),
        (
            {"SECRET_KEYS": ","},
            "Each key of SIGNALBOX_SECRET_KEYS must have at least 32 characters.",
        ),
        (
            {"APP_TYPE": "UserAssignedMSI"},
            "A managed identity needs no credential, but SIGNALBOX_APP_PASSWORD is set.",
        ),
        (
            {"APP_CERTIFICATE_PATH": "/nowhere.pem"},
            "Only one of SIGNALBOX_APP_PASSWORD and SIGNALBOX_APP_CERTIFICATE_PATH may be set.",
        ),
        (
            {"APP_PASSWORD": None, "APP_CERTIFICATE_PATH": "/nowhere.pem"},
            "There is no file where SIGNALBOX_APP_CERTIFICATE_PATH points to.",
        ),
        (
            {"APP_PASSWORD": None, "APP_FEDERATED_TOKEN_PATH": "/nowhere"},
            "There is no file where SIGNALBOX_APP_FEDERATED_TOKEN_PATH points to.",
        ),
    ],
)
@pytest.mark.parametrize("process", SERVING)
def test_production_refuses(read, variables, sentence, process):
    settings = read(**(PRODUCTION | POSTGRES | variables))

    with pytest.raises(BadSettings) as error:
        check(settings, process)

    assert error.value.words == sentence
    assert not any(secret in error.value.words for secret in SECRETS)


@pytest.mark.parametrize("process", [Process.WORKER, Process.SERVE_ALONE])
def test_production_on_sqlite_is_one_process(read, process):
    with pytest.raises(BadSettings) as error:
        check(read(**PRODUCTION), process)

    assert error.value.words == (
        f"`{process}` shares its database with other processes, which SQLite is not for; "
        "set SIGNALBOX_DATABASE_URL to postgresql://…"
    )


@pytest.mark.parametrize(
    ("variables", "process", "sentence"),
    [
        (TEST | {"APP_ID": " "}, Process.SERVE, "The test profile needs SIGNALBOX_APP_ID."),
        (
            TEST | {"CHANNEL_OPENID_URL": "https://login.example.com"},
            Process.SERVE,
            "SIGNALBOX_CHANNEL_OPENID_URL must be an address on loopback.",
        ),
        (
            TEST | {"CHANNEL_HOSTS": "127.0.0.1:80,10.0.0.1:80"},
            Process.SERVE,
            "SIGNALBOX_CHANNEL_HOSTS must be addresses on loopback.",
        ),
        (
            TEST | {"LOGIN_URL": "http://127.0.0.1:4000"},
            Process.SERVE,
            "SIGNALBOX_LOGIN_URL is of no use without SIGNALBOX_APP_PASSWORD.",
        ),
        (
            DEMO | {"HOST": "0.0.0.0"},  # noqa: S104
            Process.DEMO,
            (
                "The demo believes everybody, so SIGNALBOX_HOST must be a loopback address, "
                "such as 127.0.0.1."
            ),
        ),
        (
            DEMO | {"HOST": "::"},
            Process.SERVE,
            (
                "The demo believes everybody, so SIGNALBOX_HOST must be a loopback address, "
                "such as 127.0.0.1."
            ),
        ),
        (
            DEMO | {"ADMIN_HOST": "10.0.0.1"},
            Process.DEMO,
            (
                "The demo believes everybody, so SIGNALBOX_ADMIN_HOST must be a loopback address, "
                "such as 127.0.0.1."
            ),
        ),
        (
            DEMO | {"GRAPH_URL": "http://graph.example.com"},
            Process.DEMO,
            "SIGNALBOX_GRAPH_URL must be an address on loopback.",
        ),
        (
            PRODUCTION,
            Process.DEMO,
            "`signalbox demo` is no production; SIGNALBOX_PROFILE must not say it is.",
        ),
    ],
)
def test_test_and_demo_stay_on_this_machine(read, variables, process, sentence):
    settings = read(**variables)

    with pytest.raises(BadSettings) as error:
        check(settings, process)

    assert error.value.words == sentence


@pytest.mark.parametrize("name", ["APP_CERTIFICATE_PATH", "APP_FEDERATED_TOKEN_PATH"])
def test_a_file_does_instead_of_a_secret(read, tmp_path: Path, name):
    file = tmp_path / "credential"
    file.write_text("made up")

    check(read(**(PRODUCTION | {"APP_PASSWORD": None, name: str(file)})), Process.SERVE)


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("127.0.0.1", True),
        ("127.8.9.10", True),
        ("::1", True),
        ("[::1]", True),
        ("localhost", True),
        ("0.0.0.0", False),  # noqa: S104
        ("::", False),
        ("localhost.example.com", False),
        ("10.0.0.1", False),
        ("", False),
    ],
)
def test_only_this_machine_is_loopback(host, expected):
    assert is_loopback(host) is expected
