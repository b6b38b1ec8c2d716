"""`signalbox init`: the folder that an installation begins with."""

import os
from pathlib import Path
import re
import shutil

import pytest

from bot.access.cases import run_cases
from bot.config import build_authorizer, load
from bot.offline import open_folder
from bot.settings import DEMO_WORLD
from bot.starter_folder import FILES, STARTER, starter_text

NAMES = sorted(FILES)


def held(folder: Path) -> list[str]:
    """What *folder* holds, down to the last file."""
    return sorted(str(each.relative_to(folder)) for each in folder.rglob("*") if each.is_file())


def test_a_new_folder_is_written_and_said_to_be(signalbox, tmp_path: Path):
    ended = signalbox("init", "ops/my config")

    folder = tmp_path / "ops" / "my config"
    assert (ended.code, ended.err) == (0, "")
    assert held(tmp_path) == [f"ops/my config/{name}" for name in NAMES]
    assert ended.out.startswith("A config folder, in ops/my config:\n  signalbox.yaml  ")
    assert ended.out.endswith(
        "Next:\n"
        "  signalbox policy test 'ops/my config'\n"
        "  signalbox workflows lint 'ops/my config/workflows'\n"
        "  signalbox workflows test 'ops/my config/workflows'\n"
        "  cp 'ops/my config/directory.yaml.example' 'ops/my config/directory.yaml' && "
        "SIGNALBOX_CONFIG_DIR='ops/my config' signalbox demo\n"
    )
    umask = os.umask(0)
    os.umask(umask)
    assert folder.stat().st_mode & 0o777 == 0o777 & ~umask


def test_what_comes_next_works_as_it_is_printed(signalbox, tmp_path: Path):
    signalbox("init", "config")

    assert signalbox("policy", "lint", "config").out.startswith("The policy is right for all ")
    answered = signalbox("policy", "test", "config").out
    assert re.fullmatch(r"([0-9]+) of \1 cases are answered as expected\.\n", answered)
    assert signalbox("workflows", "lint", "config/workflows").out == "Nothing is wrong.\n"
    assert signalbox("workflows", "lint", CONFIG_DIR="config").out == "Nothing is wrong.\n"
    tested = signalbox("workflows", "test", "--min-coverage", "100", "config/workflows")
    assert (tested.code, tested.err) == (0, "")
    assert "6 cases are as expected: " in tested.out
    shutil.copy("config/directory.yaml.example", "config/directory.yaml")
    ended = signalbox(
        "policy",
        "why",
        "--as",
        "dev-1",
        *("recycle", "shop", "in", "staging"),
        CONFIG_DIR="config",
    )
    assert ended.out.startswith(
        "dev-1 may recycle shop in staging.\nRule: developers-change-staging"
    )


def test_an_empty_folder_is_filled_and_stays_the_same_folder(signalbox, tmp_path: Path):
    before = tmp_path.stat().st_ino

    ended = signalbox("init", ".")

    assert (ended.code, held(tmp_path)) == (0, NAMES)
    assert tmp_path.stat().st_ino == before


@pytest.mark.parametrize("thing", [".gitkeep", "policy/policy.cedar"])
def test_a_folder_that_holds_something_is_left_alone(signalbox, tmp_path: Path, thing: str):
    file = tmp_path / "config" / thing
    file.parent.mkdir(parents=True)
    file.write_text("mine")

    ended = signalbox("init", "config")

    assert (ended.code, ended.out) == (2, "")
    assert ended.err == "config holds something already. Name a folder that is new or empty.\n"
    assert (held(tmp_path), file.read_text()) == ([f"config/{thing}"], "mine")


def test_a_second_time_is_refused(signalbox, tmp_path: Path):
    signalbox("init", "config")
    (tmp_path / "config" / "services.yaml").write_text("services: []\n")

    assert signalbox("init", "config").code == 2
    assert (tmp_path / "config" / "services.yaml").read_text() == "services: []\n"


def test_a_file_is_no_folder(signalbox, tmp_path: Path):
    (tmp_path / "config").write_text("mine")

    ended = signalbox("init", "config")

    assert (ended.code, ended.err) == (
        2,
        "config is a file. Name a folder that is new or empty.\n",
    )
    assert (tmp_path / "config").read_text() == "mine"


def test_a_place_that_cannot_be_written_is_named(signalbox, tmp_path: Path):
    (tmp_path / "file").write_text("")

    ended = signalbox("init", "file/config")

    assert (ended.code, ended.out) == (2, "")
    assert ended.err.startswith("file/config cannot be written: ")
    assert ended.err.count("\n") == 1


@pytest.mark.parametrize("is_there", [True, False])
def test_of_a_failed_attempt_nothing_is_left(
    signalbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_there: bool
):
    if is_there:
        (tmp_path / "config").mkdir()
    rename, renamed = Path.rename, []

    def full(self: Path, target: Path) -> Path:
        if len(renamed) == (3 if is_there else 0):
            raise OSError(28, "No space left on device")
        renamed.append(target)
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", full)

    ended = signalbox("init", "config")

    assert ended.code == 2
    assert ended.err == "config cannot be written: No space left on device.\n"
    assert list(tmp_path.rglob("*")) == ([tmp_path / "config"] if is_there else [])


def test_what_is_the_same_for_everybody_is_the_demos():
    schema = "policy/schema.cedarschema"

    assert starter_text(schema) == (DEMO_WORLD / schema).read_text()
    assert not (STARTER / schema).exists()
    assert held(STARTER) == sorted({*NAMES} - {schema})


def test_the_people_to_try_it_with_have_the_groups_of_the_roles(signalbox, tmp_path: Path):
    signalbox("init", "config")
    folder = tmp_path / "config"
    shutil.copy(folder / "directory.yaml.example", folder / "directory.yaml")

    config, demo = load(folder), load(DEMO_WORLD)

    assert config.directory == demo.directory
    assert config.directory is not None
    assert {*config.roles.groups.items()} <= {*demo.roles.groups.items()}


def test_where_the_starter_and_the_demo_speak_of_the_same_they_say_the_same(signalbox, tmp_path):
    """The demo's decision table, as far as the starter has its roles, holds for the starter."""
    signalbox("init", "config")
    config, demo = load(tmp_path / "config"), load(DEMO_WORLD)
    opened = open_folder(tmp_path / "config", tmp_path)
    authorizer = build_authorizer(config, opened.commands.effects)
    shared = [
        each
        for each in demo.cases
        if each.request.service in {"", "shop"}
        and each.request.actor.roles <= {*config.roles.closures}
    ]

    assert len(shared) > 15
    assert [str(fault) for fault in run_cases(shared, authorizer)] == []


YAML = [name for name in NAMES if name.endswith(".yaml")]


@pytest.mark.parametrize("name", [*YAML, "policy/policy.cedar"])
def test_every_part_of_a_file_is_explained(name: str):
    sign = "//" if name.endswith(".cedar") else "#"
    text = starter_text(name)
    parts = [part for part in text.split("\n\n") if re.search(r"^[a-z_]+:", part, re.MULTILINE)]

    assert text.startswith(sign)
    assert [part for part in parts if sign not in part] == []


def test_what_to_change_first_is_marked():
    marked = [name for name in NAMES if "CHANGE FIRST" in starter_text(name)]

    assert marked == [
        "policy/policy.cedar",
        "policy/roles.yaml",
        "services.yaml",
        "signalbox.yaml",
    ]
