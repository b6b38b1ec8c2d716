"""What the command line refuses: exit code 2, one sentence, no traceback."""

import os
from pathlib import Path
import subprocess
import sys

import pytest

from tests.cli.conftest import ROOT
from tests.settings.environments import DEMO, PRODUCTION, SECRETS, TEST


@pytest.mark.parametrize(
    ("arguments", "environment", "sentence"),
    [
        (
            ["serve"],
            PRODUCTION | {"APP_ID": ""},
            "The production profile needs SIGNALBOX_APP_ID.\n",
        ),
        (
            ["worker"],
            PRODUCTION | {"APP_ID": "   "},
            "The production profile needs SIGNALBOX_APP_ID.\n",
        ),
        (
            ["serve"],
            PRODUCTION | {"APPID": "x"},
            "SIGNALBOX_APPID is no setting I know; did you mean SIGNALBOX_APP_ID?\n",
        ),
        (
            ["serve"],
            PRODUCTION | {"LOGIN_URL": "http://127.0.0.1:1"},
            "SIGNALBOX_LOGIN_URL is for tests only; production goes to Microsoft's endpoints.\n",
        ),
        (
            ["worker"],
            PRODUCTION,
            (
                "`worker` shares its database with other processes, which SQLite is not for; "
                "set SIGNALBOX_DATABASE_URL to postgresql://…\n"
            ),
        ),
        (
            ["serve", "--no-worker"],
            PRODUCTION,
            (
                "`serve --no-worker` shares its database with other processes, which SQLite is "
                "not for; set SIGNALBOX_DATABASE_URL to postgresql://…\n"
            ),
        ),
        (["serve"], {"PROFILE": "test"}, "The test profile needs SIGNALBOX_APP_ID.\n"),
        (
            ["demo", "--no-browser"],
            {"HOST": "0.0.0.0"},  # noqa: S104
            (
                "The demo believes everybody, so SIGNALBOX_HOST must be a loopback address, "
                "such as 127.0.0.1.\n"
            ),
        ),
        (
            ["demo"],
            {"PROFILE": "production"},
            "`signalbox demo` is no production; SIGNALBOX_PROFILE must not say it is.\n",
        ),
        (["demo", "--port", "x"], {}, "Invalid value for '--port': 'x' is not a valid int"),
        (["deploy"], {}, "No such command 'deploy'"),
        (["serve", "--nowhere"], {}, "No such option '--nowhere'. Did you mean "),
        (["serve", "now"], {}, "Got unexpected extra argument (now)\n"),
        (["policy", "lint", "nowhere"], {}, "Invalid value for '[FOLDER]': Directory 'nowhere'"),
        (
            ["policy", "lint"],
            {},
            "SIGNALBOX_CONFIG_DIR does not say where the config folder is.\n",
        ),
        (
            ["workflows", "lint"],
            {},
            "SIGNALBOX_CONFIG_DIR does not say where the config folder is.\n",
        ),
        (
            ["db", "upgrade"],
            {"DATABASE_URL": "mysql://root:made-up@db/x"},
            "SIGNALBOX_DATABASE_URL must be sqlite:///<file> or postgresql://….\n",
        ),
        (
            ["db", "upgrade"],
            {"DATABASE_URL": "postgresql://127.0.0.1:1/x"},
            "The database did not answer. Try again in a moment.\n",
        ),
    ],
)
def test_what_cannot_be_done_is_one_sentence(signalbox, arguments, environment, sentence):
    ended = signalbox(*arguments, **environment)

    assert (ended.code, ended.out) == (2, "")
    assert ended.err.startswith(sentence)
    assert ended.err.count("\n") == 1
    assert not any(secret in ended.err for secret in SECRETS)


@pytest.mark.parametrize("profile", [PRODUCTION, TEST, DEMO])
def test_a_config_folder_that_is_none_stops_the_start(signalbox, tmp_path: Path, profile):
    environment = profile | {"CONFIG_DIR": str(tmp_path)}

    ended = signalbox("serve", **environment)

    assert (ended.code, ended.out) == (2, "")
    assert f"{tmp_path}/signalbox.yaml:1:1: " in ended.err
    assert "Traceback" not in ended.err


def test_production_without_an_app_id_ends_before_it_listens(process):
    ended = process("serve", **(PRODUCTION | {"APP_ID": ""}))

    assert (ended.code, ended.out) == (2, "")
    assert ended.err == "The production profile needs SIGNALBOX_APP_ID.\n"


def test_help_and_version_are_fine(signalbox):
    for arguments in (["--help"], ["--version"], ["audit", "--help"], ["demo", "--help"]):
        ended = signalbox(*arguments)

        assert (ended.code, ended.err) == (0, "")
        assert ended.out


def test_no_command_shows_the_help_and_is_a_mistake(signalbox):
    ended = signalbox()

    assert (ended.code, ended.out) == (2, "")
    assert "Commands:" in ended.err


def test_the_database_can_be_made_and_made_again(signalbox, tmp_path: Path):
    for _ in range(2):
        ended = signalbox("db", "upgrade", "--state", "made")

        assert (ended.code, ended.err) == (0, "")
        assert ended.out == "The database has the newest schema.\n"
    assert (tmp_path / "made" / "signalbox.db").is_file()


def test_a_reader_that_has_seen_enough_is_no_mistake_to_be_told(state: Path):
    environment = {k: v for k, v in os.environ.items() if not k.startswith("SIGNALBOX_")}
    command = [sys.executable, "-m", "bot", "audit", "export", "--state", str(state)]
    read, write = os.pipe()
    os.close(read)

    with os.fdopen(write, "w") as closed:
        ended = subprocess.run(
            command, env=environment, cwd=ROOT, stdout=closed, stderr=subprocess.PIPE, check=False
        )

    assert ended.stderr == b""
