"""Every import contract holds, and would not hold if somebody broke it."""

from pathlib import Path
import shutil
import subprocess
import sys
import tomllib

import pytest

ROOT = Path(__file__).parents[2]
LINTER = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
CONTRACTS = {each["id"]: each["name"] for each in LINTER["contracts"]}

OFFENCES = {
    "layers": ("domain/run.py", "import storage.store"),
    "bot": ("bot/settings.py", "import bot.profiles"),
    "commands-independent": ("bot/commands/help.py", "import bot.commands.runs"),
    "connectors-independent": ("connectors/releases.py", "import connectors.supervisor"),
    "botframework-wall": ("bot/dispatch.py", "import botbuilder.core"),
    "sql-stays-in-storage": ("workflows/engine/lifecycle.py", "import sqlalchemy"),
    "dbos-stays-in-the-engine": ("workflows/engine/worker.py", "import dbos"),
    "sandbox": ("bot/app.py", "import sandbox.entra"),
    "pure": ("cards/text.py", "import socket"),
}
"""For each contract, a module and an import that has no place in it."""


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The packages and their settings, for the tests to spoil."""
    copy = tmp_path_factory.mktemp("checkout")
    shutil.copy(ROOT / "pyproject.toml", copy)
    for package in LINTER["root_packages"]:
        shutil.copytree(
            ROOT / package, copy / package, ignore=shutil.ignore_patterns("__pycache__", "static")
        )
    return copy


def lint_imports(checkout: Path, *options: str) -> tuple[int, str]:
    """Exit code and output of import-linter over *checkout*."""
    program = (
        "import sys; sys.path.insert(0, '.');"
        "from importlinter.cli import lint_imports_command; lint_imports_command()"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program, "--no-cache", *options],
        cwd=checkout,
        capture_output=True,
        text=True,
        check=False,
    )
    return ended.returncode, ended.stdout + ended.stderr


def test_all_contracts_hold(checkout: Path):
    code, output = lint_imports(checkout)

    assert code == 0, output


def test_every_contract_is_put_to_the_test():
    assert OFFENCES.keys() == CONTRACTS.keys()


@pytest.mark.parametrize("contract", OFFENCES)
def test_a_contract_that_somebody_breaks_fails(checkout: Path, contract: str):
    module, offence = OFFENCES[contract]
    file = checkout / module
    whole = file.read_text()
    file.write_text(f"{whole}\n{offence}\n")

    try:
        code, output = lint_imports(checkout, "--contract", contract)
    finally:
        file.write_text(whole)

    assert code == 1, output
    assert f"{CONTRACTS[contract]} BROKEN" in output


def test_a_module_of_bot_without_a_place_fails(checkout: Path):
    file = checkout / "bot" / "somewhere.py"
    file.write_text('"""Nobody said where it belongs."""\n')

    try:
        code, output = lint_imports(checkout, "--contract", "bot")
    finally:
        file.unlink()

    assert code == 1, output
    assert "bot.somewhere" in output
