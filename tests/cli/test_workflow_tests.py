"""`signalbox workflows test`: what it prints, and how it ends."""

from pathlib import Path
import re
import shutil

import pytest

from bot.settings import DEMO_WORLD
from workflows.definition import CATALOG


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of what ships, to be spoilt."""
    copy = tmp_path / "catalog"
    shutil.copytree(CATALOG, copy)
    return copy


def spoil(file: Path, old: str, new: str) -> int:
    """Put *new* in the place of the first *old* in *file*; its line is given back."""
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new, 1))
    return text[: text.index(old)].count("\n") + 1


def test_what_ships_is_tested_whole(signalbox):
    ended = signalbox("workflows", "test", "--min-coverage", "100", str(CATALOG))

    assert (ended.code, ended.err) == (0, "")
    *_, deploy, restart, rollback, _, last = ended.out.splitlines()
    assert [each.split()[-2:] for each in (deploy, restart, rollback)] == [["100", "%"]] * 3
    assert re.fullmatch(r"25 cases are as expected: 3d\S+ of virtual time in \d+\.\d\d s\.", last)


def test_without_a_path_it_is_what_can_be_run_here(signalbox, tmp_path):
    world = tmp_path / "world"
    shutil.copytree(DEMO_WORLD, world)
    (world / "workflows" / "mine.yaml").write_text(
        "name: mine\ntitle: Mine\ncommand: mine\nsteps:\n  only: {wait: 1s}\n"
    )

    ended = signalbox("workflows", "test", "--min-coverage", "1", CONFIG_DIR=str(world))

    assert (ended.code, ended.err) == (1, "")
    assert "\nmine: no tests; write mine.test.yaml\n" in ended.out
    assert "no case reaches:\n  mine: only runs\n" in ended.out


def test_what_is_not_as_expected_is_told_with_its_place(signalbox, folder):
    tests = folder / "restart.test.yaml"
    line = spoil(tests, "      state: succeeded", "      state: failed")

    ended = signalbox("workflows", "test", str(folder / "restart.yaml"))

    assert (ended.code, ended.err) == (1, "")
    first, case, fault, *_, last = ended.out.splitlines()
    assert first == f"restart: {tests}"
    assert case.startswith("  FAILS  it starts again")
    assert fault == (
        f"{tests}:{line}:14: In “it starts again, with the same version”:"
        " the run is succeeded, not failed."
    )
    assert last.startswith("1 of 6 cases fail: ")


def test_a_workflow_that_was_changed_fails_its_tests(signalbox, folder):
    spoil(folder / "deploy.yaml", "${ steps.previous.version }", "${ inputs.version }")

    ended = signalbox("workflows", "test", str(folder / "deploy.test.yaml"))

    assert ended.code == 1
    assert "In “it is not well, so the version from before runs again”:" in ended.out
    assert '`undo switch` is called with `version` "v1.1.0".' in ended.out


def test_too_little_coverage_fails(signalbox, folder):
    tests = folder / "restart.test.yaml"
    tests.write_text(tests.read_text().partition("  two attempts do not help")[0])

    assert signalbox("workflows", "test", str(tests)).code == 0
    enough = signalbox("workflows", "test", "--min-coverage", "80", str(tests))
    ended = signalbox("workflows", "test", "--min-coverage", "81", str(tests))

    assert (enough.code, ended.code, ended.err) == (0, 1, "")
    assert "  restart: restart is tried again, and is given up\n" in ended.out


@pytest.mark.parametrize("command", ["test", "lint"])
def test_faults_of_a_test_file_are_told_like_those_of_a_workflow(signalbox, folder, command):
    tests = folder / "deploy.test.yaml"
    line = spoil(tests, "answers:\n      health:", "answers:\n      heath:") + 1

    ended = signalbox("workflows", command, str(folder))

    assert (ended.code, ended.err) == (1, "")
    assert ended.out.startswith(
        f"{tests}:{line}:7: `heath` is no step and no action here. Did you mean `health`?\n"
    )


def test_a_workflow_that_does_not_validate_is_not_tested(signalbox, folder):
    line = spoil(folder / "deploy.yaml", "needs: [previous]", "needs: [earlier]")

    ended = signalbox("workflows", "test", str(folder / "deploy.test.yaml"))

    assert (ended.code, ended.err) == (1, "")
    assert ended.out.startswith(f"{folder}/deploy.yaml:{line}:13: There is no step `earlier`.")


def test_tests_of_no_workflow_are_a_fault(signalbox, folder):
    (folder / "deploy.yaml").unlink()

    ended = signalbox("workflows", "test", str(folder))

    assert (ended.code, ended.err) == (1, "")
    assert ended.out == (
        f"{folder}/deploy.test.yaml:1:1: There is no workflow deploy.yaml beside these tests.\n"
    )


def test_a_folder_without_tests_is_no_answer(signalbox, folder):
    for tests in folder.glob("*.test.yaml"):
        tests.unlink()

    ended = signalbox("workflows", "test", str(folder))

    assert (ended.code, ended.out) == (2, "")
    assert ended.err == (
        f"There is no test in {folder}."
        " The tests of deploy.yaml are in deploy.test.yaml, beside it.\n"
    )
